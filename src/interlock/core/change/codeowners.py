"""CODEOWNERS as GitHub and GitLab read it.

Rules:
1. A line is a glob and its owners: ``@login``, ``@organisation/team`` or an address. ``#`` starts a comment,
   a backslash takes the next character as it is. An owner of another form (a forge's application) owns the path
   and names nobody; ``catalog check`` tells.
2. The last rule that matches a path wins, also when it names nobody: that unsets ownership.
3. GitLab's sections (``[Docs]``, ``^[Docs]``, ``[Docs][2] @owner``) are judged each for itself, and the owners
   of all of them own the path; a line without owners takes its section's. ``!glob`` takes a path out of its
   section.
4. No rule is skipped: that would silently give its path to somebody else. A line that is no rule is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from interlock.core.change.catalog import Catalog, OwnerRule, Place
from interlock.core.change.errors import InvalidInput
from interlock.core.change.globs import MAX_PATTERN, matches
from interlock.core.change.yaml_nodes import refused

MAX_LINES = 20_000
_MAX_BYTES = 3 * 1024 * 1024  # GitHub's own limit
_MAX_OWNER = 320
_SECTION = re.compile(r"\^?\[(?P<name>[^\]]+)\](?:\[\d+\])?(?P<owners>(?:\s+\S+)*)\s*")
_WORD = re.compile(r"(?:\\.|[^\s\\])+")
_COMMENT = re.compile(r"(?:^|\s)#.*$")


def read_codeowners(path: str, content: bytes) -> tuple[OwnerRule, ...]:
    """The rules of one file in the order written.

    Raises:
        InvalidInput: ``codeowners-line``, naming file and line.
    """
    if len(content) > _MAX_BYTES:
        raise _bad(path, 1, f"at most {_MAX_BYTES} bytes", str(len(content)))
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeError as error:
        raise _bad(path, 1, "UTF-8 text", "other bytes") from error
    if len(lines) > MAX_LINES:
        raise _bad(path, MAX_LINES, f"at most {MAX_LINES} lines", str(len(lines)))
    rules: list[OwnerRule] = []
    section, default = "", tuple[str, ...]()
    for number, raw in enumerate(lines, 1):
        line = _COMMENT.sub("", raw).strip()
        heading = _SECTION.fullmatch(line)
        if heading:
            section, default = heading["name"].strip().lower(), _owners(path, number, heading["owners"])
        elif line:
            rules.append(_rule(path, number, line, section, default))
    return tuple(rules)


def owners_of(rules: Sequence[OwnerRule], path: str) -> tuple[str, ...]:
    """The owners of ``path`` as written, each once; none where nobody owns it."""
    winners: dict[str, OwnerRule] = {}
    excluded: set[str] = set()
    for rule in rules:
        if rule.pattern.startswith("!"):
            if matches(rule.pattern[1:], path):
                excluded.add(rule.section)
        elif matches(rule.pattern, path):
            winners[rule.section] = rule
    named = (owner for section, rule in winners.items() if section not in excluded for owner in rule.owners)
    return tuple(dict.fromkeys(named))


def owners_in(catalog: Catalog, path: str) -> tuple[str, ...]:
    """The same by the rules of a catalog, which tries only those that may match."""
    places = sorted(place for _, place in catalog.owner_globs.of(path))
    return owners_of([catalog.owner_rules[place] for place in places], path)


def groups_of(catalog: Catalog, owner: str) -> tuple[str, ...]:
    """The owners in the catalog's own words that one owner of CODEOWNERS stands for, sorted.

    ``@organisation/team`` (and a login nobody has) is a group, a login or an address ``user:…`` for each person.
    """
    if owner.startswith("@"):
        name = owner.rpartition("/")[2].lstrip("@").lower()
        people = () if "/" in owner else catalog.by_account.get(name, ())
        named = tuple(f"user:{person}" for person in people)
        return named or tuple(group for group in catalog.groups if group.lower() == name)
    return tuple(f"user:{person}" for person in catalog.by_email.get(owner.lower(), ()))


def people_of(catalog: Catalog, owner: str) -> tuple[str, ...]:
    """The people behind one owner of CODEOWNERS, sorted."""
    return tuple(sorted({person for name in groups_of(catalog, owner) for person in catalog.people_of(name)}))


def _rule(path: str, number: int, line: str, section: str, default: tuple[str, ...]) -> OwnerRule:
    match = _WORD.match(line)
    pattern = match.group() if match else line
    if match is None or len(pattern) > MAX_PATTERN:
        raise _bad(path, number, f"a glob of at most {MAX_PATTERN} characters", line)
    owners = _owners(path, number, line[match.end() :])
    return OwnerRule(
        pattern=pattern, owners=owners or default, place=Place(path=path, line=number), section=section
    )


def _owners(path: str, number: int, text: str) -> tuple[str, ...]:
    words = text.split()
    for word in words:
        if len(word) > _MAX_OWNER or not word.isprintable():
            raise _bad(path, number, "an owner such as `@login`, `@organisation/team` or an address", word)
    return tuple(dict.fromkeys(words))


def _bad(path: str, line: int, expected: str, got: str) -> InvalidInput:
    hint = "a line is a glob and its owners; a space inside the glob is written `\\ `"
    return refused(Place(path=path, line=line), expected, got, code="codeowners-line", hint=hint)
