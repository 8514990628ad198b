"""The journal of a rehearsal: what whoever finds it half-way needs to bring the place back.

Rules:
1. It is one JSON object a line. The first line says whose it is and holds the plan's bytes, so that recovery goes
   by the plan that was under way, whatever the rules say by then. A line is on disk before what it tells begins.
2. Until ``applying`` nothing was touched. From there on until ``over`` the place is *dirty*, unless somebody rolls
   back and every probe sees what it saw before.
3. The program that was started last is named: it outlives its runner, and would go on changing the place.
4. What a driver has to know again on the way back, such as which revision was there, it notes before anything is
   touched: names and digests, never a secret.
5. A last line that was cut off is left out: what it would have told had not begun. So is a file whose first line
   was: nothing was looked at yet.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from interlock.core.change.canonical import Json, canonical
from interlock.core.change.errors import InvalidInput
from interlock.core.evidence.strict_json import read_json
from interlock.core.rehearsal.fingerprint import Fingerprint, Look

MAX_JOURNAL = 32 * 1024 * 1024
Ended = Literal["passed", "failed", "undecidable", "cancelled", "recovered", "dirty", "accepted"]
"""``accepted``: somebody took what is there for what should be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Whose rehearsal it is. ``began`` is RFC 3339; ``plan`` are the plan file's bytes.

    ``base`` is the commit at which the change begins: whoever brings it back later is told it too.
    """

    run: str
    change: str
    digest: str
    service: str
    environment: str
    path: str
    plan: bytes
    began: str
    base: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """What a file tells. ``before`` is None until it was probed; ``ended`` is empty until it is over.

    ``noted`` is what its driver noted, ``running`` the program that was started last, by process id and the moment
    it began. ``thrown_away``: it took place somewhere that went with it.
    """

    head: Head
    before: Look | None = None
    noted: Mapping[str, Json] = field(default_factory=dict)
    running: tuple[int, str] | None = None
    touched: bool = False
    thrown_away: bool = False
    ended: str = ""
    left: tuple[str, ...] = field(default=())

    @property
    def unfinished(self) -> bool:
        """Whether somebody has to look after it."""
        return not self.ended or self.ended == "dirty"


def head_line(head: Head) -> bytes:
    """The first line."""
    return _line(
        {
            "what": "began",
            "run": head.run,
            "change": head.change,
            "digest": head.digest,
            "service": head.service,
            "environment": head.environment,
            "path": head.path,
            "plan": base64.b64encode(head.plan).decode(),
            "at": head.began,
            "base": head.base,
        }
    )


def probed_line(before: Look) -> bytes:
    """What every probe saw before anything was touched."""
    looks: dict[str, Json] = {
        name: {"items": {**each.items}, "failed": each.failed} for name, each in before.items()
    }
    return _line({"what": "probed", "before": looks})


def noted_line(noted: Mapping[str, Json]) -> bytes:
    """What the driver has to know again on the way back."""
    return _line({"what": "noted", "noted": {**noted}})


def applying_line(*, thrown_away: bool = False) -> bytes:
    """From here on the place may be touched; ``thrown_away`` where that goes with whoever made it."""
    return _line({"what": "applying", **({"thrown_away": True} if thrown_away else {})})


def program_line(pid: int, since: str) -> bytes:
    """A program was started: should nobody be there to wait for its end, it must not go on."""
    return _line({"what": "program", "pid": pid, "since": since})


def over_line(ended: Ended, left: Sequence[str] = ()) -> bytes:
    """How it ended, and what is left where it is dirty."""
    return _line({"what": "over", "ended": ended, "left": [*left]})


def read_journal(content: bytes, path: str) -> Journal:
    """The journal in a file's bytes; ``path`` names it in errors.

    Raises:
        InvalidInput: ``rehearsal-journal``: the first line is none, or another was written by something else.
    """
    if len(content) > MAX_JOURNAL:
        raise _unreadable(path, f"more than {MAX_JOURNAL} bytes")
    lines = [_parsed(line, path) for line in content.split(b"\n")[:-1]]
    if not lines or lines[0].get("what") != "began":
        raise _unreadable(path, "no first line")
    found = Journal(head=_head(lines[0], path))
    for line in lines[1:]:
        found = _told(found, line, path)
    return found


def _told(journal: Journal, line: dict[str, Json], path: str) -> Journal:
    before, touched, ended, left = journal.before, journal.touched, journal.ended, journal.left
    running, noted, thrown_away = journal.running, journal.noted, journal.thrown_away
    match line.get("what"):
        case "program":
            pid = line.get("pid")
            running = (pid, str(line.get("since"))) if isinstance(pid, int) and pid > 1 else None
        case "probed":
            before = _looks(line.get("before"), path)
        case "noted":
            found = line.get("noted")
            if not isinstance(found, dict):
                raise _unreadable(path, "a note that is none")
            noted = found
        case "applying":
            if before is None:
                raise _unreadable(path, "that something was applied, and not what was there before")
            touched, thrown_away = True, line.get("thrown_away") is True
        case "over":
            ended, told = str(line.get("ended")), line.get("left")
            left = tuple(str(one) for one in told) if isinstance(told, list) else ()
        case other:
            raise _unreadable(path, f"a line about `{str(other)[:40]}`")
    return Journal(
        head=journal.head,
        before=before,
        noted=noted,
        running=running,
        touched=touched,
        thrown_away=thrown_away,
        ended=ended,
        left=left,
    )


def _looks(value: Json, path: str) -> Look:
    if not isinstance(value, dict):
        raise _unreadable(path, "a look that is none")
    found: dict[str, Fingerprint] = {}
    for name, each in value.items():
        items = each.get("items") if isinstance(each, dict) else None
        if not isinstance(each, dict) or not isinstance(items, dict):
            raise _unreadable(path, f"a look of `{name[:40]}` that is none")
        texts = {key: str(text) for key, text in items.items()}
        found[name] = Fingerprint(items=texts, failed=str(each.get("failed", "")))
    return found


def _head(line: Mapping[str, Json], path: str) -> Head:
    names = ("run", "change", "digest", "service", "environment", "path", "at", "plan")
    texts = {name: line.get(name) for name in names} | {"base": line.get("base", "")}
    if not all(isinstance(text, str) for text in texts.values()):
        raise _unreadable(path, "a first line that lacks something")
    said = {name: str(text) for name, text in texts.items() if name not in {"at", "plan"}}
    try:
        plan = base64.b64decode(str(texts["plan"]), validate=True)
    except ValueError as error:
        raise _unreadable(path, "a plan that is no base64") from error
    return Head(**said, plan=plan, began=str(texts["at"]))


def _parsed(line: bytes, path: str) -> dict[str, Json]:
    value = read_json(line, what=f"a line of `{path}`", limit=MAX_JOURNAL)
    if not isinstance(value, dict):
        raise _unreadable(path, "a line that is no object")
    return value


def _line(value: dict[str, Json]) -> bytes:
    return canonical(value) + b"\n"


def _unreadable(path: str, got: str) -> InvalidInput:
    return InvalidInput(
        f"expected the journal of a rehearsal in `{path}`, got {got}",
        code="rehearsal-journal",
        hint="look at that place by hand: something may be applied there; then remove the file",
    )
