"""Which concerns a person has answered: each answer is a signature, counted by the rules of approvals.

Rules:
1. An answer is a statement of purpose ``answer`` about the change's digest, naming one concern, with a text. It is
   signed, and counts where an approval would: no author's (but in one-person mode), no agent's, none that expired,
   was taken back, or is about another digest or environment.
2. One answer that counts answers a concern. What does not count is shown with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from interlock.core.approval.model import Purpose, Rejected, SignedStatement, Tally
from interlock.core.review.concern import Raised, Severity

PURPOSE: Purpose = "answer"
CONCERN, TEXT = "concern", "text"
"""Keys of the statement's details."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A concern and what became of it: open as long as ``answered_by`` is empty.

    ``reviews`` are the ids of the evidence that raise it; ``void`` are answers that do not count.
    """

    id: str
    path: str
    line: int
    severity: Severity
    kind: str
    text: str
    question: str
    reviews: tuple[str, ...]
    answered_by: tuple[str, ...] = ()
    answer: str = ""
    void: tuple[Rejected, ...] = ()

    @property
    def told(self) -> str:
        """Its id and place, in which nothing is the reviewer's own words."""
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{self.id} {place or 'the whole change'}"


def asked(
    concerns: Sequence[Raised],
    statements: Iterable[SignedStatement],
    count: Callable[[list[SignedStatement]], Tally],
) -> tuple[Asked, ...]:
    """Each concern with its answers; ``count`` says whose signatures count among answers to one concern."""
    answers = [one for one in statements if one.statement.purpose == PURPOSE]
    return tuple(_asked(one, [each for each in answers if _answers(each, one.id)], count) for one in concerns)


def _answers(signed: SignedStatement, concern: str) -> bool:
    said = signed.statement.details
    return said.get(CONCERN) == concern and bool(said.get(TEXT, "").strip())


def _asked(one: Raised, answers: list[SignedStatement], count: Callable[[list[SignedStatement]], Tally]) -> Asked:
    told = count(answers) if answers else Tally()
    counted = [item.id for item in told.counted]
    texts = [item.statement.details[TEXT] for item in answers if item.id in counted]
    concern = one.concern
    return Asked(
        id=one.id,
        path=concern.path,
        line=concern.line,
        severity=concern.severity,
        kind=concern.kind,
        text=concern.text,
        question=concern.question,
        reviews=one.reviews,
        answered_by=tuple(dict.fromkeys(item.person for item in told.counted)),
        answer=texts[-1] if texts else "",
        void=told.rejected if not counted else (),
    )
