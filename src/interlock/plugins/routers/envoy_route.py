"""Which route of Envoy's configuration splits by a runtime prefix, and how.

Rules:
1. Every route with the prefix counts: several hosts may split by the same keys. All must know the same clusters,
   and no others than the arms, or a part of the traffic would move unseen.
2. A cluster is chosen by a random number, for each request anew, unless the split says that it is taken from a
   header or a hash of the customer.
3. A retry policy counts wherever it holds for such a route: at the route itself or at its host.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interlock.core.change.parse import closest
from interlock.core.rollout.setting import InvalidSetting
from interlock.plugins.routers.reading import refuse

Json = dict[str, Any]
_CHOSEN = ("header_name", "use_hash_policy")
"""Where the number that chooses is no random one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """The configured weight of each cluster, in force where the runtime has none."""

    weights: Mapping[str, int]
    retries: bool
    by_request: bool


def find_split(configs: Iterable[Json], prefix: str, arms: Sequence[str]) -> Split:
    """The split by ``prefix`` between exactly ``arms``, of which the first is the canary.

    Raises:
        InvalidSetting: ``router-prefix``, ``router-cluster``.
    """
    found = list(_splits(configs))
    ours = [split for name, split in found if name == prefix]
    if not ours:
        known = sorted({name for name, _ in found if name})
        raise refuse(
            f"a `runtime_key_prefix` of a route{closest(prefix, known)}",
            prefix,
            hint=f"Envoy has loaded: {', '.join(known)[:200] or 'none'}",
            path=("prefix",),
            code="router-prefix",
        )
    for split in ours:
        _same(split.weights, arms)
    return Split(
        weights=ours[0].weights,
        retries=any(split.retries for split in ours),
        by_request=all(split.by_request for split in ours),
    )


def _same(clusters: Mapping[str, int], arms: Sequence[str]) -> None:
    for place, arm in enumerate(arms):
        if arm not in clusters:
            raise refuse(
                f"a cluster of that split{closest(arm, list(clusters))}",
                arm,
                hint=f"it has: {', '.join(clusters)[:200]}",
                path=("control" if place else "canary",),
                code="router-cluster",
            )
    if more := sorted(clusters.keys() - set(arms)):
        raise InvalidSetting(
            f"expected canary and control to be all clusters of that split, got another: `{more[0][:80]!a}`",
            code="router-cluster",
            hint="name it under `control`, or take it out of the split",
            path=("control",),
        )


def _splits(configs: Iterable[Json]) -> Iterator[tuple[str, Split]]:
    for config in configs:
        for host in config.get("virtual_hosts", []):
            for route in host.get("routes", []):
                action = route.get("route", {})
                split = action.get("weighted_clusters")
                if split:
                    weights = {str(each.get("name")): int(each.get("weight", 0)) for each in split["clusters"]}
                    policies = (action.get("retry_policy"), host.get("retry_policy"))
                    chosen = any(split.get(name) for name in _CHOSEN)
                    found = Split(weights=weights, retries=any(map(_retries, policies)), by_request=not chosen)
                    yield str(split.get("runtime_key_prefix", "")), found


def _retries(policy: Json | None) -> bool:
    return bool(policy and policy.get("retry_on") and policy.get("num_retries", 1) != 0)
