"""What keeps something from being lost: deletion protection, final snapshots, backups, versions, locks.

Rules:
1. Switching one of these off is an error: it is the step before the one that cannot be undone.
2. A new resource without it is a warning where it holds data, and silent elsewhere.
3. A resource that never had it is no news: nothing is told.
4. Terraform's own ``prevent_destroy`` is not part of a plan and cannot be checked here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from interlock.core.change.canonical import Json
from interlock.core.change.pointers import dotted
from interlock.core.facts.plan_rules.view import Problem, View


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """An attribute that keeps data: where it is (``/settings/0/…``), when it does not keep, and what to say."""

    pointer: str
    off: frozenset[Json]
    words: str
    remedy: str
    rule: str = "plan/deletion-protection"
    holds_content: bool = False
    absent_is_off: bool = False


def retention(keepers: tuple[Keeper, ...], before: View | None, after: View) -> Iterator[Problem]:
    """What a resource loses between ``before`` (None for a new one) and ``after``."""
    for keeper in keepers:
        now = _read(after, keeper.pointer)
        was = _read(before, keeper.pointer) if before is not None else None
        if now is _UNKNOWN or not _is_off(now, keeper):
            continue
        switched = before is not None and not _is_off(was, keeper) and was is not None
        if switched or (before is None and keeper.holds_content and now is not None):
            yield Problem(
                rule=keeper.rule,
                words=f"{keeper.words} ({dotted(keeper.pointer)})" + ("" if switched else " from the start"),
                pointer=keeper.pointer,
                remedy=keeper.remedy,
                level="error" if switched else "warning",
            )


_UNKNOWN: Json = {"unknown": True}


def _read(view: View, pointer: str) -> Json:
    """The value at a pointer through nested blocks, ``_UNKNOWN`` when only apply will tell."""
    parts = pointer.split("/")[1:]
    for name in parts[:-2:2]:
        block = next(view.blocks(name), None)
        if block is None:
            return None
        view = block
    count = len(view.asked)
    value = view.read(parts[-1])
    return _UNKNOWN if len(view.asked) > count else value


def _is_off(value: Json, keeper: Keeper) -> bool:
    if value is None:
        return keeper.absent_is_off
    return not isinstance(value, dict | list) and value in keeper.off


_FALSE: frozenset[Json] = frozenset({False})
_TRUE: frozenset[Json] = frozenset({True})
_ZERO: frozenset[Json] = frozenset({0})


def _protection(attribute: str = "deletion_protection", *, holds_content: bool = True) -> Keeper:
    return Keeper(
        pointer=f"/{attribute}",
        off=_FALSE,
        words="loses its deletion protection",
        remedy="leave it on, and switch it off in a change of its own when the resource is to go",
        holds_content=holds_content,
        absent_is_off=True,
    )


_NO_SNAPSHOT = Keeper(
    pointer="/skip_final_snapshot",
    off=_TRUE,
    words="leaves no snapshot behind when it is deleted",
    remedy="set skip_final_snapshot = false and name a final snapshot",
    rule="plan/final-snapshot",
    holds_content=True,
)
_NO_BACKUP = Keeper(
    pointer="/backup_retention_period",
    off=_ZERO,
    words="keeps no backups",
    remedy="keep backups for at least 7 days",
    rule="plan/backups",
    holds_content=True,
)
_FORCE = Keeper(
    pointer="/force_destroy",
    off=_TRUE,
    words="may be deleted with everything in it",
    remedy="leave force_destroy off; empty it on purpose when it is to go",
    rule="plan/force-destroy",
    holds_content=True,
)
_AWS_CLUSTER = (_protection(), _NO_SNAPSHOT, _NO_BACKUP)


def _block(pointer: str, off: frozenset[Json], words: str, rule: str) -> Keeper:
    return Keeper(pointer=pointer, off=off, words=words, remedy="leave it on", rule=rule, absent_is_off=True)


KEEPERS: Mapping[str, tuple[Keeper, ...]] = {
    "aws_db_instance": _AWS_CLUSTER,
    "aws_rds_cluster": _AWS_CLUSTER,
    "aws_docdb_cluster": _AWS_CLUSTER,
    "aws_neptune_cluster": _AWS_CLUSTER,
    "aws_rds_global_cluster": (_protection(),),
    "aws_redshift_cluster": (_NO_SNAPSHOT,),
    "aws_dynamodb_table": (
        _protection("deletion_protection_enabled"),
        _block("/point_in_time_recovery/0/enabled", _FALSE, "loses point-in-time recovery", "plan/backups"),
    ),
    "aws_lb": (_protection("enable_deletion_protection", holds_content=False),),
    "aws_alb": (_protection("enable_deletion_protection", holds_content=False),),
    "aws_instance": (_protection("disable_api_termination", holds_content=False),),
    "aws_cognito_user_pool": (
        Keeper(
            pointer="/deletion_protection",
            off=frozenset({"INACTIVE"}),
            words="loses its deletion protection",
            remedy="leave it ACTIVE",
            absent_is_off=True,
        ),
    ),
    "aws_s3_bucket": (_FORCE,),
    "aws_s3_bucket_versioning": (
        _block(
            "/versioning_configuration/0/status",
            frozenset({"Suspended", "Disabled"}),
            "stops versions",
            "plan/backups",
        ),
    ),
    "aws_backup_vault": (_FORCE,),
    "aws_ecr_repository": (
        Keeper(
            pointer="/force_delete",
            off=_TRUE,
            words="may be deleted with every image in it",
            remedy="leave force_delete off",
            rule="plan/force-destroy",
        ),
    ),
    "azurerm_key_vault": (_protection("purge_protection_enabled"),),
    "azurerm_storage_account": (
        _block("/blob_properties/0/versioning_enabled", _FALSE, "stops versions", "plan/backups"),
    ),
    "azurerm_postgresql_flexible_server": (
        _block("/geo_redundant_backup_enabled", _FALSE, "loses its backups elsewhere", "plan/backups"),
    ),
    "google_sql_database_instance": (
        _protection(),
        _block(
            "/settings/0/deletion_protection_enabled",
            _FALSE,
            "loses its deletion protection",
            "plan/deletion-protection",
        ),
        _block("/settings/0/backup_configuration/0/enabled", _FALSE, "keeps no backups", "plan/backups"),
    ),
    "google_container_cluster": (_protection(holds_content=False),),
    "google_compute_instance": (_protection(holds_content=False),),
    "google_bigquery_table": (_protection(),),
    "google_bigtable_instance": (_protection(),),
    "google_spanner_database": (_protection(), _protection("enable_drop_protection", holds_content=False)),
    "google_spanner_instance": (_FORCE,),
    "google_storage_bucket": (
        _FORCE,
        _block("/versioning/0/enabled", _FALSE, "stops versions", "plan/backups"),
    ),
    "google_project": (
        Keeper(
            pointer="/deletion_policy",
            off=frozenset({"DELETE"}),
            words="may be deleted",
            remedy='keep deletion_policy = "PREVENT"',
        ),
    ),
}

LOCKS: Mapping[str, str] = {
    "azurerm_management_lock": "a lock that keeps resources from being deleted",
    "aws_backup_plan": "a plan that makes backups",
    "aws_backup_selection": "a selection of what is backed up",
    "aws_backup_vault_lock_configuration": "a lock that keeps backups",
    "aws_s3_bucket_versioning": "the versions of a bucket",
    "azurerm_backup_protected_vm": "the backups of a machine",
    "google_compute_resource_policy_attachment": "a schedule of snapshots",
}
"""Resource types whose deletion takes away what keeps others, with what that is."""
