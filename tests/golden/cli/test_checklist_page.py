"""DEPLOY_CHECKLIST.md, byte for byte; ``GOLDEN=write`` writes the file anew."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from markdown_it import MarkdownIt

from interlock.core.audit.checklist import (
    Approved,
    Box,
    Canary,
    Checklist,
    Touches,
    Watch,
)
from interlock.core.audit.checklist_form import form_of
from interlock.core.audit.checklist_text import rendered
from interlock.core.audit.way_back import OneWay, Rehearsed, WayBack, part
from interlock.core.rehearsal.going_back import GoingBack, PutIn, Typed, by_steps
from interlock.core.rollout.plan import StagePlan, StepPlan

HERE = Path(__file__).parent
TICKED = re.compile(r"<li>\s*(?:<p>)?\s*\[[xX]\]")
AT = datetime(2026, 3, 5, 11, 20, tzinfo=UTC)
NAMES = {"ROLLOUT_CHANGE": "chg-7f3akq2m2a", "ROLLOUT_PREVIOUS": "sha256:52aa", "ROLLOUT_SERVICE": "order-service"}
IMAGE = StepPlan(
    name="image", kind="artefact", run=("./deploy", "--to", "the one before"), verify=("./serves", "previous")
)
FILE = StepPlan(
    name="configuration",
    kind="configuration",
    run=("sh", "-c", "git show $ROLLOUT_PREVIOUS:c.yaml > ../staging/c.yaml"),
    verify=("cmp", "c.yaml", "../staging/c.yaml"),
)
UNDO = GoingBack(
    commands=(Typed(run=("kubectl", PutIn(name="KUBE_CONTEXT", what="whose", before="--context=")), note="undo"),),
    told=("no ConfigMap comes back",),
)
GIVEN = Checklist(
    change="chg-7f3akq2m2a",
    title="Promise delivery within five days",
    digest="sha256:91be000000000000000000000000000000000000000000000000000000000004",
    revision=2,
    environment="production",
    state="open",
    opened_by="local:omar@shop.example",
    opened_at=AT,
    change_class="normal",
    rules="sha256:bbbb",
    entry=48_213,
    outcome="needs",
    provenance="ai-assisted",
    reversibility="irreversible",
    losses=("orders.note (destroy)",),
    size="4 files, +39 −4, 2 keys of configuration, 2 commits",
    orders=0.41,
    services=(Touches(service="order-service", tier=1, why="changes a file in src/**"),),
    reached=("cart", "mobile-api"),
    written=True,
    plan="Promise delivery within five days, because the new hub halves the distance.",
    metric="orders_total",
    metric_doubt="is not there once this change is out: the new version does not expose it, by evd-dddddddddd",
    boxes=(
        Box(
            text="Tier-1: rollback rehearsed on this digest (shown)",
            ticked=True,
            shown_by="evd-w6uchfa36r of 2026-03-05 11:20 UTC",
        ),
        Box(
            text="Tier-1: an alert for each failure mode (missing) (0 of 2)",
            remedy="on a trusted runner: interlock evidence run alerts chg-7f3akq2m2a",
        ),
        Box(text="scanned (missing)", watched=True, remedy="interlock evidence run scan chg-7f3akq2m2a"),
    ),
    lifted=("tests-bite is lifted until 2026-03-06 09:00 UTC by vera, ana: the base does not build",),
    approvals=(
        Approved(id="sig-aaaaaaaaaa", person="ana", role="senior", presence="verified", at=AT, counts=True),
        Approved(
            id="sig-bbbbbbbbbb",
            person="omar",
            role="",
            presence="possession",
            at=AT,
            counts=False,
            why="by an author: `omar` wrote, pushed, opened or prompted this change",
        ),
    ),
    evidence=(
        Box(
            text="going back rehearsed: order-service in staging in 0.4 s of at most 60 s",
            ticked=True,
            shown_by="evd-w6uchfa36r by ci, of 2026-03-05 11:20 UTC, until 2026-03-12 11:20 UTC",
        ),
        Box(
            text="scanned",
            shown_by="evd-cccccccccc by nobody trusted, of 2026-03-05 11:20 UTC, until 2026-03-12 11:20 UTC",
            remedy="self-attested",
        ),
    ),
    canaries=(
        Canary(
            service="order-service",
            path="rollouts/order-service.yaml",
            stages=(
                StagePlan(percent=1.0, bake=900.0, margin=0.9, limit=7_200.0),
                StagePlan(percent=25.0, bake=90.0, margin=0.25, limit=7_200.0),
                StagePlan(percent=100.0, bake=900.0, margin=1.0, limit=7_200.0),
            ),
            rollout="rol-7f3akq2m2a",
            state="running",
            passed=1,
        ),
        Canary(service="email"),
    ),
    watches=(
        Watch(
            what="OrdersDrop",
            service="order-service",
            source="alert by the catalog",
            doubt="is blind once this change is out: it looks at sales_total, which is not exposed",
        ),
        Watch(
            what="OrdersDown",
            service="order-service",
            source="proven for orders drop, evd-dddddddddd",
            seconds=120.0,
        ),
    ),
    failure_modes=(
        Box(text="orders drop", ticked=True, shown_by="evd-dddddddddd of 2026-03-05 11:20 UTC"),
        Box(text="carts time out", remedy="nobody would be told of it in time"),
    ),
    back=(Box(text="set the weight of the new version to 0 %", person=True),),
    pins=("registry.example/order-service@sha256:52aa", "commit 0ea04a62 of chg-aaaaaaaaaa, tkt-aaaaaaaaaa"),
    ways_back=(
        WayBack(
            service="order-service",
            command=("interlock", "rollback", "order-service"),
            previous="sha256:52aa",
            declared="previous image and previous config/ by digest",
            path="rollouts/order-service.yaml",
            plan=part(by_steps([IMAGE], NAMES), driver="rollout"),
            rehearsed=(
                Rehearsed(
                    path="rehearsals/order-service.yaml",
                    environment="staging",
                    one_way=(OneWay(member="mail", because="a promise that was mailed is read"),),
                    parts=(
                        part(by_steps([FILE], {**NAMES, "ROLLOUT_PREVIOUS": ""}), driver="command", member="file"),
                        part(UNDO, driver="kubectl", member="pods"),
                    ),
                ),
            ),
            snapshot=part(
                GoingBack(commands=(Typed(run=("pg_restore", "../backups/a b.dump")),)), driver="snapshot"
            ),
        ),
        WayBack(service="email"),
    ),
)


def compare(name: str, found: str) -> None:
    file = HERE / name
    if os.environ.get("GOLDEN") == "write":
        file.write_text(found)
    assert found == file.read_text()


def test_it_reads_as_it_was_agreed():
    compare("checklist.md", rendered(GIVEN, form_of(GIVEN)))


def test_a_change_that_nobody_described_brings_its_form():
    bare = replace(
        GIVEN,
        written=False,
        services=(),
        reached=(),
        boxes=(),
        lifted=(),
        approvals=(),
        evidence=(),
        canaries=(),
        watches=(),
        failure_modes=(),
        back=(),
        pins=(),
        ways_back=(),
        metric="",
        metric_doubt="",
    )
    compare("checklist-bare.md", rendered(bare, form_of(bare)))


def test_one_obligation_is_one():
    assert "1 of 1 obligation is met." in rendered(replace(GIVEN, boxes=GIVEN.boxes[:1]), form_of(GIVEN))


def test_a_hostile_author_ticks_nothing():
    evil = "x\n- [x] approved by everybody\n## Approved by\n<b>`"
    box = Box(text=evil, remedy=evil, shown_by=evil)
    hostile = replace(
        GIVEN,
        title=evil,
        plan=evil,
        opened_by=evil,
        services=(Touches(service=evil, tier=1, why=f"{evil} | 3 |"),),
        boxes=(box,),
        approvals=(replace(GIVEN.approvals[1], person=evil, why=evil),),
        evidence=(box,),
        failure_modes=(box,),
        back=(replace(box, person=True),),
        pins=(evil,),
        canaries=(replace(GIVEN.canaries[0], service=evil, path=evil, passed=0),),
        watches=(Watch(what=evil, service=evil, source=evil),),
        ways_back=(replace(GIVEN.ways_back[0], service=evil, declared=evil, previous=evil),),
        lifted=(evil,),
        metric=evil,
        losses=(evil,),
        reached=(evil,),
    )
    text = rendered(hostile, form_of(hostile))
    page = MarkdownIt("commonmark").enable("table").render(text)
    assert not TICKED.search(page)
    assert "<b>" not in page
    assert page.count("<h2>Approved by</h2>") == 1
    honest = MarkdownIt("commonmark").enable("table").render(rendered(GIVEN, form_of(GIVEN)))
    assert len(TICKED.findall(honest)) == 5
