"""Backstage files become a catalog, or are refused by file and line."""

from __future__ import annotations

import textwrap
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.core.change import catalog_read
from interlock.core.change.catalog import Catalog, Dangling, Place, Role, Service, Tier
from interlock.core.change.catalog_read import codeowners_file, read_catalog
from interlock.core.change.errors import InvalidInput

SHOP = Path(__file__).parents[3] / "data" / "microservices-demo"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDuJQJBpXVJ3nDJyc8qPBqcFkYV3GZlCzbWcDmvqYxVK"
HEAD = "apiVersion: backstage.io/v1alpha1\n"


def entity(kind: str, name: str, *, notes: str = "", spec: str = "", namespace: str = "") -> str:
    """One entity; ``notes`` and ``spec`` are YAML lines without indentation."""
    text = f"{HEAD}kind: {kind}\nmetadata:\n  name: {name}\n"
    text += f"  namespace: {namespace}\n" if namespace else ""
    text += "  annotations:\n" + textwrap.indent(notes, "    ") + "\n" if notes else ""
    return text + ("spec:\n" + textwrap.indent(spec, "  ") + "\n" if spec else "")


def catalog(*entities: str, **files: bytes) -> Catalog:
    return read_catalog({"c.yaml": "---\n".join(entities).encode(), **files}, digest="d")


def refusal(*entities: str) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        catalog(*entities)
    assert caught.value.hint
    assert "\n" not in caught.value.message
    return caught.value


def shop() -> dict[str, bytes]:
    names = ["catalog/services.yaml", "catalog/people.yaml", "CODEOWNERS"]
    return {name: (SHOP / name).read_bytes() for name in names}


def test_a_service_with_everything() -> None:
    notes = textwrap.dedent("""\
        interlock.dev/tier: 1
        interlock.dev/metric: orders
        interlock.dev/alert: OrdersDrop
        interlock.dev/rollback: interlock rollback cart
        interlock.dev/order-share: 41 %
        interlock.dev/fleet-share: "0.125"
        interlock.dev/paths: src/cart/**, deploy/cart/
        interlock.dev/artefacts: "*/cart"
        interlock.dev/environments: production, staging
        github.com/project-slug: shop/cart""")
    spec = (
        "type: website\nlifecycle: beta\nowner: pay\nsystem: shop\ndependsOn: [resource:db, Component:default/Tax]"
    )
    found = catalog(
        entity("Component", "cart", notes=notes, spec=spec),
        entity("Component", "tax"),
        entity("Resource", "db"),
        entity("Group", "pay"),
    )
    expected = Service(
        name="cart",
        kind="Component",
        type="website",
        tier=Tier.ONE,
        tier_declared=True,
        owner="pay",
        system="shop",
        lifecycle="beta",
        depends_on=("resource:db", "tax"),
        environments=("production", "staging"),
        order_share=0.41,
        fleet_share=0.125,
        metric="orders",
        alert="OrdersDrop",
        rollback="interlock rollback cart",
        paths=("src/cart/**", "deploy/cart/"),
        artefacts=("*/cart",),
        repository="shop/cart",
        place=Place(path="c.yaml", line=4),
    )
    assert expected == found.services["cart"]
    assert found.services["tax"].tier is Tier.TWO
    assert not found.services["tax"].tier_declared
    assert found.dangling == ()


def test_every_relation_becomes_a_dependency() -> None:
    found = catalog(
        entity("Component", "web", spec="consumesApis: [orders]"),
        entity("Component", "orders", spec="providesApis: [api:orders]\ndependencyOf: [batch]"),
        entity("API", "orders"),
        entity("Component", "batch"),
        entity("Component", "worker", spec="subcomponentOf: orders"),
    )
    needs = {name: service.depends_on for name, service in found.services.items()}
    assert needs == {
        "api:orders": ("orders",),
        "batch": ("orders",),
        "orders": ("worker",),
        "web": ("api:orders",),
        "worker": (),
    }
    assert found.dependents["orders"] == ("api:orders", "batch")


def test_people_groups_and_agents() -> None:
    user = entity(
        "User",
        "ana",
        notes="interlock.dev/role: senior\ninterlock.dev/emails: a@b.c, ana@x.y\ninterlock.dev/on-call: true\n"
        "interlock.dev/accounts: |\n  ana-1\n  ana-2\n"
        f"interlock.dev/ssh-keys: |\n  # laptop\n  {KEY} laptop",
        spec="profile: {displayName: Ana Ruiz, email: ana@x.y}\nmemberOf: [pay]",
    )
    agent = entity(
        "Resource", "bot", notes="interlock.dev/sponsor: ana\ninterlock.dev/accounts: bot[bot]", spec="type: agent"
    )
    pay, core = entity("Group", "pay", spec="children: [core]"), entity("Group", "core", spec="members: [ana]")
    found = catalog(user, agent, pay, core)
    ana = found.people["ana"]
    assert (ana.role, ana.display_name, ana.on_call) == (Role.SENIOR, "Ana Ruiz", True)
    assert ana.emails == ("ana@x.y", "a@b.c")
    assert ana.accounts == ("ana-1", "ana-2")
    assert ana.groups == ("core", "pay")
    assert ana.keys[0].line == KEY
    assert ana.keys[0].fingerprint.startswith("SHA256:")
    assert found.groups["core"].parent == "pay"
    assert found.people_of("pay") == found.people_of("user:ana") == ("ana",)
    assert found.agents["bot"].sponsor == "ana"
    assert found.agents["bot"].accounts == ("bot[bot]",)
    assert "resource:bot" not in found.services


