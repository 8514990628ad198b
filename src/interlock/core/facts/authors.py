"""Who says they wrote it: author, committer and co-authors of every commit.

Rules:
1. Each identity once, as written, sorted; a name can only add an author, never take one away.
2. A forge's own committer stamp stands for the author beside it and is left out.
3. Each address of a trailer is somebody: one that names two people names both. A trailer in the middle of a
   message counts as well: a squashed merge leaves those of its commits there.
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
_ADDRESS = re.compile(r"[^\s@<>,;()]{1,320}@[^\s@<>,;()]{1,320}")
_BRACKETS = re.compile(r"<([^<>]+)>")
_BETWEEN = " \t,;&<>"
MAX_IDENTITY = 400
"""Characters of a name or an address that are kept."""


def authors_of(parts: Sequence[Part]) -> tuple[Identity, ...]:
    """All identities of all commits."""
    found = {identity for commit in commits_of(parts) for identity in _of(commit)}
    return tuple(sorted(found, key=lambda identity: (identity.name, identity.email)))


def read_identities(text: str) -> tuple[Identity, ...]:
    """Everybody one trailer names: each ``Name <address>`` and ``Name address``; without either, a name alone."""
    found: list[Identity] = []
    end = 0
    for match in _BRACKETS.finditer(text):
        before, name = _bare(text[end : match.start()])
        inside = _ADDRESS.findall(match[1]) if match[1].count("@") > 1 else [match[1]]
        found += [*before, *(_identity(name, address) for address in inside if address.strip())]
        end = match.end()
    before, words = _bare(text[end:])
    found += [_alone(text[end:])] if words and next(_addresses(text[end:]), None) else before
    return tuple(dict.fromkeys(found)) or (_alone(text),)


def _bare(text: str) -> tuple[list[Identity], str]:
    """Addresses without brackets, each with the words before it, and the words after the last."""
    found, end = [], 0
    for match in () if _ADDRESS.fullmatch(text.strip(_BETWEEN)) else _addresses(text):
        name = text[end : match.start()].strip(_BETWEEN)
        found.append(_identity(name, match[0]) if name else _alone(match[0]))
        end = match.end()
    return found, text[end:].strip(_BETWEEN)


def _addresses(text: str) -> Iterator[re.Match[str]]:
    # Without one @ there is none, and a long word need not be tried from each of its letters on.
    return _ADDRESS.finditer(text) if "@" in text else iter(())


def _alone(text: str) -> Identity:
    return Identity(name=text.strip(_BETWEEN)[:MAX_IDENTITY], email="")


def _identity(name: str, email: str) -> Identity:
    return Identity(name=name.strip(_BETWEEN)[:MAX_IDENTITY], email=email.strip()[:MAX_IDENTITY])


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
    for key, text, _ in trailers_of(commit):
        if key in _CO_AUTHOR:
            yield from read_identities(text)


def _of(commit: Commit) -> Iterator[Identity]:
    yield commit.author
    if (commit.committer.name.lower(), commit.committer.email.lower()) not in FORGE_STAMPS:
        yield commit.committer
    yield from co_authors(commit)
