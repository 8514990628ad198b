"""What keeps something from being lost, switched off and on again."""

from __future__ import annotations

import pytest

from interlock.core.facts.plan_rules.retention import LOCKS
from interlock.plugins.validators.plan_rules import PlanRules

SWITCHED = [
    ("aws_db_instance", "deletion-protection", {"deletion_protection": True}, {"deletion_protection": False}),
    ("aws_db_instance", "deletion-protection", {"deletion_protection": True}, {}),
    ("aws_rds_cluster", "final-snapshot", {"skip_final_snapshot": False}, {"skip_final_snapshot": True}),
    ("aws_docdb_cluster", "backups", {"backup_retention_period": 7}, {"backup_retention_period": 0}),
    ("aws_lb", "deletion-protection", {"enable_deletion_protection": True}, {"enable_deletion_protection": False}),
    ("aws_cognito_user_pool", "deletion-protection", {"deletion_protection": "ACTIVE"}, {}),
    ("aws_s3_bucket", "force-destroy", {"force_destroy": False}, {"force_destroy": True}),
    (
        "aws_s3_bucket_versioning",
        "backups",
        {"versioning_configuration": [{"status": "Enabled"}]},
        {"versioning_configuration": [{"status": "Suspended"}]},
    ),
    (
        "aws_dynamodb_table",
        "backups",
        {"point_in_time_recovery": [{"enabled": True}]},
        {"point_in_time_recovery": []},
    ),
    (
        "azurerm_key_vault",
        "deletion-protection",
        {"purge_protection_enabled": True},
        {"purge_protection_enabled": False},
    ),
    (
        "google_sql_database_instance",
        "backups",
        {"settings": [{"backup_configuration": [{"enabled": True}]}]},
        {"settings": [{"backup_configuration": [{"enabled": False}]}]},
    ),
    ("google_project", "deletion-protection", {"deletion_policy": "PREVENT"}, {"deletion_policy": "DELETE"}),
]


@pytest.mark.parametrize(("kind", "rule", "kept", "lost"), SWITCHED)
def test_switching_off_what_keeps_something_is_an_error_and_the_way_back_is_not(
    planned, told, kind, rule, kept, lost
):
    found = told(PlanRules(), planned((kind, kept, lost)))
    assert [(level, name) for level, name, _ in found] == [("error", f"plan/{rule}")]
    assert told(PlanRules(), planned((kind, lost, kept), (kind, kept, kept), (kind, lost, lost))) == []


def test_a_new_database_without_protection_is_a_warning_and_a_new_balancer_is_not(planned, told):
    found = told(PlanRules(), planned(("aws_db_instance", None, {"deletion_protection": False})))
    assert [level for level, _, _ in found] == ["warning"]
    assert told(PlanRules(), planned(("aws_lb", None, {"enable_deletion_protection": False}))) == []
    assert told(PlanRules(), planned(("aws_db_instance", None, {}))) == []


@pytest.mark.parametrize("kind", sorted(LOCKS))
def test_deleting_what_keeps_others_is_an_error(planned, told, kind):
    ((level, rule, message),) = told(PlanRules(), planned((kind, {"id": "x"}, None)))
    assert (level, rule) == ("error", "plan/lock-deleted")
    assert LOCKS[kind] in message


def test_an_attribute_that_is_absent_is_off_only_where_absence_means_off(planned, told):
    assert told(PlanRules(), planned(("aws_s3_bucket", {"force_destroy": False}, {}))) == []
    assert told(PlanRules(), planned(("aws_db_instance", {"skip_final_snapshot": False}, {}))) == []
    assert len(told(PlanRules(), planned(("aws_db_instance", {"deletion_protection": True}, {})))) == 1
