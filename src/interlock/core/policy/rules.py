"""The rules: settings, catalog and policies of one digest. They are inside the rules themselves.

Rules:
1. The digest covers every rule file by path and content, so any edit to catalog, keys, trust or policies is
   another set of rules, and only a ticket issued under the rules in force may bring it into force.
2. Loading is all or nothing: one unreadable file and there are no rules, never fewer. Rollout plans are rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interlock.core.change.canonical import digest, sha256
from interlock.core.change.catalog import Catalog
from interlock.core.change.catalog_read import read_catalog
from interlock.core.change.errors import InvalidInput
from interlock.core.change.plain_yaml import read_plain
from interlock.core.change.settings import (
    SETTINGS_FILE,
    Settings,
    is_alert_plan_file,
    is_plan_file,
    is_producer_file,
    is_rehearsal_file,
    is_rule_file,
    is_scan_file,
    is_scan_plan_file,
    is_snapshot_plan_file,
    is_test_plan_file,
    read_settings,
)
from interlock.core.policy.bundle import Bundle, load_bundle
from interlock.core.rehearsal.plan_read import RehearsalPlans, read_rehearsal_plans
from interlock.core.rollout.plan import Plan
from interlock.core.rollout.plan_check import Plans, read_plans, survey_plans
from interlock.core.rollout.plan_faults import Surveyed
from interlock.core.scan.plan import ScanFile
from interlock.core.scan.plan_read import read_scan_files
from interlock.core.snapshot.plan_read import SnapshotPlans, read_snapshot_plans

if TYPE_CHECKING:
    from interlock.core.alerts.plan import AlertPlan
    from interlock.core.bite.plan import TestPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """``files`` maps each rule file to the SHA-256 of its bytes.

    ``plans`` of rollouts, ``rehearsals`` and ``snapshots`` are by service and environment, ``alert_plans`` and
    ``test_plans`` by service, ``scan_files`` by path.
    """

    digest: str
    files: dict[str, str]
    settings: Settings
    catalog: Catalog
    bundle: Bundle
    plans: Plans = field(default_factory=dict)
    rehearsals: RehearsalPlans = field(default_factory=dict)
    alert_plans: Mapping[str, AlertPlan] = field(default_factory=dict)
    snapshots: SnapshotPlans = field(default_factory=dict)
    test_plans: Mapping[str, TestPlan] = field(default_factory=dict)
    scan_files: Mapping[str, ScanFile] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Foundation:
    """What rules rest on without their policies: who is who, and how much it takes."""

    digest: str
    settings: Settings
    catalog: Catalog


def load_rules(files: Mapping[str, bytes]) -> Rules:
    """Rules from the bytes of their files, keyed by path relative to the repository's root.

    Raises:
        InvalidInput: the first file that cannot be used, by name.
    """
    found = load_foundation(files)
    used = {path: content for path, content in sorted(files.items()) if is_rule_file(path, found.settings)}
    return Rules(
        digest=found.digest,
        files={path: sha256(content) for path, content in used.items()},
        settings=found.settings,
        catalog=found.catalog,
        bundle=load_bundle(_below(used, found.settings.policies)),
        plans=load_plans(used),
        rehearsals=load_rehearsals(used),
        alert_plans=load_alert_plans(used),
        snapshots=load_snapshots(used),
        test_plans=load_test_plans(used),
        scan_files=load_scan_files(used),
    )


def load_plans(files: Mapping[str, bytes]) -> Plans:
    """The rollout plans among the bytes of all rule files; where there are none the catalog is not read.

    Raises:
        InvalidInput: the first file that cannot be used, by name; of plans all that is wrong, as ``PlanFaults``.
    """
    settings = settings_of(files)
    plans = _plan_files(files, settings)
    return read_plans(plans, settings, load_foundation(files).catalog.services) if plans else {}


def load_rehearsals(files: Mapping[str, bytes]) -> RehearsalPlans:
    """The rehearsal plans among the bytes of all rule files; where there are none the catalog is not read.

    Raises:
        InvalidInput: as ``load_plans``.
    """
    settings = settings_of(files)
    plans = _rehearsal_files(files, settings)
    services = load_foundation(files).catalog.services if plans else ()
    return read_rehearsal_plans(plans, settings, services)


def load_alert_plans(files: Mapping[str, bytes]) -> Mapping[str, AlertPlan]:
    """The alert plans among the bytes of all rule files; where there are none the catalog is not read.

    Raises:
        InvalidInput: as ``load_plans``.
    """
    settings = settings_of(files)
    plans = {path: content for path, content in files.items() if is_alert_plan_file(path, settings)}
    if not plans:
        return {}
    from interlock.core.alerts.plan_read import read_alert_plans  # noqa: PLC0415  # PromQL only where it is written

    return read_alert_plans(plans, load_foundation(files).catalog.services)


def load_snapshots(files: Mapping[str, bytes]) -> SnapshotPlans:
    """The snapshot plans among the bytes of all rule files; where there are none the catalog is not read.

    Raises:
        InvalidInput: as ``load_plans``.
    """
    settings = settings_of(files)
    plans = {path: content for path, content in files.items() if is_snapshot_plan_file(path, settings)}
    return read_snapshot_plans(plans, settings, load_foundation(files).catalog.services if plans else ())


def load_test_plans(files: Mapping[str, bytes]) -> Mapping[str, TestPlan]:
    """The test plans among the bytes of all rule files; where there are none the catalog is not read.

    Raises:
        InvalidInput: as ``load_plans``.
    """
    settings = settings_of(files)
    plans = {path: content for path, content in files.items() if is_test_plan_file(path, settings)}
    if not plans:
        return {}
    from interlock.core.bite.plan_read import read_test_plans  # noqa: PLC0415  # only where there are some

    return read_test_plans(plans, load_foundation(files).catalog.services)


def load_scan_files(files: Mapping[str, bytes]) -> Mapping[str, ScanFile]:
    """The scan plans among the bytes of all rule files, and what lies below them for a scanner.

    Raises:
        InvalidInput: as ``load_plans``.
    """
    settings = settings_of(files)
    found = {path: content for path, content in files.items() if is_scan_file(path, settings)}
    return read_scan_files(found, [path for path in found if is_scan_plan_file(path, settings)])


def look_through_plans(files: Mapping[str, bytes]) -> Surveyed[Plan]:
    """The plans that can be used, and all that is wrong with the others.

    Raises:
        InvalidInput: settings or a catalog that cannot be used.
    """
    settings = settings_of(files)
    plans = _plan_files(files, settings)
    if not plans:
        return Surveyed(plans={}, unread=(), faults=())
    return survey_plans(plans, settings, load_foundation(files).catalog.services)


def load_foundation(files: Mapping[str, bytes]) -> Foundation:
    """Settings and catalog among the bytes of all rule files; the policies are not read.

    Raises:
        InvalidInput: the first file that cannot be used, by name.
    """
    settings = settings_of(files)
    used = {path: content for path, content in sorted(files.items()) if is_rule_file(path, settings)}
    rules_digest = rules_digest_of(files)
    catalog = read_catalog(_catalog_files(used, settings), digest=rules_digest)
    return Foundation(digest=rules_digest, settings=settings, catalog=catalog)


def rules_digest_of(files: Mapping[str, bytes]) -> str:
    """The digest ``load_rules`` gives these files, without reading catalog and policies."""
    settings = settings_of(files)
    used = {path: sha256(content) for path, content in files.items() if is_rule_file(path, settings)}
    return digest("interlock.dev/rules/v1", used)


def _plan_files(files: Mapping[str, bytes], settings: Settings) -> dict[str, bytes]:
    return {path: content for path, content in files.items() if is_plan_file(path, settings)}


def _rehearsal_files(files: Mapping[str, bytes], settings: Settings) -> dict[str, bytes]:
    return {path: content for path, content in files.items() if is_rehearsal_file(path, settings)}


def _catalog_files(files: Mapping[str, bytes], settings: Settings) -> dict[str, bytes]:
    others = (
        *_plan_files(files, settings),
        *(path for path in files if is_producer_file(path, settings)),
        *_below(files, settings.policies, keep=True),
        *(p for s in settings.schemas for p in _below(files, s, keep=True)),
    )
    return {path: content for path, content in files.items() if path not in others and path != SETTINGS_FILE}


def _below(files: Mapping[str, bytes], folder: str, *, keep: bool = False) -> dict[str, bytes]:
    prefix = folder.rstrip("/") + "/"
    return {
        path if keep else path.removeprefix(prefix): content
        for path, content in files.items()
        if path.startswith(prefix)
    }


def settings_of(files: Mapping[str, bytes]) -> Settings:
    """The parsed ``interlock.yaml`` among ``files``.

    Raises:
        InvalidInput: ``rules-missing``, ``yaml-unreadable``, ``yaml-too-large`` or ``input-shape``.
    """
    if SETTINGS_FILE not in files:
        raise InvalidInput(
            f"expected `{SETTINGS_FILE}` among the rules, got none",
            code="rules-missing",
            hint="interlock init writes one",
        )
    return read_settings(read_plain(SETTINGS_FILE, files[SETTINGS_FILE]))
