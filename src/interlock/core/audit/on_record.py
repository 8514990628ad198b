"""What the record answers of one deployment: a rehearsal before it, a canary, an alert that was proven.

Rules:
1. Evidence counts as it stood when the deployment began: about the digest that went out, issued before, trusted,
   not expired. What came later shows nothing about then.
2. A rollout by stages is a canary. A ticket alone says how wide it might go at first, and not how it went.
3. A proven alert is one on the business where all series that its failure mode takes away are that: the catalog's
   metric, or without one metrics by whose names it is a guess, and is said to be one. What the mode, the alert or
   the service is called decides nothing; a proof that does not tell its metrics leaves it open.
4. *No* is the record's word only: what a team did without interlock is not on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from interlock.core.audit.answers import Answer, Answers
from interlock.core.audit.business import Kind, kind_of
from interlock.core.evidence.model import Evidence
from interlock.core.policy.shown import ALERTS, REHEARSAL

FULL = 100.0
_LOSSES = frozenset({"drop", "wrong", "errors"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """One deployment with what is on record about it. ``id`` is the rollout's, else the ticket's.

    ``rolled``: a rollout brought it; ``let_through``: a ticket did, and ``reported``: somebody said that it was
    used; else it was only noted. ``stages`` are percents of its plan, ``reached`` the widest that was granted,
    ``max_weight`` what its ticket let through at first. ``evidence`` has the standing it had at ``at``;
    ``metric`` is the catalog's for the service, empty where it names none.
    """

    id: str
    service: str
    at: datetime
    rolled: bool = False
    reported: bool = True
    let_through: bool = True
    stages: tuple[float, ...] = ()
    judged: bool = False
    reached: float = 0.0
    max_weight: float = FULL
    evidence: tuple[Evidence, ...] = ()
    metric: str = ""


def answers_of(one: Deployed) -> Answers:
    """The three answers."""
    return Answers(rollback=_rollback(one), canary=_canary(one), alert=_alert(one))


def noted(by: str) -> Answers:
    """The answers of a deployment that somebody noted and no change is known for."""
    unknown = Answer(said="unknown", why=f"noted by {by}, and nothing more is on record")
    return Answers(rollback=unknown, canary=unknown, alert=unknown)


def _rollback(one: Deployed) -> Answer:
    found = [each for each in _about(one, REHEARSAL) if each.standing == "trusted"]
    good = [each for each in found if each.summary.get("verdict") == "passed"]
    if good:
        newest = good[-1]
        return Answer(said="yes", why=f"rehearsed {newest.issued_at:%Y-%m-%d}{_took(newest)}", places=(newest.id,))
    if found:
        told = f"rehearsed {found[-1].issued_at:%Y-%m-%d}, and going back did not hold"
        return Answer(said="no", why=told, places=(found[-1].id,))
    return Answer(said="no", why=f"no rehearsal that counted among {_pieces(one)} on record")


def _took(one: Evidence) -> str:
    seconds, objective = one.summary.get("seconds"), one.summary.get("objective_seconds")
    if not isinstance(seconds, int | float) or not isinstance(objective, int | float):
        return ""
    late = ", which was too slow" if seconds > objective else ""
    return f": back in {seconds:.1f} s of at most {objective:g} s{late}"


def _canary(one: Deployed) -> Answer:
    held = [share for share in one.stages if share < FULL]
    if held:
        shares = ", ".join(f"{share:g}" for share in one.stages)
        judged = "under the judge" if one.judged else "nothing was judged"
        return Answer(
            said="yes", why=f"stages of {shares} %, {judged}, reached {one.reached:g} %", places=(one.id,)
        )
    if one.stages:
        return Answer(said="no", why="its plan has one stage, of 100 %", places=(one.id,))
    if one.rolled:
        return Answer(said="unknown", why="a rollout whose plan cannot be read any more", places=(one.id,))
    if one.max_weight < FULL:
        told = f"let through with at most {one.max_weight:g} % at first; nobody reported how it went out"
        return Answer(said="unknown", why=told, places=(one.id,))
    if not one.let_through:
        told = "somebody noted it; how it went out is not on record"
        return Answer(said="unknown", why=told, places=(one.id,))
    if not one.reported:
        told = "let through for all traffic at once; nobody reported whether and how it went out"
        return Answer(said="unknown", why=told, places=(one.id,))
    told = "let through for all traffic at once, and no rollout on record"
    return Answer(said="no", why=told, places=(one.id,))


def _alert(one: Deployed) -> Answer:
    pieces = [each for each in _about(one, ALERTS) if each.standing == "trusted"]
    rows = [(each, row) for each in pieces for row in _proven(each)]
    kinds = [_about_what(row, one.metric) for _, row in rows]
    counting = [pair for pair, kind in zip(rows, kinds, strict=True) if kind == "business"]
    if counting:
        return _told(*counting[-1], "" if one.metric else ": business by its name alone")
    if "unclear" in kinds:
        still = [pair for pair, kind in zip(rows, kinds, strict=True) if kind == "unclear"]
        modes = ", ".join(sorted({row.mode for _, row in still})[:3])
        told = f"alerts were proven for {modes}; whether one counts business is not known"
        return Answer(said="unknown", why=told, places=(still[-1][0].id,))
    if rows:
        seen = ", ".join(dict.fromkeys(metric for _, row in rows for metric in row.metrics))
        told = f"alerts were proven on {seen}, which counts no business"
        return Answer(said="no", why=told, places=(rows[-1][0].id,))
    if pieces:
        return Answer(said="no", why="an alert proof, by which nobody would have noticed", places=(pieces[-1].id,))
    return Answer(said="no", why=f"no alert proof that counted among {_pieces(one)} on record")


def _told(piece: Evidence, row: _Row, guess: str) -> Answer:
    told = f"{row.alert} {row.at:g} s after {row.mode}, proven{guess}"
    return Answer(said="yes", why=told, places=(piece.id,))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One failure mode that somebody was told of; ``kind`` and ``metrics`` are what it does to which series."""

    mode: str
    kind: str
    metrics: tuple[str, ...]
    alert: str
    at: float


