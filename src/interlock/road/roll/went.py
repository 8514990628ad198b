"""Whether a rollout went wider only as its stages, its verdicts and its plan let it, judged anew from the ledger.

Rules:
1. Stages are gone through one by one: each entry takes the next, with the weight that the plan names for it, and
   the record stands where the last one led. None comes between a pause and its end.
2. ``pass`` holds only where the newest observation before it led to a PASS: judged at that stage's share and
   margin, with the log E and the regressions ruled out that the entry tells, to the last digit.
3. Without a control a stage ends by itself only at 100 %, with nothing ruled out; under the backstop only where
   the total was held to a forecast.
4. Every other word is a person's, and takes a signature (see ``signed``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from interlock.core.change.canonical import Json
from interlock.core.judge.record import Entry, Said, Share, Stage, word
from interlock.core.judge.verdict import Passed, Verdict
from interlock.core.rollout.plan import Plan
from interlock.core.rollout.record import RolloutRecord
from interlock.core.rollout.transition import FULL
from interlock.ports.store import Tx

BY_ITSELF = frozenset({"pass", "backstop alone", "no control and no backstop"})
_WIDER, _PASSED = "rollout.widened", "rollout.passed"


class Unfounded(Exception):  # a way out of many checks, not an error
    """What does not follow from what is on record, in words."""

    def __init__(self, text: str, t: float | None = None) -> None:
        super().__init__(text)
        self.text, self.t = text, t


@dataclass(frozen=True, slots=True, kw_only=True)
class Went:
    """One widening as its entry tells.

    ``left`` is the stage it ended, ``newest`` the number of the last observation before it.
    """

    body: Mapping[str, Json]
    left: int
    newest: int

    @property
    def by_itself(self) -> bool:
        """Whether it says that nobody signed for it."""
        return self.body.get("by") in BY_ITSELF and "statement" not in self.body


@dataclass(frozen=True, slots=True, kw_only=True)
class Stood:
    """How the judge stood after an observation, recomputed.

    ``verdict`` is None until a tick was judged in the stage that was told last; ``margin`` and ``share`` are what
    was told of it.
    """

    verdict: Verdict | None = None
    log_e: float = 0.0
    margin: float | None = None
    share: float | None = None
    backed: bool = False
    t: float = 0.0

    def after(self, entries: Sequence[Entry], last: Verdict | None) -> Stood:
        """What the lines of one more observation make of it; ``last`` is their last tick's verdict."""
        now = self
        for entry in entries:
            if isinstance(entry, Said):
                now = replace(now, verdict=last)
            elif isinstance(entry, Share):
                now = replace(now, verdict=None, share=entry.expect_share)
            elif isinstance(entry, Stage):
                now = replace(now, verdict=None, margin=entry.margin)
        return now


def went_wider(tx: Tx, record: RolloutRecord, plan: Plan) -> list[Went]:
    """Every widening in its order.

    Raises:
        Unfounded: at the first that does not take the stage that is next, or was taken in a pause.
    """
    found = list(_told(tx, record.id))
    for number, (kind, one) in enumerate(found):
        stage, weight = one.body.get("stage"), one.body.get("weight")
        last = number + 1 >= len(plan.stages)
        expected = (_PASSED, number) if last else (_WIDER, number + 1)
        if (kind, stage) != expected or (not last and weight != plan.stages[number + 1].percent):
            raise Unfounded(f"it went from stage {number + 1} to something else than the plan's next")
    wider = sum(kind == _WIDER for kind, _ in found)
    if wider != record.stage:
        raise Unfounded(f"the ledger tells of {wider} stages that it went wider, the record of {record.stage}")
    return [one for _, one in found]


def check_by_itself(went: Went, plan: Plan, stood: Sequence[Stood]) -> None:
    """Pass a widening by itself that follows from what was recomputed.

    Raises:
        Unfounded: where it does not.
    """
    stage, by = plan.stages[went.left], went.body.get("by")
    where = f"it went wider than stage {went.left + 1} by `{by}`"
    now = stood[went.newest] if 0 <= went.newest < len(stood) else Stood()
    if by != "pass":
        _check_alone(went, where, full=stage.percent >= FULL, backed=now.backed)
        return
    if stage.percent >= FULL or now.share != stage.percent / FULL:
        raise Unfounded(f"{where}, and nothing was judged at its {stage.percent:g} %", now.t)
    if stage.margin < 1 and now.margin != stage.margin:
        raise Unfounded(f"{where}, and nothing was judged by its margin of {stage.margin:g}", now.t)
    if not isinstance(now.verdict, Passed):
        got = "nothing yet" if now.verdict is None else f"`{word(now.verdict)}`"
        raise Unfounded(f"{where}, recomputed {got}", now.t)
    for name, said, again in (
        ("verdict", went.body.get("verdict"), word(now.verdict)),
        ("log E", went.body.get("log_e"), now.log_e),
        ("ruled out", went.body.get("ruled_out"), dict(now.verdict.ruled_out)),
    ):
        if said != again:
            raise Unfounded(f"{where}: recorded {name} {said!r}, recomputed {again!r}"[:500], now.t)


def _check_alone(went: Went, where: str, *, full: bool, backed: bool) -> None:
    if not full:
        raise Unfounded(f"{where}, which only a stage of all traffic does")
    if (went.body.get("by") == "backstop alone") != backed:
        raise Unfounded(f"{where}, recomputed {'with' if backed else 'without'} a backstop")
    if went.body.get("ruled_out") != {}:
        raise Unfounded(f"{where}, and says that something was ruled out")


def _told(tx: Tx, rollout: str) -> Iterator[tuple[str, Went]]:
    newest, left, paused = -1, 0, False
    for _, entry in tx.log.entries(rollout):
        if entry.kind == "rollout.observed":
            newest += 1
        elif entry.kind in {"rollout.paused", "rollout.resumed"}:
            paused = entry.kind == "rollout.paused"
        elif entry.kind in {_WIDER, _PASSED} and paused:
            raise Unfounded(f"it went wider than stage {left + 1} while somebody had paused it")
        elif entry.kind in {_WIDER, _PASSED}:
            yield entry.kind, Went(body=entry.body, left=left, newest=newest)
            left += 1
