"""``judge.yaml``, or the ``judge`` section of a rollout plan: from a parsed document to settings, ranges checked.

Rules:
1. An unknown key, a wrong type and a number out of its range are refused with the path of keys that leads
   there.
2. Nothing is corrected silently: edges must rise as written, written weights must sum to 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import pairwise

from interlock.core.change.parse import parse
from interlock.core.judge.phi import PhiTable
from interlock.core.judge.settings import BackstopSettings, Grid, JudgeSettings, MetricSettings
from interlock.core.rollout.setting import InvalidSetting

MOST_METRICS, MOST_EDGES, MOST_EFFECTS = 32, 16, 64
_HINT = "docs/how-to/judge.md lists every key with its range"


def read_settings(value: object, *, what: str = "judge.yaml") -> JudgeSettings:
    """Settings from a parsed document.

    Raises:
        InvalidInput: ``input-shape`` for what does not fit at all, else an ``InvalidSetting`` with the path of the
            key: ``judge-alpha``, ``judge-metrics``, ``judge-weights``, ``judge-edges``, ``judge-phi``,
            ``judge-grid`` or ``judge-range``.
    """
    settings = shaped(value, what=what)
    check(settings)
    return settings


def shaped(value: object, *, what: str) -> JudgeSettings:
    """The same before its ranges are looked at.

    Raises:
        InvalidInput: ``input-shape``, or what a key of that type is refused with.
    """
    return parse(JudgeSettings, _with_words(value), what=what)


def check(settings: JudgeSettings) -> None:
    """Refuse what is out of range, also in settings that were made by a program.

    Raises:
        InvalidSetting: as ``read_settings``, the first.
    """
    for error in wrong(settings):
        raise error


def wrong(settings: JudgeSettings) -> Iterator[InvalidSetting]:
    """All that is out of range; what only follows from another fault is left out."""
    for look in _looks(settings):
        try:
            look()
        except InvalidSetting as error:
            yield error


def _looks(settings: JudgeSettings) -> Iterator[Callable[[], None]]:
    """Each stands for itself."""
    for name in ("alpha", "pass_alpha"):
        yield partial(_alpha, getattr(settings, name), name)
    yield partial(_alpha, settings.trust.share_alpha, "trust", "share_alpha")
    yield partial(_number_of_metrics, settings)
    for name, one in settings.metrics.items():
        yield partial(_metric, name, one)
    yield partial(_weights, settings.metrics)
    for name in ("drops", "rises", "slower"):
        yield partial(_grid, getattr(settings, name), name)
    for name, table in settings.phi.items():
        yield partial(_named, name, settings, "phi", name)
        yield partial(_phi, table, "phi", name)
    yield partial(_between, settings.planned_minutes, 0.0, 43_200.0, "planned_minutes", open_below=True)
    yield partial(_between, settings.starts_every, 1.0, 3_600.0, "starts_every")
    yield partial(_between, settings.tick_seconds, 0.01, 3_600.0, "tick_seconds")
    yield partial(_trust, settings)
    if settings.backstop is not None:
        yield partial(_backstop, settings.backstop, settings)


def _with_words(value: object) -> object:
    """Edges may be written as numbers; they are kept as words, because a float has many spellings."""
    if not isinstance(value, Mapping) or not isinstance(value.get("metrics"), Mapping):
        return value
    metrics = {
        name: {**one, "edges": [_word(edge) for edge in one["edges"]]}
        if isinstance(one, Mapping) and isinstance(one.get("edges"), list | tuple)
        else one
        for name, one in value["metrics"].items()
    }
    return {**value, "metrics": metrics}


def _word(edge: object) -> object:
    number = isinstance(edge, int | float) and not isinstance(edge, bool)
    return f"{edge:g}" if number else edge


def _number_of_metrics(settings: JudgeSettings) -> None:
    if not 1 <= len(settings.metrics) <= MOST_METRICS:
        raise _refused("judge-metrics", f"1…{MOST_METRICS} metrics", len(settings.metrics), "metrics")


def _metric(name: str, one: MetricSettings) -> None:
    if not name or len(name) > MOST_EFFECTS or not name.isprintable():
        raise _refused("judge-metrics", "a name of 1…64 printable characters", name[:80], "metrics", name)
    _edges(one, "metrics", name)
    _between(one.floor, 0.0, 1.0, "metrics", name, "floor")


def _edges(one: MetricSettings, *path: str) -> None:
    _between(one.warm_up, 0.0, 86_400.0, *path, "warm_up")
    if not one.edges:
        if one.warm_up:
            hint = "orders and errors never wait; only a latency, which has edges, has a warm-up"
            raise _refused("judge-edges", "no warm_up without edges", one.warm_up, *path, "warm_up", hint=hint)
        return
    if one.kind != "bad":
        raise _refused("judge-edges", "edges of a `bad` metric only", one.kind, *path, "edges")
    if len(one.edges) > MOST_EDGES:
        raise _refused("judge-edges", f"at most {MOST_EDGES} edges", len(one.edges), *path, "edges")
    numbers = [_seconds(edge, *path, "edges") for edge in one.edges]
    if any(low >= high for low, high in pairwise(numbers)):
        raise _refused("judge-edges", "edges that rise", ", ".join(one.edges), *path, "edges")


def _seconds(edge: str, *path: str) -> float:
    try:
        number = float(edge)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise _refused("judge-edges", "seconds above 0", edge[:40], *path)
    return number


def _weights(metrics: Mapping[str, MetricSettings]) -> None:
    written = {name: one.weight for name, one in metrics.items() if one.weight is not None}
    if not written:
        return
    for name, weight in written.items():
        _between(weight, 0.0, 1.0, "metrics", name, "weight", code="judge-weights", open_below=True)
    if len(written) < len(metrics):
        missing = next(name for name in metrics if name not in written)
        raise _refused("judge-weights", "a weight at every metric or at none", "none", "metrics", missing)
    if not _sums_to_one(written.values()):
        total = f"{math.fsum(written.values()):g}"
        raise _refused("judge-weights", "weights that sum to 1", total, "metrics")


def _grid(grid: Grid, name: str) -> None:
    drops, thetas = name == "drops", grid.thetas
    expected = "rate ratios between 0 and 1" if drops else "rate ratios above 1, at most 1000"
    if not 1 <= len(thetas) <= MOST_EFFECTS:
        raise _refused("judge-grid", f"1…{MOST_EFFECTS} {expected}", len(thetas), name, "thetas")
    for place, theta in enumerate(thetas):
        if not (1e-6 <= theta <= 1 - 1e-6 if drops else 1 + 1e-6 <= theta <= 1000):  # noqa: PLR2004  # as the message says
            raise _refused("judge-grid", expected, theta, name, "thetas", place)
    if any(low >= high for low, high in pairwise(thetas)):
        raise _refused("judge-grid", "rate ratios that rise", list(thetas), name, "thetas")
    if grid.weights and len(grid.weights) != len(thetas):
        got = f"{len(grid.weights)} weights for {len(thetas)}"
        raise _refused("judge-grid", "a weight for every rate ratio, or none", got, name, "weights")
    if grid.weights and not (min(grid.weights) >= 0 and _sums_to_one(grid.weights)):
        raise _refused("judge-grid", "weights of 0 or more that sum to 1", list(grid.weights), name, "weights")


def _sums_to_one(weights: Iterable[float]) -> bool:
    return abs(math.fsum(weights) - 1.0) <= 1e-9  # noqa: PLR2004  # three thirds, as people write them, are more off


def _phi(table: PhiTable, *path: str) -> None:
    if not 1 <= len(table.windows) == len(table.values) <= MOST_EFFECTS:
        got = f"{len(table.windows)} windows and {len(table.values)} values"
        raise _refused("judge-phi", "as many values as windows, at least one", got, *path)
    if not all(1 <= window <= 86_400 for window in table.windows):  # noqa: PLR2004  # a day
        raise _refused("judge-phi", "windows of 1…86400 s", list(table.windows), *path, "windows")
    if any(low >= high for low, high in pairwise(table.windows)):
        raise _refused("judge-phi", "windows that rise", list(table.windows), *path, "windows")
    _between(table.beyond, 1.0, 100.0, *path, "beyond")
    _between(table.shard, 0.0, 1.0, *path, "shard")
    if not all(1 <= value <= 1e6 for value in table.values):  # noqa: PLR2004  # noisier than any traffic
        raise _refused("judge-phi", "values of 1…1000000", list(table.values), *path, "values")
    if any(low > high for low, high in pairwise(table.values)):
        raise _refused("judge-phi", "values that do not fall", list(table.values), *path, "values")


def _trust(settings: JudgeSettings) -> None:
    trust = settings.trust
    _between(trust.window, 1, 1_000, "trust", "window")
    _between(trust.most_discarded, 0, trust.window, "trust", "most_discarded")
    _between(trust.silent, 0.0, 86_400.0, "trust", "silent", open_below=True)
    _between(trust.drift, 1.0, 1_000.0, "trust", "drift")


def _backstop(backstop: BackstopSettings, settings: JudgeSettings) -> None:
    _alpha(backstop.alpha, "backstop", "alpha")
    _between(backstop.tolerance, 0.0, 0.9, "backstop", "tolerance")
    _named(backstop.metric, settings, "backstop", "metric")
    if settings.metrics[backstop.metric].kind != "good":
        raise _refused("judge-range", "a `good` metric", backstop.metric, "backstop", "metric")


def _alpha(alpha: float, *path: str) -> None:
    if not 1e-12 <= alpha <= 0.2:  # noqa: PLR2004  # more than one in five is no test
        hint = "alpha is the probability that a good rollout is ever stopped: 0.01 is one in a hundred"
        raise _refused("judge-alpha", "an alpha above 0, at most 0.2", alpha, *path, hint=hint)


def _named(name: str, settings: JudgeSettings, *path: str) -> None:
    if name not in settings.metrics:
        known = ", ".join(settings.metrics)
        raise _refused("judge-metrics", f"one of the metrics {known}", name[:80], *path)


def _between(
    value: float, least: float, most: float, *path: str, code: str = "judge-range", open_below: bool = False
) -> None:
    if not least <= value <= most or (open_below and value == least):
        above = "above " if open_below else ""
        raise _refused(code, f"{above}{least:g}…{most:g}", value, *path)


def _refused(code: str, expected: str, got: object, *path: str | int, hint: str = _HINT) -> InvalidSetting:
    place = ".".join(map(str, path))
    return InvalidSetting(f"expected {expected} at `{place}`, got `{got}`", code=code, hint=hint, path=path)
