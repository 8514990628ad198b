"""``interlock.yaml``: what a repository tells interlock about itself. It is part of the rules.

Rules:
1. Where the server listens or the database lies is no rule and is not in here (see ``interlock.config``).
2. Unknown keys, empty lists where something must be named, and thresholds outside their range are refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from interlock.core.change.canonical import Json
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import parse
from interlock.core.evidence.model import Runner
from interlock.core.review.settings import ReviewerSettings, check_reviewer

SETTINGS_FILE = "interlock.yaml"
RULES_ARTEFACT = "interlock-rules"
"""The name under which the rules that a change would bring about are one of its artefacts."""
_YAML = (".yaml", ".yml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A place where changes run. ``markers`` are globs of paths or of plan addresses that belong to it."""

    production: bool = False
    markers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationRule:
    """Which files are configuration, and of which service where the path alone does not tell."""

    match: str
    service: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Limits that policies read. Shares are fractions 0–1."""

    blast_services: int = 5
    fleet_share: float = 0.25
    order_share: float = 0.25
    rehearsal_days: int = 7
    approval_hours: int = 72
    evidence_days: int = 14
    first_stage_percent: float = 5.0
    bake_minutes: float = 15.0
    reviews_per_person: int = 5
    fast_lane_files: int = 10
    fast_lane_lines: int = 200
    rollback_seconds: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whose word counts as evidence, and how unmarked changes are treated."""

    runners: tuple[Runner, ...] = ()
    unknown_as: Literal["ai-assisted", "unknown"] = "ai-assisted"
    software_keys: Literal["below-tier-1", "all", "none"] = "below-tier-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSettings:
    """Who may read the ledger's tiles: with ``public`` anybody who reaches the server."""

    public: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GitSettings:
    """``trunk`` is the branch that a first range is compared with; empty for the usual names."""

    trunk: str = ""


PLAN_FOLDERS = ("rollouts", "rehearsals", "alert_plans", "snapshot_plans", "test_plans", "scan_plans")
"""The settings that name a folder of plans: that of rollouts, then those of producers of evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole file."""

    version: Literal[1] = 1
    organisation: str = ""
    one_person: bool = False
    catalog: tuple[str, ...] = ("catalog-info.yaml", "catalog")
    codeowners: tuple[str, ...] = ("CODEOWNERS", ".github/CODEOWNERS", "docs/CODEOWNERS")
    policies: str = "policies"
    schemas: tuple[str, ...] = ("schemas",)
    rollouts: str = "rollouts"
    rehearsals: str = "rehearsals"
    alert_plans: str = "alert-plans"
    snapshot_plans: str = "snapshot-plans"
    test_plans: str = "test-plans"
    scan_plans: str = "scan-plans"
    documentation: str = "change.md"
    environments: dict[str, Environment] = field(
        default_factory=lambda: {"production": Environment(production=True)}
    )
    configuration: tuple[ConfigurationRule, ...] = ()
    validators: dict[str, dict[str, Json]] = field(default_factory=dict)
    thresholds: Thresholds = field(default_factory=Thresholds)
    trust: Trust = field(default_factory=Trust)
    ledger: LedgerSettings = field(default_factory=LedgerSettings)
    git: GitSettings = field(default_factory=GitSettings)
    reviewer: ReviewerSettings | None = None


def read_settings(value: object) -> Settings:
    """Settings from the parsed YAML document.

    Raises:
        InvalidInput: ``input-shape`` or ``settings-range``.
    """
    settings = parse(Settings, {} if value is None else value, what="interlock.yaml")
    if not any(place.production for place in settings.environments.values()):
        raise _range("environments", "at least one with `production: true`")
    folders: dict[str, str] = {}
    for name in PLAN_FOLDERS:
        folder = getattr(settings, name)
        _folder(name, folder)
        other = folders.setdefault(folder.rstrip("/"), name)
        if other != name:
            raise _range(name, f"another folder than that of `{other}`")
    limits = settings.thresholds
    for name in ("fleet_share", "order_share"):
        if not 0 < getattr(limits, name) <= 1:
            raise _range(f"thresholds.{name}", "a fraction above 0 and at most 1")
    for name in ("blast_services", "rehearsal_days", "approval_hours", "evidence_days", "reviews_per_person"):
        if getattr(limits, name) < 1:
            raise _range(f"thresholds.{name}", "at least 1")
    _zoned(settings.trust)
    if settings.reviewer is not None:
        check_reviewer(settings.reviewer)
    return settings


