"""How a service goes back, as it stands on a checklist: what cannot, then the commands of every member in order.

Rules:
1. What nobody can take back is named first.
2. The commands are the driver's own word, and lines for a POSIX shell: what is not known is put in where they are
   typed, and a command without it is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from interlock.core.audit.markdown import command
from interlock.core.evidence.model import Evidence
from interlock.core.rehearsal.going_back import GoingBack, PutIn, Typed
from interlock.core.snapshot.plan import SnapshotPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A driver's way back, or that of one ``member`` of a set. ``lines`` are for a shell, ``told`` for people."""

    driver: str
    member: str = ""
    lines: tuple[str, ...] = ()
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OneWay:
    """A member that nobody can take back, and why."""

    member: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """A rehearsal plan in force: its parts in the order in which they go back."""

    path: str
    environment: str
    parts: tuple[Part, ...] = ()
    one_way: tuple[OneWay, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WayBack:
    """How a service goes back. ``command`` is interlock's own, empty where it has no plan there.

    ``previous`` is the digest of the change that was completed last there; ``declared`` the catalog's word;
    ``path`` and ``plan`` are of the rollout plan's own steps. ``snapshot`` is how a saved state comes back.
    """

    service: str
    command: tuple[str, ...] = ()
    previous: str = ""
    declared: str = ""
    path: str = ""
    plan: Part | None = None
    rehearsed: tuple[Rehearsed, ...] = ()
    snapshot: Part | None = None


def part(given: GoingBack, *, driver: str, member: str = "") -> Part:
    """A driver's way back, written down."""
    return Part(driver=driver, member=member, lines=tuple(_lines(given)), told=given.told)


def _lines(given: GoingBack) -> Iterator[str]:
    if given.commands and given.exports:
        yield f"export {' '.join(command([f'{name}={value}']) for name, value in given.exports.items())}"
    for each in given.commands:
        yield _line(each)


def _line(one: Typed) -> str:
    given = [f"{each.name}={each.shell}" for each in one.given]
    words = [each.shell if isinstance(each, PutIn) else command([each]) for each in one.run]
    note = f"   # {' '.join(one.note.split())}" if one.note.strip() else ""
    return " ".join([*given, *words]) + note


def saved(plan: SnapshotPlan, pieces: Sequence[Evidence]) -> Part | None:
    """How the newest of these snapshots comes back, in a database beside the one in use; None without one."""
    good = [one for one in pieces if one.standing == "trusted" and one.summary.get("verdict") == "passed"]
    if not good:
        return None
    newest = max(good, key=lambda one: (one.issued_at, one.id))
    file = str(PurePosixPath(plan.file).with_name(str(newest.summary.get("file") or "-")))
    digest = str(newest.summary.get("digest", "")).removeprefix("sha256:")
    told = [
        f"{newest.id}, taken {newest.summary.get('taken_at')}: what was written since is not in it",
        "into an empty database, which is looked at before anything points to it",
    ]
    check = ("sh", "-c", 'echo "$1  $2" | sha256sum --check', "sh", digest, file)
    commands = [Typed(run=check, note="it is the one that was compared")]
    if plan.how == "pg_dump":
        into = PutIn(name="EMPTY_DATABASE", what="the address of an empty database", before="--dbname=")
        commands.append(Typed(run=("pg_restore", "--exit-on-error", into, file), note="the saved state"))
    else:
        told.append("restored by the program that goes with how it was taken")
    return part(GoingBack(commands=tuple(commands), told=tuple(told)), driver="snapshot")
