"""Which cluster a context of kubectl leads to, and whether that is production.

Rules:
1. A context is a name on one machine: what counts is the server behind it. It is told without what may be secret,
   by scheme, host and port.
2. It is production where a name or a marker of production covers its host, a label of that, the server as it is
   told, or what kubectl calls the cluster. Nothing else is looked at: an address of numbers is known to nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from interlock.core.change.canonical import Json
from interlock.core.change.pointers import at


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """``server`` is such as ``https://10.0.0.1:6443``, ``name`` what kubectl calls it."""

    name: str
    server: str


def cluster_of(answer: Json) -> Cluster:
    """The cluster in what ``kubectl config view --minify --output=json`` answers.

    Raises:
        ValueError: there is none, or not one alone.
    """
    clusters = at(answer, "/clusters")
    server, name = at(answer, "/clusters/0/cluster/server"), at(answer, "/clusters/0/name")
    if not isinstance(clusters, list) or len(clusters) != 1 or not isinstance(server, str):
        raise ValueError("no cluster of that context")
    parts = urlsplit(server)
    port = f":{parts.port}" if parts.port else ""
    if not parts.scheme or not parts.hostname:
        raise ValueError("a cluster without a server")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return Cluster(name=str(name or ""), server=f"{parts.scheme}://{host}{port}")


def production_marks(environments: Json) -> tuple[str, ...]:
    """The names and the markers of what is production among the rules' environments, as the API answers them."""
    places = environments.items() if isinstance(environments, dict) else ()
    known = [(name, each) for name, each in places if isinstance(each, dict) and each.get("production") is True]
    markers = {name: found if isinstance(found := each.get("markers"), list) else [] for name, each in known}
    return tuple(mark for name in markers for mark in (name, *(str(one) for one in markers[name])))


def production_mark(cluster: Cluster, marks: Sequence[str]) -> str:
    """The mark of production that covers a cluster; empty where none does."""
    host = urlsplit(cluster.server).hostname or ""
    names = [host, *host.split("."), cluster.server, cluster.name]
    return next((mark for mark in marks if any(each and fnmatchcase(each, mark) for each in names)), "")
