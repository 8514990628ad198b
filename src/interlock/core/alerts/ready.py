"""A ready rule for a failure that nobody would notice.

Rules:
1. It looks at the very series that the failure changes. Its threshold lies half-way between what was healthy and
   what the failure makes of it, so that it neither cries wolf nor sleeps.
2. A loss is compared with what there was before it (``ready_drop``): an absolute number is wrong at night.
3. It has the labels that the service's own alerts have, and looks at the service's own series where the failure's
   selectors do not say whose they are.
4. It is a draft until it was itself proven: fires in time in its mode and for as long as that lasts, silent while
   all is well.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import yaml

from interlock.core.alerts.custom import whose
from interlock.core.alerts.expression import Selector
from interlock.core.alerts.modes import BAD, Failing, ModeKind, meant, quantile
from interlock.core.alerts.ready_drop import LOSSES, WINDOW, drop, selector_text
from interlock.core.alerts.shape import quoted

Q = 0.99
WIDTH = 40
"""Lines end with the word that gets there, so that a rule is read on a narrow terminal; YAML joins them again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A rule for one mode, with the file that holds it; ``was``: old names that it counts until the release."""

    mode: str
    alert: str
    expression: str
    content: bytes
    was: tuple[str, ...] = ()


def ready(
    failing: Failing,
    *,
    service: str,
    tolerance: float,
    taken: Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
    was: Mapping[str, str] | None = None,
    step: float = 60.0,
) -> Ready | None:
    """The rule; None where the mode changes nothing to look at. ``taken`` are names of other alerts.

    ``labels``: those that it carries; it is a page of the service where nothing is known of them. ``was``: metrics
    by the name that they had before the change. ``step``: seconds between the samples.
    """
    if not failing.touched:
        return None
    failing = _whose(failing, service, {*(was or {}).values()})
    name = _name(f"{service} {failing.mode.name}", taken)
    loss = drop(failing, name, was or {}, step=step) if failing.mode.kind in LOSSES else None
    expression = loss.expression if loss else _EXPRESSIONS[failing.mode.kind](failing)
    if not expression:
        return None
    records = [{"record": record, "expr": text} for record, text in (loss.records if loss else {}).items()]
    pending = max(0, math.floor(min(120.0, tolerance / 5.0)))
    rule = {
        "alert": name,
        "expr": expression,
        "for": f"{pending}s",
        "labels": {**labels} if labels else {"severity": "page", "service": service},
        "annotations": {"summary": f"{service}: {failing.mode.name}"},
    }
    whole = {"groups": [{"name": f"interlock-{service}", "rules": [*records, rule]}]}
    content = yaml.dump(whole, Dumper=_Blocks, sort_keys=False, width=WIDTH, allow_unicode=True).encode()
    old = _was(failing, was or {}) if loss else ()
    return Ready(mode=failing.mode.name, alert=name, expression=expression, content=content, was=old)


def _whose(failing: Failing, service: str, old: Collection[str]) -> Failing:
    """The same, with selectors that say whose the series are; ``old`` names are looked at beside the new ones."""
    touched = [shape for shape in failing.healthy if shape.name in failing.touched]
    selectors = []
    for each in (one for one in failing.mode.selectors if one.metric not in old):
        mine = meant(touched, replace(failing.mode, selectors=(each,)))
        said = {match.label for match in each.matchers}
        more = tuple(match for match in whose(mine, service) if match.label not in said)
        selectors.append(replace(each, matchers=(*each.matchers, *more)))
    return replace(failing, mode=replace(failing.mode, selectors=tuple(selectors)))


def _was(failing: Failing, was: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(was[each.metric] for each in failing.mode.selectors if each.metric in was))


def _errors(failing: Failing) -> str:
    label, value = _bad(failing)
    if not label:
        return ""
    bad = [(each, f'{label}=~"{quoted(value)}"') for each in failing.mode.selectors]
    some = " + ".join(f"sum(rate({selector_text(each, more)}[{WINDOW}]))" for each, more in bad)
    every = " + ".join(f"sum(rate({selector_text(each)}[{WINDOW}]))" for each in failing.mode.selectors)
    return f"{_bracketed(some)} / {_bracketed(every)} > {failing.mode.by / 2.0:.3g}"


def _slow(failing: Failing) -> str:
    touched = [shape for shape in failing.healthy if shape.name in failing.touched]
    buckets = [shape for shape in touched if shape.metric.endswith("_bucket")]
    slower = [shape for shape in failing.failing if shape.key in {each.key for each in buckets}]
    if not buckets:
        return ""
    well, ill = quantile(Q, buckets), quantile(Q, slower)
    if well is None or ill is None or not ill > well > 0.0:
        return ""
    inner = selector_text(_bucketed(failing.mode.selectors[0], buckets[0].metric))
    return f"histogram_quantile({Q:g}, sum by (le) (rate({inner}[{WINDOW}]))) > {math.sqrt(well * ill):.3g}"


def _saturation(failing: Failing) -> str:
    levels = [value for shape in failing.healthy if shape.name in failing.touched for value in shape.values]
    most = max((value for value in levels if not math.isnan(value)), default=0.0)
    return f"max({selector_text(failing.mode.selectors[0])}) > {(most + failing.mode.by) / 2.0:.3g}"


def _silent(failing: Failing) -> str:
    return " or ".join(f"absent({selector_text(each)})" for each in failing.mode.selectors)


def _bad(failing: Failing) -> tuple[str, str]:
    """The label that tells errors, and which of its values are."""
    known: Mapping[str, str] = failing.mode.bad or BAD
    labels = {name for shape in failing.healthy if shape.name in failing.touched for name in shape.labels}
    return next(((name, value) for name, value in known.items() if name in labels), ("", ""))


def _bucketed(selector: Selector, metric: str) -> Selector:
    return Selector(metric=metric, matchers=selector.matchers)


def _bracketed(text: str) -> str:
    return f"({text})" if " + " in text else text


def _name(text: str, taken: Sequence[str]) -> str:
    words = re.findall(r"[A-Za-z0-9]+", text)
    name = "".join(word[:1].upper() + word[1:] for word in words) or "Interlock"
    return name if name not in taken else f"{name}Interlock"


class _Blocks(yaml.SafeDumper):
    """Writes what has lines of its own as lines."""


def _lines(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Blocks.add_representer(str, _lines)
_EXPRESSIONS: Mapping[ModeKind, Callable[[Failing], str]] = {
    "errors": _errors,
    "slow": _slow,
    "saturation": _saturation,
    "silent": _silent,
}