def test_a_key_carries_the_time_in_which_it_counts() -> None:
    options = 'not-before="2026-01-01T00:00:00Z",not-after="2027-01-01T02:00:00+02:00",revoked'
    found = catalog(entity("User", "ana", notes=f"interlock.dev/ssh-keys: |\n  {options} {KEY}"))
    (key,) = found.people["ana"].keys
    assert key.not_before == datetime(2026, 1, 1, tzinfo=UTC)
    assert key.not_after == datetime(2027, 1, 1, tzinfo=UTC)
    assert key.revoked


def test_names_outside_the_default_namespace_carry_it() -> None:
    found = catalog(
        entity("Component", "cart", namespace="eu", spec="owner: pay\ndependsOn: [tax, component:default/tax]"),
        entity("Component", "tax", namespace="EU"),
        entity("Component", "tax"),
        entity("Group", "pay", namespace="eu"),
    )
    assert found.services["eu/cart"].depends_on == ("eu/tax", "tax")
    assert found.services["eu/cart"].owner == "eu/pay"


def test_a_reference_that_leads_nowhere_is_kept_and_listed() -> None:
    found = catalog(entity("Component", "cart", spec="owner: user:zoe\ndependsOn: [gone]"), entity("Group", "zoe"))
    place = Place(path="c.yaml", line=4)
    assert found.services["cart"].owner == "user:zoe"
    assert found.services["cart"].depends_on == ("gone",)
    assert found.dangling == (
        Dangling(origin="cart", field="dependsOn", target="gone", place=place),
        Dangling(origin="cart", field="owner", target="user:zoe", place=place),
    )


def test_other_kinds_and_files_are_left_alone() -> None:
    template = "apiVersion: scaffolder.backstage.io/v1beta3\nkind: Template\nmetadata: {name: t}\n"
    location = entity("Location", "l", notes="interlock.dev/whatever: x")
    found = catalog(template, location, entity("System", "s"), entity("Domain", "d"), "", **{"README.md": b"\xff"})
    assert found == Catalog(digest="d")


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("- a\n", "catalog-entity", "a Backstage entity"),
        ("kind: Component\n", "catalog-entity", "`apiVersion`"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n", "catalog-entity", "got `v1` at `c.yaml:1`"),
        (f"{HEAD}kind: Componant\nmetadata: {{name: x}}\n", "catalog-entity", "did you mean `Component`"),
        (f"{HEAD}kind: Component\n", "catalog-entity", "`metadata`"),
        (f"{HEAD}kind: Component\nmetadata: {{}}\n", "catalog-entity", "`name`"),
        (entity("Component", "a/b"), "catalog-entity", "`a/b` at `c.yaml:4`"),
        (entity("Component", "x" * 64), "catalog-entity", "63 characters"),
        (entity("Component", "x", namespace="a/b"), "catalog-entity", "`a/b`"),
        (entity("Component", "x", spec="owner: [a]"), "catalog-entity", "a text in `owner`"),
        (entity("Component", "x", spec="owner: a:b:c"), "catalog-entity", "`a:b:c` at `c.yaml:6`"),
        (entity("Component", "x", spec="dependsOn: a"), "catalog-entity", "a list in `dependsOn`"),
        (entity("Component", "x", spec="dependsOn: [[a]]"), "catalog-entity", "references in `dependsOn`"),
        (entity("Component", "x", notes="interlock.dev/teir: 1"), "catalog-annotation", "did you mean `tier`"),
        (entity("Component", "x", notes="interlock.dev/tier: 4"), "catalog-annotation", "got `4` at `c.yaml:6`"),
        (entity("Component", "x", notes="interlock.dev/role: vp"), "catalog-annotation", "another kind"),
        (entity("Component", "x", notes="interlock.dev/paths: [a]"), "catalog-annotation", "a text in"),
        (entity("Component", "x", notes="interlock.dev/order-share: 1.1"), "catalog-annotation", "`1.1`"),
        (entity("Component", "x", notes="interlock.dev/order-share: 101 %"), "catalog-annotation", "`101 %`"),
        (entity("Component", "x", notes="interlock.dev/order-share: -1"), "catalog-annotation", "`-1`"),
        (entity("User", "x", notes="interlock.dev/role: senor"), "catalog-annotation", "did you mean `senior`"),
        (entity("User", "x", notes="interlock.dev/on-call: yes"), "catalog-annotation", "`yes`"),
        (entity("User", "x", notes="interlock.dev/ssh-keys: rot13"), "catalog-annotation", "`rot13`"),
        (entity("User", "x", notes="interlock.dev/ssh-keys: ssh-ed25519 AAAA"), "key-malformed", "`c.yaml:6`"),
        (entity("User", "x", notes=f"interlock.dev/ssh-keys: cert-authority {KEY}"), "catalog-annotation", "line"),
        (
            entity("User", "x", notes=f"interlock.dev/ssh-keys: |\n  {KEY} a\n  {KEY} b"),
            "catalog-annotation",
            "one key twice",
        ),
        (
            entity("User", "x", notes=f"interlock.dev/ssh-keys: 'not-after=\"2026-01-01\" {KEY}'"),
            "catalog-annotation",
            "its zone",
        ),
        (entity("Resource", "x", spec="type: agent"), "catalog-annotation", "as sponsor of agent `x`"),
        (
            entity("Resource", "x", notes="interlock.dev/sponsor: zoe", spec="type: agent"),
            "catalog-annotation",
            "got `zoe`",
        ),
        (
            entity("Component", "a") + "---\n" + entity("Component", "A"),
            "catalog-duplicate",
            "first at `c.yaml:4`",
        ),
        (f"{HEAD}kind: Component\nmetadata:\n  annotations: [a]\n  name: x\n", "catalog-annotation", "a mapping"),
    ],
)
def test_what_cannot_be_used_is_refused_by_file_and_line(text: str, code: str, words: str) -> None:
    error = refusal(text)
    assert error.code == code
    assert words in error.message


