"""The driver ``kubectl``: the settings that it takes, and what it says without kubectl. No cluster is asked."""

from __future__ import annotations

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.change.settings import Environment, Settings
from interlock.core.rehearsal.plan import RehearsalPlan
from interlock.core.rehearsal.plan_read import read_rehearsal_plans
from interlock.core.rollout.plan import PluginPlan
from interlock.plugins.rehearsals.kubectl import KubectlRehearsal
from interlock.plugins.world.programs import SystemPrograms
from interlock.ports.rehearsal import RehearsalScene

SETTINGS = {
    "context": "staging",
    "namespace": "shop",
    "workloads": ["deployment/orders"],
    "manifests": ["deploy/"],
}
IMAGE = {"manifests": [], "image_env": "ORDERS_IMAGE", "container": "orders"}


def driver(tmp_path, **more):
    scene = RehearsalScene(
        root=str(tmp_path), run="reh-1", change="chg-1", digest="sha256:0", service="shop", environment="staging",
        programs=SystemPrograms(str(tmp_path)),
    )  # fmt: skip
    plan = PluginPlan(kind="kubectl", settings=SETTINGS | more)
    return KubectlRehearsal(
        RehearsalPlan(path="r.yaml", service="shop", environment="staging", driver=plan, probes=()), scene
    )


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"context": ""}, "expected a context of kubectl"),
        ({"context": "--kubeconfig=x"}, "expected a context of kubectl"),
        ({"namespace": " "}, "expected a namespace of kubectl"),
        ({"workloads": []}, "expected each workload once, and one at least"),
        ({"workloads": ["deployment/a", "deployment/a"]}, "expected each workload once"),
        ({"workloads": ["orders"]}, "expected a workload such as"),
        ({"workloads": ["pod/orders"]}, "expected a workload such as"),
        ({"workloads": ["deployment/--all"]}, "expected a workload such as"),
        ({"manifests": []}, "expected one of manifests and image_env"),
        ({"image_env": "X", "container": "orders"}, "expected one of manifests and image_env"),
        ({"manifests": ["/etc/x.yaml"]}, "expected a path in the checkout"),
        ({"manifests": ["deploy/../../x"]}, "expected a path in the checkout"),
        ({"manifests": ["https://x.example/all.yaml"]}, "expected a path in the checkout"),
        ({"manifests": ["-"]}, "expected a path in the checkout"),
        ({"manifests": [" "]}, "expected a path in the checkout"),
        ({**IMAGE, "container": ""}, "expected a container beside image_env"),
        ({**IMAGE, "container": "a=b"}, "expected a container beside image_env"),
        ({**IMAGE, "workloads": ["deployment/a", "deployment/b"]}, "expected a container beside image_env"),
        ({"container": "orders"}, "expected a container beside image_env"),
        ({"objects": ["--all"]}, "expected an object such as"),
        ({"timeout": 0}, "expected a timeout from 1 to 1200 seconds"),
        ({"timeout": 1201}, "expected a timeout from 1 to 1200 seconds"),
        (
            {"timeout": 700, "workloads": ["deployment/a", "deployment/b"]},
            "expected a timeout from 1 to 600 seconds",
        ),
        ({"timeout": float("nan")}, "timeout"),
        ({"contxt": "x"}, "contxt"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(tmp_path, wrong, told):
    with pytest.raises(InvalidInput) as refused:
        driver(tmp_path, **wrong)
    assert told in refused.value.message


def test_without_kubectl_it_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert driver(tmp_path).needs().endswith("apt-get install kubernetes-client")


@pytest.fixture
def kubectl(tmp_path, monkeypatch):
    """A kubectl that must not be started."""
    program = tmp_path / "bin" / "kubectl"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return tmp_path / "started"


def test_manifests_that_are_not_in_the_checkout_are_missing(tmp_path, kubectl):
    root = tmp_path / "checkout"
    root.mkdir()
    assert driver(root).needs() == "`deploy/` in this checkout"
    (root / "deploy").symlink_to(tmp_path)
    assert driver(root).needs() == "`deploy/` in this checkout", "what a link leads to is not of this change"
    assert not kubectl.exists()


@pytest.mark.parametrize(
    "image", ["", "orders:1", "orders@sha256:12", "a b@sha256:" + "1" * 64, "=@sha256:" + "1" * 64]
)
def test_an_image_that_is_not_pinned_is_missing(tmp_path, kubectl, monkeypatch, image):
    monkeypatch.setenv("ORDERS_IMAGE", image)
    assert driver(tmp_path, **IMAGE).needs().startswith("an image by its digest")
    assert not kubectl.exists()


def test_without_notes_nothing_is_taken_back_and_nothing_is_seen(tmp_path, kubectl):
    """Its journal tells of no revision: ``rollout undo`` without a number would go anywhere."""
    made = driver(tmp_path)
    (acted,) = made.roll_back()
    assert (acted.ok, "nobody noted" in acted.said) == (False, True)
    assert made.looks()["cluster"].look().failed
    assert not kubectl.exists()


PLAN = """\
service: shop
environment: staging
driver: {{kind: kubectl, context: {context}, namespace: {namespace}, workloads: [deployment/a], manifests: [d]}}
"""
KNOWN = Settings(
    environments={"production": Environment(production=True, markers=("prod-*",)), "staging": Environment()}
)


@pytest.mark.parametrize(
    ("context", "namespace", "key"),
    [("prod-eu", "shop", "context"), ("lab", "production", "namespace"), ("lab", "prod-shop", "namespace")],
)
def test_a_context_or_a_namespace_of_production_is_refused_with_the_rules(context, namespace, key):
    plan = PLAN.format(context=context, namespace=namespace).encode()
    with pytest.raises(InvalidInput) as refused:
        read_rehearsal_plans({"rehearsals/shop.yaml": plan}, KNOWN, ("shop",))
    assert refused.value.code == "rehearsal-production"
    assert refused.value.message.startswith(f"expected a {key} that is not of `production`")
    assert refused.value.message.endswith("at `rehearsals/shop.yaml:3`")
