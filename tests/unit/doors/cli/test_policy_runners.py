"""``interlock policy check`` on the runners that settings trust: what is misspelt there is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.unit.doors.cli.test_policy import run

from interlock.core.evidence.dsse import key_id_of

RUNNERS = """
version: 1
trust:
  runners:
    - name: ci
      key_id: "sha256:{other}"
      public_key: |
{key}
      predicates: ["https://interlock.dev/predicates/rehersal/v1", scan]
      services: [order-servce]
      not_after: "2020-01-01T00:00:00Z"
    - {{name: ci, key_id: x, public_key: none, predicates: ["https://example.com/other/v1"]}}
"""
CATALOG = """
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: order-service
  annotations: {interlock.dev/tier: "2"}
spec: {type: service, lifecycle: production, owner: group:shop}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: shop}
spec: {type: team, children: []}
"""


def with_runners(tree: Path, text: str) -> None:
    (tree / "catalog-info.yaml").write_text(CATALOG)
    (tree / "interlock.yaml").write_text(text)


def test_check_doubts_what_is_misspelt_about_runners(tree, capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    pem = (
        Ed25519PrivateKey.generate()
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
    key = "".join(f"        {line}\n" for line in pem.splitlines())
    with_runners(tree, RUNNERS.format(other="0" * 64, key=key))
    code, out, _ = run("policy", "check", capsys=capsys)
    assert code == 1
    for said in (
        "expected the id of `public_key` at `trust.runners[0].key_id`, got `sha256:000",
        "(did you mean `https://interlock.dev/predicates/rehearsal/v1`?) at `trust.runners[0].predicates`",
        "(did you mean `https://interlock.dev/predicates/scan/v1`?) at `trust.runners[0].predicates`, got `scan`",
        "expected a service of the catalog (did you mean `order-service`?) at `trust.runners[0].services`",
        "expected a time to come at `trust.runners[0].not_after`, got `2020-01-01 00:00`",
        "expected a name of its own at `trust.runners[1].name`, got `ci`",
        "expected a public key in PEM, of Ed25519 or P-256 at `trust.runners[1].public_key`",
    ):
        assert said in out
    assert "example.com" not in out, "others' types are theirs to name"


def test_check_refuses_a_key_of_a_runner_that_there_is_not(tree, capsys) -> None:
    with_runners(tree, RUNNERS.format(other="0", key="        x\n").replace("services:", "servces:"))
    code, _, err = run("policy", "check", capsys=capsys)
    assert (code, "there is no such key (did you mean `services`?)" in err) == (2, True)


def test_a_time_of_a_runner_without_a_zone_is_refused(tree, capsys) -> None:
    with_runners(tree, RUNNERS.format(other="0", key="        x\n").replace("00:00Z", "00:00"))
    code, _, err = run("policy", "check", capsys=capsys)
    assert (code, "expected a time with its zone" in err) == (2, True)


@pytest.mark.parametrize("kind", ["*", "https://interlock.dev/predicates/*", "https://slsa.dev/provenance/v1"])
def test_a_runner_without_a_fault_is_not_doubted(tree, capsys, kind) -> None:
    public = Ed25519PrivateKey.generate().public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    one = {"name": "ci", "key_id": key_id_of(public), "public_key": pem, "predicates": [kind]}
    with_runners(tree, json.dumps({"version": 1, "trust": {"runners": [one]}}))
    code, out, _ = run("policy", "check", capsys=capsys)
    assert code == 0, out
