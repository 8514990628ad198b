"""What the whole internet can reach.

Rules:
1. An address range is public when it covers more than one in a thousand of all addresses: ``0.0.0.0/0`` written
   as two halves is public too.
2. Incoming traffic from everywhere is an error; to the web ports (80, 443) alone it is a warning, since that is
   what a web shop is for.
3. Storage that lists or serves its content to anybody, and databases with a public address, are errors.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from interlock.core.change.canonical import Json
from interlock.core.facts.plan_rules.view import Problem, Rule, Table, View

_WEB = frozenset({80, 443})
_WORDS = frozenset({"*", "internet", "any", "/0"})
_FEWEST_BITS = {4: 8, 6: 16}
_CLOSE = "name the addresses that need it"


def is_public(text: str) -> bool:
    """Whether an address range is open to the internet, by rule 1."""
    if text.strip().lower() in _WORDS:
        return True
    try:
        network = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        return False
    return network.prefixlen < _FEWEST_BITS[network.version]


def _opened(view: View, attribute: str, ports: str, *, web: bool) -> Iterator[Problem]:
    found = [text for text in view.texts(attribute) if is_public(text)]
    if found:
        yield Problem(
            rule="plan/public-ingress",
            words=f"lets {found[0]} in on {ports}",
            pointer=view.at(attribute),
            remedy=_CLOSE,
            level="warning" if web else "error",
        )


def _aws_ports(view: View, protocol: str) -> tuple[str, bool]:
    first, last = view.number("from_port"), view.number("to_port")
    if view.text(protocol) in {"-1", "all"} or (first in {None, 0, -1} and last in {None, 0, 65535, -1}):
        return "every port", False
    ports = f"port {first}" if first == last else f"ports {first} to {last}"
    return ports, first == last and first in _WEB


def _aws_group(view: View) -> Iterator[Problem]:
    for block in view.blocks("ingress"):
        ports, web = _aws_ports(block, "protocol")
        for attribute in ("cidr_blocks", "ipv6_cidr_blocks"):
            yield from _opened(block, attribute, ports, web=web)


def _aws_group_rule(view: View) -> Iterator[Problem]:
    if view.text("type") == "ingress":
        ports, web = _aws_ports(view, "protocol")
        for attribute in ("cidr_blocks", "ipv6_cidr_blocks"):
            yield from _opened(view, attribute, ports, web=web)


def _aws_ingress_rule(view: View) -> Iterator[Problem]:
    ports, web = _aws_ports(view, "ip_protocol")
    for attribute in ("cidr_ipv4", "cidr_ipv6"):
        yield from _opened(view, attribute, ports, web=web)


def _azure_rule(view: View) -> Iterator[Problem]:
    if view.text("direction").lower() != "inbound" or view.text("access").lower() != "allow":
        return
    ports = [*view.texts("destination_port_range"), *view.texts("destination_port_ranges")]
    web = bool(ports) and all(port.isdecimal() and int(port) in _WEB for port in ports)
    words = f"port {', '.join(ports)[:60]}" if ports and "*" not in ports else "every port"
    for attribute in ("source_address_prefix", "source_address_prefixes"):
        yield from _opened(view, attribute, words, web=web)


def _azure_group(view: View) -> Iterator[Problem]:
    for block in view.blocks("security_rule"):
        yield from _azure_rule(block)


def _azure_collection(view: View) -> Iterator[Problem]:
    if view.text("action").lower() != "allow":
        return
    for block in view.blocks("rule"):
        ports = ", ".join(block.texts("destination_ports"))[:60]
        yield from _opened(block, "source_addresses", f"port {ports}", web=False)


def _azure_database_firewall(view: View) -> Iterator[Problem]:
    first, last = view.text("start_ip_address"), view.text("end_ip_address")
    if not first or not last:
        return
    try:
        size = int(ipaddress.IPv4Address(last)) - int(ipaddress.IPv4Address(first)) + 1
    except ValueError:
        return
    if first == last == "0.0.0.0":  # noqa: S104  # Azure's way to say "all of Azure"
        words = "lets in every machine of the cloud, whoever rents it"
    elif size >= 2**24:
        words = f"lets {first} to {last} in"
    else:
        return
    yield Problem(rule="plan/public-ingress", words=words, pointer=view.at("start_ip_address"), remedy=_CLOSE)


def _google_firewall(view: View) -> Iterator[Problem]:
    if view.text("direction") == "EGRESS" or view.read("disabled") is True:
        return
    allowed = list(view.blocks("allow"))
    ports = [port for block in allowed for port in block.texts("ports")]
    everything = any(not block.texts("ports") for block in allowed)
    web = not everything and all(port.isdecimal() and int(port) in _WEB for port in ports)
    if allowed:
        words = "every port" if everything else f"port {', '.join(ports)[:60]}"
        yield from _opened(view, "source_ranges", words, web=web)


def _google_database(view: View) -> Iterator[Problem]:
    for settings in view.blocks("settings"):
        for address in settings.blocks("ip_configuration"):
            for network in address.blocks("authorized_networks"):
                yield from _opened(network, "value", "the database's port", web=False)


def _google_control_plane(view: View) -> Iterator[Problem]:
    for config in view.blocks("master_authorized_networks_config"):
        for block in config.blocks("cidr_blocks"):
            yield from _opened(block, "cidr_block", "the cluster's control plane", web=False)


def _aws_control_plane(view: View) -> Iterator[Problem]:
    for config in view.blocks("vpc_config"):
        if config.read("endpoint_public_access") is True:
            yield from _opened(config, "public_access_cidrs", "the cluster's control plane", web=False)


def _flag(attribute: str, bad: frozenset[Json], words: str, remedy: str, *, warn: bool = False) -> Rule:
    def rule(view: View) -> Iterator[Problem]:
        if (value := view.read(attribute)) is not None and not isinstance(value, dict | list) and value in bad:
            yield Problem(
                rule="plan/public-exposure",
                words=words,
                pointer=view.at(attribute),
                remedy=remedy,
                level="warning" if warn else "error",
            )

    return rule


def _public_access_block(view: View) -> Iterator[Problem]:
    names = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
    off = [name for name in names if view.read(name) is False]
    if off:
        yield Problem(
            rule="plan/public-exposure",
            words=f"leaves {', '.join(off)} off",
            pointer=view.at(off[0]),
            remedy="switch all four on, unless the bucket serves a public site",
        )


_YES: frozenset[Json] = frozenset({True})
_PUBLIC_ACLS: frozenset[Json] = frozenset({"public-read", "public-read-write", "website"})
_GOOGLE_ACLS: frozenset[Json] = frozenset({"publicRead", "publicReadWrite", "authenticatedRead"})
_READERS: frozenset[Json] = frozenset({"allUsers", "allAuthenticatedUsers"})

_DATABASE = _flag("publicly_accessible", _YES, "gets a public address", "reach it through a private network")
_ACL = _flag(
    "acl", _PUBLIC_ACLS, "may be read by anybody", "use a private ACL and a policy that names the readers"
)
_AZURE_PUBLIC = _flag(
    "public_network_access_enabled", _YES, "is reachable from the internet", "use a private endpoint", warn=True
)
_GOOGLE_ACL = _flag("predefined_acl", _GOOGLE_ACLS, "may be read by anybody", "name the readers")
_ENTITY = _flag("entity", _READERS, "opens the bucket to anybody", "name the readers")

TABLE: Table = {
    "aws_security_group": (_aws_group,),
    "aws_default_security_group": (_aws_group,),
    "aws_security_group_rule": (_aws_group_rule,),
    "aws_vpc_security_group_ingress_rule": (_aws_ingress_rule,),
    **dict.fromkeys(
        (
            "aws_db_instance",
            "aws_rds_cluster_instance",
            "aws_redshift_cluster",
            "aws_neptune_cluster_instance",
            "aws_dms_replication_instance",
        ),
        (_DATABASE,),
    ),
    "aws_s3_bucket": (_ACL,),
    "aws_s3_bucket_acl": (_ACL,),
    "aws_s3_object": (_ACL,),
    "aws_s3_bucket_public_access_block": (_public_access_block,),
    "aws_s3_account_public_access_block": (_public_access_block,),
    "aws_eks_cluster": (_aws_control_plane,),
    "azurerm_network_security_group": (_azure_group,),
    "azurerm_network_security_rule": (_azure_rule,),
    "azurerm_firewall_network_rule_collection": (_azure_collection,),
    "azurerm_storage_account": (
        _flag(
            "allow_nested_items_to_be_public",
            _YES,
            "permits containers that anybody may read",
            "set allow_nested_items_to_be_public = false",
            warn=True,
        ),
        _flag("allow_blob_public_access", _YES, "permits public blobs", "set it to false", warn=True),
    ),
    "azurerm_storage_container": (
        _flag(
            "container_access_type",
            frozenset({"blob", "container"}),
            "may be read by anybody",
            'set container_access_type = "private"',
        ),
    ),
    **dict.fromkeys(
        (
            "azurerm_mssql_firewall_rule",
            "azurerm_sql_firewall_rule",
            "azurerm_postgresql_firewall_rule",
            "azurerm_postgresql_flexible_server_firewall_rule",
            "azurerm_mysql_firewall_rule",
            "azurerm_mysql_flexible_server_firewall_rule",
            "azurerm_mariadb_firewall_rule",
        ),
        (_azure_database_firewall,),
    ),
    **dict.fromkeys(
        (
            "azurerm_postgresql_server",
            "azurerm_postgresql_flexible_server",
            "azurerm_mysql_server",
            "azurerm_mysql_flexible_server",
            "azurerm_mssql_server",
            "azurerm_cosmosdb_account",
            "azurerm_redis_cache",
        ),
        (_AZURE_PUBLIC,),
    ),
    "google_compute_firewall": (_google_firewall,),
    "google_sql_database_instance": (_google_database,),
    "google_container_cluster": (_google_control_plane,),
    "google_storage_bucket_acl": (_GOOGLE_ACL,),
    "google_storage_bucket_access_control": (_ENTITY,),
    "google_storage_default_object_access_control": (_ENTITY,),
    "google_storage_object_access_control": (_ENTITY,),
}
