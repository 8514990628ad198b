"""Provenance as real builders write it: which commit, of which repository."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from interlock.core.change.canonical import sha256
from interlock.core.change.errors import InvalidInput
from interlock.core.evidence.model import Runner
from interlock.core.evidence.slsa import read_provenance
from interlock.core.evidence.statement import SLSA_V02, SLSA_V1, VSA, statement
from interlock.core.evidence.trust import verify_envelope

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
COMMIT = "a" * 40
IMAGE = sha256(b"image")


@pytest.mark.parametrize(
    ("name", "repository", "commit"),
    [
        (
            "go-v0.2.intoto.jsonl",
            "https://github.com/slsa-framework/example-package",
            "693130cb6cb840a7bc9cb18c6510d536a95dc7e6",
        ),
        (
            "bazel-v1.sigstore.json",
            "https://github.com/aspect-build/rules_lint",
            "8f70009fde0c94ade6ce2a054b94718c819126ec",
        ),
        (
            "delegator-v1.sigstore.json",
            "https://github.com/slsa-framework/example-package",
            "4e383a8215c979d61c6afd2e125cb2f559090adf",
        ),
    ],
)
def test_real_provenance_names_its_source(sample: Any, name: str, repository: str, commit: str) -> None:
    found = read_provenance(sample(f"intoto/{name}"), (), NOW)
    assert (found.repository, found.commit, found.verified, found.key) == (repository, commit, False, None)
    assert found.builder.startswith("https://github.com/")


def test_it_must_be_of_this_artefact(sample: Any) -> None:
    content = sample("intoto/bazel-v1.sigstore.json")
    own = "sha256:1636f443b01c9ee310ee5834956d0dce374c3d3bf8d4cebc9f6b86f8304b4982"
    assert read_provenance(content, (), NOW, subject=own).commit
    with pytest.raises(InvalidInput) as caught:
        read_provenance(content, (), NOW, subject=sha256(b"another"))
    assert caught.value.code == "provenance-subject"


def test_a_real_signature_by_somebody_else_s_signer_verifies(sample: Any) -> None:
    """Google's verification summary, signed with ECDSA P-256 in production."""
    runner = Runner(
        name="bcid",
        public_key=sample("intoto/gke-vsa-key.pem").decode(),
        key_id="keystore://76574:prod:vsa_signing_public_key",
        predicates=(VSA,),
    )
    found = verify_envelope(sample("intoto/gke-vsa.jsonl"), (runner,), now=NOW)
    assert (found.trusted, found.statement.predicate_type) == (True, VSA)
    value = json.loads(sample("intoto/gke-vsa.jsonl"))
    altered = base64.b64decode(value["payload"]).replace(b"SLSA_BUILD_LEVEL_2", b"SLSA_BUILD_LEVEL_3")
    value["payload"] = base64.b64encode(altered).decode()
    with pytest.raises(InvalidInput) as caught:
        verify_envelope(json.dumps(value).encode(), (runner,), now=NOW)
    assert caught.value.code == "signature-wrong"


def _v1(ci: Any, dependencies: list[Any], parameters: dict[str, Any]) -> bytes:
    predicate = {
        "buildDefinition": {
            "buildType": "https://example.com/v1",
            "externalParameters": parameters,
            "resolvedDependencies": dependencies,
        },
        "runDetails": {"builder": {"id": "https://builder.example.com"}},
    }
    made: bytes = ci.signs(statement(subject=IMAGE, predicate_type=SLSA_V1, predicate=predicate, name="image"))
    return made


def _git(repository: str, commit: str) -> dict[str, Any]:
    return {"uri": f"git+https://{repository}.git@refs/heads/main", "digest": {"gitCommit": commit}}


def test_a_trusted_runner_s_provenance_is_verified(ci: Any) -> None:
    content = _v1(ci, [_git("example.com/shop", COMMIT)], {})
    found = read_provenance(content, (ci.runner(predicates=(SLSA_V1,)),), NOW, subject=IMAGE)
    assert (found.verified, found.key, found.builder) == (True, "key-of-ci", "https://builder.example.com")
    assert (found.repository, found.commit) == ("https://example.com/shop", COMMIT)
    untrusted = read_provenance(content, (ci.runner(),), NOW, subject=IMAGE)
    assert (untrusted.verified, untrusted.key) == (False, "key-of-ci")


def test_the_source_asked_for_is_told_from_other_dependencies(ci: Any) -> None:
    both = [_git("example.com/library", "b" * 40), _git("example.com/shop", COMMIT)]
    content = _v1(ci, both, {"source": "git+https://example.com/shop"})
    assert read_provenance(content, (), NOW).commit == COMMIT
    with pytest.raises(InvalidInput) as caught:
        read_provenance(_v1(ci, both, {}), (), NOW)
    assert caught.value.code == "provenance-source"


@pytest.mark.parametrize(
    "dependencies",
    [
        [],
        ["x"],
        [{}],
        [{"uri": "git+https://x", "digest": {"gitCommit": "main"}}],
        [{"digest": {"gitCommit": COMMIT}}],
    ],
    ids=str,
)
def test_no_source_is_no_provenance(ci: Any, dependencies: list[Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_provenance(_v1(ci, dependencies, {}), (), NOW)
    assert caught.value.code == "provenance-source"


def test_the_older_form_falls_back_to_its_materials(ci: Any) -> None:
    predicate = {
        "builder": {"id": "b"},
        "materials": [{"uri": "git+https://example.com/shop@refs/tags/v1", "digest": {"sha1": COMMIT}}],
    }
    content = ci.signs(statement(subject=IMAGE, predicate_type=SLSA_V02, predicate=predicate))
    found = read_provenance(content, (), NOW)
    assert (found.repository, found.commit, found.builder) == ("https://example.com/shop", COMMIT, "b")


def test_other_statements_are_no_provenance(ci: Any, passed: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_provenance(ci.signs(passed), (), NOW)
    assert caught.value.code == "provenance-type"


def test_the_statement_digest_is_that_of_the_payload(ci: Any) -> None:
    content = _v1(ci, [_git("example.com/shop", COMMIT)], {})
    again = json.dumps(json.loads(content), indent=2).encode()
    assert read_provenance(content, (), NOW).statement_digest == read_provenance(again, (), NOW).statement_digest
