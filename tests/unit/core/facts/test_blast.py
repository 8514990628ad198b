"""What a change touches, and whom that can hurt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from interlock.core.change.catalog import Group, OwnerRule, Person, Place, Tier
from interlock.core.change.catalog_read import read_catalog
from interlock.core.change.configuration import read_configuration
from interlock.core.change.parts import KeyChange
from interlock.core.change.settings import ConfigurationRule, Environment, Settings
from interlock.core.facts.blast import blast_of
from interlock.core.facts.model import Source

SHOP = Path(__file__).parents[3] / "data" / "microservices-demo"
SETTINGS = Settings()


def shop_catalog() -> Any:
    names = ["catalog/services.yaml", "catalog/people.yaml", "CODEOWNERS"]
    return read_catalog({name: (SHOP / name).read_bytes() for name in names}, digest="d")


def test_one_changed_address_names_the_right_dependents_with_their_paths(make: Any) -> None:
    before = (SHOP / "kubernetes-manifests.yaml").read_bytes()
    after = before.replace(b"redis-cart:6379", b"redis-cart:6380")
    file = read_configuration("kubernetes-manifests.yaml", before, after)
    found = blast_of((make.configuration(file),), catalog=shop_catalog(), settings=SETTINGS)
    (touched,) = found.touched
    assert (touched.service, touched.tier) == ("cartservice", Tier.ONE)
    assert touched.sources[0].line == before[: before.index(b"redis-cart:6379")].count(b"\n") + 1
    assert {item.service: item.path for item in found.reached} == {
        "checkoutservice": ("cartservice", "checkoutservice"),
        "frontend": ("cartservice", "frontend"),
        "loadgenerator": ("cartservice", "frontend", "loadgenerator"),
    }
    assert found.order_share == 1.0
    assert found.fleet_share == 0.1
    assert found.unowned == ()
    assert found.tier is Tier.ONE


@pytest.mark.parametrize(
    ("path", "touched", "reached"),
    [
        ("src/paymentservice/server.js", "paymentservice", {"checkoutservice", "frontend", "loadgenerator"}),
        ("src/adservice/Main.java", "adservice", {"frontend", "loadgenerator"}),
        ("src/loadgenerator/locustfile.py", "loadgenerator", set()),
        (
            "src/productcatalogservice/products.json",
            "productcatalogservice",
            {"recommendationservice", "checkoutservice", "frontend", "loadgenerator"},
        ),
    ],
)
def test_a_file_of_each_service(make: Any, path: str, touched: str, reached: set[str]) -> None:
    found = blast_of((make.range(path),), catalog=shop_catalog(), settings=SETTINGS)
    assert [item.service for item in found.touched] == [touched]
    assert {item.service for item in found.reached} == reached


def test_a_file_belongs_to_every_service_whose_globs_cover_it(make: Any) -> None:
    catalog = make.catalog(
        make.service("cart", paths=("src/cart/**",)), make.service("all", paths=("src/",), tier=1)
    )
    found = blast_of((make.range("src/cart/a.py", "src/cart/b.py"),), catalog=catalog, settings=SETTINGS)
    assert [(item.service, item.reason) for item in found.touched] == [
        ("all", "changes a file in src/ (2)"),
        ("cart", "changes a file in src/cart/** (2)"),
    ]
    assert [source.where for source in found.touched[0].sources] == ["src/cart/a.py", "src/cart/b.py"]


def test_a_file_moved_out_of_a_service_touches_it(make: Any) -> None:
    catalog = make.catalog(make.service("cart", paths=("src/cart/",)))
    moved = make.file("old/a.py", "renamed", old_path="src/cart/a.py")
    found = blast_of((make.range(moved),), catalog=catalog, settings=SETTINGS)
    assert [item.service for item in found.touched] == ["cart"]
    assert found.unowned == ("old/a.py",)


def test_a_configuration_rule_names_the_service(make: Any) -> None:
    settings = Settings(configuration=(ConfigurationRule(match="config/*.yaml", service="cart"),))
    catalog = make.catalog(make.service("cart"), make.service("beside", file="config/catalog-info.yaml"))
    keys = (KeyChange(pointer="/a/b", op="changed", line=14), KeyChange(pointer="/c", op="added", line=20))
    parts = (
        make.range("config/delivery.yaml"),
        make.configuration(make.configured("config/delivery.yaml", *keys)),
    )
    found = blast_of(parts, catalog=catalog, settings=settings)
    assert found.touched[0].sources == (Source(where="config/delivery.yaml", line=14, text="/a/b and 1 more"),)
    assert [item.service for item in found.touched] == ["cart"]


def test_a_catalog_file_beside_the_code_names_the_service(make: Any) -> None:
    catalog = make.catalog(
        make.service("cart", file="services/cart/catalog-info.yaml"),
        make.service("shop", file="services/catalog-info.yaml"),
    )
    found = blast_of((make.range("services/cart/src/a.py", "x.py"),), catalog=catalog, settings=SETTINGS)
    assert [item.service for item in found.touched] == ["cart"]
    assert found.unowned == ("x.py",)
    root = make.catalog(make.service("cart", file="catalog-info.yaml"))
    found = blast_of((make.range("src/a.py"),), catalog=root, settings=SETTINGS)
    assert [item.service for item in found.touched] == ["cart"]
    two = make.catalog(make.service("a", file="catalog-info.yaml"), make.service("b", file="catalog-info.yaml"))
    found = blast_of((make.range("src/a.py"),), catalog=two, settings=SETTINGS)
    assert found.unowned == ("src/a.py",)


def test_codeowners_are_a_hint_where_nothing_else_says_anything(make: Any) -> None:
    rules = (OwnerRule(pattern="*", owners=("@shop/pay",), place=Place(path="CODEOWNERS", line=1)),)
    groups = {"pay": Group(name="pay")}
    one = make.catalog(make.service("cart", owner="pay"), owner_rules=rules, groups=groups)
    found = blast_of((make.range("x.py"),), catalog=one, settings=SETTINGS)
    assert [item.service for item in found.touched] == ["cart"]
    assert "CODEOWNERS" in found.touched[0].reason
    assert found.unowned == ("x.py",)
    two = make.catalog(
        make.service("cart", owner="pay"), make.service("tax", owner="pay"), owner_rules=rules, groups=groups
    )
    assert blast_of((make.range("x.py"),), catalog=two, settings=SETTINGS).touched == ()


@pytest.mark.parametrize(
    "address",
    [
        "module.order-service.aws_ecs_service.this",
        "aws_ecs_service.order_service",
        'aws_ecs_service.all["order-service"]',
        "module.shop.module.order_service[0].aws_lb.x",
    ],
)
def test_a_plan_address_names_the_service(make: Any, address: str) -> None:
    catalog = make.catalog(make.service("order-service"), make.service("web", "order-service"))
    found = blast_of((make.plan(make.resource(address, "update")),), catalog=catalog, settings=SETTINGS)
    assert [item.service for item in found.touched] == ["order-service"]
    assert found.touched[0].sources[0].where == f"plan.json#{address}"
    assert [item.path for item in found.reached] == [("order-service", "web")]


def test_what_a_plan_only_reads_touches_nothing(make: Any) -> None:
    catalog = make.catalog(make.service("cart"))
    for actions in (("no-op",), ("read",)):
        plan = make.plan(make.resource("aws_ecs_service.cart", *actions))
        assert blast_of((plan,), catalog=catalog, settings=SETTINGS).touched == ()


def test_an_artefact_names_the_service(make: Any) -> None:
    catalog = make.catalog(make.service("cart"), make.service("tax", artefacts=("*/billing-*",)))
    for name in ("registry.example/shop/cart", "registry.example/shop/cart:1.2", "cart@sha256:00", "CART"):
        found = blast_of((make.artefact(name),), catalog=catalog, settings=SETTINGS)
        assert [item.service for item in found.touched] == ["cart"]
    found = blast_of((make.artefact("registry.example/billing-eu"),), catalog=catalog, settings=SETTINGS)
    assert [item.service for item in found.touched] == ["tax"]


def test_objects_of_other_names_leave_the_file_unowned(make: Any) -> None:
    catalog = make.catalog(make.service("cart"))
    document = "v1/ConfigMap/shop/other"
    change = KeyChange(pointer="/v1~1ConfigMap~1shop~1other/data/a", op="changed", before=1, after=2, line=4)
    file = make.configured("k8s.yaml", change, documents=(document,))
    found = blast_of((make.configuration(file),), catalog=catalog, settings=SETTINGS)
    assert found.touched == ()
    assert found.unowned == ("k8s.yaml",)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("interlock.yaml", True),
        ("policies/base/a.cedar", True),
        ("catalog/people.yaml", True),
        ("CODEOWNERS", True),
        (".github/CODEOWNERS", True),
        ("src/a.py", False),
        ("src/policies/a.cedar", False),
    ],
)
def test_rule_files_touch_the_rules_and_are_nobodys(make: Any, path: str, *, expected: bool) -> None:
    found = blast_of((make.range(path),), catalog=make.catalog(), settings=SETTINGS)
    assert found.rules_touched is expected
    assert (path in found.unowned) is not expected


def test_a_rule_file_that_was_moved_away_touches_the_rules(make: Any) -> None:
    moved = make.file("old.yaml", "renamed", old_path="catalog/people.yaml")
    assert blast_of((make.range(moved),), catalog=make.catalog(), settings=SETTINGS).rules_touched


def test_environments_come_from_markers_namespaces_and_services(make: Any) -> None:
    settings = Settings(
        environments={
            "production": Environment(production=True, markers=("deploy/production/", "module.prod.*")),
            "staging": Environment(markers=("deploy/staging/",)),
            "anywhere": Environment(),
        }
    )

    def places(*parts: Any, catalog: Any = None) -> tuple[str, ...]:
        return blast_of(parts, catalog=catalog or make.catalog(), settings=settings).environments

    assert places(make.range("deploy/staging/a.yaml")) == ("staging",)
    assert places(make.plan(make.resource("module.prod.aws_lb.x", "update"))) == ("production",)
    assert places(make.range("src/a.py")) == ("anywhere",)
    change = KeyChange(pointer="/v1~1ConfigMap~1staging~1x/data/a", op="changed", line=4)
    file = make.configured("k8s.yaml", change, documents=("v1/ConfigMap/staging/x",))
    assert places(make.configuration(file)) == ("staging",)
    cart = make.catalog(make.service("cart", paths=("src/",), environments=("production", "eu")))
    assert places(make.range("src/a.py"), catalog=cart) == ("eu", "production")


def test_reached_services_come_by_tier_then_distance(make: Any) -> None:
    catalog = make.catalog(
        make.service("db", paths=("db/",)),
        make.service("b", "db", tier=3),
        make.service("a", "db", tier=2),
        make.service("z", "a", tier=1),
    )
    found = blast_of((make.range("db/x.conf"),), catalog=catalog, settings=SETTINGS)
    assert [item.service for item in found.reached] == ["z", "a", "b"]


def test_a_person_who_owns_one_service_alone_hints_at_it(make: Any) -> None:
    rules = (OwnerRule(pattern="*", owners=("ana@x.y",), place=Place(path="CODEOWNERS", line=1)),)
    people = {"ana": Person(name="ana", emails=("ana@x.y",))}
    catalog = make.catalog(make.service("cart", owner="user:ana"), owner_rules=rules, people=people)
    found = blast_of((make.range("x.py"),), catalog=catalog, settings=SETTINGS)
    assert [item.service for item in found.touched] == ["cart"]
