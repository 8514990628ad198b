"""One look at a ``/metrics`` page, and which metrics its text exposes.

Rules:
1. A text without any metric is no exposition: that nothing is exposed is never concluded from an empty answer.
2. The address that is named is asked, and no other: a redirect is told and not followed.
3. It has 20 seconds for all of it, and 32 MiB.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
from prometheus_client.parser import text_string_to_metric_families

from interlock.core.alerts.exposition import Exposed
from interlock.core.change.errors import InvalidInput, Unavailable

SECONDS = 20.0
MOST_BYTES = 32 << 20
_OK = 200
_TYPED = ("# TYPE ", "# HELP ")
_WORDS = 3


def scraped(address: str) -> str:
    """The text at ``address``.

    Raises:
        Unavailable: ``alert-exposition``.
    """
    began = time.monotonic()
    try:
        with httpx.Client(timeout=SECONDS, trust_env=False) as client, client.stream("GET", address) as reply:
            if reply.has_redirect_location:
                raise _none(address, f"a redirect to {reply.headers['location'][:120]!a}, which is not followed")
            if reply.status_code != _OK:
                raise _none(address, f"status {reply.status_code}")
            return _whole(address, reply.iter_bytes(), began).decode("utf-8", "replace")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        told = str(error) or type(error).__name__
        raise _none(address, f"no answer: {told}"[:200]) from error


def _whole(address: str, parts: Iterator[bytes], began: float) -> bytes:
    content = bytearray()
    for part in parts:
        content += part
        if len(content) > MOST_BYTES:
            raise _none(address, f"more than {MOST_BYTES >> 20} MiB")
        if time.monotonic() - began > SECONDS:
            raise _none(address, f"no end of it within {SECONDS:g} s")
    return bytes(content)


def _none(address: str, got: str) -> Unavailable:
    return Unavailable(
        f"expected the metrics of the new version at {address}, got {got}",
        code="alert-exposition",
        hint="start the new version there, or name a `file` or a `command` at `exposition` of the alert plan",
        plugin="prometheus",
    )


def exposed(text: str, *, origin: str) -> Exposed:
    """What is exposed; ``origin`` names in errors where the text came from.

    Raises:
        InvalidInput: ``alert-exposition`` for what is none.
    """
    names: set[str] = set()
    series: dict[str, list[dict[str, str]]] = {}
    try:
        for family in text_string_to_metric_families(text):
            names.add(family.name)
            names |= {sample.name for sample in family.samples}
            # One with labels has no sample before its first event, and its type may be written without the end.
            names |= {f"{family.name}_total"} if family.type == "counter" else set()
            for sample in family.samples:
                series.setdefault(sample.name, []).append(dict(sample.labels))
    except (ValueError, IndexError, KeyError) as error:
        raise _no_metrics(origin, f"what does not parse: {' '.join(str(error).split())[:100]}") from error
    lines = (line.split() for line in text.splitlines() if line.startswith(_TYPED))
    names |= {words[2] for words in lines if len(words) >= _WORDS}
    if not names:
        raise _no_metrics(origin, "none")
    return Exposed(frozenset(names), {name: tuple(each) for name, each in series.items()})


def _no_metrics(origin: str, got: str) -> InvalidInput:
    return InvalidInput(
        f"expected metrics in the Prometheus text format from {origin}, got {got}",
        code="alert-exposition",
        hint="name the /metrics of the new version at `exposition` of the alert plan",
    )
