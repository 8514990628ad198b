"""Workloads and their revisions, as a cluster answers them: which one runs, which is kept, what is against it."""

from __future__ import annotations

import copy

import pytest

from interlock.core.rehearsal.undo import (
    NO_NEW_TEMPLATE,
    Noted,
    changing,
    lacking,
    no_way_back,
    noted_of,
    objects_of,
)
from interlock.core.rehearsal.workloads import (
    Revision,
    beyond_undo,
    current,
    number_now,
    object_name,
    template_digest,
    unrest,
    workload_name,
)

UP = {"observedGeneration": 3, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2}


def template(image="orders:1", **more):
    pods = {"containers": [{"name": "orders", "image": image, **more}]}
    return {"metadata": {"creationTimestamp": None, "labels": {"app": "orders"}}, "spec": pods}


def workload(image="orders:1", kind="Deployment", status=UP, **spec):
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": "orders", "namespace": "shop", "uid": "u-1", "generation": 3},
        "spec": {"replicas": 2, "template": template(image), **spec},
        "status": status,
    }


def owned(value, uid="u-1", *, controller=True):
    value["metadata"]["ownerReferences"] = [{"kind": "Deployment", "uid": uid, "controller": controller}]
    return value


def replica_set(name, image, number, uid="u-1", **more):
    kept = template(image)
    kept["metadata"]["labels"]["pod-template-hash"] = name
    about = {"name": name, "annotations": {"deployment.kubernetes.io/revision": str(number)}}
    return owned({"kind": "ReplicaSet", "metadata": about, "spec": {"template": kept}}, uid, **more)


def controller_revision(name, image, number, uid="u-1"):
    kept = {"$patch": "replace", **template(image)}
    found = {"kind": "ControllerRevision", "metadata": {"name": name}, "revision": number}
    return owned({**found, "data": {"spec": {"template": kept}}}, uid)


def test_the_revision_that_runs_is_who_keeps_its_template_and_not_the_highest_number():
    kept = [replica_set("rs-1", "orders:1", 1), replica_set("rs-2", "orders:2", 2)]
    found = current(workload("orders:1"), kept)
    assert (found.keeper, found.number, found.workload) == ("rs-1", 1, "u-1")
    assert current(workload("orders:3"), kept) is None


def test_a_controller_revision_keeps_the_same_template():
    kept = [controller_revision("cr-2", "orders:2", 2), controller_revision("cr-1", "orders:1", 1)]
    assert current(workload("orders:1", kind="StatefulSet"), kept).keeper == "cr-1"


@pytest.mark.parametrize("stranger", [{"uid": "u-2"}, {"controller": False}])
def test_what_belongs_to_another_workload_is_no_revision_of_this_one(stranger):
    """Two workloads may have the very same pod template."""
    kept = replica_set("rs-1", "orders:1", 7, **stranger)
    assert current(workload("orders:1"), [kept]) is None
    revision = Revision(workload="u-1", keeper="rs-1", number=7, template=template_digest(kept))
    assert number_now(revision, workload(), [kept]) == 0


def test_a_revision_is_found_again_under_its_new_number_and_never_by_the_old_one():
    before = current(workload("orders:1"), [replica_set("rs-1", "orders:1", 1)])
    later = [replica_set("rs-9", "orders:9", 1), replica_set("rs-1", "orders:1", 4)]
    assert number_now(before, workload("orders:9"), later) == 4
    assert number_now(before, workload("orders:9"), later[:1]) == 0
    assert number_now(before, workload("orders:9"), [replica_set("rs-1", "orders:9", 4)]) == 0, "of the same name"


@pytest.mark.parametrize("number", ["", "x", "-1", "1.5", "\u0661", None])
def test_a_revision_without_a_number_is_none_to_go_back_to(number):
    one = replica_set("rs-1", "orders:1", 1)
    one["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = number
    before = current(workload("orders:1"), [replica_set("rs-1", "orders:1", 1)])
    assert number_now(before, workload(), [one]) == 0


@pytest.mark.parametrize(
    "other",
    [
        template("orders:2"),
        template(env=[{"name": "A", "value": ""}]),
        template(args=["b", "a"]),
        {**template(), "metadata": {"labels": {"app": "orders", "more": "x"}}},
        {**template(), "metadata": {"annotations": {"restarted": "now"}, "labels": {"app": "orders"}}},
    ],
)
def test_any_value_of_a_template_counts(other):
    changed = workload()
    changed["spec"]["template"] = other
    assert template_digest(changed) != template_digest(workload())


def test_what_has_no_value_and_what_the_cluster_adds_does_not():
    same = copy.deepcopy(workload())
    del same["spec"]["template"]["metadata"]["creationTimestamp"]
    same["spec"]["template"]["metadata"]["labels"]["pod-template-hash"] = "abc"
    assert template_digest(same) == template_digest(workload())


@pytest.mark.parametrize(
    ("kind", "status", "why"),
    [
        ("Deployment", UP, ""),
        ("Deployment", UP | {"observedGeneration": 2}, "has not seen"),
        ("Deployment", UP | {"updatedReplicas": 1}, "1 of 2 pods are of this version"),
        ("Deployment", UP | {"replicas": 3}, "3 of 2 pods are there"),
        ("Deployment", UP | {"availableReplicas": 0}, "0 of 2 pods are available"),
        ("Deployment", {}, "has not seen"),
        ("StatefulSet", UP | {"readyReplicas": 1}, "1 of 2 pods are ready"),
        (
            "DaemonSet",
            {
                "observedGeneration": 3,
                "desiredNumberScheduled": 3,
                "updatedNumberScheduled": 3,
                "numberAvailable": 2,
            },
            "2 of 3 pods are available",
        ),
    ],
)
def test_what_is_not_all_there_is_not_at_rest(kind, status, why):
    found = unrest(workload(kind=kind, status=status))
    assert why in found
    assert bool(found) == bool(why)


def test_replicas_that_are_left_out_are_one():
    one = workload()
    del one["spec"]["replicas"]
    assert unrest(one) == "2 of 1 pods are of this version"


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"revisionHistoryLimit": 0}, "revisionHistoryLimit is 0"),
        ({"paused": True}, "paused"),
        ({"updateStrategy": {"type": "OnDelete"}}, "OnDelete"),
        ({"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}}, "partition"),
    ],
)
def test_what_undo_cannot_serve_is_told_of_what_is_there_and_of_what_comes(spec, why):
    plain, bad = workload("orders:1"), workload("orders:2", **spec)
    assert why in beyond_undo(bad)
    for live, dry in ((plain, bad), (bad, workload("orders:3"))):
        found = list(no_way_back(["deployment/orders"], {"deployment/orders": live}, [dry]))
        assert [why in one for one in found] == [True]


