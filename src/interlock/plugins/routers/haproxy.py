"""HAProxy as a router: weights of the servers of one backend, moved over the runtime socket.

Rules:
1. The arms are servers of one backend: ``canary`` is one, ``control`` are all others that are no backups. The
   split is exact: round robin over whole weights of 0 to 256, all controls alike. The nearest split that is not
   wider than asked is taken, between those that take traffic when it is set.
2. What the data plane serves is read from ``show stat``: the *effective* weight of each server that takes traffic
   now. A server that a health check took out, or that is drained or in maintenance, gets nothing whatever its
   weight is.
3. What is given to an arm is assigned to it (``stot``), also where it refused the connection.
4. Every weight is sent in one line, those that rise first, so that there is always somebody to serve.
5. HAProxy must not retry (``retries 0``): a request that a crashed canary refused would be served by somebody
   else, and no metric would tell. Where it did, ``check`` refuses, unless ``retries: true`` says it is wanted.
6. Nothing may send users to one server whatever its weight is: ``check`` refuses a backend with cookies, and
   algorithms that know no weights.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from interlock.core.change.errors import BadReply, Rejected, Unavailable
from interlock.core.change.parse import closest
from interlock.core.rollout.samples import Exposure
from interlock.core.rollout.setting import InvalidSetting
from interlock.plugins.routers.fleet import Fleet
from interlock.plugins.routers.haproxy_stat import Server, Stat, read_stat
from interlock.plugins.routers.reading import named, near_enough, once_checked, read, refuse, share
from interlock.plugins.routers.wire import Address, Deadline, addresses, ask

NAME = "haproxy"
HEAVIEST = 256
_WEIGHTED = frozenset(
    {"roundrobin", "leastconn", "random", "source", "uri", "url_param", "hdr", "rdp-cookie", "hash"}
)
"""Algorithms that obey a weight set at run time."""
_IN_TURN = frozenset({"roundrobin", "leastconn", "random"})
"""Those that ask nobody who he is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HAProxySettings:
    """``socket`` is the path of the runtime socket, or ``host:port``, of each HAProxy that splits this traffic.

    ``retries`` permits that HAProxy retries.

    ``smallest`` is a weight in percent that whole weights must be able to make, besides the plan's stages.
    """

    socket: str | tuple[str, ...]
    backend: str
    canary: str
    retries: bool = False
    smallest: float | None = None


class HAProxyRouter(Fleet):
    """The router; see the rules above."""

    name = NAME

    def __init__(self, settings: Mapping[str, object]) -> None:
        wanted = read(HAProxySettings, settings, what=NAME)
        named(wanted.backend, "backend", within=" \t;/\\")
        named(wanted.canary, "canary", within=" \t;/\\")
        if wanted.smallest is not None and not 0 < wanted.smallest <= 100:  # noqa: PLR2004  # percent
            raise refuse(
                "a percentage above 0",
                wanted.smallest,
                hint="give one, or leave it out: the plan's stages are looked at anyway",
                path=("smallest",),
                code="router-smallest",
            )
        places = addresses(wanted.socket, path="socket", sockets=True)
        super().__init__([OneHAProxy(wanted, place) for place in places])


