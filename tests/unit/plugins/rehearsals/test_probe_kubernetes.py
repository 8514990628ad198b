"""The probe ``kubernetes`` beside a program that answers as kubectl does: no cluster is asked here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.change.settings import Environment, Settings
from interlock.core.rehearsal.plan_read import read_rehearsal_plans
from interlock.plugins.rehearsals.probe_kubernetes import KubernetesProbe
from interlock.plugins.world.programs import SystemPrograms
from interlock.ports.rehearsal import RehearsalScene

SETTINGS = {"context": "kind-staging", "namespace": "shop", "objects": ["deployment/orders", "configmap/delivery"]}
FOUND = {
    "kind": "List",
    "items": [{"kind": "Deployment", "metadata": {"name": "orders"}, "spec": {"replicas": 2}}],
}


@pytest.fixture
def answers(tmp_path, monkeypatch):
    """``answers(script)``: a kubectl that runs this script; what it was asked is in ``asked``."""

    def made(script: str) -> Path:
        program = tmp_path / "bin" / "kubectl"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n{script}\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
        return tmp_path / "asked"

    return made


def probe(tmp_path, **more):
    scene = RehearsalScene(
        root=str(tmp_path), run="reh-1", change="chg-1", digest="sha256:0", service="shop", environment="staging",
        programs=SystemPrograms(str(tmp_path)),
    )  # fmt: skip
    return KubernetesProbe(SETTINGS | more, scene)


def test_it_asks_for_what_the_plan_names_and_what_is_not_there_is_seen_so(answers, tmp_path):
    asked = answers(f"echo '{json.dumps(FOUND)}'")
    assert probe(tmp_path).look().items == {
        "deployment/orders": "there",
        "deployment/orders spec.replicas": "2",
        "configmap/delivery": "not there",
    }
    assert asked.read_text() == (
        "--context=kind-staging --namespace=shop get --ignore-not-found "
        "deployment/orders configmap/delivery --output=json\n"
    )


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (
            "echo 'error: context \"kind-staging\" does not exist' >&2; exit 1",
            'kubectl ended with 1: error: context "',
        ),
        (
            'printf \'error: no such kind\\n{"password": "hunter2"}\\nensure CRDs are there\\n\' >&2; exit 1',
            "kubectl ended with 1: error: no such kind … ensure CRDs are there",
        ),
        ("echo no json", "kubectl answered something else: "),
        ('echo \'{"kind": "Status"}\'', "kubectl answered something else: an object without metadata"),
    ],
)
def test_what_is_no_answer_is_no_look(answers, tmp_path, script, why):
    answers(script)
    found = probe(tmp_path).look()
    assert (found.items, found.failed[: len(why)]) == ({}, why)


def test_without_kubectl_it_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert probe(tmp_path).look().failed.endswith("apt-get install kubernetes-client")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"context": "--kubeconfig=x"}, "expected a context of kubectl"),
        ({"namespace": " "}, "expected a namespace of kubectl"),
        ({"objects": []}, "expected at least one object"),
        ({"objects": ["deployments"]}, "expected an object such as"),
        ({"objects": ["--all/x"]}, "expected an object such as"),
        ({"contxt": "x"}, "contxt"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(tmp_path, wrong, told):
    with pytest.raises(InvalidInput) as refused:
        probe(tmp_path, **wrong)
    assert told in refused.value.message


PLAN = """\
service: shop
environment: staging
driver: {{kind: command}}
apply: [{{name: a, run: ["true"], verify: ["true"]}}]
rollback: [{{name: a, run: ["true"], verify: ["true"]}}]
probes:
  - {{name: cluster, kind: kubernetes, context: {context}, namespace: shop, objects: [deployment/orders]}}
"""
KNOWN = Settings(
    environments={"production": Environment(production=True, markers=("prod-*",)), "staging": Environment()}
)


@pytest.mark.parametrize("context", ["production", "prod-eu-1"])
def test_a_context_that_is_production_is_refused_with_the_rules(context):
    with pytest.raises(InvalidInput) as refused:
        read_rehearsal_plans({"rehearsals/shop.yaml": PLAN.format(context=context).encode()}, KNOWN, ("shop",))
    assert refused.value.code == "rehearsal-production"
    assert refused.value.message.endswith(f"got `{context}` at `rehearsals/shop.yaml:7`")


def test_another_context_is_not():
    read_rehearsal_plans({"rehearsals/shop.yaml": PLAN.format(context="kind-staging").encode()}, KNOWN, ("shop",))