@pytest.mark.parametrize(
    "spec",
    [
        {"revisionHistoryLimit": 1},
        {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}},
    ],
)
def test_what_undo_can_serve_is_not(spec):
    assert beyond_undo(workload(**spec)) == ""


CONFIG = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "days", "namespace": "shop"},
    "data": {"a": "1"},
}
LIVE = {"deployment/orders": workload()}


@pytest.mark.parametrize("asked", [[CONFIG], [CONFIG, workload()], [workload(replicas=5)], []])
def test_without_a_new_template_there_is_nothing_to_go_back_from(asked):
    assert list(no_way_back(["deployment/orders"], LIVE, asked)) == [NO_NEW_TEMPLATE]
    assert changing(["deployment/orders"], LIVE, asked) == ()


def test_another_workload_that_changes_is_no_excuse():
    other = workload("orders:2")
    other["metadata"] = {"name": "others", "namespace": "shop", "uid": "u-2"}
    assert list(no_way_back(["deployment/orders"], LIVE, [other])) == [NO_NEW_TEMPLATE]


def test_a_workload_of_the_same_name_and_another_kind_is_another():
    assert changing(["deployment/orders"], LIVE, [workload("orders:2", kind="StatefulSet")]) == ()
    assert changing(["deployment/orders"], LIVE, [workload("orders:2")]) == ("deployment/orders",)


ROLE = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "all"}}


@pytest.mark.parametrize(
    ("live", "asked", "why"),
    [
        ({}, [], "deployment/orders in the cluster before the change"),
        ({"deployment/orders": workload(status=UP | {"readyReplicas": 1, "availableReplicas": 1})}, [], "at rest"),
        ({"deployment/orders": workload(replicas=0, status={"observedGeneration": 3})}, [], "with a pod at least"),
        (LIVE, [workload("orders:2", replicas=0)], "with a pod at least"),
        (LIVE, [workload("orders:2"), ROLE], "clusterrole.rbac.authorization.k8s.io/all is of the whole cluster"),
        (
            LIVE,
            [{**CONFIG, "metadata": {"name": f"c-{number}", "namespace": "shop"}} for number in range(200)],
            "at most 200 objects; this one has 201",
        ),
    ],
)
def test_what_shows_nothing_here_or_reaches_others_is_lacking(live, asked, why):
    assert why in lacking(["deployment/orders"], live, asked)


def test_nothing_is_lacking_where_all_is_there():
    assert lacking(["deployment/orders"], LIVE, [workload("orders:2"), CONFIG]) == ""


def test_everything_that_is_touched_or_taken_is_looked_at():
    after = workload("orders:2")
    after["spec"]["template"]["spec"] |= {
        "initContainers": [{"name": "i", "envFrom": [{"secretRef": {"name": "door"}}]}],
        "volumes": [{"name": "v", "projected": {"sources": [{"configMap": {"name": "hours"}}]}}],
        "imagePullSecrets": [{"name": "registry"}],
        "serviceAccountName": "orders",
    }
    assert objects_of(LIVE.values(), [after, CONFIG], ["horizontalpodautoscaler/orders"]) == (
        "configmap/days",
        "configmap/hours",
        "deployment.apps/orders",
        "horizontalpodautoscaler/orders",
        "secret/door",
        "secret/registry",
    )


def test_names_are_kubectls_with_the_group_and_the_plans_without():
    assert (object_name(workload()), workload_name(workload())) == ("deployment.apps/orders", "deployment/orders")
    assert object_name(CONFIG) == "configmap/days"


NOTED = Noted(
    server="https://a:1",
    before={"deployment/orders": Revision(workload="u-1", keeper="rs-1", number=3, template="sha256:1")},
    objects=("deployment.apps/orders",),
)


def test_notes_come_back_as_they_were():
    assert noted_of(NOTED.noted()) == NOTED


@pytest.mark.parametrize(
    "wrong",
    [
        {"server": None},
        {"before": []},
        {"before": {"deployment/orders": {"keeper": "rs-1"}}},
        {"before": {"deployment/orders": {**NOTED.before["deployment/orders"].noted(), "number": "3"}}},
        {"before": {"deployment/orders": {**NOTED.before["deployment/orders"].noted(), "template": ""}}},
        {"objects": [1]},
        {"objects": None},
    ],
)
def test_a_note_that_is_none_is_no_half_of_one(wrong):
    assert noted_of(NOTED.noted() | wrong) is None
    assert noted_of({}) is None
