"""Who hears of an alert by Alertmanager's own file: what its receivers send, when they are muted, after how long.

Rules:
1. Which routes an alert's labels lead to is amtool's to say, never decided here. It says receivers, so it is given
   the same tree of routes with a receiver of its own at each.
2. A receiver without a single integration sends nothing to anybody. What an integration leads to is not looked at.
3. A route that is muted at all times tells nobody. That one is muted at times is told. So is that there are
   inhibitions: alerts of other rule files may hold these back.
4. A route sends after its ``group_wait``: that of the route above where it has none, 30 s where none has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import yaml

from interlock.core.alerts.inhibitions import Inhibitions, matching, read_inhibitions, texts
from interlock.core.alerts.rule_files import duration
from interlock.core.alerts.time_intervals import Interval, always_silent, intervals_of
from interlock.core.change.catalog import Place
from interlock.core.change.errors import InvalidInput
from interlock.core.change.yaml_nodes import Mapping as YamlMapping
from interlock.core.change.yaml_nodes import Node, Words, documents, refused
from interlock.core.change.yaml_view import at, items, word

CODE = "alertmanager-file"
GROUP_WAIT = 30.0
DEEPEST = 50
_TRUE = frozenset({"true", "yes", "on", "y"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """One receiver; ``integrations`` are the kinds of what it sends."""

    name: str
    line: int
    integrations: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route: its ``receiver``, ``wait`` seconds before it sends, ``times`` at which it is muted or not."""

    receiver: str
    line: int
    wait: float
    times: tuple[str, ...] = ()
    muted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """The file as far as it is looked at here; ``doubts`` are what is not, in words.

    ``content`` is the tree of routes in which each has its place among ``routes`` for a receiver.
    """

    path: str
    receivers: Mapping[str, Receiver]
    routes: tuple[Route, ...]
    inhibitions: Inhibitions
    content: bytes
    doubts: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The receivers of ``content``."""
        return tuple(map(str, range(len(self.routes))))


@dataclass(frozen=True, slots=True)
class Way:
    """A receiver that sends it to somebody, ``wait`` seconds after it fires."""

    receiver: str
    wait: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Where one alert goes: ``ways`` to somebody, the fastest first; ``why`` is told where there is none."""

    ways: tuple[Way, ...]
    why: str = ""


def read_routing(path: str, content: bytes, *, year: int | None = None) -> Routing:
    """The file, which amtool has found to be right; ``year`` is the one that intervals are looked at in.

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
    found = {one.name: one for one in map(_receiver, items(top, "receivers"))}
    tree = _Tree(intervals_of(top), year)
    root = tree.under(at(top, "route"), "", GROUP_WAIT, 0)
    names = [{"name": str(place)} for place in range(len(tree.routes))]
    return Routing(
        path=path,
        receivers=found,
        routes=tuple(tree.routes),
        inhibitions=read_inhibitions(top),
        content=yaml.safe_dump({"route": root, "receivers": names}, width=10_000, allow_unicode=True).encode(),
        doubts=tuple(_doubts(path, top, tree.routes, found)),
    )


def sent(routing: Routing, names: Sequence[str]) -> Sent:
    """Where it goes, by the routes that amtool says."""
    known = [routing.routes[int(name)] for name in names]
    heard = [each for each in known if routing.receivers[each.receiver].integrations and not each.muted]
    if heard:
        return Sent(ways=tuple(Way(each.receiver, each.wait) for each in sorted(heard, key=lambda one: one.wait)))
    told = dict.fromkeys(_nobody(routing, each) for each in known)
    return Sent(ways=(), why=f"routed to {', '.join(told)}")


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


class _Tree:
    """Routes in the order in which they stand, by walking them."""

    def __init__(self, intervals: Mapping[str, Sequence[Interval]], year: int | None) -> None:
        self.routes: list[Route] = []
        self._intervals = intervals
        self._year = year

    def under(self, node: Node | None, receiver: str, wait: float, depth: int) -> dict[str, object]:
        """The route with its place for a receiver, and all below it."""
        if node is None or depth > DEEPEST:
            hint = f"let routes be at most {DEEPEST} deep"
            raise InvalidInput(
                f"expected routes of Alertmanager, got more than {DEEPEST} levels", code=CODE, hint=hint
            )
        mine = word(node, "receiver") or receiver
        given = duration(word(node, "group_wait").strip()) if word(node, "group_wait") else None
        after = wait if given is None else given
        whole = {**matching(node), "receiver": str(len(self.routes))}
        if word(node, "continue").strip().lower() in _TRUE:
            whole["continue"] = True
        self.routes.append(self._route(node, mine, after))
        below = [self.under(each, mine, after, depth + 1) for each in items(node, "routes")]
        return {**whole, "routes": below} if below else whole

    def _route(self, node: Node, receiver: str, wait: float) -> Route:
        mutes, active = ([*texts(node, f"{key}_time_intervals")] for key in ("mute", "active"))
        silent = always_silent(self._parts(mutes), self._parts(active) if active else None, self._year)
        times = tuple(dict.fromkeys((*mutes, *active)))
        return Route(receiver=receiver, line=node.line, wait=wait, times=times, muted=silent)

    def _parts(self, names: Sequence[str]) -> list[Interval]:
        return [part for name in names for part in self._intervals.get(name, ())]


def _nobody(routing: Routing, route: Route) -> str:
    one = routing.receivers[route.receiver]
    why = "which is muted at all times" if one.integrations else "which sends nothing"
    return f"{one.name} ({routing.path}:{one.line}), {why}"


def _receiver(node: Node) -> Receiver:
    fields = node.fields if isinstance(node, YamlMapping) else {}
    kinds = [key.removesuffix("_configs") for key in fields if key.endswith("_configs") and items(node, key)]
    return Receiver(name=word(node, "name"), line=node.line, integrations=tuple(kinds))


def _doubts(path: str, top: Node, routes: Sequence[Route], receivers: Mapping[str, Receiver]) -> Iterator[str]:
    for route in routes:
        one = receivers.get(route.receiver)
        if one is None or route.muted or not one.integrations or not route.times:
            continue
        times = ", ".join(route.times)
        yield f"{one.name} is muted at times ({times}, {path}:{route.line}): when that is, is not looked at"
    if rules := items(top, "inhibit_rules"):
        yield f"inhibit_rules ({path}:{rules[0].line}): alerts of other rule files may hold these back"


def refuse_unread(said: str) -> InvalidInput:
    """What amtool says is not what was asked."""
    return InvalidInput(
        f"expected receivers of the file from amtool, got `{' '.join(said.split())[:160]}`",
        code=CODE,
        hint="look at it with: amtool config routes test --config.file=FILE LABEL=VALUE",
    )
