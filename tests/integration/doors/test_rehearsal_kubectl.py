"""``evidence run rehearsal`` in a real cluster, whole: signed where it holds, brought back where it was killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from interlock.testing.kubernetes import CONTEXT, TOKEN

pytestmark = pytest.mark.soak

PLAN = """\
service: order-service
environment: staging
driver:
  kind: kubectl
  context: {context}
  namespace: {namespace}
  workloads: [deployment/orders]
  image_env: ORDERS_IMAGE
  container: orders
  timeout: 60
"""
ORDERS = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: orders}
spec:
  replicas: 2
  selector: {matchLabels: {app: orders}}
  template:
    metadata: {labels: {app: orders}}
    spec: {containers: [{name: orders, image: "orders:1"}]}
"""
DIGEST = "@sha256:" + "2" * 64


@pytest.fixture
def shop(governed, cluster, namespace, monkeypatch):
    """The shop with that plan in force and its change open, and what runs in its staging."""
    plan = PLAN.format(context=CONTEXT, namespace=namespace).encode()
    folder = governed({"rehearsals/order-service.yaml": plan})
    cluster.kubectl(f"--namespace={namespace}", "apply", "-f", "-", given=ORDERS)
    cluster.kubectl(f"--namespace={namespace}", "rollout", "status", "deployment/orders", "--timeout=60s")
    monkeypatch.setenv("ORDERS_IMAGE", f"orders{DIGEST}")
    return folder


def image(cluster, namespace):
    told = json.loads(cluster.kubectl(f"--namespace={namespace}", "get", "deployment/orders", "-o", "json"))
    return told["spec"]["template"]["spec"]["containers"][0]["image"]


def test_a_rollout_that_can_be_undone_is_signed_and_meets_the_obligation(
    shop, terminal, judged, cluster, namespace
):
    done = terminal("evidence", "run", "rehearsal", "--key", shop / "runner.pem", "--json")
    assert done.code == 0, done
    found = done.json["items"][0]
    assert (found["driver"], found["verdict"], found["good"]) == ("kubectl", "passed", True)
    assert found["measured"]["revisions"] == {"deployment/orders": {"before": 1, "applied": 2, "back": 3}}
    assert judged.met("rollback-rehearsed")
    assert image(cluster, namespace) == "orders:1"
    kept = [path.read_bytes() for path in (shop / "shop" / ".interlock").rglob("*") if path.is_file()]
    assert kept
    assert not any(TOKEN.encode() in content for content in kept)


def test_whoever_is_killed_while_it_rolls_out_is_followed_by_recovery(
    shop, terminal, cluster, namespace, monkeypatch
):
    monkeypatch.setenv("ORDERS_IMAGE", f"never{DIGEST}")
    killed = subprocess.Popen(
        [sys.executable, "-m", "interlock", "evidence", "run", "rehearsal", "--key", "../runner.pem"],
        cwd=shop / "shop", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env={**os.environ},
    )  # fmt: skip
    said = ""
    while "there: apply done" not in said:
        line = killed.stderr.readline()
        assert line, (said, killed.wait(30))
        said += line
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=60)
    assert image(cluster, namespace) == f"never{DIGEST}"
    done = terminal("evidence", "recover")
    assert (done.code, done.out[:4]) == (0, "BACK"), done
    assert image(cluster, namespace) == "orders:1"
    assert terminal("evidence", "recover").out.startswith("nothing is half-way")