def test_one_name_may_stand_for_one_entity_of_each_kind() -> None:
    found = catalog(
        entity("Component", "pay"), entity("API", "pay"), entity("Resource", "pay"), entity("Group", "pay")
    )
    assert list(found.services) == ["api:pay", "pay", "resource:pay"]
    assert found.local_names["pay"] == ("api:pay", "pay", "resource:pay")


def test_the_first_codeowners_of_the_forges_counts() -> None:
    assert codeowners_file(["docs/CODEOWNERS", "CODEOWNERS", "a.yaml"]) == "CODEOWNERS"
    assert codeowners_file(["CODEOWNERS", ".github/CODEOWNERS"]) == ".github/CODEOWNERS"
    assert codeowners_file(["x/CODEOWNERS", "docs/CODEOWNERS"]) == "docs/CODEOWNERS"
    assert codeowners_file(["CODEOWNERS.md"]) is None
    files = {".github/CODEOWNERS": b"* @first\n", "CODEOWNERS": b"* @second\n"}
    (rule,) = read_catalog(files, digest="d").owner_rules
    assert rule.owners == ("@first",)


def test_counts_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog_read, "MAX_ENTITIES", 1)
    assert catalog(entity("Component", "a")).services
    assert refusal(entity("Component", "a"), entity("Component", "b")).code == "catalog-too-large"
    monkeypatch.setattr(catalog_read, "MAX_FILES", 0)
    assert refusal(entity("Component", "a")).code == "catalog-too-large"


def test_the_shop_of_twelve_services_reads_whole() -> None:
    found = read_catalog(shop(), digest="d")
    assert len(found.services) == 12
    assert found.dangling == ()
    assert [person.role for person in found.people.values()].count(Role.SENIOR) == 3
    assert found.services["cartservice"].depends_on == ("resource:redis-cart",)
    assert found.people_of("engineering") == tuple(sorted(found.people))


@given(st.permutations(["a", "b", "c"]), st.integers(0, 2))
def test_the_order_of_files_and_entities_does_not_matter(order: list[str], split: int) -> None:
    texts = {
        "a": entity("Component", "a", spec="dependsOn: [b]\nowner: c"),
        "b": entity("Component", "b", spec="dependencyOf: [a]"),
        "c": entity("Group", "c"),
    }
    files = {"1.yaml": order[:split], "2.yaml": order[split:]}
    found = read_catalog(
        {n: "---\n".join(texts[o] for o in names).encode() for n, names in files.items()}, digest="d"
    )
    assert list(found.services) == ["a", "b"]
    assert found.services["a"].depends_on == ("b",)
    assert found.services["a"].owner == "c"


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: raw.decode("latin-1")))
def test_any_text_is_a_catalog_or_a_refusal(text: str) -> None:
    for files in (
        {"a.yaml": text.encode("utf-8", "surrogatepass")},
        {"CODEOWNERS": text.encode("utf-8", "replace")},
    ):
        error = refused_by(files)
        assert error is None or (error.hint and "\n" not in error.message)


def refused_by(files: dict[str, bytes]) -> InvalidInput | None:
    try:
        read_catalog(files, digest="d")
    except InvalidInput as error:
        return error
    return None
