"""Every bundled policy through the HTTP API: one change that shows everything and passes, one for each rule that
lacks exactly what the rule asks for and is refused by it.

Two rules are second locks behind the API's own door: what they forbid is refused there, with a code, before there
is anything to judge. For these the tests name that code, and the rule's own pair is in the bundled cases."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from interlock.core.approval.actor import Actor
from interlock.core.approval.model import Statement
from interlock.core.change.canonical import plain, sha256
from interlock.core.change.change import Submission
from interlock.core.change.parse import parse
from interlock.core.change.parts import (
    Artefact,
    ArtefactProvenance,
    Configuration,
    ConfigurationFile,
    DocumentVersion,
    Finding,
    GitRange,
    KeyChange,
    Part,
    ResourceChange,
    TerraformPlan,
    Validation,
)
from interlock.core.evidence.dsse import key_id_of, sign_envelope
from interlock.core.evidence.statement import OURS, statement
from interlock.core.policy.bundle import load_bundle
from interlock.registry import bundled_policies
from interlock.testing.authenticator import TOUCH, TOUCH_AND_PIN
from interlock.testing.road import Road, submission
from interlock.testing.shop.story import ANSWERS_OF

BUNDLE = load_bundle({path: content for path, content in bundled_policies().items() if path.startswith("base/")})
RULES = {name for name, policy in BUNDLE.policies.items() if policy.effect == "forbid"}
DOCUMENT = """---
plan: Promise delivery within five days.
failure_modes: [orders drop]
rollback_steps: [restore the previous digests]
required_tests: [test_promise]
{canary}{cites}---
"""
CANARY = "canary: {first_stage_percent: 1, bake_minutes: 15, metric: orders_total}\n"
GOOD: dict[str, dict[str, Any]] = {
    "rehearsal": {"verdict": "passed", "seconds": 20, "objective_seconds": 60},
    "alert-proof": {"verdict": "passed", "proven": ["orders drop"]},
    "tests": {"verdict": "passed", "passed_tests": ["test_promise"], "bites": True},
    "snapshot": {"verdict": "passed"},
    "scan": {"verdict": "passed", "new_findings": [], "secrets": []},
    "knowledge": {"verdict": "passed", "checked": ["wiki/promise"], "stale": []},
}
CONCERN = {"path": "", "line": 0, "severity": "low", "class": "test", "text": "untested", "question": "Is it?"}
PREVIOUS = sha256(b"previous")


@dataclass(frozen=True)
class Told:
    """One change as it is shown to the gate. Everything is as it should be unless a case says otherwise."""

    name: str
    author: str = "omar"
    email: str | None = None
    opener: str = "omar"
    path: str = "src/promise.py"
    services: tuple[str, ...] = ()
    document: str | None = DOCUMENT.format(canary=CANARY, cites="")
    document_late: bool = False
    artefact: dict[str, Any] = field(default_factory=dict)
    more: tuple[Part, ...] = ()
    validations: tuple[Validation, ...] = ()
    evidence: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    approvers: tuple[str, ...] = ("ana", "ben")
    answers: bool = True
    flags: int = TOUCH_AND_PIN
    offered: bool = True
    beside: bool = False
    environment: str = "production"

    def submission(self) -> Submission:
        """The submission of this change."""
        made = submission(self.name, author=self.author, paths=(self.path,))
        git = next(part for part in made.parts if isinstance(part, GitRange))
        commit = git.commits[0]
        if self.email:
            commit = replace(commit, author=replace(commit.author, email=self.email))
        commits, documents, files = (commit,), (), git.files
        if self.document:
            written = replace(commit, id="f" * 39 + "1", message="Plan it", documents_only=True)
            documents = (self._written(written.id),)
            plan = replace(git.files[0], path="change.md", status="added")
            commit = replace(commit, parents=(written.id,))
            commits = (commit, written) if self.document_late else (written, commit)
            files = (plan, *git.files)
        git = replace(git, commits=commits, files=files, documents=documents)
        image = {"name": "order-service", "digest": sha256(self.name.encode()), "previous_digest": PREVIOUS}
        artefact = Artefact(media="oci-image", **{**image, **self.artefact})
        return Submission(parts=(git, artefact, *self.more), validations=self.validations)

    def _written(self, commit: str) -> DocumentVersion:
        text = self.document or ""
        return DocumentVersion(path="change.md", commit=commit, digest=sha256(text.encode()), text=text)


def plan(*, address: str = "aws_db_instance.orders") -> TerraformPlan:
    """A plan that destroys a database."""
    resource = ResourceChange(
        address=address, type="aws_db_instance", provider="aws", actions=("delete",), replaces=False
    )
    return TerraformPlan(
        path="plan.json",
        format_version="1.2",
        tool_version="1.9",
        plan_digest=sha256(address.encode()),
        resources=(resource,),
    )


CONFIGURATION = Configuration(
    files=(
        ConfigurationFile(
            path="config/delivery.yaml",
            format="yaml",
            before_digest=sha256(b"7"),
            after_digest=sha256(b"8"),
            changes=(KeyChange(pointer="/delivery/max_days", op="changed", before=7, after=8, line=3),),
        ),
    )
)
IMAGE = "/apps~1v1~1Deployment~1shop~1order-service/spec/template/spec/containers/0/image"


def manifest(image: str) -> Configuration:
    """A deployment that is changed to run ``image``."""
    return Configuration(
        files=(
            ConfigurationFile(
                path="config/deployment.yaml",
                format="yaml",
                before_digest=sha256(b"before"),
                after_digest=sha256(image.encode()),
                changes=(KeyChange(pointer=IMAGE, op="changed", before="order-service:1", after=image, line=12),),
                documents=("apps/v1/Deployment/shop/order-service",),
            ),
        )
    )


LOOKED_AT = (Validation(validator="json-schema", path="config/deployment.yaml"),)
BROKEN = Validation(
    validator="null-value",
    path="config/delivery.yaml",
    findings=(
        Finding(rule="null-value", level="error", message="max_days is null, was 7", path="config/delivery.yaml"),
    ),
)
BUILT_ELSEWHERE = ArtefactProvenance(
    commit="e" * 40, repository="shop", builder="ci", statement_digest=sha256(b"slsa"), verified=True, key="ci"
)
CITES = DOCUMENT.format(canary=CANARY, cites="cites: [wiki/promise]\n")
NO_CANARY = DOCUMENT.format(canary="", cites="")
FINDING = {"verdict": "passed", "new_findings": [{"class": "CWE-89", "where": "src/promise.py:3"}], "secrets": []}

REFUSED: dict[str, Told] = {
    "tier1-two-approvals": Told("a1", approvers=("ana",)),
    "tier1-presence": Told("a2", flags=TOUCH),
    "ai-senior-approval": Told("a3", author="vera", opener="vera", approvers=("cleo", "omar")),
    "one-approval": Told("a4", path="email/text.py", artefact={"name": "email"}, approvers=(), document=None),
    "risk-questions": Told("a5", answers=False),
    "known-authors": Told("a6", email="stranger@elsewhere.example"),
    "agent-destructive": Told("a7", opener="q", more=(plan(),), flags=TOUCH),
    "documentation-complete": Told("a8", document=None),
    "configuration-valid": Told("a9", more=(CONFIGURATION,), validations=(BROKEN,)),
    "configuration-validated": Told("b1", more=(CONFIGURATION,)),
    "paths-owned": Told("b2", path="nobody/knows.py"),
    "artefact-pinned": Told("b3", more=(manifest("order-service:1.2.3"),), validations=LOOKED_AT),
    "artefact-previous": Told("b4", artefact={"previous_digest": None}),
    "artefact-of-head": Told("b5", artefact={"provenance": BUILT_ELSEWHERE}),
    "canary-plan": Told("b6", document=NO_CANARY),
    "blast-radius": Told("b7", document=NO_CANARY),
    "conflicting-change": Told("b8", beside=True),
    "rollback-rehearsed": Told("c1", evidence={"rehearsal": None}),
    "rollback-in-time": Told(
        "c2", evidence={"rehearsal": {"verdict": "passed", "seconds": 600, "objective_seconds": 60}}
    ),
    "irreversible-snapshot": Told("c3", more=(plan(),), evidence={"snapshot": None}),
    "irreversible-two-seniors": Told("c4", more=(plan(),), approvers=("ana", "cleo")),
    "alert-proven": Told("c5", evidence={"alert-proof": {"verdict": "passed", "proven": []}}),
    "tests-listed-first": Told("c6", document_late=True),
    "tests-pass": Told("c7", evidence={"tests": None}),
    "tests-bite": Told(
        "c8", evidence={"tests": {"verdict": "passed", "passed_tests": ["test_promise"], "bites": False}}
    ),
    "scanned": Told("c9", evidence={"scan": None}),
    "no-new-findings": Told("d1", evidence={"scan": FINDING}),
    "no-new-secrets": Told(
        "d2", evidence={"scan": {"verdict": "passed", "new_findings": [], "secrets": ["a.py:1"]}}
    ),
    "knowledge-fresh": Told(
        "d3",
        document=CITES,
        evidence={"knowledge": {"verdict": "passed", "checked": ["wiki/promise"], "stale": ["wiki/promise"]}},
    ),
    "knowledge-checked": Told("d4", document=CITES, evidence={"knowledge": None}),
    "concerns-answered": Told("d8", evidence={"review": {"concerns": [CONCERN], "cut": 0}}),
    "digest-drift": Told("d5", offered=False),
    "rules-two-approvals": Told("d6", path="policies/modes.yaml", approvers=("ana",)),
    "agent-rules": Told("d7", path="policies/modes.yaml", opener="q"),
}
PASSES = {
    "one-approval": Told("p1", path="email/text.py", artefact={"name": "email"}, approvers=("ana",)),
    "irreversible-snapshot": Told("p2", more=(plan(),)),
    "knowledge-checked": Told("p3", document=CITES),
    "configuration-validated": Told(
        "p4",
        more=(CONFIGURATION,),
        validations=(Validation(validator="json-schema", path="config/delivery.yaml"),),
    ),
    "artefact-pinned": Told(
        "p7", more=(manifest("order-service:1.2.3@" + sha256(b"image")),), validations=LOOKED_AT
    ),
    "agent-destructive": Told("p5", opener="q", more=(plan(),)),
    "rules-two-approvals": Told("p6", path="policies/modes.yaml"),
}


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory, build: Any) -> Iterator[Road]:
    made = build(tmp_path_factory.mktemp("road"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def api(road: Road, api_of: Any) -> Any:
    return api_of(road)


def gate(road: Road, api: Any, told: Told) -> dict[str, Any]:
    """Open, approve, show evidence, ask the gate, withdraw: all over HTTP."""
    opener = road.agent("q") if told.opener == "q" else road.person(told.opener)
    change = opened(api, opener, told)
    others = [opened(api, road.person("cleo"), Told(f"{told.name}-beside"))] if told.beside else []
    for kind, predicate in {**GOOD, **told.evidence}.items():
        if predicate is not None:
            hand_in_evidence(road, api, change, kind, predicate)
    for person in told.approvers:
        approve(road, api, change, told, person)
    offered = told.submission() if told.offered else Told(f"{told.name}-drift").submission()
    body = {"environment": told.environment, "submission": plain(offered)}
    result: dict[str, Any] = api.post(road.pipeline(), f"/v1/changes/{change['id']}/gate", body)
    for one in (change, *others):
        owner = opener if one is change else road.person("cleo")
        api.post(owner, f"/v1/changes/{one['id']}/withdrawal", None)
    return result


def opened(api: Any, opener: Actor, told: Told) -> dict[str, Any]:
    body = {"title": told.name, "submission": plain(told.submission()), "services": list(told.services)}
    found: dict[str, Any] = api.post(opener, "/v1/changes", body)
    return found


def hand_in_evidence(road: Road, api: Any, change: dict[str, Any], kind: str, predicate: dict[str, Any]) -> None:
    said = statement(subject=change["digest"], predicate_type=f"{OURS}{kind}/v1", predicate=predicate)
    envelope = sign_envelope(said, road.runner, key_id_of(road.runner.public_key()))
    body = {"format": "dsse", "content": base64.b64encode(envelope).decode()}
    kept = api.post(road.pipeline(), f"/v1/changes/{change['id']}/evidence", body)
    assert kept["standing"] == "trusted"


def approve(road: Road, api: Any, change: dict[str, Any], told: Told, person: str) -> None:
    api.post(road.person(person), "/v1/statements", signed(road, api, change, told, person))


def signed(road: Road, api: Any, change: dict[str, Any], told: Told, person: str) -> dict[str, Any]:
    answers = ANSWERS_OF if told.answers else {}
    request = {
        "purpose": "approve",
        "subject": change["id"],
        "approver": person,
        "environment": told.environment,
        "answers": answers,
    }
    said = parse(Statement, api.post(road.person(person), "/v1/statements/prepare", request), what="the statement")
    signature = road.keys[person].sign(said, flags=told.flags)
    return {"statement": plain(said), "signature": signature}


def reasons(result: dict[str, Any]) -> set[str]:
    return {reason["id"] for reason in result["reasons"]}


def test_every_rule_has_its_refusal_here() -> None:
    separately = {"freeze-window", "one-person-presence", "agent-approval", "rules-in-force"}
    assert set(REFUSED) | separately == RULES


def test_a_change_that_shows_everything_passes(road: Road, api: Any) -> None:
    result = gate(road, api, Told("ready"))
    assert (result["outcome"], reasons(result)) == ("allow", set())
    assert result["ticket"]


@pytest.mark.parametrize("rule", sorted(REFUSED))
def test_what_lacks_one_thing_is_refused_by_that_rule(road: Road, api: Any, rule: str) -> None:
    result = gate(road, api, REFUSED[rule])
    assert rule in reasons(result)
    assert result["outcome"] != "allow"
    assert result["ticket"] is None
    told = next(reason for reason in result["reasons"] if reason["id"] == rule)
    assert told["text"]
    assert told["remedy"]


@pytest.mark.parametrize("rule", sorted(PASSES))
def test_the_same_with_the_one_thing_passes(road: Road, api: Any, rule: str) -> None:
    result = gate(road, api, PASSES[rule])
    assert rule not in reasons(result)


def test_an_agents_approval_is_refused_where_it_is_handed_in(road: Road, api: Any) -> None:
    """``agent-approval``: carried by the agent, or signed in its name, it never gets as far as being counted."""
    told = Told("e1")
    change = opened(api, road.person("omar"), told)
    body = signed(road, api, change, told, "ana")
    carried = api.reply(road.agent("q"), "/v1/statements", body)
    assert (carried.status_code, carried.json()["code"]) == (403, "agent-never")
    in_its_name = {**body, "statement": {**body["statement"], "approver": "q"}}
    named = api.reply(road.person("ana"), "/v1/statements", in_its_name)
    assert (named.status_code, named.json()["code"]) == (422, "approver-unknown")
    assert api.reply(road.person("ana"), "/v1/statements", body).status_code == 201
    api.post(road.person("omar"), f"/v1/changes/{change['id']}/withdrawal", None)


def test_a_description_under_other_rules_is_refused_where_it_is_handed_in(road: Road, api: Any) -> None:
    """``rules-in-force``: a caller sends parts; what they amount to is found under the rules in force."""
    told = Told("e2")
    body = {"title": told.name, "submission": plain(told.submission())}
    for more in ({"description": {"catalog_digest": sha256(b"mine")}}, {"catalog_digest": sha256(b"mine")}):
        reply = api.reply(road.person("omar"), "/v1/changes", {**body, **more})
        assert (reply.status_code, reply.json()["code"]) == (422, "input-shape")
    assert api.reply(road.person("omar"), "/v1/check", body | {"description": {}}).json()["code"] == "input-shape"
    made = api.post(road.person("omar"), "/v1/check", {"submission": body["submission"]})
    assert made["description"]["catalog_digest"] == road.rules().catalog.digest
    assert "rules-in-force" not in reasons(made["decision"])


def test_nothing_passes_in_a_freeze_and_it_passes_after(tmp_path: Path, build: Any, api_of: Any) -> None:
    modes = b"""default: enforce
freezes:
  - {name: black friday, from: 2026-03-05T00:00:00Z, until: 2026-03-06T00:00:00Z}
"""
    road = build(tmp_path, modes=modes)
    try:
        api = api_of(road)
        assert "freeze-window" in reasons(gate(road, api, Told("frozen")))
        road.clock.pass_by(days=1)
        assert "freeze-window" not in reasons(gate(road, api, Told("thawed")))
    finally:
        road.close()


def test_alone_one_person_must_at_least_be_there(tmp_path: Path, build: Any, api_of: Any) -> None:
    road = build(tmp_path, settings=b"one_person: true\n", founders=("ana",))
    try:
        api = api_of(road)
        alone = Told("alone", author="ana", opener="ana", approvers=("ben",))
        assert "one-person-presence" in reasons(gate(road, api, replace(alone, flags=TOUCH)))
        there = gate(road, api, replace(alone, name="there"))
        assert "one-person-presence" not in reasons(there)
        assert there["outcome"] == "allow"
    finally:
        road.close()
