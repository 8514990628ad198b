"""Numbers stay within bounds of the last value: a typing error is most often a factor of ten, a sign or a zero.

Rules:
1. A number that is more than ``factor`` times the last one, or less than that part of it, is an error (10 by
   default, either way); so is one that changes its sign or becomes zero. From zero there is no factor to compare.
2. A quantity (``250ms``, ``64Mi``) counts as the number it means; so do the texts of an env file. From one unit
   to another that does not measure the same thing is a warning: nobody can say how far apart they are.
3. Numbers that are names (ports, ids, versions, times of day) are not compared unless a limit speaks of them.
4. ``limits`` are tried in order and the first that covers file and pointer decides: ``minimum`` and ``maximum``
   hold for new keys too, ``factor`` replaces the default, ``free: true`` lets the value move as it likes.
5. A renamed file keeps the limits of its old path where its new one has none.
6. A file is named when a limit speaks of it or something is wrong: a small step alone makes no file a checked one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from interlock.core.change.canonical import Json
from interlock.core.change.errors import InvalidInput
from interlock.core.change.globs import matches
from interlock.core.change.parse import parse
from interlock.core.change.parts import Configuration, ConfigurationFile, Finding, KeyChange, Validation
from interlock.core.change.pointers import at, covers, dotted, leaves, one_line, shown, steps
from interlock.ports.reader import Reading

_QUANTITY = re.compile(r"([-+]?[0-9]{1,4000}(?:\.[0-9]{1,4000})?)\s*([A-Za-zµ%]{0,3})")
_NAMES = re.compile(
    r"(?:^|[-_.])(?:port|ports|id|ids|uid|gid|pid|asn|seed|serial|version|revision|build|epoch|timestamp|account"
    r"|year|code|vlan|mode|fs_group|run_as_user|run_as_group)$"
)
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_UNITS: dict[str, tuple[str, float]] = {
    "": ("", 1.0),
    "%": ("%", 1.0),
    **{unit: ("s", size) for unit, size in (("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0))},
    **{unit: ("s", size) for unit, size in (("sec", 1.0), ("min", 60.0), ("h", 3600.0), ("d", 86400.0))},
    **{unit: ("B", 1024.0**power) for power, unit in enumerate(("B", "Ki", "Mi", "Gi", "Ti", "Pi"))},
    **{unit: ("B", 1024.0**power) for power, unit in enumerate(("KiB", "MiB", "GiB", "TiB"), 1)},
    **{unit: ("B", 1000.0**power) for power, unit in enumerate(("k", "M", "G", "T", "P"), 1)},
    **{unit: ("B", 1000.0**power) for power, unit in enumerate(("KB", "MB", "GB", "TB"), 1)},
    "kB": ("B", 1000.0),
    "m": ("m", 1.0),  # minutes beside another time, thousandths beside a plain number of processors
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One entry of ``limits``: a path glob, a pointer glob and what holds there."""

    pointer: str
    match: str = "**"
    minimum: float | None = None
    maximum: float | None = None
    factor: float | None = None
    free: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundsSettings:
    """``validators.bounds``."""

    factor: float = 10.0
    limits: tuple[Limit, ...] = ()


class Bounds:
    """The validator; see the rules above."""

    name = "bounds"

    def validate(self, readings: Sequence[Reading], settings: Mapping[str, Json]) -> tuple[Validation, ...]:
        """One ``Validation`` per configuration file that has limits or in which something is wrong."""
        wanted = _read(settings)
        return tuple(
            Validation(validator=self.name, path=file.path, findings=findings)
            for reading in readings
            if isinstance(reading.part, Configuration)
            for file in reading.part.files
            if file.after_digest is not None
            and (
                (findings := tuple(_findings(file, wanted)))
                or _has_limits(file.path, wanted)
                or _has_limits(file.formerly or file.path, wanted)
            )
        )


def _has_limits(path: str, settings: BoundsSettings) -> bool:
    return any(not limit.free and matches(limit.match, path) for limit in settings.limits)


def _read(settings: Mapping[str, Json]) -> BoundsSettings:
    wanted = parse(BoundsSettings, dict(settings), what="validators.bounds")
    factors = [wanted.factor, *(limit.factor for limit in wanted.limits if limit.factor is not None)]
    if min(factors) <= 1:
        raise _refused("a factor above 1", str(min(factors)))
    for limit in wanted.limits:
        if limit.minimum is not None and limit.maximum is not None and limit.minimum > limit.maximum:
            raise _refused("a minimum that is at most the maximum", f"{limit.minimum} and {limit.maximum}")
        if not limit.free and limit.minimum is None and limit.maximum is None and limit.factor is None:
            raise _refused("minimum, maximum, factor or `free: true`", f"nothing for {limit.pointer[:60]}")
    return wanted


def _refused(expected: str, got: str) -> InvalidInput:
    return InvalidInput(
        f"expected {expected} in validators.bounds, got `{got}`", code="settings-range", hint="correct that limit"
    )