def _about_what(row: _Row, metric: str) -> Kind:
    """Whether it was a loss of business: nothing else was changed in that mode, so the alert saw that."""
    kinds = {_kind(each, metric) for each in row.metrics}
    if kinds == {"technical"}:
        return "technical"
    return "business" if kinds == {"business"} and row.kind in _LOSSES else "unclear"


def _kind(metric: str, declared: str) -> Kind:
    named = kind_of(metric)
    if not declared or named == "technical":
        return "unclear" if metric == declared else named
    return "business" if metric == declared else "unclear"


def _proven(piece: Evidence) -> Iterator[_Row]:
    """Each row in which somebody was told in time."""
    rows = piece.summary.get("modes")
    for row in rows if isinstance(rows, list | tuple) else ():
        if not isinstance(row, dict) or row.get("proven") is not True:
            continue
        answers = row.get("answers")
        first = answers[0] if isinstance(answers, list | tuple) and answers else None
        if isinstance(first, dict):
            seconds = first.get("seconds")
            at = float(seconds) if isinstance(seconds, int | float) else 0.0
            told = row.get("metrics")
            metrics = tuple(map(str, told)) if isinstance(told, list | tuple) else ()
            mode, kind = str(row.get("mode", "")), str(row.get("kind", ""))
            yield _Row(mode=mode, kind=kind, metrics=metrics, alert=str(first.get("alert", "")), at=at)


def _about(one: Deployed, kind: str) -> Sequence[Evidence]:
    """Pieces of one kind that were there in time and speak of this service, oldest first."""
    return [
        each
        for each in sorted(one.evidence, key=lambda piece: (piece.issued_at, piece.id))
        if each.predicate_type == kind
        and max(each.issued_at, each.received_at) <= one.at
        and each.summary.get("service") in {None, one.service}
    ]


def _pieces(one: Deployed) -> str:
    count = len(one.evidence)
    return f"{count} {'piece' if count == 1 else 'pieces'} of evidence"
