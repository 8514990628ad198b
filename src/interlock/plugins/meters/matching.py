"""Which series a metric means: labels with an exact value, or ``~`` and a regular expression that fits all of it.

Rules:
1. Expressions are RE2's: no input makes one slow. An unusable one is refused when the plan is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import re2  # type: ignore[import-untyped]  # the wheel has no types

from interlock.plugins.meters.reading import Section

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_SERIES = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """What a series' labels must be. ``sources`` are the patterns as written, without the ``~``."""

    exact: Mapping[str, str]
    patterns: Mapping[str, object]
    sources: Mapping[str, str]

    def fit(self, labels: Mapping[str, str]) -> bool:
        """Whether a series with these labels is meant; a label that it lacks counts as empty."""
        return all(labels.get(name, "") == value for name, value in self.exact.items()) and all(
            pattern.fullmatch(labels.get(name, "")) is not None  # type: ignore[attr-defined]  # re2 has no types
            for name, pattern in self.patterns.items()
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The labels that are looked at."""
        return tuple(sorted({*self.exact, *self.patterns}))


def read_labels(section: Section, *keys: str) -> Labels:
    """The matchers under several keys of a metric's section, all of which must fit."""
    exact: dict[str, str] = {}
    patterns: dict[str, object] = {}
    sources: dict[str, str] = {}
    for key in keys:
        for name, wanted in section.texts(key).items():
            if not _LABEL.fullmatch(name):
                raise section.refuse(key, "names of labels", name)
            if wanted.startswith("~"):
                sources[name] = wanted[1:]
                patterns[name] = _compiled(section, key, wanted[1:])
            else:
                exact[name] = wanted
    return Labels(exact=exact, patterns=patterns, sources=sources)


def series_name(section: Section, key: str) -> str:
    """The name of a series or histogram under ``key``."""
    name = section.text(key)
    if not _SERIES.fullmatch(name):
        raise section.refuse(key, "the name of a series, such as `orders_total`", name)
    return name


def _compiled(section: Section, key: str, pattern: str) -> object:
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options=options)
    except re2.error as error:
        raise section.refuse(key, "a regular expression after `~`", pattern, code="setting-pattern") from error
