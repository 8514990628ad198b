"""Which tags of a repository speak of a deployment: versions and deploy markers, newest first.

Rules:
1. A tag says that something was released, or, as a marker (``deploy/…``, ``production-…``), that it was deployed;
   neither says that it really runs. Versions before a release (``-rc1``, ``beta``) and markers of other places
   (``staging-…``) are left out, and counted.
2. A lone number that other versions go on from (``v1`` beside ``v1.4.2``) is moved with each release: left out.
3. Tags of one commit are one release, under its most exact name.
4. A tag may be of a part (``cart/v1.2.3``, ``cart-1.2.3``). Of a service that has such tags only those count;
   where no service is asked for and the whole has versions, the parts' are left out.
5. When is the tagger's word, or the commit's: newest first by it, then by number.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

_VERSION = re.compile(
    r"(?P<of>(?:[^\s]{0,100}?[/@_-])??)(?:release[-/_])?[vV]?(?P<numbers>\d{1,9}(?:\.\d{1,9}){0,3})(?P<rest>\D.*)?"
)
_BEFORE = re.compile(
    r"[-._+]?(?:alpha|beta|a|b|rc|cr|pre|preview|dev|snapshot|nightly|canary|test|m|milestone)(?![a-z])",
    re.IGNORECASE,
)
_WORDS = re.compile(r"[a-z]+|\d+", re.IGNORECASE)
MARKERS = frozenset({"deploy", "deployed", "deployment", "deploys", "prod", "production", "live"})
ELSEWHERE = frozenset({"staging", "stage", "test", "testing", "dev", "development", "qa", "uat", "sandbox"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A tag that leads to a commit. ``at`` is the tagger's time, else the commit's."""

    name: str
    commit: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One commit that was released. ``also`` are its other names; ``marker``: somebody noted a deployment.

    Without a ``tag`` somebody named the commit when asking.
    """

    name: str
    commit: str
    at: datetime
    marker: bool = False
    tag: bool = True
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Releases:
    """The newest ones, how many tags there were, and how many were left out, by the reason."""

    newest: tuple[Release, ...]
    tags: int
    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    tag: Tag
    of: str
    numbers: tuple[int, ...]
    marker: bool


def releases(tags: Sequence[Tag], *, last: int, service: str | None = None) -> Releases:
    """The ``last`` newest releases among these tags."""
    left: Counter[str] = Counter()
    found = [read for tag in tags if (read := _read(tag, left)) is not None]
    found = _of_service(found, service, left)
    found = _unmoved(found, left)
    by_commit: dict[str, list[_Read]] = {}
    for one in found:
        by_commit.setdefault(one.tag.commit, []).append(one)
    made = sorted((_release(group) for group in by_commit.values()), key=_newest)
    return Releases(
        newest=tuple(release for release, _ in made[:last]), tags=len(tags), left_out=dict(sorted(left.items()))
    )


def _newest(one: tuple[Release, tuple[int, ...]]) -> tuple[float, tuple[int, ...], str]:
    release, numbers = one
    return -release.at.timestamp(), tuple(-number for number in numbers), release.name


def _read(tag: Tag, left: Counter[str]) -> _Read | None:
    words = {word.lower() for word in _WORDS.findall(tag.name)}
    match = _VERSION.fullmatch(tag.name)
    if words & ELSEWHERE and not (match and not match["of"]):
        left["of another place than production"] += 1
        return None
    if words & MARKERS:
        return _Read(tag=tag, of="", numbers=(), marker=True)
    if match is None:
        left["neither a version nor a deploy marker"] += 1
        return None
    if match["rest"] and _BEFORE.match(match["rest"]):
        left["before a release (rc, beta, …)"] += 1
        return None
    numbers = tuple(int(number) for number in match["numbers"].split("."))
    return _Read(tag=tag, of=match["of"], numbers=numbers, marker=False)


def _of_service(found: list[_Read], service: str | None, left: Counter[str]) -> list[_Read]:
    whole = [one for one in found if not _part(one.of)]
    if service is not None:
        wanted = _squeezed(service)
        mine = [
            one
            for one in found
            if _squeezed(one.of) == wanted or (one.marker and wanted in _squeezed(one.tag.name))
        ]
        kept = mine or whole
    else:
        kept = whole or found
    if len(found) > len(kept):
        left["of other parts of the repository"] += len(found) - len(kept)
    return kept


def _part(of: str) -> bool:
    return _squeezed(of) not in {"", "v", "release", "releases", "version"}


def _squeezed(text: str) -> str:
    return "".join(_WORDS.findall(text.lower()))


def _unmoved(found: list[_Read], left: Counter[str]) -> list[_Read]:
    longer = {(one.of, one.numbers[0]) for one in found if len(one.numbers) > 1}
    kept = [one for one in found if len(one.numbers) != 1 or (one.of, one.numbers[0]) not in longer]
    if len(found) > len(kept):
        left["moved with each release"] += len(found) - len(kept)
    return kept


def _release(group: Iterable[_Read]) -> tuple[Release, tuple[int, ...]]:
    """Markers first, then the most exact version."""
    ordered = sorted(group, key=lambda one: (not one.marker, -len(one.numbers), one.tag.name))
    first = ordered[0]
    made = Release(
        name=first.tag.name,
        commit=first.tag.commit,
        at=max(one.tag.at for one in ordered),
        marker=first.marker,
        also=tuple(one.tag.name for one in ordered[1:]),
    )
    return made, max(one.numbers for one in ordered)
