"""Healthy series as a Prometheus has them: range queries over the recent past, one for each metric and its labels.

Rules:
1. Ranges and offsets of rules are left out: what is captured is the series itself.
2. At most ``MOST_SERIES`` series are taken, and no more than ``MOST_POINTS`` points of each: more is told, and
   never silently cut.
3. A metric's type comes from Prometheus' own metadata, else from its name.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import httpx

from interlock.core.alerts.expression import Selector
from interlock.core.alerts.shape import MISSING, Shape, captured, is_counter, quoted
from interlock.core.change.errors import BadReply, InvalidInput, Unavailable

SECONDS = 30.0
MOST_SERIES, MOST_POINTS = 5_000, 11_000
_OK = 200


class PrometheusCapture:
    """See the rules above; the contract is in ``ports.alerts``."""

    def __init__(self, address: str) -> None:
        self._address = address.rstrip("/")

    def capture(self, wanted: Iterable[Selector], *, seconds: float, step: float) -> Sequence[Shape]:
        """See ``ports.alerts``.

        Raises:
            InvalidInput: ``alert-capture`` for more series or points than can be looked at.
        """
        if seconds / step > MOST_POINTS:
            raise _too_many(f"{MOST_POINTS:,} points of a series", f"{seconds / step:,.0f}", "make `step` longer")
        until = math.floor(time.time() / step) * step
        window = (until - math.floor(seconds / step) * step, until, step)
        found: dict[tuple[str, tuple[tuple[str, str], ...]], Shape] = {}
        with httpx.Client(base_url=self._address, timeout=SECONDS, trust_env=False) as client:
            kinds = self._kinds(client)
            for text in dict.fromkeys(_text(selector) for selector in wanted):
                for shape in self._series(client, text, window, kinds):
                    found[shape.key] = shape
                if len(found) > MOST_SERIES:
                    raise _too_many(f"{MOST_SERIES:,} series", "more", "write narrower selectors")
        return tuple(found.values())

    def _series(
        self, client: httpx.Client, text: str, window: tuple[float, float, float], kinds: Mapping[str, str]
    ) -> list[Shape]:
        start, end, step = window
        asked = {"query": text, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:g}"}
        shapes = []
        for each in self._answer(client, "/api/v1/query_range", asked).get("result", []):
            labels = dict(each["metric"])
            metric = labels.pop("__name__", "")
            samples = _on_grid(each["values"], start, end, step)
            shape = captured(metric, labels, samples, counter=is_counter(metric, _kind(metric, kinds)))
            if metric and shape is not None:
                shapes.append(shape)
        return shapes

    def _kinds(self, client: httpx.Client) -> dict[str, str]:
        told = self._answer(client, "/api/v1/metadata", {})
        return {name: str(each[0].get("type", "")) for name, each in told.items() if each}

    def _answer(self, client: httpx.Client, path: str, asked: Mapping[str, str]) -> Any:  # noqa: ANN401  # JSON
        try:
            reply = client.get(path, params=dict(asked))
            told = reply.json()
        except httpx.HTTPError as error:
            raise Unavailable(
                f"expected a Prometheus at {self._address}, got no answer: {error}"[:300],
                code="alert-capture",
                hint="look whether it runs, or declare `shapes` in the alert plan",
                plugin="prometheus",
            ) from error
        except ValueError as error:
            raise self._bad("something else than JSON") from error
        if reply.status_code != _OK or not isinstance(told, dict) or told.get("status") != "success":
            said = told.get("error", "no reason") if isinstance(told, dict) else "no reason"
            raise self._bad(f"status {reply.status_code}: {str(said)[:160]}")
        return told["data"]

    def _bad(self, got: str) -> BadReply:
        return BadReply(
            f"expected series from Prometheus at {self._address}, got {got}",
            code="alert-capture",
            hint="check the address in the alert plan",
            plugin="prometheus",
        )


def _on_grid(values: Sequence[Sequence[Any]], start: float, end: float, step: float) -> list[float]:
    """One sample for each step; NaN where there is none."""
    known = {round((float(at) - start) / step): float(value) for at, value in values}
    return [known.get(place, MISSING) for place in range(round((end - start) / step) + 1)]


def _text(selector: Selector) -> str:
    inner = ",".join(f'{each.label}{each.op}"{quoted(each.value)}"' for each in selector.matchers)
    return f"{selector.metric}{{{inner}}}" if inner else selector.metric


def _kind(metric: str, kinds: Mapping[str, str]) -> str:
    """The metadata's type; of a histogram's parts that of the histogram."""
    for end in ("", "_bucket", "_count", "_sum", "_total"):
        if metric.endswith(end) and (found := kinds.get(metric.removesuffix(end) if end else metric)):
            return found
    return ""


def _too_many(expected: str, got: str, hint: str) -> InvalidInput:
    return InvalidInput(f"expected at most {expected}, got {got}", code="alert-capture", hint=hint)
