"""The commands by which a driver's change goes back, for whoever has to type them.

Rules:
1. A command is the program with its arguments, exactly as it was rehearsed or as the plan has it. What only
   whoever goes back can know, such as production's own address, is *put in*: it has a name and says what it is.
2. No command runs with what was to be put in left out: the shell refuses it, by each command alone, since what is
   pasted into a terminal goes on after a line that fails.
3. What nobody can say is told in words, and never made up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from interlock.core.change.canonical import Json
from interlock.core.rollout.plan import StepPlan
from interlock.core.rollout.step_doubts import moving, verifies_nothing

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNSAFE = re.compile(r"[^\w ,.:;/=()+-]+")
IDS = ("ROLLOUT_ID", "ROLLOUT_KEY")
"""What a step is told of the run it belongs to: there is none where somebody types it."""
ENVIRONMENT = "ROLLOUT_ENVIRONMENT"
"""It is never left to chance: a program may read it that does not name it."""
_WHAT = {
    "ROLLOUT_ID": "a name for this run of yours",
    "ROLLOUT_KEY": "a name for this step of yours, the same when it is tried again",
    "ROLLOUT_PREVIOUS": "the digest of the version before, which is not on record",
    "ROLLOUT_BASE": "the commit of the version before, which is not on record",
    ENVIRONMENT: "the environment that goes back, which is not the one rehearsed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PutIn:
    """An argument to put in: the variable's ``name``, ``what`` it is, and what stands ``before`` it."""

    name: str
    what: str
    before: str = ""

    @property
    def shell(self) -> str:
        """For a POSIX shell, which refuses the command where it is not set."""
        return f'"{self.before}${{{self.name}:?{_UNSAFE.sub(" ", self.what).strip()}}}"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """One command. ``given`` are variables that its program reads; ``note`` says what it is for."""

    run: tuple[str | PutIn, ...]
    note: str = ""
    given: tuple[PutIn, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GoingBack:
    """A driver's way back, in order. ``exports`` are variables with known values, ``told`` what else to know."""

    commands: tuple[Typed, ...] = ()
    told: tuple[str, ...] = ()
    exports: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What is known of the version before, and of a rehearsal.

    ``base`` is the commit at which the change begins. ``names`` are what steps are told, empty where it is not
    known. ``measured`` is what the driver measured in the rehearsal that is ``shown_by`` a trusted runner on this
    digest and by the plan in force; both are empty where there was none.
    """

    base: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    measured: Mapping[str, Json] = field(default_factory=dict)
    shown_by: str = ""


def by_steps(steps: Sequence[StepPlan], names: Mapping[str, str], passed_on: Sequence[str] = ()) -> GoingBack:
    """A plan's own steps, each with what verifies it; ``passed_on`` are variables of the runner they get."""
    exports = {name: value for name, value in names.items() if value}
    unset = [name for name in dict.fromkeys((*names, *IDS, *passed_on)) if name not in exports]
    found: list[Typed] = []
    used: set[str] = set()
    for step in steps:
        for run, note in _typed(step):
            given = tuple(to_put_in(name) for name in unset if name == ENVIRONMENT or _mentioned(name, run))
            used |= {each.name for each in given}
            found.append(Typed(run=run, note=note, given=given))
    told = [line for step in steps for line in _doubts(step)]
    told += [f"{name} is not set: {to_put_in(name).what}" for name in names if name in unset and name not in used]
    told += [f"its steps get {name} of the runner: set it too" for name in passed_on if name not in used]
    return GoingBack(commands=tuple(found), exports=exports, told=tuple(told))


def _typed(step: StepPlan) -> Iterator[tuple[tuple[str, ...], str]]:
    yield step.run, " ".join(step.name.split())
    if not verifies_nothing(step):
        yield step.verify, "verifies it"


def _doubts(step: StepPlan) -> Iterator[str]:
    if name := moving(step.run):
        yield f"step {step.name} goes back by {name}, which is the new version once the change is merged"
    if name := moving(step.verify):
        yield f"step {step.name} is verified by {name}, which is the new version once the change is merged"
    if verifies_nothing(step):
        yield f"nothing verifies step {step.name}: look at it yourself"


def to_put_in(name: str, what: str = "") -> PutIn:
    """The value of a variable."""
    return PutIn(name=name, what=what or _WHAT.get(name, "what the runner has there"))


def is_name(name: str) -> bool:
    """Whether a shell takes it for a variable."""
    return _NAME.fullmatch(name) is not None


def _mentioned(name: str, run: Sequence[str]) -> bool:
    return any(re.search(rf"\$\{{?{re.escape(name)}\b", word) for word in run)
