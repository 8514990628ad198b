"""What going back does not restore."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.core.change.parts import KeyChange
from interlock.core.facts.model import Loss, Source
from interlock.core.facts.reversibility import reversibility_of


def test_text_in_git_comes_back(make: Any) -> None:
    found = reversibility_of((make.range("a.py", make.file("b.py", "deleted")),))
    assert (found.kind, found.losses, found.unknowns) == ("reversible", (), ())


@pytest.mark.parametrize(
    ("address", "actions", "action", "stateful"),
    [
        ("aws_db_instance.orders", ("delete",), "destroy", True),
        ("module.a.aws_db_instance.orders[0]", ("delete", "create"), "replace", True),
        ("aws_db_instance.orders", ("create", "delete"), "replace", True),
        ("aws_lb_listener.web", ("delete",), "destroy", False),
        ("google_storage_bucket.b", ("delete",), "destroy", True),
        ("azurerm_key_vault_key.k", ("delete", "create"), "replace", True),
        ("random_password.p", ("delete", "create"), "replace", True),
    ],
)
def test_each_delete_and_replace_is_a_loss(
    make: Any, address: str, actions: tuple[str, ...], action: str, *, stateful: bool
) -> None:
    found = reversibility_of((make.plan(make.resource(address, *actions)),))
    source = Source(where=f"plan.json#{address}")
    assert found.kind == "irreversible"
    assert found.losses == (Loss(what=address, action=action, stateful=stateful, source=source),)


@pytest.mark.parametrize("actions", [("no-op",), ("read",), ("create",), ("update",), ("forget",), ("import",)])
def test_nothing_else_is_one(make: Any, actions: tuple[str, ...]) -> None:
    assert reversibility_of((make.plan(make.resource("aws_db_instance.x", *actions)),)).kind == "reversible"


def test_a_loss_says_what_forces_it(make: Any) -> None:
    forced = make.resource("aws_db_instance.x", "delete", "create", replace_paths=("engine", "name"))
    deposed = make.resource(
        "aws_db_instance.x", "delete", deposed="abc", reason="delete_because_no_resource_config"
    )
    found = reversibility_of((make.plan(forced, deposed),))
    assert found.losses[0].source.text == "forced by engine, name"
    assert found.losses[1].what == "aws_db_instance.x (deposed abc)"
    assert found.losses[1].source.text == "delete_because_no_resource_config"


@pytest.mark.parametrize(
    ("document", "lost"),
    [
        ("v1/PersistentVolumeClaim/shop/carts", True),
        ("v1/Namespace//shop", True),
        ("apiextensions.k8s.io/v1/CustomResourceDefinition//crds.x", True),
        ("apps/v1/StatefulSet/shop/db", True),
        ("apps/v1/Deployment/shop/cart", False),
        ("v1/ConfigMap/shop/cart", False),
    ],
)
def test_a_deleted_object_that_holds_state_is_a_loss(make: Any, document: str, *, lost: bool) -> None:
    gone = KeyChange(pointer="/" + document.replace("/", "~1"), op="removed", before={}, line=9)
    for file in (
        make.configured("k8s.yaml", gone, after=None),
        make.configured("k8s.yaml", gone, documents=("x",)),
    ):
        found = reversibility_of((make.configuration(file),))
        assert found.kind == ("irreversible" if lost else "reversible")
        assert [loss.what for loss in found.losses] == ([document] if lost else [])


def test_an_object_that_is_still_there_is_no_loss(make: Any) -> None:
    document = "v1/PersistentVolumeClaim/shop/carts"
    change = KeyChange(pointer="/" + document.replace("/", "~1") + "/spec", op="removed", before={}, line=9)
    file = make.configured("k8s.yaml", change, documents=(document,))
    assert reversibility_of((make.configuration(file),)).kind == "reversible"


@pytest.mark.parametrize(
    "path",
    [
        "migrations/0001_initial.py",
        "app/db/migrate/20260101_add.rb",
        "alembic/versions/ab12_x.py",
        "schema.sql",
        "src/main/resources/db/migration/V2__add.sql",
    ],
)
def test_migrations_are_unknown(make: Any, path: str) -> None:
    found = reversibility_of((make.range(path),))
    assert found.kind == "unknown"
    assert [source.where for source in found.unknowns] == [path]


@pytest.mark.parametrize("path", ["docs/migrations.md", "src/migrate.py", "migrations/README.md", "mysql.py"])
def test_what_only_sounds_like_one_is_not(make: Any, path: str) -> None:
    assert reversibility_of((make.range(path),)).kind == "reversible"


def test_binaries_submodules_and_errored_plans_are_unknown(make: Any) -> None:
    for file in (make.file("a.bin", binary=True), make.file("lib", submodule=True)):
        assert reversibility_of((make.range(file),)).kind == "unknown"
    assert reversibility_of((make.plan(errored=True),)).kind == "unknown"


def test_a_loss_outweighs_what_is_unknown(make: Any) -> None:
    plan = make.plan(make.resource("aws_db_instance.x", "delete"), errored=True)
    found = reversibility_of((plan,))
    assert found.kind == "irreversible"
    assert len(found.unknowns) == 1


@pytest.mark.parametrize("field", ["incomplete", "invokes"])
def test_what_a_plan_leaves_unsaid_is_never_reversible(make: Any, field: str) -> None:
    """A plan with `complete: false`, or one that runs a provider's action, used to be reversible."""
    found = reversibility_of((make.plan(make.resource("aws_sqs_queue.x", "update"), **{field: ("why",)}),))
    assert found.kind == "unknown"
    assert "why" in found.unknowns[0].text
