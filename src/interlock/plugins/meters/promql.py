"""Prometheus' HTTP API, as little of it as is needed: raw samples, ranges, what is scraped, and of which type.

Rules:
1. A query is a selector of series, with the labels of an arm put in. Samples are asked for with a range
   (``orders_total{…}[5s]``), so that each comes with the moment of its scrape; nothing is evaluated.
2. What Prometheus says of a query that it refuses is repeated in one line.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from interlock.core.change.errors import BadReply, Rejected, Unavailable
from interlock.plugins.meters.fetch import Endpoint
from interlock.plugins.meters.matching import Labels
from interlock.plugins.meters.native import Native, read_native

PLUGIN = "prometheus"


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """One series: its labels and its samples, oldest first. A native histogram has ``natives`` instead."""

    labels: Mapping[str, str]
    points: Sequence[tuple[float, float]]
    natives: Sequence[tuple[float, Native]] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Something that Prometheus scrapes, at ``url``. ``refused`` when nobody listened the last time, at ``at``."""

    labels: Mapping[str, str]
    up: bool
    refused: bool
    at: str
    url: str = ""


class Api:
    """One Prometheus. ``prefix`` is the path before ``/api``."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._prefix = endpoint.path.rstrip("/")

    def raw(self, selector: str, seconds: float, *, deadline: float) -> list[Raw]:
        """The samples of the last ``seconds``.

        Raises:
            Rejected: ``query-refused``, in Prometheus' words.
            Unavailable, BadReply.
        """
        found = self._get("query", {"query": f"{selector}[{_span(seconds)}]"}, deadline)
        return _matrix(found)

    def ranged(self, selector: str, start: float, end: float, step: float, *, deadline: float) -> list[Raw]:
        """The values at each step; see ``raw``."""
        query = {"query": selector, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:.3f}"}
        return _matrix(self._get("query_range", query, deadline))

    def now(self, *, deadline: float) -> float:
        """Prometheus' own clock."""
        found = self._get("query", {"query": "time()"}, deadline)
        try:
            return float(found["result"][1])
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise _bad("a time") from error

    def kind(self, family: str, *, deadline: float) -> str | None:
        """The declared type of a family, None where Prometheus does not know."""
        for name in dict.fromkeys((family, family.removesuffix("_total"))):
            found = self._get("metadata", {"metric": name}, deadline)
            if isinstance(found, dict) and found.get(name):
                return str(found[name][0].get("type", "")) or None
        return None

    def targets(self, *, deadline: float) -> list[Target]:
        """What is scraped at present."""
        found = self._get("targets", {"state": "active"}, deadline)
        try:
            return [
                Target(
                    labels={str(name): str(text) for name, text in each["labels"].items()},
                    up=each["health"] == "up",
                    refused=each["health"] == "down" and "connection refused" in each["lastError"],
                    at=str(each["lastScrape"]),
                    url=str(each.get("scrapeUrl", "")),
                )
                for each in found["activeTargets"]
            ]
        except (KeyError, TypeError, AttributeError) as error:
            raise _bad("a list of targets") from error

    def _get(self, what: str, query: Mapping[str, str], deadline: float) -> Any:  # noqa: ANN401  # parsed JSON
        path = f"{self._prefix}/api/v1/{what}?{urlencode(query)}"
        got = self.endpoint.get(path, deadline=deadline, accept="application/json")
        if got.status in {500, 502, 503, 504}:
            raise Unavailable(
                f"expected an answer from Prometheus at {self.endpoint.name}, got status {got.status}",
                code="meter-unreachable",
                hint="look at Prometheus' own log",
                plugin=PLUGIN,
            )
        try:
            answer = json.loads(got.body)
            status, said = answer["status"], str(answer.get("error", ""))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _bad(f"JSON of Prometheus' API (status {got.status})") from error
        if status != "success":
            raise Rejected(
                f"expected Prometheus to take the query, got: {' '.join(said.split())[:300]}",
                code="query-refused",
                hint="try it in Prometheus' own page",
                plugin=PLUGIN,
            )
        return answer.get("data")


def selector(query: str, labels: Labels) -> str:
    """``query`` with the labels of an arm among its own."""
    wanted = [f"{name}={json.dumps(text)}" for name, text in sorted(labels.exact.items())]
    wanted += [f"{name}=~{json.dumps(text)}" for name, text in sorted(labels.sources.items())]
    if not wanted:
        return query
    matchers = ",".join(wanted)
    if not query.endswith("}"):
        return f"{query}{{{matchers}}}"
    inner = query[:-1].rstrip()
    return f"{inner}{'' if inner.endswith(('{', ',')) else ','}{matchers}}}"


def _matrix(found: object) -> list[Raw]:
    try:
        if not isinstance(found, dict) or found["resultType"] != "matrix":
            raise _bad("series")
        return [
            Raw(
                labels={str(name): str(text) for name, text in each["metric"].items()},
                points=[(float(at), float(value)) for at, value in each.get("values", ())],
                natives=[(float(at), read_native(body)) for at, body in each.get("histograms", ())],
            )
            for each in found["result"]
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _bad("series with samples") from error


def _span(seconds: float) -> str:
    return f"{math.ceil(seconds * 1000)}ms"


def _bad(expected: str) -> BadReply:
    return BadReply(
        f"expected {expected} from Prometheus, got something else",
        code="meter-reply",
        hint="`url` must be that of Prometheus, or of what speaks its API",
        plugin=PLUGIN,
    )
