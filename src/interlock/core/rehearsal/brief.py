"""A text with an upper bound that is still a sentence to read: it ends at a word, and says that it goes on."""

from __future__ import annotations

_LEAVES = 2
"""What is kept at a word is at least one part in so many; a text without words ends anywhere."""


def brief(text: str, most: int) -> str:
    """``text`` in at most ``most`` letters, with ``…`` where something is left out."""
    if len(text) <= most:
        return text
    kept = text[: most - 1]
    if not text[most - 1].isspace():
        whole = kept.rpartition(" ")[0]
        kept = whole if len(whole) * _LEAVES >= most else kept
    return f"{kept.rstrip(' ,;:(`')}…"
