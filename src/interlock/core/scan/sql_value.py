"""What is known of a value that may become a part of SQL, and of what is put together out of such.

Rules:
1. Of a value three things count: which constant words are in it; whether it may be something from elsewhere,
   which is *open*; and where something open was put behind words, its *puts*.
2. An open value at the very start of a text is taken for the statement itself, whose maker answers for it: what
   is put behind words of our own is what ends them.
3. What has no letter in it (a quote, a comma, a percent sign) is no words.
4. Of two ways that a value may have come about both hold.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import reduce

MOST_TEXT = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """``exact``: ``text`` is all of it. ``bound``: only quoted parts can be put into it by ``format``.

    ``keys`` is what a mapping is asked by, where it is known to be one; ``means`` is the last name of a function;
    ``of`` is the class of the same file that it is an object of.
    """

    text: str = ""
    exact: bool = False
    open: bool = False
    puts: frozenset[ast.expr] = frozenset()
    bound: bool = False
    keys: Value | None = field(default=None, repr=False)
    means: str = ""
    of: str = ""

    @property
    def has_words(self) -> bool:
        """Whether a constant in it has a letter."""
        return any(each.isalpha() for each in self.text)

    @property
    def is_fixed(self) -> bool:
        """Whether nothing from elsewhere can be in it."""
        return not self.open and not self.puts


OPEN = Value(open=True)
FINE = Value(text="0")
"""Not known, and harmless."""
EMPTY = Value(exact=True)


def constant(text: str) -> Value:
    """A text that stands in the code."""
    return Value(text=text[:MOST_TEXT], exact=len(text) <= MOST_TEXT)


def either(values: Iterable[Value]) -> Value:
    """What may be any of these; nothing is an empty constant."""
    listed = list(values)
    return reduce(_either, listed) if listed else EMPTY


def _either(one: Value, other: Value) -> Value:
    if one == other:
        return one
    texts = (one.text, other.text)
    text = texts[0] if texts[1] in texts[0] else texts[1] if texts[0] in texts[1] else " ".join(texts)
    asked = [each.keys for each in (one, other) if each.keys is not None]
    return Value(
        text=text[:MOST_TEXT],
        exact=False,
        open=one.open or other.open,
        puts=one.puts | other.puts,
        bound=one.bound and other.bound,
        keys=either(asked) if asked else None,
        means=one.means if one.means == other.means else "",
        of=one.of if one.of == other.of else "",
    )


def put_together(parts: Iterable[Value], node: ast.expr) -> Value:
    """One text of these parts, one behind the other; ``node`` is where."""
    return reduce(lambda one, other: _behind(one, other, node), parts, EMPTY)


def _behind(one: Value, other: Value, node: ast.expr) -> Value:
    puts = one.puts | other.puts
    if other.open and one.has_words:
        puts |= {node}
    return Value(
        text=(one.text + (other.text or ("0" if other.open else "")))[:MOST_TEXT],
        exact=one.exact and other.exact and len(one.text) + len(other.text) <= MOST_TEXT,
        open=one.open or (other.open and not one.has_words),
        puts=puts,
        bound=one.bound and other.bound,
    )


def kept_in(one: Value, more: Value) -> Value:
    """A container with one thing more in it."""
    return more if one == EMPTY else either((one, more))


def without_keys(one: Value) -> Value:
    """What the mapping answers with."""
    return replace(one, keys=None)
