"""The facts a policy may read: one flat record, the same for every rule, and its Cedar schema.

Rules:
1. Every fact is a boolean, a whole number, a string or a set of strings. Cedar has no quantifiers over records
   and no fractions, so counts are counted and shares are rounded up to whole percents before Cedar sees them.
2. A fact is either *given* (what the change is) or *shown* (what approvals and evidence add). Shown facts have
   a value for "nothing shown yet"; with those values in place a rule that fires is an obligation.
3. A fact that can be unknown is optional and absent when unknown; the schema makes every rule guard it.
4. The schema below is generated from the table, so that a fact cannot exist in one place only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from interlock.core.change.canonical import digest

FactType = Literal["Bool", "Long", "String", "Set<String>"]
FactValue = bool | int | str | list[str]
Facts = dict[str, FactValue]

STATES = ("missing", "failed", "incomplete", "self-attested", "shown")
"""How far a piece of evidence got: ``incomplete`` when nothing failed and not all that is required was seen,
``shown`` only by a trusted runner, about this digest, and not expired."""

PROVENANCES = ("human", "ai-assisted", "ai-authored", "autonomous-agent", "unknown")
ACTORS = ("person", "pipeline", "agent")


@dataclass(frozen=True, slots=True)
class Fact:
    """``values`` closes the set of strings; ``nothing`` is the value of a shown fact before anything is shown."""

    name: str
    type: FactType
    meaning: str
    values: tuple[str, ...] = ()
    nothing: FactValue | None = None
    optional: bool = False

    @property
    def shown(self) -> bool:
        """Whether approvals or evidence can change it."""
        return self.nothing is not None


def _is(name: str, meaning: str) -> Fact:
    return Fact(name, "Bool", meaning)


def _count(name: str, meaning: str, *, optional: bool = False) -> Fact:
    return Fact(name, "Long", meaning, optional=optional)


def _word(name: str, meaning: str, *values: str) -> Fact:
    return Fact(name, "String", meaning, values=values)


def _names(name: str, meaning: str) -> Fact:
    return Fact(name, "Set<String>", meaning)


def _shown(name: str, meaning: str) -> Fact:
    return Fact(name, "String", meaning, values=STATES, nothing="missing")


_GIVEN = (
    _word("actor", "who asks", *ACTORS),
    _is("agent", "an agent asks, opened the change, or wrote it on its own"),
    _count("approvals_required", "people who must approve at this tier; 1 in one-person mode"),
    _is("artefact_other_head", "an artefact's provenance names another commit than the head"),
    _is("artefact_previous_known", "the artefact to go back to is known"),
    _names("artefacts", "what will run"),
    _names("artefacts_unpinned", "what will run and is not named by digest; images in manifests too"),
    _is("canary_complete", "first stage, bake and business metric are planned within their limits"),
    _names("canary_problems", "what the canary plan lacks"),
    _word("change_class", "class of the change", "standard", "normal", "emergency"),
    _names("cited_documents", "documents that change.md cites"),
    _names("conflicts", "other open changes on the same services"),
    _is("counts_as_ai", "not declared human; unknown counts as AI-assisted unless settings say otherwise"),
    _is("described_elsewhere", "described under other rules than those in force"),
    _is("digest_drift", "what is offered is not what was described and approved"),
    _is("documented", "plan, failure modes and rollback steps are written"),
    _word("environment", "where the change would go"),
    _names("failure_modes", "failure modes that change.md names"),
    _count("failure_modes_count", "how many"),
    _is("fast_lane", "small, reversible, not Tier-1, validated and documented"),
    _count("files", "files changed"),
    _count("fleet_percent", "share of the fleet that can be hurt", optional=True),
    _names("freezes", "freeze windows in force for these services and this environment"),
    _is("high_risk", "Tier-1 and irreversible, too wide, or by an agent on its own"),
    _is("irreversible", "going back does not restore everything, or nobody can tell"),
    _count("limit_fleet_percent", "thresholds.fleet_share"),
    _count("limit_orders_percent", "thresholds.order_share"),
    _count("limit_services", "thresholds.blast_services"),
    _count("lines", "lines added and removed"),
    _names("losses", "what going back does not restore"),
    _is("one_person", "the repository has one person, who is author and approver"),
    _count("orders_percent", "share of orders that can be hurt", optional=True),
    _is("production", "the environment is a production environment"),
    _word("provenance", "who wrote it, by its markers", *PROVENANCES),
    _count("reached_services", "services that can be hurt, touched ones included"),
    _names("required_tests", "tests that change.md requires"),
    _is("rules_only", "rule files and the change's own change.md change, and certainly nothing that could run"),
    _is("rules_touched", "catalog, keys, policies, trust or settings change"),
    _is("software_keys_suffice", "settings let a software key approve at this tier"),
    _names("services", "services that the change touches"),
    _is(
        "tests_listed_first",
        "a person listed required tests in a commit of their own before the code, and all of them still stand",
    ),
    _count("tier", "most critical tier touched; a change of the rules counts as 1, no service as 2"),
    _is("too_wide", "reaches more services, fleet or orders than a limit_ fact allows"),
    _names("unmapped_authors", "authors that the catalog maps to no single person"),
    _names("unowned_paths", "changed paths that belong to no service"),
    _names("unvalidated", "configuration files that no validator looked at"),
    _names("validation_errors", "what validators refused"),
)

_SHOWN = (
    Fact("agent_approvals", "Long", "approvals given by agents", nothing=0),
    _shown("alert_proof", "every failure mode of change.md seen setting off an alert"),
    Fact("alerts_proven", "Long", "failure modes that set off an alert", nothing=0),
    Fact("answered_approvals", "Long", "approvals that answer both risk questions", nothing=0),
    Fact("approvals", "Long", "people who approved and are no authors", nothing=0),
    Fact("approvals_possession", "Long", "of these, without proof of presence", nothing=0),
    Fact("approvals_verified", "Long", "of these, with proof of presence", nothing=0),
    Fact("approvals_void", "Long", "approvals on record that do not count", nothing=0),
    Fact("blocking_findings", "Set<String>", "new findings of the blocking classes", nothing=[]),
    Fact("concerns", "Long", "concerns that reviewers raised about this digest", nothing=0),
    Fact("concerns_answered", "Long", "of these, answered by a person who is no author", nothing=0),
    Fact("director_approvals", "Long", "directors or above who approved", nothing=0),
    _shown("knowledge", "freshness of the documents that the change cites"),
    Fact("knowledge_stale", "Set<String>", "cited documents that are stale or ownerless", nothing=[]),
    Fact("open_concerns", "Set<String>", "concerns that nobody answered, by id and place", nothing=[]),
    Fact("rehearsal_age_hours", "Long", "hours since the last rehearsal, 0 without one", nothing=0),
    _shown("rehearsal", "rollback rehearsed on this digest within thresholds.rehearsal_days"),
    Fact("rollback_too_slow", "Bool", "the rehearsed rollback took longer than its objective", nothing=False),
    _shown("scan", "scanned for new security findings"),
    Fact("secrets", "Set<String>", "new secrets found", nothing=[]),
    Fact("senior_approvals", "Long", "seniors or above who approved", nothing=0),
    _shown("snapshot", "snapshot restored and compared"),
    _shown("tests", "every required test seen passing"),
    Fact("tests_seen", "Set<String>", "of the required tests, those seen passing", nothing=[]),
    _shown("tests_bite", "required tests fail without the change"),
    Fact(
        "tests_unexplained",
        "Set<String>",
        "new or changed tests not shown to need the change, and declared by nobody",
        nothing=[],
    ),
    Fact("vp_approvals", "Long", "VPs who approved", nothing=0),
)

FACTS: dict[str, Fact] = {fact.name: fact for fact in sorted((*_GIVEN, *_SHOWN), key=lambda fact: fact.name)}
"""Every fact by name, sorted."""

NOTHING: Facts = {fact.name: fact.nothing for fact in FACTS.values() if fact.nothing is not None}
"""The shown facts when nothing has been shown."""

ACTION = "enter"
"""The one action: a change enters an environment."""

PRINCIPALS = {"person": "Person", "pipeline": "Pipeline", "agent": "Agent"}


def schema_text() -> str:
    """The Cedar schema: three kinds of principal, one action, and the facts as its context."""
    context = "\n".join(
        f"    // {fact.meaning}\n    {fact.name}{'?' if fact.optional else ''}: {fact.type},"
        for fact in FACTS.values()
    )
    kinds = ", ".join(PRINCIPALS.values())
    return (
        "// What a policy may read. Written by interlock; a policy that reads anything else is refused.\n"
        f"entity {kinds}, Change;\n\n"
        f'action "{ACTION}" appliesTo {{\n'
        f"  principal: [{kinds}],\n  resource: [Change],\n  context: {{\n{context}\n  }}\n}};\n"
    )


SCHEMA_TEXT = schema_text()
SCHEMA_DIGEST = digest("interlock.dev/policy-schema/v1", SCHEMA_TEXT)
