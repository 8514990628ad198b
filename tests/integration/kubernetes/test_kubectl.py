"""Going back by ``rollout undo`` in a real cluster: what it brings back, what it does not, what never comes up."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from interlock.road.rehearse import rehearse
from interlock.testing.kubernetes import TOKEN

pytestmark = pytest.mark.soak

PASSWORD = "hunter2-of-a-test"
IMAGE = "harbour@sha256:" + "2" * 64


def test_a_new_image_comes_and_goes_and_the_revision_is_a_new_number_each_time(place):
    place.runs("deployment", "beside")
    place.change("deployment", "beside", image="harbour:2")
    before = place.get("deployment/harbour")
    seen, found = place.rehearse()
    assert (found.verdict, found.reasons, found.left) == ("passed", (), ())
    assert [one.item for one in found.did] == ["deployment/harbour spec.template.spec.containers[harbour].image"]
    assert seen.measured["revisions"] == {"deployment/harbour": {"before": 1, "applied": 2, "back": 3}}
    after = place.get("deployment/harbour")
    assert after["spec"]["template"] == before["spec"]["template"]
    assert TOKEN.encode() not in place.written
    assert PASSWORD.encode() not in place.written
    assert base64.b64encode(PASSWORD.encode()) not in place.written


TO_THREE = ("set", "image", "deployment/harbour", "harbour=harbour:3")
TO_FOUR = ("set", "image", "deployment/harbour", "harbour=harbour:4")
UNDO = ("rollout", "undo", "deployment/harbour")


@pytest.mark.parametrize(("meddling", "back"), [((TO_THREE,), 4), ((UNDO, TO_THREE, TO_FOUR), 6)])
def test_it_goes_back_to_the_revision_that_was_there_and_not_to_the_one_before(place, meddling, back):
    """Somebody else rolls out meanwhile: without a number it would go there, by its old number to nothing."""
    place.runs("deployment", "beside")
    place.change("deployment", "beside", image="harbour:2")
    plan = place.plan()
    place.begin(plan)
    with place.stage(plan) as stage:
        told = stage.told

        def meddled(text):
            told(text)
            if text.startswith("there: rollout"):
                for command in meddling:
                    place.kubectl(*command)
                    place.kubectl("rollout", "status", "deployment/harbour", "--timeout=30s")

        seen, found = rehearse(replace(stage, told=meddled), 60.0)
    assert (found.verdict, found.left) == ("passed", ())
    assert seen.measured["revisions"] == {"deployment/harbour": {"before": 1, "applied": 2, "back": back}}
    assert place.image() == "harbour:1"


def test_an_old_template_that_comes_again_is_no_trap(place):
    """A template that ran before has its ReplicaSet renumbered; so has the one that is gone back to."""
    place.runs("deployment", "beside")
    place.runs("deployment", "beside", image="harbour:2")
    place.change("deployment", "beside", image="harbour:1")
    seen, found = place.rehearse()
    assert (found.verdict, found.left) == ("passed", ())
    assert seen.measured["revisions"] == {"deployment/harbour": {"before": 2, "applied": 3, "back": 4}}


def test_what_undo_does_not_bring_back_is_named(place):
    place.runs("deployment", "beside")
    place.change("deployment", "beside", image="harbour:2", hold="45", password="another", port=81, replicas=3)
    _, found = place.rehearse()
    assert found.verdict == "failed"
    left = {one.item for one in found.left}
    assert left >= {"configmap/berths data.hold", "secret/door data.password", "deployment/harbour spec.replicas"}
    assert any(each.startswith("service/harbour spec.ports") for each in left)
    assert not any("image" in each for each in left)
    assert b"another" not in place.written
    assert found.dirty


def test_a_change_without_a_new_template_is_not_begun(place):
    place.runs("deployment", "beside")
    place.change("deployment", "beside", hold="45")
    _, found = place.rehearse()
    assert found.verdict == "failed"
    assert "no pod template changes" in " ".join(found.reasons)
    assert place.get("configmap/berths")["data"] == {"hold": "30"}
    assert not found.dirty


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"limit": 0}, "deployment/harbour by this change: revisionHistoryLimit is 0"),
        ({"paused": "true"}, "deployment/harbour by this change: it is paused"),
    ],
)
def test_what_takes_the_way_back_away_is_not_begun(place, more, why):
    place.runs("deployment", "beside")
    place.change("deployment", "beside", image="harbour:2", **more)
    _, found = place.rehearse()
    assert (found.verdict, found.dirty) == ("failed", False)
    assert why in " ".join(found.reasons)
    assert place.get("deployment/harbour")["metadata"]["generation"] == 1


def test_without_a_history_nothing_is_begun(place):
    place.runs("deployment", "beside", limit=0)
    place.change("deployment", "beside", image="harbour:2", limit=0)
    _, found = place.rehearse()
    assert found.verdict == "failed"
    assert "deployment/harbour: revisionHistoryLimit is 0" in " ".join(found.reasons)


def test_a_version_that_never_comes_up_is_undone_and_said(place):
    place.runs("deployment", "beside")
    place.change("deployment", "beside", image="never:2")
    _, found = place.rehearse()
    assert (found.verdict, found.left) == ("failed", ())
    assert "apply step rollout deployment/harbour: not ready in 5 s: " in " ".join(found.reasons)
    assert place.get("deployment/harbour")["status"]["readyReplicas"] == 2


def test_statefulsets_and_daemonsets_go_back_too(place, cluster):
    cluster.node("one")
    place.runs("stateful", "daemon")
    place.change("stateful", "daemon", image="harbour:2")
    seen, found = place.rehearse(place.plan(workloads="statefulset/quay, daemonset/tug"))
    assert (found.verdict, found.reasons, found.left) == ("passed", (), ())
    numbers = {"before": 1, "applied": 2, "back": 3}
    assert seen.measured["revisions"] == {"statefulset/quay": numbers, "daemonset/tug": numbers}


def test_a_statefulset_that_hangs_at_a_broken_pod_is_left_and_named(place):
    """Known of StatefulSets: they wait for the broken pod for ever, whatever is wanted of them by then."""
    place.runs("stateful")
    place.change("stateful", image="never:2")
    _, found = place.rehearse(place.plan(workloads="statefulset/quay"))
    assert found.verdict == "failed"
    assert "rollback step undo statefulset/quay: not ready in 5 s" in " ".join(found.reasons)
    assert [one.item for one in found.left] == ["statefulset/quay rollout"]
    assert found.dirty
    place.kubectl("delete", "pod", "quay-1")
    place.kubectl("rollout", "status", "statefulset/quay", "--timeout=30s")
    assert place.recover(place.plan(workloads="statefulset/quay")) == ()


@pytest.mark.parametrize(
    ("strategy", "why"),
    [
        ("{type: OnDelete}", "it is updated OnDelete"),
        ("{type: RollingUpdate, rollingUpdate: {partition: 1}}", "updateStrategy has a partition"),
    ],
)
def test_a_strategy_that_makes_no_pods_anew_is_not_begun(place, strategy, why):
    place.runs("stateful")
    place.change("stateful", image="harbour:2", strategy=strategy)
    _, found = place.rehearse(place.plan(workloads="statefulset/quay"))
    assert found.verdict == "failed"
    assert why in " ".join(found.reasons)
    assert place.get("statefulset/quay")["metadata"]["generation"] == 1


def test_an_image_by_its_digest_is_set_and_taken_back(place, monkeypatch):
    place.runs("deployment", "beside")
    plan = place.plan(change="image_env: HARBOUR_IMAGE\n  container: harbour")
    for wrong in ("", "harbour:2", "-x@sha256:" + "2" * 64):
        monkeypatch.setenv("HARBOUR_IMAGE", wrong)
        _, found = place.rehearse(plan, run=f"reh-{len(wrong)}")
        assert (found.verdict, "HARBOUR_IMAGE" in found.reasons[0]) == ("undecidable", True)
    monkeypatch.setenv("HARBOUR_IMAGE", IMAGE)
    seen, found = place.rehearse(plan)
    assert (found.verdict, found.left, seen.measured["image"]) == ("passed", (), IMAGE)


def test_two_changes_at_once_are_not_looked_at(place):
    """A workload that is not at rest shows nothing: whose pods would be seen?"""
    place.runs("deployment", "beside")
    place.kubectl("set", "image", "deployment/harbour", "harbour=never:3")
    place.change("deployment", "beside", image="harbour:2")
    _, found = place.rehearse()
    assert found.verdict == "undecidable"
    assert "deployment/harbour at rest before the change" in found.reasons[0]


@pytest.mark.parametrize(
    ("runs", "replicas", "needs"),
    [
        (False, 2, "deployment/harbour in the cluster before the change"),
        (True, 0, "deployment/harbour with a pod at least"),
    ],
)
def test_what_would_show_nothing_is_undecided(place, runs, replicas, needs):
    if runs:
        place.runs("deployment", "beside")
    place.change("deployment", "beside", image="harbour:2", replicas=replicas)
    _, found = place.rehearse()
    assert found.verdict == "undecidable"
    assert needs in found.reasons[0]


ROLE = "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: all}}\nrules: []\n"
ELSEWHERE = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: x, namespace: default}}\n"


@pytest.mark.parametrize(
    ("more", "needs"),
    [
        (ROLE, "clusterrole.rbac.authorization.k8s.io/all is of the whole cluster"),
        (ELSEWHERE, "does not match the namespace"),
        ("---\nkind: Nothing\napiVersion: v1\nmetadata: {{name: x}}\n", "no matches for kind"),
    ],
)
def test_what_is_not_of_this_namespace_is_not_touched(place, more, needs):
    place.runs("deployment", "beside")
    place.change("deployment", "beside", more, image="harbour:2")
    _, found = place.rehearse()
    assert found.verdict == "undecidable"
    assert needs in found.reasons[0]
    assert place.get("deployment/harbour")["metadata"]["generation"] == 1
