"""Alembic's and Django's own migrations, run by themselves: what a change adds, there and back."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from interlock.core.rehearsal.plan import RehearsalPlan
from interlock.core.rollout.plan import PluginPlan
from interlock.plugins.rehearsals.postgres_migration import PostgresMigration
from interlock.plugins.world.programs import SystemPrograms
from interlock.ports.rehearsal import RehearsalScene
from interlock.road.rehearse import Stage, rehearse

ALEMBIC = {
    "backend/alembic.ini": "[alembic]\nscript_location = %(here)s/migrations\n",
    "backend/migrations/script.py.mako": "",
    "backend/migrations/env.py": """
import os
from alembic import context
from sqlalchemy import create_engine
engine = create_engine(os.environ["SHOP_URL"])
with engine.connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
""",
    "backend/migrations/versions/a1_orders.py": """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "a1", None
def upgrade():
    op.create_table("orders", sa.Column("id", sa.Integer, primary_key=True), sa.Column("note", sa.Text))
def downgrade():
    op.drop_table("orders")
""",
}
REVISION = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "{name}", "{before}"
def upgrade():
    {up}
def downgrade():
    {down}
"""
DJANGO = {
    "manage.py": """
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_settings")
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
""",
    "site_settings.py": """
import os
SECRET_KEY = "x"
USE_TZ = True
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "shop"]
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": os.environ["PGDATABASE"],
    "USER": os.environ["PGUSER"], "HOST": os.environ["PGHOST"]}}
""",
    "shop/__init__.py": "",
    "shop/models.py": "",
    "shop/migrations/__init__.py": "",
    "shop/migrations/0001_initial.py": """
from django.db import migrations, models
class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [migrations.CreateModel("Order", [("id", models.BigAutoField(primary_key=True)),
        ("note", models.CharField(max_length=40)), ("paid", models.IntegerField(null=True))])]
""",
}
MD5 = "from django.db.models.functions import MD5"
OPERATION = """
from django.db import migrations, models
def change(apps, schema_editor):
    apps.get_model("shop", "Order").objects.update(note="changed")
class Migration(migrations.Migration):
    dependencies = [("shop", "{before}")]
    operations = [{operation}]
"""


@pytest.fixture
def repository(tmp_path):
    """``repository(base, more)``: a checkout whose last commit adds ``more``, and the commit before."""

    def made(base, more):
        root = tmp_path / "project"

        def git(*words):
            own = ("-c", "user.name=Ana", "-c", "user.email=ana@shop.example")
            return subprocess.check_output(["git", "-C", root, *own, *words], text=True, timeout=30).strip()

        for files in (base, more):
            for path, content in files.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(content)
            if files is base:
                git("init", "--quiet")
            git("add", "--all")
            git("commit", "--quiet", "--message", "More")
        return root, git("rev-parse", "HEAD^")

    return made


def rehearsed(root, base, **settings):
    scene = RehearsalScene(
        root=str(root), run="reh-1", change="chg-1", digest="sha256:0", service="shop", environment="staging",
        programs=SystemPrograms(str(root)), base=base,
    )  # fmt: skip
    driver = PluginPlan(
        kind="postgres-migration", settings={"python": sys.executable, "rows": 500, "reader": 0.3, **settings}
    )
    plan = RehearsalPlan(path="p.yaml", service="shop", environment="staging", driver=driver, probes=())
    made = PostgresMigration(plan, scene)
    try:
        stage = Stage(
            driver=made,
            probes=made.probes(),
            write=lambda line: None,
            steady=time.monotonic,
            told=lambda text: None,
        )
        return rehearse(stage, 60.0)
    finally:
        made.close()


def kinds(seen):
    return [one["class"] for one in seen.measured["migrations"]]


def revision(name, before, up, down):
    text = REVISION.format(name=name, before=before, up=up, down=down)
    return {f"backend/migrations/versions/{name}_more.py": text}


def alembic(root, base):
    url = "postgresql+psycopg://{user}@/{name}?host={host}"
    return rehearsed(root, base, tool="alembic", directory="backend", environment={"SHOP_URL": url})


