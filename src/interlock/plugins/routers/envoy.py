"""Envoy as a router: weights of clusters in the admin layer of its runtime.

Rules:
1. The route has ``weighted_clusters`` with a ``runtime_key_prefix``; the key of an arm is the prefix, a dot and
   the name of its cluster. All keys go in one request, so no request ever meets half a change; together they are
   10,000, never 0 and never more (Envoy answers 404 to everything where the sum is 0 or overflows).
2. What is served is the *final* value of each key in ``/runtime``, whichever layer it is from, or the configured
   weight where the runtime has none. A weight that another layer overrides is refused.
3. A key that no route reads is taken by Envoy without a word, so ``check`` looks for a route with this prefix and
   these clusters in what Envoy has loaded.
4. Assigned is what a cluster was given: requests sent, plus those it had no connection for (refused, no healthy
   host, circuit breaker open), less retries, which are the same request again.
5. A retry policy hides that a canary crashed: ``check`` refuses it, unless ``retries: true`` says it is wanted.
6. The split is by chance: each request for itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from interlock.core.change.errors import BadReply, Rejected
from interlock.core.rollout.samples import Exposure
from interlock.core.rollout.setting import InvalidSetting
from interlock.plugins.routers.envoy_admin import EnvoyAdmin
from interlock.plugins.routers.envoy_route import Split, find_split
from interlock.plugins.routers.fleet import Fleet
from interlock.plugins.routers.reading import as_list, distinct, named, near_enough, once_checked, read, share
from interlock.plugins.routers.wire import Address, Deadline, addresses, bad

NAME = "envoy"
TOTAL = 10_000
_MOST = 2**32
_GIVEN = (
    "upstream_rq_total",
    "upstream_rq_pending_failure_eject",
    "upstream_rq_pending_overflow",
    "upstream_rq_maintenance_mode",
    "upstream_cx_none_healthy",
)
_AGAIN = "upstream_rq_retry"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvoySettings:
    """``admin`` is the admin interface, ``host:port``, of each Envoy that splits this traffic.

    ``control`` is one cluster or several.
    """

    admin: str | tuple[str, ...]
    prefix: str
    canary: str
    control: str | tuple[str, ...]
    retries: bool = False


class EnvoyRouter(Fleet):
    """The router; see the rules above."""

    name = NAME

    def __init__(self, settings: Mapping[str, object]) -> None:
        wanted = read(EnvoySettings, settings, what=NAME)
        named(wanted.prefix, "prefix")
        distinct(named(wanted.canary, "canary"), [named(each, "control") for each in as_list(wanted.control)])
        places = addresses(wanted.admin, path="admin", sockets=False)
        super().__init__([OneEnvoy(wanted, place) for place in places])


class OneEnvoy:
    """One of them."""

    def __init__(self, settings: EnvoySettings, where: Address) -> None:
        self._admin = EnvoyAdmin(where, plugin=NAME)
        self._prefix, self._canary = settings.prefix, settings.canary
        self._control, self._retries = as_list(settings.control), settings.retries

    def check(self) -> None:
        """Look for the route, for retries, and for layers that would override."""
        deadline = Deadline()
        split = self._split(deadline)
        if split.retries and not self._retries:
            raise InvalidSetting(
                f"expected a route that never retries, got `retry_policy` at the split `{self._prefix}`",
                code="router-retries",
                hint="remove it: a retry hides that a canary crashed. Where Envoy must retry, `retries: true` "
                "accepts that errors of the canary are not seen",
                path=("retries",),
            )
        _admin_is_last(
            [
                str(next((key for key in each if key.endswith("_layer")), ""))
                for each in self._admin.layers(deadline)
            ]
        )

    def check_weight(self, percent: float) -> None:
        """Whether ten thousandths make it."""
        self._weights(percent)

    def set_weight(self, percent: float) -> None:
        """Set all keys in one request, then look whether they are what is in force."""
        deadline = Deadline()
        with once_checked(Rejected, plugin=NAME):
            wanted = {self._key(arm): value for arm, value in self._weights(percent).items()}
        self._admin.modify(wanted, deadline)
        finals = self._finals(deadline)
        for key, value in wanted.items():
            if finals.get(key) != str(value):
                raise Rejected(
                    f"expected `{key}` to be {value}, got `{finals.get(key, '')[:40]}` from another layer",
                    code="router-overridden",
                    hint="put the admin layer last in `layered_runtime`",
                    plugin=NAME,
                )

    def weight(self) -> float:
        """The canary's share of the weights in force."""
        deadline = Deadline()
        finals = self._finals(deadline)
        found = {arm: finals.get(self._key(arm), "") for arm in self._arms}
        if not all(_whole(value) for value in found.values()):
            with once_checked(BadReply, plugin=NAME):
                configured = self._split(deadline).weights
            found = {arm: value if _whole(value) else str(configured[arm]) for arm, value in found.items()}
        total = sum(map(int, found.values()))
        if not 0 < total < _MOST:
            raise bad("weights that Envoy can serve", f"a sum of {total}", plugin=NAME)
        return 100 * int(found[self._canary]) / total

    def exposure(self) -> Exposure:
        """Requests that were given to each arm; see rule 4."""
        deadline = Deadline()
        wanted = {arm: [f"cluster.{arm}.{name}" for name in (*_GIVEN, _AGAIN)] for arm in self._arms}
        counted = self._admin.counters([name for names in wanted.values() for name in names], deadline)
        given: dict[str, int] = {}
        for arm, (*names, again) in wanted.items():
            if names[0] not in counted.values:
                raise bad(f"the statistics of the cluster {arm}", "none", plugin=NAME)
            given[arm] = sum(counted.values.get(name, 0) for name in names) - counted.values.get(again, 0)
        canary = given.pop(self._canary)
        return Exposure(canary=canary, control=sum(given.values()), at=counted.at, since=counted.run)

    def by_request(self) -> bool:
        """Whether a random number chooses; see ``envoy_route``."""
        with once_checked(BadReply, plugin=NAME):
            return self._split(Deadline()).by_request

    def close(self) -> None:
        """Nothing is open between calls."""

    @property
    def _arms(self) -> tuple[str, ...]:
        return (self._canary, *self._control)

    def _key(self, arm: str) -> str:
        return f"{self._prefix}.{arm}"

    def _weights(self, percent: float) -> dict[str, int]:
        ours = int(share(percent) * TOTAL + 1e-9)
        near_enough(percent, 100 * ours / TOTAL, finest=100 / TOTAL)
        each, more = divmod(TOTAL - ours, len(self._control))
        return {self._canary: ours} | {arm: each + (n < more) for n, arm in enumerate(self._control)}

    def _finals(self, deadline: Deadline) -> dict[str, str]:
        _, entries = self._admin.runtime(deadline)
        keys = [self._key(arm) for arm in self._arms]
        return {key: str(entries[key].get("final_value", "")) for key in keys if key in entries}

    def _split(self, deadline: Deadline) -> Split:
        return find_split(self._admin.routes(deadline), self._prefix, self._arms)


def _whole(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _admin_is_last(layers: list[str]) -> None:
    if layers[-1:] != ["admin_layer"]:
        raise InvalidSetting(
            f"expected an admin layer as the last of Envoy's runtime, got `{', '.join(layers) or 'no layers'}`",
            code="router-layers",
            hint='end `layered_runtime` with {"name": "admin", "admin_layer": {}}',
            path=("admin",),
        )
