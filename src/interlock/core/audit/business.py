"""Whether a metric counts what a business lives from: by the catalog where it says, else by the metric's name.

Rules:
1. The catalog's word (``interlock.dev/metric``) decides where there is one. Everything else is a guess from words,
   and is said to be one.
2. A word counts as a whole word of a metric's name: ``orders_placed_total`` has one, ``node_boot_order`` is the
   machine's. Metrics of machines and of known infrastructure never count, whatever they are called.
"""

from __future__ import annotations

import re

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
_TOKENS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
NAMED = re.compile(rb"\b[a-z][a-z0-9_:]{0,150}\b")


def business_word(metric: str) -> str:
    """The word of a metric's name that makes it one of the business, empty where none does."""
    return "" if is_infrastructure(metric) else word_in(metric)


def is_infrastructure(metric: str) -> bool:
    """Whether a metric is a machine's, or of infrastructure that everybody runs."""
    return metric == "up" or metric.startswith(INFRASTRUCTURE)


def word_in(text: str) -> str:
    """The first word of any text that is one of the business, empty where none is."""
    return next((word for token in _TOKENS.findall(text) if (word := token.lower()) in WORDS), "")