def test_alembics_new_revisions_go_up_and_down_one_by_one(repository):
    more = revision(
        "a2", "a1", 'op.add_column("orders", sa.Column("gift", sa.Text))', 'op.drop_column("orders", "gift")'
    )
    more |= revision("a3", "a2", 'op.create_index("by_note", "orders", ["note"])', 'op.drop_index("by_note")')
    seen, found = alembic(*repository(ALEMBIC, more))
    assert (found.verdict, found.reasons) == ("passed", ()), found
    assert [one.name for one in seen.rolled_back] == ["a3 down", "a2 down"]
    assert kinds(seen) == ["exclusive", "blocks"]
    assert seen.measured["tables"] == 1
    typed = [sys.executable, "-m", "alembic", "-c", "alembic.ini", "downgrade"]
    assert seen.measured["back"] == [
        {"name": "a3", "run": [*typed, "a2"]},
        {"name": "a2", "run": [*typed, "a1"]},
    ]


def test_alembics_way_back_that_raises_is_irreversible(repository):
    up = 'op.execute("UPDATE orders SET note = lower(note) || id")'
    more = revision("a2", "a1", up, 'raise NotImplementedError("there is no way back")')
    seen, found = alembic(*repository(ALEMBIC, more))
    assert (found.verdict, kinds(seen)) == ("failed", ["irreversible"]), found
    told = [one["told"] for one in seen.measured["migrations"][0]["findings"]]
    assert "NotImplementedError: there is no way back" in told[0]
    assert not seen.measured["reversible"]


SENT = [
    (
        """op.execute(sa.text("DELETE FROM orders WHERE note = :note").bindparams(note="void"))""",
        "pass",
        "failed",
        "irreversible",
    ),
    (
        """op.get_bind().execute(sa.text("DELETE FROM orders WHERE md5(note) = :sum"), {"sum": "c0ffee"})""",
        "pass",
        "undecidable",
        "unshown",
    ),
    ('op.execute("UPDATE orders SET note = lower(note)")', "pass", "failed", "irreversible"),
    (
        """op.add_column("orders", sa.Column("w", sa.Text)); op.execute("UPDATE orders SET w=note, id=-id")""",
        """op.execute("UPDATE orders SET id = -id"); op.drop_column("orders", "w")""",
        "passed",
        "scan",  # in one transaction, whose lock nobody gets past
    ),
    (
        """op.bulk_insert(sa.table("orders", sa.column("id"), sa.column("note")), [{"id": 1, "note": "x"}])""",
        """op.execute("DELETE FROM orders WHERE id = 1")""",
        "passed",
        "data",
    ),
    (
        """[op.execute(sa.text("UPDATE orders SET note = NULL WHERE id = :i").bindparams(i=r.id)) for r in
        op.get_bind().execute(sa.text("SELECT id, note FROM orders")) if (r.note or "").startswith("LEGACY:")]
    op.add_column("orders", sa.Column("gift", sa.Text))""",
        'op.drop_column("orders", "gift")',
        "undecidable",
        "unshown",
    ),
    (
        """op.create_table("notes", sa.Column("id", sa.Integer), sa.Column("note", sa.Text))
    [op.execute(sa.text("INSERT INTO notes VALUES (:i, :n)").bindparams(i=r.id, n=r.note))
        for r in op.get_bind().execute(sa.text("SELECT id, note FROM orders")).fetchall()]
    assert op.get_bind().execute(sa.text("SELECT count(*) FROM orders")).scalar()""",
        'op.drop_table("notes")',
        "passed",
        "free",
    ),
]
"""What a revision does, with its way back: the first two every time, the others where there is time."""


@pytest.mark.parametrize(
    ("up", "down", "verdict", "kind"),
    [*SENT[:2], *(pytest.param(*each, marks=pytest.mark.soak) for each in SENT[2:])],
)
def test_what_alembic_sends_is_heard_with_its_values(repository, up, down, verdict, kind):
    seen, found = alembic(*repository(ALEMBIC, revision("a2", "a1", up, down)))
    assert (found.verdict, kinds(seen)) == (verdict, [kind]), (found.reasons, seen.measured)
    assert seen.measured["reversible"] == (verdict == "passed")


@pytest.mark.soak
def test_an_alembic_project_that_lacks_a_package_is_undecided(repository):
    _, found = alembic(*repository(ALEMBIC, revision("a2", "a1", "import no_such_package", "pass")))
    assert (found.verdict, found.reasons[0]) == (
        "undecidable",
        "could not be decided here: needs the Python package no_such_package",
    )


def operation(name, before, text):
    return {f"shop/migrations/{name}.py": OPERATION.format(before=before, operation=text)}


