"""Whether going on from a checkout would take back, unjudged, what was let through last.

Rules:
1. What is out there is the newest head that was let through. Where the checkout differs from it, each file that
   differs must be in a range that is judged: then it is described and judged, whichever way it goes.
2. A range that begins at that head, one that ends in it or in its very tree, and one from nothing hide nothing.
3. Anything else is for the pipeline to show, which has the git; a comparison with another head counts for
   nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from interlock.core.change.parts import GitRange
from interlock.core.ticket.shipped import FROM_NOTHING, Checkout, Shipped, Tip


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    """The head whose content would go, and the files; ``compared`` is False where nobody has shown them."""

    tip: Tip
    files: tuple[str, ...] = ()
    count: int = 0
    compared: bool = True

    @property
    def text(self) -> str:
        """One line without the files."""
        last = f"{self.tip.head[:12]} ({self.tip.change})"
        if not self.compared:
            return f"nothing shows that what went out last, {last}, is not taken back"
        many = "1 file" if self.count == 1 else f"{self.count} files"
        return f"{many} of what went out last, {last}, would be taken back unjudged"

    @property
    def remedy(self) -> str:
        """The way on."""
        head = self.tip.head[:12]
        if not self.compared:
            return f"ask with interlock gate in a checkout that has {head}, or judge everything: --base ROOT"
        return f"merge {head}, or have it judged too: interlock change push CHANGE --base tree:{head}"


def taken_back(ranges: Sequence[GitRange], shipped: Shipped, checkout: Checkout | None) -> TakenBack | None:
    """What going on would take back unjudged, None when nothing."""
    if not shipped.tips:
        return None
    tip = shipped.tips[-1]
    if any(part.base == tip.head or part.base in FROM_NOTHING for part in ranges):
        return None
    if ranges and all(part.head == tip.head or part.head_tree == tip.tree for part in ranges):
        return None
    if checkout is None:
        return TakenBack(tip=tip, compared=False) if ranges else None
    if checkout.against != tip.head or not {part.base for part in ranges} <= set(checkout.bases):
        return TakenBack(tip=tip, compared=False)
    if not checkout.taken_back_count:
        return None
    return TakenBack(tip=tip, files=checkout.taken_back, count=checkout.taken_back_count)