class OneHAProxy:
    """One of them."""

    def __init__(self, settings: HAProxySettings, where: Address) -> None:
        self._settings, self._where = settings, where

    def check(self) -> None:
        """Look for the arms, for what hides a crash and for permission to set."""
        deadline = Deadline()
        stat = self._stat(deadline)
        _, control = _arms(stat, self._settings.canary)
        if self._settings.smallest is not None:
            weights(self._settings.smallest, _taking(control))
        _obeys_weights(stat)
        if not self._settings.retries:
            _never_retried(stat)
        level = self._ask("show cli level", deadline).strip()
        if level in {"user", "operator"}:
            raise _forbidden(f"the level `{level}`")

    def check_weight(self, percent: float) -> None:
        """Whether whole weights make it, between the controls that take traffic now."""
        with once_checked(BadReply, plugin=NAME):
            _, control = _arms(self._stat(Deadline()), self._settings.canary)
        weights(percent, _taking(control))

    def set_weight(self, percent: float) -> None:
        """Set every server of the backend in one line; see rules 1 and 4."""
        share(percent)
        deadline = Deadline()
        with once_checked(Rejected, plugin=NAME):
            canary, control = _arms(self._stat(deadline), self._settings.canary)
            ours, theirs = weights(percent, _taking(control))
        wanted = {canary.name: ours, **dict.fromkeys((each.name for each in control), theirs)}
        now = {each.name: each.configured for each in (canary, *control)}
        rising = sorted(wanted, key=lambda name: wanted[name] <= now[name])
        line = ";".join(f"set server {self._settings.backend}/{name} weight {wanted[name]}" for name in rising)
        answer = " ".join(self._ask(line, deadline).split())
        if "permission denied" in answer.lower():
            raise _forbidden(answer)
        if answer:
            raise Rejected(
                f"expected HAProxy to take the weights, got: {answer[:200].lower()}",
                code="router-rejected",
                hint="correct its configuration; it must balance by weights that can be set at run time",
                plugin=NAME,
            )

    def weight(self) -> float:
        """The canary's share of the effective weights of the servers that take traffic now."""
        with once_checked(BadReply, plugin=NAME):
            canary, control = _arms(self._stat(Deadline()), self._settings.canary)
        if not canary.weight:
            return 0.0  # also while there is no control left to serve
        total = canary.weight + sum(each.weight for each in control)
        return 100 * canary.weight / total

    def exposure(self) -> Exposure:
        """Requests (in mode ``tcp``: connections) that were given to each arm."""
        with once_checked(BadReply, plugin=NAME):
            stat = self._stat(Deadline())
            at = time.time()
            canary, control = _arms(stat, self._settings.canary)
        return Exposure(
            canary=canary.assigned, control=sum(each.assigned for each in control), at=at, since=stat.since
        )

    def by_request(self) -> bool:
        """Whether it takes the servers in turn, not once for a whole connection, and remembers nobody."""
        deadline = Deadline()
        with once_checked(BadReply, plugin=NAME):
            stat = self._stat(deadline)
        in_turn = stat.mode == "http" and stat.algorithm in _IN_TURN
        return in_turn and not stat.cookie and not self._ask("show table", deadline).strip()

    def close(self) -> None:
        """Nothing is open between calls."""

    def _stat(self, deadline: Deadline) -> Stat:
        backend = self._settings.backend
        stat = read_stat(self._ask(f"show info;show stat {backend} 6 -1", deadline), plugin=NAME)
        if stat is None:
            known = sorted(each for each in self._backends(deadline) if each != backend)
            raise refuse(
                f"a backend of this HAProxy{closest(backend, known)}",
                backend,
                hint=f"it has: {', '.join(known)[:200] or 'none'}",
                path=("backend",),
                code="router-backend",
            )
        return stat

    def _backends(self, deadline: Deadline) -> Sequence[str]:
        lines = self._ask("show backend", deadline).splitlines()
        return [line.strip() for line in lines if line.strip() and not line.startswith("#")]

    def _ask(self, line: str, deadline: Deadline) -> str:
        return ask(self._where, f"{line}\n".encode(), deadline, plugin=NAME).decode("utf-8", "replace")


@cache
def weights(percent: float, controls: int) -> tuple[int, int]:
    """The canary's weight and that of each control which come nearest to ``percent`` and are not wider.

    Raises:
        InvalidSetting: ``router-too-coarse``.
    """
    part = share(percent)
    if part in (0, 1):
        return (0, HEAVIEST) if not part else (HEAVIEST, 0)
    best, reached = (0, HEAVIEST), 0.0
    for theirs in range(1, HEAVIEST + 1):
        ours = min(HEAVIEST, int(part * controls * theirs / (1 - part) + 1e-9))
        now = ours / (ours + controls * theirs)
        if now > reached * (1 + 1e-12):
            best, reached = (ours, theirs), now
    near_enough(percent, 100 * reached, finest=100 / (1 + controls * HEAVIEST))
    return best


def _arms(stat: Stat, canary: str) -> tuple[Server, tuple[Server, ...]]:
    servers = [each for each in stat.servers if not each.backup]
    names = [each.name for each in servers]
    if canary not in names:
        raise refuse(
            f"a server of the backend{closest(canary, names)}",
            canary,
            hint=f"it has: {', '.join(names)[:200] or 'none'}",
            path=("canary",),
            code="router-server",
        )
    control = tuple(each for each in servers if each.name != canary)
    if not control:
        raise refuse(
            "a second server in the backend, which is the control",
            "only the canary",
            hint="add the running version as a server beside the canary",
            path=("backend",),
            code="router-server",
        )
    return next(each for each in servers if each.name == canary), control


def _taking(control: Sequence[Server]) -> int:
    """How many split what the canary does not get; all of them where none takes traffic now."""
    return sum(each.takes for each in control) or len(control)


def _obeys_weights(stat: Stat) -> None:
    if stat.cookie:
        raise refuse(
            "a backend that assigns every request by weight",
            f"cookie {stat.cookie}",
            hint="remove `cookie`: whoever has one stays with the canary at weight 0",
            path=("backend",),
            code="router-sticky",
        )
    if stat.algorithm and stat.algorithm not in _WEIGHTED:
        raise refuse(
            "an algorithm that obeys weights set at run time",
            stat.algorithm,
            hint="write `balance roundrobin`",
            path=("backend",),
            code="router-algorithm",
        )


def _never_retried(stat: Stat) -> None:
    if stat.retried:
        raise InvalidSetting(
            f"expected a backend that never retries, got {stat.retried} retries or redispatches since it started",
            code="router-retries",
            hint="write `retries 0` and reload: a retry hides that a canary crashed. Where HAProxy must retry, "
            "`retries: true` accepts that errors of the canary are not seen",
            path=("retries",),
        )


def _forbidden(got: str) -> Unavailable:
    return Unavailable(
        f"expected to be permitted to set weights, got {got}",
        code="router-forbidden",
        hint="write `level admin` at the `stats socket` that interlock uses",
        plugin=NAME,
    )