def test_djangos_new_migrations_go_up_and_down(repository):
    more = operation(
        "0002_gift", "0001_initial", 'migrations.AddField("order", "gift", models.TextField(null=True))'
    )
    seen, found = rehearsed(*repository(DJANGO, more), tool="django")
    assert (found.verdict, found.reasons) == ("passed", ()), found
    assert [one.name for one in seen.rolled_back] == ["shop.0002_gift down"]
    typed = [sys.executable, "manage.py", "migrate", "--noinput", "shop", "0001_initial"]
    assert seen.measured["back"] == [{"name": "shop.0002_gift", "run": typed}]
    assert "auth_user" in " ".join(seen.before["database"].items)
    assert not seen.measured["empty"]


def test_djangos_code_without_a_reverse_is_irreversible(repository):
    more = operation("0002_data", "0001_initial", "migrations.RunPython(change)")
    seen, found = rehearsed(*repository(DJANGO, more), tool="django")
    assert (found.verdict, kinds(seen)) == ("failed", ["irreversible"]), found
    told = [one["told"] for one in seen.measured["migrations"][0]["findings"]]
    assert "IrreversibleError" in told[0]
    assert told[-1].startswith("writes 500 rows of shop_order")


LOOKED_FOR = [
    ('orders.filter(note="void").update(note="")', "failed", "irreversible"),
    ('orders.filter(note="void").delete()', "failed", "irreversible"),
    ('[each.delete() for each in orders.filter(note="void", paid__lt=-17)]', "failed", "irreversible"),
    (
        f'{MD5}; orders.annotate(sum=MD5("note")).filter(sum="c0ffee").update(note="")',
        "undecidable",
        "unshown",
    ),
    (
        f'{MD5}; [each.delete() for each in orders.annotate(sum=MD5("note")).filter(sum="c0ffee")]',
        "undecidable",
        "unshown",
    ),
]
"""What code looks for with models: the first and the last every time, the others where there is time."""


@pytest.mark.parametrize(
    ("code", "verdict", "kind"),
    [LOOKED_FOR[0], LOOKED_FOR[-1], *(pytest.param(*each, marks=pytest.mark.soak) for each in LOOKED_FOR[1:-1])],
)
def test_what_djangos_code_looks_for_is_there(repository, code, verdict, kind):
    text = OPERATION.format(
        before="0001_initial", operation="migrations.RunPython(change, migrations.RunPython.noop)"
    )
    asked = 'orders = apps.get_model("shop", "Order").objects; ' + code
    text = text.replace('apps.get_model("shop", "Order").objects.update(note="changed")', asked)
    seen, found = rehearsed(*repository(DJANGO, {"shop/migrations/0002_data.py": text}), tool="django")
    assert (found.verdict, kinds(seen)) == (verdict, [kind]), (found.reasons, seen.measured)
    assert not seen.measured["reversible"]


def test_djangos_column_that_cannot_come_back_over_rows_is_irreversible(repository):
    more = operation("0002_less", "0001_initial", 'migrations.RemoveField("order", "note")')
    seen, found = rehearsed(*repository(DJANGO, more), tool="django")
    assert (found.verdict, kinds(seen)) == ("failed", ["irreversible"]), found


def test_a_change_without_a_migration_has_nothing_to_go_back_from(repository):
    seen, found = rehearsed(*repository(DJANGO, {"README": "x"}), tool="django")
    assert (found.verdict, seen.idle) == ("passed", "no migration among what the change adds"), found


@pytest.mark.soak
def test_a_migration_in_python_gets_the_variables_that_the_plan_names_and_no_others(
    repository, monkeypatch, tmp_path
):
    monkeypatch.setenv("FORGE_TOKEN", "s3cret")
    monkeypatch.setenv("INTERLOCK_RUNNER_KEY", "runner.pem")
    monkeypatch.setenv("SHOP_REGION", "harbour")
    seen = tmp_path / "seen"
    up = f"import os; open({str(seen)!r}, 'w').write(chr(10).join(os.environ))"
    url = "postgresql+psycopg://{user}@/{name}?host={host}"
    more = {"environment": {"SHOP_URL": url}, "passed_on": ["SHOP_REGION"]}
    root, base = repository(ALEMBIC, revision("a2", "a1", up, "pass"))
    rehearsed(root, base, tool="alembic", directory="backend", **more)
    got = set(seen.read_text().split())
    assert {"SHOP_REGION", "SHOP_URL", "PATH"} <= got
    assert not got & {"FORGE_TOKEN", "INTERLOCK_RUNNER_KEY"}
