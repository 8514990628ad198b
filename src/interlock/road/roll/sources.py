"""One round of reading: exposure, weight and every meter at once, each with its own deadline.

Rules:
1. What fails or does not answer in time is absent from the round; what it said is kept for people.
2. A source whose last call has not come back is not asked again: calls never pile up.
3. The round is as long as its slowest source, at most ``deadline``.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass, field
from typing import Any

from interlock.core.change.errors import InterlockError
from interlock.core.rollout.samples import Reading
from interlock.ports.world import Clock
from interlock.road.roll.outside import Opened


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What was read. ``failed`` says by source why it is absent."""

    reading: Reading
    weight: float | None
    failed: dict[str, str] = field(default_factory=dict)


class Sources:
    """The router and the meters of one rollout, read together. Used by one thread."""

    def __init__(self, opened: Opened, pool: Executor, clock: Clock, steady: Callable[[], float]) -> None:
        calls: dict[str, Callable[[], Any]] = {
            "weight": opened.router.weight,
            "exposure": opened.router.exposure,
        }
        calls |= {f"meter {number + 1}": each.read for number, each in enumerate(opened.meters)}
        self._calls = calls
        self._pool, self._clock, self._steady = pool, clock, steady
        self._running: dict[str, Future[Any]] = {}

    def read(self, deadline: float) -> Round:
        """One round."""
        asked = {name: self._ask(name) for name in self._calls}
        wait([future for future in asked.values() if future is not None], timeout=deadline)
        failed: dict[str, str] = {}
        answers = {name: self._answer(name, future, failed) for name, future in asked.items()}
        samples = [
            sample
            for name, found in answers.items()
            if name.startswith("meter ") and found is not None
            for sample in found
        ]
        reading = Reading(
            samples=samples,
            exposure=answers["exposure"],
            wall=self._clock.now().timestamp(),
            steady=self._steady(),
        )
        return Round(reading=reading, weight=answers["weight"], failed=failed)

    def _ask(self, name: str) -> Future[Any] | None:
        before = self._running.get(name)
        if before is not None and not before.done():
            return None
        self._running[name] = future = self._pool.submit(self._calls[name])
        return future

    def _answer(self, name: str, future: Future[Any] | None, failed: dict[str, str]) -> Any:  # noqa: ANN401  # each source's own
        if future is None or not future.done():
            failed[name] = "no answer in time"
            return None
        try:
            return future.result()
        except InterlockError as error:
            failed[name] = error.message
        except Exception as error:  # noqa: BLE001  # a plug-in's own fault: what it would have said is absent
            failed[name] = f"{type(error).__name__}: {str(error)[:200]}"
        return None
