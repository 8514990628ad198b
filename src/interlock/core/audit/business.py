"""Whether a metric counts what a business lives from: by the words of its name.

Rules:
1. The catalog's word (``interlock.dev/metric``) decides where there is one. Everything else is a guess from words,
   and is said to be one.
2. A word counts as a whole word of a metric's name: ``orders_placed_total`` has one. Before ``service``, ``api``
   and the like it is only whose metric that is: ``order_service_errors_total`` has none.
3. It is business where that word leads or ends the name, counting units and what became of it (``placed``,
   ``failed``) aside, and is none of a phrase of its own (``sort_order``, ``git_checkout``): else *unclear*.
4. What counts requests, times answers or looks at machines is *technical*, whatever service it is named after:
   that an HTTP server answers less says nothing of orders. *Unclear* is what these words do not tell.
"""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal["business", "technical", "unclear"]
WORDS = frozenset(
    {
        "basket", "baskets", "billing", "booking", "bookings", "cart", "carts", "charge", "charges", "charged",
        "checkout", "checkouts", "conversion", "conversions", "donation", "donations", "gmv", "invoice",
        "invoices", "order", "orders", "payment", "payments", "purchase", "purchases", "refund", "refunds",
        "reservation", "reservations", "revenue", "sale", "sales", "signup", "signups", "subscription",
        "subscriptions",
    }
)  # fmt: skip
INFRASTRUCTURE = (
    "aggregator_", "alertmanager_", "apiserver_", "argo_", "argocd_", "cadvisor_", "cluster_", "container_",
    "controller_runtime_", "coredns_", "elasticsearch_", "etcd_", "go_", "grafana_", "grpc_", "haproxy_",
    "instance_", "istio_", "kafka_", "kube_", "kubelet_", "kubernetes_", "kubeproxy_", "machine_", "memcached_",
    "mongodb_", "mysql_", "namespace_", "nginx_", "node_", "pg_", "postgres_", "process_cpu_", "process_max_",
    "process_open_", "process_resident_", "process_start_", "process_virtual_", "prometheus_", "rabbitmq_",
    "redis_", "rest_client_", "scheduler_", "scrape_", "workqueue_",
)  # fmt: skip
TECHNICAL = frozenset(
    {
        "apdex", "bytes", "cpu", "connection", "connections", "container", "containers", "disk", "filesystem",
        "gc", "goroutines", "grpc", "health", "healthy", "heap", "http", "https", "info", "jvm", "lag", "latency",
        "memory", "microseconds", "milliseconds", "ms", "network", "node", "nodes", "pod", "pods", "pool", "queue",
        "ready", "replicas", "request", "requests", "response", "responses", "restarts", "rpc", "tcp", "threads",
        "up", "uptime", "version",
    }
)  # fmt: skip
"""Words that make a metric one of machines and traffic, wherever they stand in its name."""
_TIMED, _MOMENTS = frozenset({"duration", "seconds"}), frozenset({"last", "timestamp"})
_UNTOLD = frozenset({"error", "errors", "event", "events", "exception", "exceptions", "panics", "warnings"})
"""Of what there are errors or events is not told by a word beside it."""
_OWNERS = frozenset(
    {
        "api", "app", "backend", "client", "consumer", "controller", "database", "db", "deployment", "exporter",
        "frontend", "gateway", "job", "server", "service", "svc", "worker",
    }
)  # fmt: skip
_AFTER = frozenset(
    {
        "abandoned", "accepted", "active", "amount", "attempted", "attempts", "avg", "bucket", "canceled",
        "cancelled", "cents", "completed", "confirmed", "count", "created", "day", "declined", "delivered", "eur",
        "failed", "failures", "hour", "max", "mean", "min", "minute", "new", "number", "open", "paid", "pending",
        "per", "placed", "processed", "rate", "received", "refunded", "rejected", "seconds", "second", "shipped",
        "started", "submitted", "succeeded", "successes", "successful", "sum", "timestamp", "total", "usd",
        "value",
    }
)  # fmt: skip
"""What stands behind a noun without making another one of it."""
_VERSIONS = frozenset(
    {"branch", "code", "git", "hg", "repo", "repository", "scm", "source", "submodule", "svn", "vcs", "worktree"}
)
_PHRASES: dict[str, frozenset[str]] = {
    "order": frozenset(
        {
            "bit", "boot", "by", "byte", "column", "display", "draw", "evaluation", "execution", "field", "in",
            "index", "init", "insertion", "key", "load", "loading", "menu", "message", "natural", "of", "priority",
            "random", "render", "reverse", "row", "sort", "sorting", "startup", "tab", "traversal", "z",
        }
    ),
    "checkout": frozenset({*_VERSIONS, "db", "license", "session"}),
    "charge": frozenset({"battery", "level", "state"}),
    "conversion": frozenset(
        {
            "adc", "audio", "crd", "data", "document", "encoding", "file", "format", "image", "media", "pdf",
            "schema", "type", "unit", "video", "webhook",
        }
    ),
    "refund": frozenset({"gas"}),
    "reservation": frozenset({"address", "capacity", "dhcp", "ip", "lease", "port", "resource", "slot"}),
    "subscription": frozenset(
        {
            "amqp", "broker", "channel", "consumer", "event", "feed", "graphql", "mqtt", "nats", "pubsub", "redis",
            "sns", "stream", "topic", "websocket", "ws",
        }
    ),
}  # fmt: skip
"""Words beside one of the business by which it is a word of another trade."""
_TOKENS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
NAMED = re.compile(rb"\b[a-z][a-z0-9_:]{0,150}\b")


def kind_of(metric: str) -> Kind:
    """What a metric counts, as far as its name tells."""
    tokens = [token.lower() for token in _TOKENS.findall(metric)]
    words = frozenset(tokens)
    timed = not words.isdisjoint(_TIMED) and words.isdisjoint(_MOMENTS)
    if timed or metric.startswith(INFRASTRUCTURE) or not words.isdisjoint(TECHNICAL):
        return "technical"
    return "business" if _own_word(tokens) and words.isdisjoint(_UNTOLD) else "unclear"


def word_in(text: str) -> str:
    """The first word of any text that is one of the business, empty where none is."""
    return next((word for token in _TOKENS.findall(text) if (word := token.lower()) in WORDS), "")


def _own_word(tokens: list[str]) -> bool:
    """Whether a word of the business leads or ends the name, and does not only name whose metric it is."""
    end = len(tokens)
    while end > 1 and (tokens[end - 1] in _AFTER or tokens[end - 1].isdigit() or len(tokens[end - 1]) == 1):
        end -= 1
    return any(_means(tokens, place) for place in {0, end - 1} if 0 <= place < len(tokens))


def _means(tokens: list[str], place: int) -> bool:
    word, beside = tokens[place], {*tokens[max(place - 1, 0) : place], *tokens[place + 1 : place + 2]}
    if word not in WORDS or not beside.isdisjoint(_PHRASES.get(word.removesuffix("s"), frozenset())):
        return False
    if word.startswith("checkout") and not _VERSIONS.isdisjoint(tokens):
        return False
    return not (tokens[place + 1 : place + 2] and tokens[place + 1] in _OWNERS)
