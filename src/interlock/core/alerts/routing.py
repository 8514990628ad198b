"""Who hears of an alert by Alertmanager's own file: what its receivers send, and when they are muted.

Rules:
1. Which receivers an alert's labels lead to is amtool's to say, never decided here.
2. A receiver without a single integration sends nothing to anybody. What an integration leads to is not looked at.
3. A receiver all of whose routes are muted at all times hears nothing. Muted only at times, or only by some of its
   routes, it hears; that it is so is told. So is that alerts inhibit each other, which is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from interlock.core.change.catalog import Place
from interlock.core.change.errors import InvalidInput
from interlock.core.change.yaml_nodes import Mapping as YamlMapping
from interlock.core.change.yaml_nodes import Node, Scalar, Words, documents, refused
from interlock.core.change.yaml_view import at, items, word

CODE = "alertmanager-file"
_WHOLE: Mapping[str, frozenset[str]] = {
    "times": frozenset({"00:00 24:00"}),
    "weekdays": frozenset({"sunday:saturday", "monday:sunday"}),
    "days_of_month": frozenset({"1:31"}),
    "months": frozenset({"1:12", "january:december"}),
}
"""Restrictions that restrict nothing."""
_UNBOUND = frozenset({*_WHOLE, "location"})
DEEPEST = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """One receiver; ``integrations`` are the kinds of what it sends. ``muted``: always, on all its routes."""

    name: str
    line: int
    integrations: tuple[str, ...]
    muted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """The file as far as it is looked at here; ``doubts`` are what is not, in words."""

    path: str
    receivers: Mapping[str, Receiver]
    doubts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Where one alert goes: ``heard`` are receivers that send it to somebody, ``why`` is told where none does."""

    heard: tuple[str, ...]
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Route:
    receiver: str
    line: int
    mutes: tuple[str, ...]
    active: tuple[str, ...]


def read_routing(path: str, content: bytes) -> Routing:
    """The file, which amtool has found to be right.

    Raises:
        InvalidInput: ``alertmanager-file``, or what is wrong with the YAML.
    """
    nodes = [*documents(path, content)]
    top = nodes[0] if nodes else None
    if not isinstance(top, YamlMapping) or at(top, "route") is None or not items(top, "receivers"):
        hint = "name the file that Alertmanager reads; a Secret or a Helm value that holds it is not looked into"
        got = Words("something else")
        raise refused(
            Place(path=path, line=1), "`route` and `receivers` in Alertmanager's file", got, code=CODE, hint=hint
        )
    always = {*_always(top)}
    routes = [*_routes(at(top, "route"), "", 0)]
    found = {}
    for each in items(top, "receivers"):
        one = _receiver(each)
        mine = [route for route in routes if route.receiver == one.name]
        silent = bool(mine) and all(not always.isdisjoint(route.mutes) for route in mine)
        found[one.name] = Receiver(name=one.name, line=one.line, integrations=one.integrations, muted=silent)
    return Routing(path=path, receivers=found, doubts=tuple(_doubts(path, top, routes, found)))


def sent(routing: Routing, names: Sequence[str]) -> Sent:
    """Where it goes, by the names of the receivers that amtool says."""
    known = [routing.receivers[name] for name in names]
    heard = tuple(each.name for each in known if each.integrations and not each.muted)
    if heard:
        return Sent(heard=heard)
    told = ", ".join(f"{each.name} ({routing.path}:{each.line}), {_why(each)}" for each in known)
    return Sent(heard=(), why=f"routed to {told}")


def named(said: str, receivers: Sequence[str]) -> tuple[str, ...] | None:
    """The receivers in amtool's line, which joins them by commas; None for a line that has others in it."""
    text = said.strip()
    if not text:
        return ()
    for name in sorted(receivers, key=len, reverse=True):
        if text == name:
            return (name,)
        rest = named(text[len(name) + 1 :], receivers) if text.startswith(f"{name},") else None
        if rest:
            return (name, *rest)
    return None


def _why(one: Receiver) -> str:
    return "which is muted at all times" if one.integrations else "which sends nothing"


def _receiver(node: Node) -> Receiver:
    fields = node.fields if isinstance(node, YamlMapping) else {}
    kinds = [key.removesuffix("_configs") for key in fields if key.endswith("_configs") and items(node, key)]
    return Receiver(name=word(node, "name"), line=node.line, integrations=tuple(kinds))


def _routes(node: Node | None, above: str, depth: int) -> Iterator[_Route]:
    if node is None or depth > DEEPEST:
        return
    receiver = word(node, "receiver") or above
    mutes, active = (
        tuple(each.text for each in items(node, key) if isinstance(each, Scalar))
        for key in ("mute_time_intervals", "active_time_intervals")
    )
    yield _Route(receiver, node.line, mutes, active)
    for each in items(node, "routes"):
        yield from _routes(each, receiver, depth + 1)


def _always(top: Node) -> Iterator[str]:
    """Names of intervals that are all of the time."""
    for each in (*items(top, "time_intervals"), *items(top, "mute_time_intervals")):
        if any(_is_all(part) for part in items(each, "time_intervals")):
            yield word(each, "name")


def _is_all(node: Node) -> bool:
    if not isinstance(node, YamlMapping):
        return isinstance(node, Scalar) and node.null
    return all(key in _UNBOUND and _unbound(node, key) for key in node.fields)


def _unbound(node: Node, key: str) -> bool:
    listed = items(node, key)
    if key == "location" or not listed:
        return True
    if key == "times":
        return any(f"{word(each, 'start_time')} {word(each, 'end_time')}" in _WHOLE[key] for each in listed)
    return any(isinstance(each, Scalar) and each.text.strip().lower() in _WHOLE[key] for each in listed)


def _doubts(path: str, top: Node, routes: Sequence[_Route], receivers: Mapping[str, Receiver]) -> Iterator[str]:
    for route in routes:
        one = receivers.get(route.receiver)
        if one is None or one.muted or not one.integrations or not (route.mutes or route.active):
            continue
        times = ", ".join(dict.fromkeys((*route.mutes, *route.active)))
        yield f"{one.name} is muted at times ({times}, {path}:{route.line}): when that is, is not looked at"
    rules = items(top, "inhibit_rules")
    if rules:
        yield f"inhibit_rules ({path}:{rules[0].line}) are not looked at: one alert may hold back another"


def refuse_unread(said: str) -> InvalidInput:
    """What amtool says is not what was asked."""
    return InvalidInput(
        f"expected receivers of the file from amtool, got `{' '.join(said.split())[:160]}`",
        code=CODE,
        hint="look at it with: amtool config routes test --config.file=FILE LABEL=VALUE",
    )
