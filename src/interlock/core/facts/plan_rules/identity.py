"""Who may do everything: wildcard permissions in AWS, Azure and Google Cloud.

Rules:
1. A permission on every action, or on every action of identity management, is an error; every action of one
   service on every resource is too. Single actions on every resource are common and often right: not told.
2. A role that anybody may assume is an error; one bound by a condition is a warning, for a person to read.
3. A role that administers (owner, administrator access, cluster admin) is an error where it covers a whole
   account, subscription, project or organisation, a warning on a single resource.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from interlock.core.change.canonical import Json
from interlock.core.facts.plan_rules.view import Problem, Rule, Table, View

_NARROW = "name the actions and resources that are needed"
_WHOLE_SCOPE = re.compile(r"/subscriptions/[^/]+/?|/providers/Microsoft\.Management/managementGroups/[^/]+/?|/")
_AZURE_ADMIN = frozenset({"owner", "user access administrator", "role based access control administrator"})
_GOOGLE_ADMIN = frozenset(
    {"roles/owner", "roles/editor", "roles/iam.securityAdmin", "roles/resourcemanager.organizationAdmin"}
)
_EVERYBODY = frozenset({"allUsers", "allAuthenticatedUsers"})


def statements(text: Json) -> list[dict[str, Json]]:
    """The Allow statements of an IAM policy document, whether as JSON text or as a value."""
    try:
        policy = json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError):
        return []
    listed = policy.get("Statement") if isinstance(policy, dict) else None
    found = listed if isinstance(listed, list) else [listed]
    return [item for item in found if isinstance(item, dict) and item.get("Effect") == "Allow"]


def as_list(value: Json) -> list[str]:
    """A text or a list of texts as a list."""
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def permissions(attribute: str) -> Rule:
    """Wildcards in an identity policy under ``attribute``."""

    def rule(view: View) -> Iterator[Problem]:
        for statement in statements(view.read(attribute)):
            words = _too_much(statement)
            if words:
                yield Problem(rule="plan/iam-wildcard", words=words, pointer=view.at(attribute), remedy=_NARROW)

    return rule


def _too_much(statement: dict[str, Json]) -> str:
    actions = [action.lower() for action in as_list(statement.get("Action"))]
    everywhere = "*" in as_list(statement.get("Resource")) or "NotResource" in statement
    where = "on every resource" if everywhere else "on the resources it names"
    if "NotAction" in statement:
        return f"allows every action but a few {where}" if everywhere else ""
    for action in actions:
        if action in {"*", "*:*"}:
            return f"allows every action {where}"
        service, _, name = action.partition(":")
        if name == "*" and (everywhere or service == "iam"):
            return f"allows every action of {service} {where}"
    return ""


def principals(attribute: str, what: str, rule_name: str) -> Rule:
    """Anybody as a principal in a trust or resource policy under ``attribute``."""

    def rule(view: View) -> Iterator[Problem]:
        for statement in statements(view.read(attribute)):
            principal = statement.get("Principal")
            named = (
                [text for value in principal.values() for text in as_list(value)]
                if isinstance(principal, dict)
                else as_list(principal)
            )
            if "*" not in named:
                continue
            bound = bool(statement.get("Condition"))
            yield Problem(
                rule=rule_name,
                words=f"lets anybody {what}" + (", bound by a condition alone" if bound else ""),
                pointer=view.at(attribute),
                remedy="name the accounts or roles that may"
                if not bound
                else "read whether the condition holds everybody else out",
                level="warning" if bound else "error",
            )

    return rule


def _admin_attachment(view: View) -> Iterator[Problem]:
    arn = view.text("policy_arn")
    name = arn.rpartition("/")[2]
    if ":aws:policy/" in arn and name in {"AdministratorAccess", "IAMFullAccess", "PowerUserAccess"}:
        yield Problem(
            rule="plan/iam-administrator", words=f"attaches {name}", pointer=view.at("policy_arn"), remedy=_NARROW
        )


def _lambda_permission(view: View) -> Iterator[Problem]:
    if view.text("principal") == "*":
        bound = bool(view.text("source_arn") or view.text("source_account") or view.text("principal_org_id"))
        yield Problem(
            rule="plan/public-policy",
            words="lets anybody invoke the function" + (", bound by a source alone" if bound else ""),
            pointer=view.at("principal"),
            remedy="name the service or account that may",
            level="warning" if bound else "error",
        )


def _azure_role(view: View) -> Iterator[Problem]:
    for block in view.blocks("permissions"):
        if "*" in block.texts("actions"):
            yield Problem(
                rule="plan/iam-wildcard", words="allows every action", pointer=block.at("actions"), remedy=_NARROW
            )


def _azure_assignment(view: View) -> Iterator[Problem]:
    role, scope = view.text("role_definition_name"), view.text("scope")
    whole = _WHOLE_SCOPE.fullmatch(scope) is not None
    if role.lower() in _AZURE_ADMIN or (role.lower() == "contributor" and whole):
        yield Problem(
            rule="plan/iam-administrator",
            words=f"makes somebody {role} of {'everything under ' + scope if whole else 'one resource or group'}",
            pointer=view.at("role_definition_name"),
            remedy="assign a role that is no wider than the task",
            level="error" if whole and role.lower() != "contributor" else "warning",
        )


def _google_members(view: View) -> list[str]:
    return [*view.texts("members"), *view.texts("member")]


def _google_grant(*, whole: bool) -> Rule:
    def rule(view: View) -> Iterator[Problem]:
        role = view.text("role")
        if everybody := sorted(_EVERYBODY.intersection(_google_members(view))):
            yield Problem(
                rule="plan/public-policy",
                words=f"grants {role or 'a role'} to {everybody[0]}",
                pointer=view.at("members" if "members" in view.value else "member"),
                remedy="name the people or service accounts that need it",
            )
        if whole and role in _GOOGLE_ADMIN:
            yield Problem(
                rule="plan/iam-administrator",
                words=f"grants {role} on everything",
                pointer=view.at("role"),
                remedy="grant a role that is no wider than the task",
            )

    return rule


_POLICY = permissions("policy")
_TRUST = principals("assume_role_policy", "assume the role", "plan/iam-anybody")
_RESOURCE_POLICY = principals("policy", "use it", "plan/public-policy")

_GOOGLE_WHOLE = ("google_project_iam", "google_folder_iam", "google_organization_iam")
_GOOGLE_SINGLE = (
    "google_storage_bucket_iam",
    "google_cloud_run_service_iam",
    "google_cloud_run_v2_service_iam",
    "google_cloudfunctions_function_iam",
    "google_cloudfunctions2_function_iam",
    "google_pubsub_topic_iam",
    "google_pubsub_subscription_iam",
    "google_bigquery_dataset_iam",
    "google_bigquery_table_iam",
    "google_artifact_registry_repository_iam",
    "google_kms_crypto_key_iam",
    "google_kms_key_ring_iam",
    "google_secret_manager_secret_iam",
    "google_service_account_iam",
    "google_spanner_database_iam",
)

TABLE: Table = {
    **dict.fromkeys(
        ("aws_iam_policy", "aws_iam_role_policy", "aws_iam_user_policy", "aws_iam_group_policy"), (_POLICY,)
    ),
    "aws_ssoadmin_permission_set_inline_policy": (permissions("inline_policy"),),
    "aws_iam_role": (_TRUST,),
    **dict.fromkeys(
        (
            "aws_iam_role_policy_attachment",
            "aws_iam_user_policy_attachment",
            "aws_iam_group_policy_attachment",
            "aws_iam_policy_attachment",
        ),
        (_admin_attachment,),
    ),
    **dict.fromkeys(
        (
            "aws_s3_bucket_policy",
            "aws_sqs_queue_policy",
            "aws_sqs_queue",
            "aws_sns_topic_policy",
            "aws_sns_topic",
            "aws_kms_key",
            "aws_kms_key_policy",
            "aws_secretsmanager_secret_policy",
            "aws_ecr_repository_policy",
            "aws_efs_file_system_policy",
            "aws_backup_vault_policy",
        ),
        (_RESOURCE_POLICY,),
    ),
    "aws_lambda_permission": (_lambda_permission,),
    "azurerm_role_definition": (_azure_role,),
    "azurerm_role_assignment": (_azure_assignment,),
    **{f"{kind}_{form}": (_google_grant(whole=True),) for kind in _GOOGLE_WHOLE for form in ("member", "binding")},
    **{
        f"{kind}_{form}": (_google_grant(whole=False),)
        for kind in _GOOGLE_SINGLE
        for form in ("member", "binding")
    },
}