def _findings(file: ConfigurationFile, settings: BoundsSettings) -> Iterator[Finding]:
    for change in file.changes:
        if change.op == "removed":
            continue
        for pointer, after in leaves(change.after, change.pointer):
            before = at(change.before, pointer.removeprefix(change.pointer)) if change.op == "changed" else None
            limit = _limit(file.path, pointer, settings) or _limit(file.formerly or file.path, pointer, settings)
            problem = _problem(before, after, pointer, limit, settings, texts=file.format == "env")
            if problem is not None:
                yield _finding(file, change, pointer, *problem)


def _limit(path: str, pointer: str, settings: BoundsSettings) -> Limit | None:
    found = (item for item in settings.limits if covers(item.pointer, pointer) and matches(item.match, path))
    return next(found, None)


def _problem(
    before: Json, after: Json, pointer: str, limit: Limit | None, settings: BoundsSettings, *, texts: bool
) -> tuple[str, str, str] | None:
    """Rule, words and remedy of what is wrong with one value, None when nothing is."""
    now = _quantity(after, texts=texts)
    if now is None:
        return None
    if limit is not None and (outside := _outside(after, now[0], limit)):
        return outside
    was = _quantity(before, texts=texts)
    if was is None or was == now or (limit is not None and limit.free):
        return None
    if limit is None and _is_a_name(pointer):
        return None
    factor = limit.factor if limit is not None and limit.factor is not None else settings.factor
    return _moved(f"is {shown(after)}, was {shown(before)}", was, now, factor)


def _outside(after: Json, value: float, limit: Limit) -> tuple[str, str, str] | None:
    if limit.minimum is not None and value < limit.minimum:
        words = f"is {shown(after)}, at least {limit.minimum:g} is permitted"
        return "bounds/minimum", words, "correct the value, or the limit in interlock.yaml"
    if limit.maximum is not None and value > limit.maximum:
        words = f"is {shown(after)}, at most {limit.maximum:g} is permitted"
        return "bounds/maximum", words, "correct the value, or the limit in interlock.yaml"
    return None


def _moved(
    words: str, was: tuple[float, str], now: tuple[float, str], factor: float
) -> tuple[str, str, str] | None:
    remedy = (
        "correct the value, go in smaller steps, or set a limit for this key under validators.bounds.limits;"
        " to undo a bad value at once: interlock exception grant CHANGE --rule configuration-valid"
    )
    was, now = _comparable(was, now)
    if was[1] != now[1]:
        return "bounds/unit", f"{words}: two units that cannot be compared", remedy
    old, new = was[0], now[0]
    if old == 0:
        return None
    if new == 0:
        return "bounds/zero", words, remedy
    if (old < 0) != (new < 0):
        return "bounds/sign", f"{words}: the sign changed", remedy
    grown, shrunk = _ratio(new, old), _ratio(old, new)
    if grown > factor:
        return "bounds/factor", f"{words}: {_times(grown)} times, at most {factor:g} times is permitted", remedy
    if shrunk > factor:
        return "bounds/factor", f"{words}: 1/{_times(shrunk)} of it, at least 1/{factor:g} is permitted", remedy
    return None


def _comparable(was: tuple[float, str], now: tuple[float, str]) -> tuple[tuple[float, str], tuple[float, str]]:
    """Both in one unit where ``m`` can be told from what stands beside it."""
    if was[1] == "m" and now[1] != "m":
        changed, same = _comparable(now, was)
        return same, changed
    if now[1] == "m" and was[1] == "s":
        return was, (now[0] * 60.0, "s")
    if now[1] == "m" and was[1] == "":
        return was, (now[0] / 1000.0, "")
    return was, now


def _ratio(one: float, other: float) -> float:
    """How many times ``other``, which is not zero, ``one`` is; infinite where no float is large enough."""
    if math.isinf(other) or math.isnan(one):
        return 0.0
    try:
        return float(abs(Fraction(one) / Fraction(other)))
    except (OverflowError, ValueError):
        return math.inf


def _times(ratio: float) -> str:
    if math.isinf(ratio):
        return "over 1e308"
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.3g}"  # noqa: PLR2004  # three digits


def _quantity(value: Json, *, texts: bool) -> tuple[float, str] | None:
    """A number and what it measures; None for anything else."""
    if isinstance(value, dict) and set(value) == {"number"}:
        return _quantity(value["number"], texts=True)
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        try:
            return float(value), ""
        except OverflowError:
            return float("inf") if value > 0 else float("-inf"), ""
    match = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    if match is None or not (match.group(2) or texts):
        return None
    unit = match.group(2)
    if unit not in _UNITS:
        return None
    kind, size = _UNITS[unit]
    return float(match.group(1)) * size, kind


def _is_a_name(pointer: str) -> bool:
    words = [step for step in steps(pointer) if not step.isdecimal()]
    return bool(words) and _NAMES.search(_WORDS.sub("_", words[-1]).lower()) is not None


def _finding(
    file: ConfigurationFile, change: KeyChange, pointer: str, rule: str, words: str, remedy: str
) -> Finding:
    return Finding(
        rule=rule,
        level="warning" if rule == "bounds/unit" else "error",
        message=one_line(f"{dotted(pointer)} {words}"),
        path=file.path,
        line=change.line,
        pointer=pointer,
        remedy=remedy,
    )
