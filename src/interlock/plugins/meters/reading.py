"""Reading a meter's settings: each refusal names the path of keys, so that the plan's reader can name the line."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from interlock.core.change.parse import closest
from interlock.core.rollout.setting import InvalidSetting

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A map of settings and the path that leads to it. ``what`` names it in errors, as in ``meter `scrape```."""

    values: Mapping[str, object]
    what: str
    path: Path = ()

    def only(self, *known: str) -> None:
        """Refuse keys that are not among ``known``: ``setting-unknown``."""
        for key in self.values:
            if key not in known:
                near = closest(str(key), list(known))
                raise InvalidSetting(
                    f"expected a known setting of {self.what}, got `{str(key)[:60]}`{near}",
                    code="setting-unknown",
                    hint=f"known: {', '.join(known)}",
                    path=(*self.path, str(key)),
                )

    def refuse(self, key: str, expected: str, got: object, *, code: str = "setting-shape") -> InvalidSetting:
        """The error about one key."""
        shown = "nothing" if got is None else f"`{str(got)[:80]}`"
        return InvalidSetting(
            f"expected {expected} as `{key}` of {self.what}, got {shown}",
            code=code,
            hint="docs/how-to/meters.md lists every setting",
            path=(*self.path, key),
        )

    def text(self, key: str, default: str | None = None) -> str:
        """A line of text that is not empty; required without a ``default``."""
        value = self.values.get(key, default)
        if value is default and default is not None:
            return default
        if not isinstance(value, str) or not value or not value.isprintable() or len(value) > 4_000:  # noqa: PLR2004  # a line
            raise self.refuse(key, "a line of text", value)
        return value

    def choice(self, key: str, choices: Sequence[str], default: str) -> str:
        """One of a few words."""
        value = self.values.get(key, default)
        if not isinstance(value, str) or value not in choices:
            near = closest(str(value), list(choices))
            raise self.refuse(key, f"one of {', '.join(choices)}{near}", value)
        return value

    def number(self, key: str, default: float, *, least: float, most: float) -> float:
        """A number within bounds."""
        value = self.values.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise self.refuse(key, f"a number from {least:g} to {most:g}", value)
        if not least <= value <= most:
            raise self.refuse(key, f"a number from {least:g} to {most:g}", value, code="setting-range")
        return float(value)

    def lines(self, key: str) -> tuple[str, ...]:
        """A list of texts that is not empty and names nothing twice."""
        value = self.values.get(key)
        if not isinstance(value, list | tuple) or not value or not all(isinstance(item, str) for item in value):
            raise self.refuse(key, "a list of texts that is not empty", value)
        if len(set(value)) != len(value):
            raise self.refuse(key, "a list without repetitions", value)
        return tuple(value)

    def below(self, key: str) -> Section | None:
        """The map under ``key``, None where there is none."""
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, Mapping) or not all(isinstance(each, str) for each in value):
            raise self.refuse(key, "a map", value)
        return Section(values=value, what=f"`{key}` of {self.what}", path=(*self.path, key))

    def texts(self, key: str) -> dict[str, str]:
        """A map of texts, empty where there is none."""
        inner = self.below(key)
        return {} if inner is None else {name: inner.text(name) for name in inner.values}


def one_of(section: Section, names: Iterable[str]) -> str:
    """Which of several keys is given; exactly one must be."""
    wanted = tuple(names)
    given = [name for name in wanted if name in section.values]
    if len(given) != 1:
        got = " and ".join(given) or "none"
        raise section.refuse(given[0] if given else wanted[0], f"exactly one of {', '.join(wanted)}", got)
    return given[0]
