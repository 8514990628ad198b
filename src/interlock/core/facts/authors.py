"""Who says they wrote it: author, committer and co-authors of every commit.

Rules:
1. Each identity once, as written, sorted; a name can only add an author, never take one away.
2. A forge's own committer stamp stands for the author beside it and is left out.
3. A trailer in the middle of a message counts as well: a squashed merge leaves those of its commits there.
4. These are claims. Who of them is which person, and who else is an author (pusher, opener, sponsor), is
   decided where approvals are counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from interlock.core.change.parts import Commit, Identity, Part
from interlock.core.facts.ordered import commits_of

FORGE_STAMPS = frozenset({("github", "noreply@github.com"), ("gitlab", "noreply@gitlab.com")})
_CO_AUTHOR = frozenset({"co-authored-by", "co-developed-by"})
_TRAILER = re.compile(
    r"(?P<key>co-authored-by|co-developed-by|assisted-by|generated-by)\s?:\s*(?P<text>\S.*)", re.IGNORECASE
)
_ADDRESS = re.compile(r"[^\s@<>]+@[^\s@<>]+")
MAX_IDENTITY = 400
"""Characters of a name or an address that are kept."""


def authors_of(parts: Sequence[Part]) -> tuple[Identity, ...]:
    """All identities of all commits."""
    found = {identity for commit in commits_of(parts) for identity in _of(commit)}
    return tuple(sorted(found, key=lambda identity: (identity.name, identity.email)))


def read_identity(text: str) -> Identity:
    """``Name <address>`` as an identity, also without the brackets; text without both is a name alone."""
    name, _, rest = text.partition("<")
    email, end, _ = rest.partition(">")
    if not end or not email.strip():
        name, _, email = text.strip().rpartition(" ")
        if not _ADDRESS.fullmatch(email) or not name.strip():
            return Identity(name=text.strip()[:MAX_IDENTITY], email="")
    return Identity(name=name.strip()[:MAX_IDENTITY], email=email.strip()[:MAX_IDENTITY])


def trailers_of(commit: Commit) -> tuple[tuple[str, str, int | None], ...]:
    """Every trailer with its line: git's own, and those that a squashed merge left amid the message."""
    lines = commit.message.splitlines()
    found: dict[tuple[str, str], int | None] = {(key.lower(), text): None for key, text in commit.trailers}
    for number, line in enumerate(lines, 1):
        match = _TRAILER.fullmatch(line)
        if match:
            key = (match["key"].lower(), match["text"].strip())
            if found.get(key) is None:
                found[key] = number
    return tuple((key, text, line) for (key, text), line in found.items())


def co_authors(commit: Commit) -> Iterator[Identity]:
    """The identities named as co-authors anywhere in the message."""
    return (read_identity(text) for key, text, _ in trailers_of(commit) if key in _CO_AUTHOR)


def _of(commit: Commit) -> Iterator[Identity]:
    yield commit.author
    if (commit.committer.name.lower(), commit.committer.email.lower()) not in FORGE_STAMPS:
        yield commit.committer
    yield from co_authors(commit)