def _zoned(trust: Trust) -> None:
    for number, runner in enumerate(trust.runners):
        if runner.not_after is not None and runner.not_after.tzinfo is None:
            raise _range(f"trust.runners[{number}].not_after", "a time with its zone (2026-12-31T00:00:00Z)")


def is_rule_file(path: str, settings: Settings) -> bool:
    """Whether a path (relative to the repository's root) is part of the rules."""
    if path == SETTINGS_FILE or path in settings.codeowners:
        return True
    if _within(path, (settings.policies,)) or _within(path, settings.schemas):
        return True
    if is_plan_file(path, settings) or is_producer_file(path, settings):
        return True
    return path.endswith(_YAML) and _within(path, settings.catalog)


def rule_places(settings: Settings) -> tuple[str, ...]:
    """Files and folders in which every path is that ``is_rule_file`` calls one."""
    plans = [getattr(settings, name) for name in PLAN_FOLDERS]
    return (
        SETTINGS_FILE, *settings.catalog, *settings.codeowners, settings.policies, *plans, *settings.schemas,
    )  # fmt: skip


def is_plan_file(path: str, settings: Settings) -> bool:
    """Whether a path is a rollout plan: YAML directly in the folder of plans."""
    return _directly(path, settings.rollouts)


def is_rehearsal_file(path: str, settings: Settings) -> bool:
    """Whether a path is a rehearsal plan: YAML directly in their folder."""
    return _directly(path, settings.rehearsals)


def is_alert_plan_file(path: str, settings: Settings) -> bool:
    """Whether a path is an alert plan: YAML directly in their folder."""
    return _directly(path, settings.alert_plans)


def is_snapshot_plan_file(path: str, settings: Settings) -> bool:
    """Whether a path is a snapshot plan: YAML directly in their folder."""
    return _directly(path, settings.snapshot_plans)


def is_test_plan_file(path: str, settings: Settings) -> bool:
    """Whether a path is a test plan: YAML directly in their folder."""
    return _directly(path, settings.test_plans)


def is_producer_file(path: str, settings: Settings) -> bool:
    """Whether a path is a plan of any producer of evidence, or what lies below scan plans for a scanner."""
    directly = any(_directly(path, getattr(settings, name)) for name in PLAN_FOLDERS[1:])
    return directly or is_scan_file(path, settings)


def is_scan_file(path: str, settings: Settings) -> bool:
    """Whether a path says how changes are scanned: a plan, or YAML below the plans' folder, for a scanner."""
    return path.endswith(_YAML) and _within(path, (settings.scan_plans,))


def is_scan_plan_file(path: str, settings: Settings) -> bool:
    """Whether a path is a scan plan: YAML directly in their folder; what lies deeper is a scanner's own."""
    return _directly(path, settings.scan_plans)


def _directly(path: str, folder: str) -> bool:
    place, _, name = path.rpartition("/")
    return _same(place, folder) and name.endswith(_YAML)


def _same(place: str, folder: str) -> bool:
    return place.rstrip("/") == folder.rstrip("/")


def _folder(name: str, folder: str) -> None:
    if not folder.strip("./") or folder.startswith(("/", "../")):
        raise _range(name, "a folder below the repository's root")


def _within(path: str, places: tuple[str, ...]) -> bool:
    return any(path == place.rstrip("/") or path.startswith(place.rstrip("/") + "/") for place in places)


def _range(place: str, expected: str) -> InvalidInput:
    return InvalidInput(
        f"expected {expected} at `{place}` in interlock.yaml",
        code="settings-range",
        hint=f"correct `{place}`; docs/reference/settings.md lists every key with its range",
    )
