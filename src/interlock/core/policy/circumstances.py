"""The given facts: what the change is, where it would go, and what stands in its way.

Rules:
1. The tier is the most critical one among services touched and services declared: a name can only add. A change
   of the rules is a Tier-1 change; one that touches no known service counts as Tier-2.
2. An environment is production unless settings in force say that it is not.
3. A service that somebody declared makes a change of the rules one of more than rules.
4. Not known to be reversible is irreversible. Shares are rounded up to whole percents.
"""

from __future__ import annotations

import math

from interlock.core.approval.identity import kind_of
from interlock.core.change.catalog import Tier
from interlock.core.change.settings import Settings, Thresholds
from interlock.core.facts.model import Description, Documentation, ProvenanceKind, Reversibility
from interlock.core.policy.facts import Facts
from interlock.core.policy.modes import Freeze
from interlock.core.policy.question import DecisionInput
from interlock.core.policy.tier import tier_of

_UNTOLD = "an unknown part"
"""What is lost where nobody can tell what going back restores."""

_MIN_FIRST_STAGE = 1.0
"""Percent: a first stage below this sees too little traffic to tell anything."""


def given_facts(given: DecisionInput, freezes: tuple[Freeze, ...]) -> Facts:
    """Every fact that neither approvals nor evidence change."""
    settings, about = given.settings, given.description
    touched = {each.service for each in about.blast.touched}
    services = touched.union(given.change.services)
    tier = tier_of(given.change, about, given.catalog)
    place = settings.environments.get(given.environment)
    facts: Facts = {
        "actor": given.actor,
        "agent": _by_agent(given),
        "change_class": given.change.change_class,
        "conflicts": sorted(set(given.conflicts)),
        "described_elsewhere": about.catalog_digest != given.catalog.digest,
        "digest_drift": _drifted(given),
        "environment": given.environment,
        "freezes": sorted({f.name for f in freezes if f.holds(given.now, frozenset(services), given.environment)}),
        "one_person": settings.one_person,
        "production": place is None or place.production,
        "rules_only": about.blast.rules_only and services <= touched,
        "services": sorted(services),
        "software_keys_suffice": _software_keys_suffice(settings, tier),
        "tier": int(tier),
        "unmapped_authors": sorted(set(given.tally.unmapped_authors)),
        "approvals_required": 2 if tier is Tier.ONE and not settings.one_person else 1,
    }
    facts |= _limits(settings.thresholds) | _shape(about) | _origin(about, settings) | _artefacts(about)
    facts |= _written(about.documentation, settings.thresholds)
    wide = facts["too_wide"] = _too_wide(facts)
    facts["high_risk"] = tier is Tier.ONE and bool(facts["irreversible"] or facts["agent"] or wide)
    facts["fast_lane"] = tier is not Tier.ONE and not wide and _small(facts, settings.thresholds)
    return facts


def _by_agent(given: DecisionInput) -> bool:
    return (
        given.actor == "agent"
        or given.change.agent is not None
        or any(kind_of(name) == "agent" for name in given.change.pushed_by)
        or given.description.provenance.kind is ProvenanceKind.AUTONOMOUS_AGENT
    )


def _drifted(given: DecisionInput) -> bool:
    digest = given.change.digest
    return given.description.digest != digest or given.offered_digest not in {None, digest}


def _software_keys_suffice(settings: Settings, tier: Tier) -> bool:
    allowed = settings.trust.software_keys
    return allowed == "all" or (allowed == "below-tier-1" and tier is not Tier.ONE)


def _limits(limits: Thresholds) -> Facts:
    return {
        "limit_fleet_percent": _percent(limits.fleet_share),
        "limit_orders_percent": _percent(limits.order_share),
        "limit_services": limits.blast_services,
    }


def _shape(about: Description) -> Facts:
    blast, size = about.blast, about.size
    facts: Facts = {
        "files": size.files,
        "irreversible": about.reversibility.kind != "reversible",
        "lines": size.added + size.removed,
        "losses": _losses(about.reversibility),
        "reached_services": len({r.service for r in blast.reached} | {t.service for t in blast.touched}),
        "rules_touched": blast.rules_touched,
        "unowned_paths": sorted(set(blast.unowned)),
        "unvalidated": sorted(set(about.checked.unvalidated)),
        "validation_errors": sorted({_finding(f.path, f.line, f.message) for f in about.checked.failures}),
    }
    if blast.fleet_share is not None:
        facts["fleet_percent"] = _percent(blast.fleet_share)
    if blast.order_share is not None:
        facts["orders_percent"] = _percent(blast.order_share)
    return facts


def _losses(back: Reversibility) -> list[str]:
    named = sorted({loss.what for loss in back.losses})
    return named or [_UNTOLD] * (back.kind != "reversible")


def _origin(about: Description, settings: Settings) -> Facts:
    kind = about.provenance.kind
    free = {ProvenanceKind.HUMAN}
    if settings.trust.unknown_as == "unknown":
        free.add(ProvenanceKind.UNKNOWN)
    return {"provenance": kind.value, "counts_as_ai": kind not in free}


def _artefacts(about: Description) -> Facts:
    artefacts = about.artefacts
    return {
        "artefact_other_head": artefacts.matches_head is False,
        "artefact_previous_known": artefacts.previous_known or not artefacts.names,
        "artefacts": sorted(set(artefacts.names)),
        "artefacts_unpinned": sorted({*artefacts.tagged, *(() if artefacts.pinned else artefacts.names)}),
    }


def _written(documents: Documentation, limits: Thresholds) -> Facts:
    problems = _canary_problems(documents, limits)
    return {
        "canary_complete": not problems,
        "canary_problems": problems,
        "cited_documents": sorted(set(documents.cites)),
        "documented": documents.present and documents.complete,
        "failure_modes": sorted(set(documents.failure_modes)),
        "failure_modes_count": len(set(documents.failure_modes)),
        "required_tests": sorted(set(documents.required_tests)),
        "tests_listed_first": documents.tests_listed_first,
    }


def _canary_problems(documents: Documentation, limits: Thresholds) -> list[str]:
    first, bake = documents.first_stage_percent, documents.bake_minutes
    found = []
    if first is None or not _MIN_FIRST_STAGE <= first <= limits.first_stage_percent:
        shown = "none" if first is None else f"{first:g} %"
        found.append(f"first stage is {shown}, wanted 1 to {limits.first_stage_percent:g} %")
    if bake is None or not bake >= limits.bake_minutes:
        shown = "none" if bake is None else f"{bake:g} min"
        found.append(f"bake is {shown}, wanted {limits.bake_minutes:g} min or more")
    if not documents.business_metric:
        found.append("no business metric")
    return sorted(found)


def _too_wide(facts: Facts) -> bool:
    pairs = (
        ("reached_services", "limit_services"),
        ("fleet_percent", "limit_fleet_percent"),
        ("orders_percent", "limit_orders_percent"),
    )
    return any(_number(facts.get(have)) > _number(facts[limit]) for have, limit in pairs)


def _small(facts: Facts, limits: Thresholds) -> bool:
    return (
        _number(facts["files"]) <= limits.fast_lane_files
        and _number(facts["lines"]) <= limits.fast_lane_lines
        and facts["documented"] is True
        and not (facts["irreversible"] or facts["agent"])
        and not (facts["unvalidated"] or facts["validation_errors"] or facts["unowned_paths"])
    )


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _percent(share: float) -> int:
    return math.ceil(round(share * 100, 6))


def _finding(path: str, line: int | None, message: str) -> str:
    return f"{path}:{line}: {message}" if line else f"{path}: {message}"
