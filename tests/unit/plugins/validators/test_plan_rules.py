"""Each rule with a plan that fails and the nearest one that passes."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.facts.plan_rules import exposure, identity
from interlock.core.facts.plan_rules.retention import KEEPERS
from interlock.plugins.validators.plan_rules import PlanRules
from interlock.testing.materials import HostileMaterial, reading


def policy(**statement):
    return json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", **statement}})


ALL = policy(Action="*", Resource="*")
ANYBODY = policy(Action="s3:GetObject", Resource="*", Principal="*")
ROOT = policy(Action="kms:*", Resource="*", Principal={"AWS": "arn:aws:iam::123456789012:root"})
INBOUND = {"direction": "Inbound", "access": "Allow"}
SSH = {"from_port": 22, "to_port": 22, "protocol": "tcp"}
ANY4 = "0.0.0.0/0"

# Type, what must be found, an `after` that fails, and the nearest one that passes.
PAIRS = [
    ("aws_iam_policy", "iam-wildcard", {"policy": ALL}, {"policy": policy(Action="s3:GetObject", Resource="*")}),
    ("aws_iam_role_policy", "iam-wildcard", {"policy": policy(Action=["iam:*"], Resource="a")}, {"policy": "{}"}),
    (
        "aws_iam_user_policy",
        "iam-wildcard",
        {"policy": policy(Action="s3:*", Resource=["*"])},
        {"policy": policy(Action="s3:*", Resource=["arn:aws:s3:::a/*"])},
    ),
    (
        "aws_iam_group_policy",
        "iam-wildcard",
        {"policy": policy(NotAction="iam:*", Resource="*")},
        {"policy": ALL.replace("Allow", "Deny")},
    ),
    ("aws_iam_role", "iam-anybody", {"assume_role_policy": ANYBODY}, {"assume_role_policy": ROOT}),
    (
        "aws_iam_role",
        "iam-anybody",
        {"assume_role_policy": policy(Action="sts:AssumeRole", Principal={"AWS": ["*"]})},
        {"assume_role_policy": policy(Action="sts:AssumeRole", Principal={"Service": "ec2.amazonaws.com"})},
    ),
    (
        "aws_iam_role_policy_attachment",
        "iam-administrator",
        {"policy_arn": "arn:aws:iam::aws:policy/AdministratorAccess"},
        {"policy_arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"},
    ),
    ("aws_s3_bucket_policy", "public-policy", {"policy": ANYBODY}, {"policy": ROOT}),
    ("aws_kms_key", "public-policy", {"policy": ANYBODY}, {"policy": ROOT}),
    ("aws_lambda_permission", "public-policy", {"principal": "*"}, {"principal": "events.amazonaws.com"}),
    (
        "azurerm_role_definition",
        "iam-wildcard",
        {"permissions": [{"actions": ["*"]}]},
        {"permissions": [{"actions": ["Microsoft.Storage/*/read"]}]},
    ),
    (
        "azurerm_role_assignment",
        "iam-administrator",
        {"role_definition_name": "Owner", "scope": "/subscriptions/1"},
        {"role_definition_name": "Reader", "scope": "/subscriptions/1"},
    ),
    (
        "google_project_iam_member",
        "iam-administrator",
        {"role": "roles/owner", "member": "user:a@b.example"},
        {"role": "roles/viewer", "member": "user:a@b.example"},
    ),
    (
        "google_storage_bucket_iam_binding",
        "public-policy",
        {"role": "roles/storage.objectViewer", "members": ["user:a@b.example", "allUsers"]},
        {"role": "roles/storage.objectViewer", "members": ["user:a@b.example"]},
    ),
    (
        "aws_security_group",
        "public-ingress",
        {"ingress": [{**SSH, "cidr_blocks": ["10.0.0.0/8", ANY4]}]},
        {"ingress": [{**SSH, "cidr_blocks": ["10.0.0.0/8"]}], "egress": [{**SSH, "cidr_blocks": [ANY4]}]},
    ),
    (
        "aws_security_group_rule",
        "public-ingress",
        {"type": "ingress", "from_port": 0, "to_port": 0, "protocol": "-1", "ipv6_cidr_blocks": ["::/0"]},
        {"type": "egress", "from_port": 0, "to_port": 0, "protocol": "-1", "ipv6_cidr_blocks": ["::/0"]},
    ),
    (
        "aws_vpc_security_group_ingress_rule",
        "public-ingress",
        {"from_port": 5432, "to_port": 5432, "ip_protocol": "tcp", "cidr_ipv4": "128.0.0.0/1"},
        {"from_port": 5432, "to_port": 5432, "ip_protocol": "tcp", "cidr_ipv4": "128.0.0.0/8"},
    ),
    ("aws_db_instance", "public-exposure", {"publicly_accessible": True}, {"publicly_accessible": False}),
    ("aws_s3_bucket_acl", "public-exposure", {"acl": "public-read"}, {"acl": "private"}),
    (
        "aws_s3_bucket_public_access_block",
        "public-exposure",
        {"block_public_acls": True, "block_public_policy": False},
        {"block_public_acls": True, "block_public_policy": True},
    ),
    (
        "aws_eks_cluster",
        "public-ingress",
        {"vpc_config": [{"endpoint_public_access": True, "public_access_cidrs": [ANY4]}]},
        {"vpc_config": [{"endpoint_public_access": False, "public_access_cidrs": [ANY4]}]},
    ),
    (
        "azurerm_network_security_group",
        "public-ingress",
        {"security_rule": [{**INBOUND, "source_address_prefix": "*", "destination_port_range": "22"}]},
        {"security_rule": [{**INBOUND, "source_address_prefix": "10.0.0.0/8", "destination_port_range": "22"}]},
    ),
    (
        "azurerm_network_security_rule",
        "public-ingress",
        {**INBOUND, "source_address_prefixes": ["Internet"], "destination_port_ranges": ["443", "3389"]},
        {**INBOUND, "access": "Deny", "source_address_prefixes": ["Internet"], "destination_port_range": "*"},
    ),
    (
        "azurerm_firewall_network_rule_collection",
        "public-ingress",
        {"action": "Allow", "rule": [{"source_addresses": ["*"], "destination_ports": ["22"]}]},
        {"action": "Deny", "rule": [{"source_addresses": ["*"], "destination_ports": ["22"]}]},
    ),
    (
        "azurerm_storage_container",
        "public-exposure",
        {"container_access_type": "blob"},
        {"container_access_type": "private"},
    ),
    (
        "azurerm_mssql_firewall_rule",
        "public-ingress",
        {"start_ip_address": "0.0.0.0", "end_ip_address": "255.255.255.255"},
        {"start_ip_address": "203.0.113.1", "end_ip_address": "203.0.113.9"},
    ),
    (
        "google_compute_firewall",
        "public-ingress",
        {"direction": "INGRESS", "source_ranges": [ANY4], "allow": [{"protocol": "tcp", "ports": ["22"]}]},
        {"direction": "INGRESS", "source_ranges": [ANY4], "deny": [{"protocol": "tcp", "ports": ["22"]}]},
    ),
    (
        "google_sql_database_instance",
        "public-ingress",
        {"settings": [{"ip_configuration": [{"authorized_networks": [{"value": ANY4}]}]}]},
        {"settings": [{"ip_configuration": [{"authorized_networks": [{"value": "203.0.113.0/24"}]}]}]},
    ),
    (
        "google_container_cluster",
        "public-ingress",
        {"master_authorized_networks_config": [{"cidr_blocks": [{"cidr_block": ANY4}]}]},
        {"master_authorized_networks_config": [{"cidr_blocks": [{"cidr_block": "203.0.113.0/24"}]}]},
    ),
    (
        "google_storage_bucket_acl",
        "public-exposure",
        {"predefined_acl": "publicRead"},
        {"predefined_acl": "private"},
    ),
    ("google_storage_bucket_access_control", "public-exposure", {"entity": "allUsers"}, {"entity": "user-a"}),
]


@pytest.mark.parametrize(("kind", "rule", "bad", "good"), PAIRS)
def test_each_rule_refuses_one_plan_and_passes_its_neighbour(planned, told, kind, rule, bad, good):
    found = told(PlanRules(), planned((kind, None, bad)))
    assert [(level, name) for level, name, _ in found] == [("error", f"plan/{rule}")]
    assert told(PlanRules(), planned((kind, None, good))) == []


@pytest.mark.parametrize(("kind", "rule", "bad", "good"), PAIRS)
def test_what_was_so_before_is_a_warning_and_leaving_it_is_nothing(planned, told, kind, rule, bad, good):
    ((level, name, message),) = told(PlanRules(), planned((kind, bad, {**bad, "tags": {"a": "b"}})))
    assert (level, name) == ("warning", f"plan/{rule}")
    assert "as before" in message
    assert told(PlanRules(), planned((kind, bad, good), (kind, bad, None))) == []


def test_the_web_ports_alone_are_a_warning(planned, told):
    web = {"from_port": 443, "to_port": 443, "protocol": "tcp", "cidr_blocks": [ANY4]}
    found = told(PlanRules(), planned(("aws_security_group", None, {"ingress": [web]})))
    assert found == [
        (
            "warning",
            "plan/public-ingress",
            "aws_security_group.r0 lets 0.0.0.0/0 in on port 443 (ingress[0].cidr_blocks)",
        )
    ]
    span = {**web, "from_port": 80}
    assert told(PlanRules(), planned(("aws_security_group", None, {"ingress": [span]})))[0][0] == "error"


def test_a_condition_makes_anybody_a_warning(planned, told):
    bound = policy(Action="sts:AssumeRole", Principal="*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o"}})
    ((level, _, message),) = told(PlanRules(), planned(("aws_iam_role", None, {"assume_role_policy": bound})))
    assert level == "warning"
    assert "bound by a condition alone" in message


@pytest.mark.parametrize(
    ("kind", "after", "unknown", "place"),
    [
        ("aws_iam_policy", {"name": "a"}, {"policy": True}, "policy"),
        ("aws_security_group", {}, {"ingress": True}, "ingress"),
        ("aws_security_group", {"ingress": [SSH]}, {"ingress": [{"cidr_blocks": True}]}, "ingress[0].cidr_blocks"),
        (
            "aws_security_group",
            {"ingress": [{**SSH, "cidr_blocks": [None]}]},
            {"ingress": [{"cidr_blocks": [True]}]},
            "ingress[0].cidr_blocks",
        ),
        ("aws_db_instance", {}, {"deletion_protection": True}, "deletion_protection"),
        ("azurerm_role_assignment", {"role_definition_name": "Reader"}, {"scope": True}, "scope"),
    ],
)
def test_what_only_apply_will_tell_is_a_warning_and_never_a_pass(planned, told, kind, after, unknown, place):
    assert told(PlanRules(), planned((kind, None, after, unknown))) == [
        ("warning", "plan/unknown", f"{kind}.r0 {place} is known only after apply and was not checked")
    ]


def test_a_finding_points_into_the_plan(planned):
    plan = planned(
        ("null_resource", None, {}), ("aws_security_group", None, {"ingress": [{**SSH, "cidr_blocks": [ANY4]}]})
    )
    (validation,) = PlanRules().validate([plan], {})
    (finding,) = validation.findings
    assert finding.pointer == "/resource_changes/1/change/after/ingress/0/cidr_blocks"
    assert (finding.path, finding.remedy) == ("plan.json", "name the addresses that need it")


def test_an_exception_names_a_rule_and_an_address(planned, told):
    plan = planned(("aws_db_instance", None, {"publicly_accessible": True}))
    entry = {"rule": "plan/public-*", "address": "aws_db_instance.r0"}
    assert told(PlanRules(), plan, {"ignore": [entry]}) == []
    assert told(PlanRules(), plan, {"ignore": [{**entry, "address": "aws_db_instance.other"}]}) != []


@pytest.mark.parametrize(
    "settings", [{"ignore": [{"rule": "*"}]}, {"ignore": [{"rule": "", "address": "*"}]}, {"ignored": []}]
)
def test_settings_that_mean_nothing_are_refused(planned, settings):
    with pytest.raises(InvalidInput):
        PlanRules().validate([planned(("null_resource", None, {}))], settings)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000])
def test_a_plan_that_cannot_be_read_again_is_an_error(planned, content):
    part = planned(("null_resource", None, {})).part
    (validation,) = PlanRules().validate([reading(part, HostileMaterial({}, {"plan.json": content or b" "}))], {})
    assert [(f.level, f.rule) for f in validation.findings] == [("error", "plan/unreadable")]


def test_every_type_with_a_rule_survives_attributes_of_any_kind(planned, told):
    """Providers change their schemas: a rule that meets an unexpected kind must find nothing, and not break."""
    names = {key for pair in PAIRS for key in pair[2]} | {
        k.pointer.split("/")[1] for ks in KEEPERS.values() for k in ks
    }
    kinds = sorted({*identity.TABLE, *exposure.TABLE, *KEEPERS})
    odd = [None, 7, True, "x", "²", ["²"], [1, None, [2]], {"a": {"b": 1}}, [{"a": 1}], [{"ingress": "x"}]]
    for value in odd:
        after = dict.fromkeys(names, value)
        told(
            PlanRules(),
            planned(*((kind, None, after) for kind in kinds), *((kind, after, after) for kind in kinds)),
        )


@pytest.mark.parametrize(
    ("rule", "ports"),
    [
        ({"from_port": 22, "to_port": 22, "protocol": "-1"}, "every port"),
        ({"from_port": 0, "to_port": 0, "protocol": "all"}, "every port"),
        ({"from_port": 0, "to_port": 65535, "protocol": "tcp"}, "every port"),
        ({"protocol": "tcp"}, "every port"),
        ({"from_port": 0, "to_port": 443, "protocol": "tcp"}, "ports 0 to 443"),
        ({"from_port": 443, "to_port": 65535, "protocol": "tcp"}, "ports 443 to 65535"),
        ({"from_port": "5432", "to_port": "5432", "protocol": "tcp"}, "port 5432"),
    ],
)
def test_the_ports_that_are_open_are_told(planned, told, rule, ports):
    block = {**rule, "cidr_blocks": [ANY4]}
    ((level, _, message),) = told(PlanRules(), planned(("aws_security_group", None, {"ingress": [block]})))
    assert level == "error"
    assert f"lets 0.0.0.0/0 in on {ports} (" in message


@pytest.mark.parametrize(
    ("ports", "shown"), [(["22", "80"], "port 22, 80"), (["*"], "every port"), ([], "every port")]
)
def test_the_ports_of_a_security_rule_are_told(planned, told, ports, shown):
    rule = {**INBOUND, "source_address_prefix": "*", "destination_port_ranges": ports}
    ((level, _, message),) = told(PlanRules(), planned(("azurerm_network_security_rule", None, rule)))
    assert level == "error"
    assert f"in on {shown} (" in message


@pytest.mark.parametrize("bound", ["source_arn", "source_account", "principal_org_id"])
def test_a_function_that_anybody_may_invoke_from_one_source_is_a_warning(planned, told, bound):
    found = told(PlanRules(), planned(("aws_lambda_permission", None, {"principal": "*", bound: "x"})))
    assert [level for level, _, _ in found] == ["warning"]


def test_all_of_the_cloud_is_public_and_one_address_is_not(planned, told):
    kind = "azurerm_postgresql_firewall_rule"
    cloud = {"start_ip_address": "0.0.0.0", "end_ip_address": "0.0.0.0"}
    ((level, _, message),) = told(PlanRules(), planned((kind, None, cloud)))
    assert (level, "every machine of the cloud" in message) == ("error", True)
    one = {"start_ip_address": "203.0.113.7", "end_ip_address": "203.0.113.7"}
    assert told(PlanRules(), planned((kind, None, one))) == []
    wide = {"start_ip_address": "10.0.0.0", "end_ip_address": "10.255.255.255"}
    assert len(told(PlanRules(), planned((kind, None, wide)))) == 1


@pytest.mark.parametrize(
    ("role", "scope", "level"),
    [
        ("Owner", "/subscriptions/1/resourceGroups/a", "warning"),
        ("owner", "/providers/Microsoft.Management/managementGroups/a", "error"),
        ("Contributor", "/subscriptions/1", "warning"),
        ("Contributor", "/subscriptions/1/resourceGroups/a", None),
    ],
)
def test_how_wide_an_administrator_is_decides(planned, told, role, scope, level):
    after = {"role_definition_name": role, "scope": scope}
    found = told(PlanRules(), planned(("azurerm_role_assignment", None, after)))
    assert [each for each, _, _ in found] == ([] if level is None else [level])


def test_a_partial_plan_is_an_error_and_may_be_ignored_by_name(planned, told):
    whole = planned(("aws_sqs_queue", {"name": "a"}, {"name": "b"}))
    part = replace(whole.part, incomplete=("the plan calls itself incomplete",))
    partial = replace(whole, part=part)
    ((level, rule, message),) = told(PlanRules(), partial)
    assert (level, rule) == ("error", "plan/incomplete")
    assert message == "plan incomplete: the plan calls itself incomplete"
    ignored = {"ignore": [{"rule": "plan/incomplete", "address": "plan"}]}
    assert told(PlanRules(), partial, ignored) == []
    assert told(PlanRules(), whole) == []


def test_a_plan_that_ended_in_an_error_is_an_error(planned, told):
    whole = planned(("aws_sqs_queue", {"name": "a"}, {"name": "b"}))
    errored = replace(whole, part=replace(whole.part, errored=True))
    assert [(level, rule) for level, rule, _ in told(PlanRules(), errored)] == [("error", "plan/incomplete")]


def test_a_providers_action_is_named_and_a_warning(planned, told):
    whole = planned(("aws_sqs_queue", {"name": "a"}, {"name": "b"}))
    running = replace(whole, part=replace(whole.part, invokes=("action.aws_lambda_invoke.x",)))
    ((level, rule, message),) = told(PlanRules(), running)
    assert (level, rule) == ("warning", "plan/action")
    assert message.startswith("action.aws_lambda_invoke.x is run")
