"""The members of a rollback set: image, configuration, flags and schema go there, and back, in a checked order.

Rules:
1. Members are applied in the order in which they are written. They go back in the order of ``back``, by default
   that order reversed.
2. Who is ``after`` another is applied after it, and goes back before it. An order in which that does not hold is
   refused, and so is a ``back`` that forgets a member, or names one that there is not.
3. A member that is not ``reversible`` says ``because`` of what. It is not applied in the rehearsal, since nobody
   could take it back, and it is named wherever somebody decides.
4. Each member that goes back names the ``probes`` that see it, or its driver brings its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from interlock.core.change.canonical import Json
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import closest
from interlock.core.rollout.plan import PluginPlan, StepPlan
from interlock.core.rollout.plan_faults import Gathering
from interlock.core.rollout.plan_source import Part
from interlock.core.rollout.plan_stages import named_once, read_steps

KEYS = ("name", "driver", "apply", "rollback", "after", "probes", "reversible", "because")
MOST_MEMBERS = 20
_HINT = "each member goes back before those that it is `after`"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberPlan:
    """One member; ``driver`` is None exactly where it is not ``reversible``."""

    name: str
    driver: PluginPlan | None = None
    apply: tuple[StepPlan, ...] = ()
    rollback: tuple[StepPlan, ...] = ()
    after: tuple[str, ...] = ()
    probes: tuple[str, ...] = ()
    reversible: bool = True
    because: str = ""


def read_driver(part: Part) -> PluginPlan:
    """A driver and its settings."""
    fields = part.fields(required=("kind",))
    settings = {key: each.value for key, each in fields.items() if key != "kind"}
    return PluginPlan(kind=fields["kind"].word(), settings=settings, line=part.line)


def read_members(part: Part) -> tuple[MemberPlan, ...]:
    """All members, in the order in which they are applied.

    Raises:
        InvalidInput: ``rehearsal-plan``, ``rehearsal-order``; ``PlanFaults`` where it is several.
    """
    parts = part.items()
    if len(parts) > MOST_MEMBERS:
        raise part.refuse(f"at most {MOST_MEMBERS} members", str(len(parts)), hint="let one take several")
    members = named_once(parts, _member, "each member's name once")
    found, before = Gathering(), list[str]()
    for each, member in zip(parts, members, strict=True):
        found.note(_misplaced(each, member, before, [one.name for one in members]))
        before.append(member.name)
    found.finish()
    return members


def read_back(part: Part, members: Sequence[MemberPlan]) -> tuple[str, ...]:
    """The order in which they go back, checked.

    Raises:
        InvalidInput: ``rehearsal-order``; ``PlanFaults`` where it is several.
    """
    parts = part.items()
    names, found = [each.word() for each in parts], Gathering()
    known = [one.name for one in members if one.reversible]
    for each, name in zip(parts, names, strict=True):
        if name not in known or names.count(name) > 1:
            told = f"each member that goes back once{closest(name, known)}"
            found.note([each.refuse(told, name, code="rehearsal-order", hint=f"there are: {', '.join(known)}")])
    forgotten = [name for name in known if name not in names]
    if forgotten:
        hint, got = "what is forgotten stays as the change left it", f"none of {', '.join(forgotten)}"
        found.note([part.refuse("every member in `back`", got, code="rehearsal-order", hint=hint)])
    for member in members:
        found.note(_too_early(part, member, names))
    found.finish()
    return tuple(names)


def default_back(members: Sequence[MemberPlan]) -> tuple[str, ...]:
    """The order in which they go back where the plan names none."""
    return tuple(one.name for one in reversed(members) if one.reversible)


def of_set(members: Sequence[MemberPlan], back: Sequence[str]) -> dict[str, Json]:
    """What is signed of a set: who goes back in which order, and who does not; nothing where it is none."""
    if not members:
        return {}
    lost: list[Json] = [{"member": one.name, "because": one.because} for one in members if not one.reversible]
    return {"members": [one.name for one in members], "back": [*back], "irreversible": lost}


def _too_early(part: Part, member: MemberPlan, names: Sequence[str]) -> Iterator[InvalidInput]:
    for other in member.after:
        if member.name in names and other in names and names.index(other) < names.index(member.name):
            yield part.refuse(
                f"`{member.name}` before `{other}` in `back`, since it is after it",
                ", ".join(names),
                code="rehearsal-order",
                hint=_HINT,
            )


def _misplaced(
    part: Part, member: MemberPlan, before: Sequence[str], known: Sequence[str]
) -> Iterator[InvalidInput]:
    for name in member.after:
        if name not in known:
            hint = f"there are: {', '.join(known)}"
            yield part.refuse(f"a member that there is{closest(name, list(known))}", name, hint=hint)
        elif name not in before:
            told = f"`{member.name}` below `{name}`, which it is after"
            hint = "members are applied in the order in which they are written: move it down"
            yield part.refuse(told, "above it", code="rehearsal-order", hint=hint)


def _member(part: Part) -> MemberPlan:
    fields, faults = part.survey(KEYS, required=("name",))
    found = Gathering()
    found.note(faults)
    read = {key: found.read(partial(_READERS[key], each), None) for key, each in fields.items()}
    member = MemberPlan(**{"name": "", **{key: each for key, each in read.items() if each is not None}})
    if not faults:
        found.note(_misfits(part, member))
    found.finish()
    return member


def _misfits(part: Part, member: MemberPlan) -> Iterator[InvalidInput]:
    if member.reversible:
        if member.driver is None:
            hint = "add driver: {kind: command}, or reversible: false with because: …"
            yield part.refuse(f"`driver` in the member `{member.name}`", "none", hint=hint)
        if member.because:
            hint = "write reversible: false, or remove it"
            yield part.refuse("`because` beside `reversible: false` only", member.because, hint=hint)
        return
    if not member.because:
        hint = "say why nobody can take it back, such as because: a mail that was sent is sent"
        yield part.refuse(f"`because` in the member `{member.name}`, which is not reversible", "none", hint=hint)
    if member.driver is not None or member.apply or member.rollback or member.probes:
        hint = "what nobody can take back is not tried: leave driver, apply, rollback and probes out"
        yield part.refuse(f"no `driver` in the member `{member.name}`, which is not reversible", "one", hint=hint)


def _whether(part: Part) -> bool:
    if not isinstance(part.value, bool):
        raise part.refuse(f"true or false at `{part.name}`", hint="write true or false, without quotes")
    return part.value


def _words(part: Part) -> tuple[str, ...]:
    return tuple(each.word() for each in part.items())


_READERS: Mapping[str, Callable[[Part], Any]] = {
    "name": Part.word,
    "driver": read_driver,
    "apply": read_steps,
    "rollback": read_steps,
    "after": _words,
    "probes": _words,
    "reversible": _whether,
    "because": Part.word,
}
