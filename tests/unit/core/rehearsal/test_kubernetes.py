"""Which of an object's values are the cluster's own accounts, and which somebody wanted."""

from __future__ import annotations

import copy

import pytest

from interlock.core.rehearsal.kubernetes import object_items


def deployment(image="shop/orders:1", **more):
    """As a cluster answers it, with all that it notes down."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "order-service",
            "namespace": "staging",
            "uid": "6f0c",
            "resourceVersion": "101",
            "generation": 1,
            "creationTimestamp": "2026-03-05T12:00:00Z",
            "labels": {"app": "orders"},
            "annotations": {
                "deployment.kubernetes.io/revision": "1",
                "kubectl.kubernetes.io/last-applied-configuration": '{"spec": 1}',
                "owner": "ana",
            },
            "managedFields": [{"manager": "kubectl"}],
        },
        "spec": {
            "replicas": 2,
            "template": {
                "spec": {
                    "containers": [
                        {
                            "name": "orders",
                            "image": image,
                            "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                            "args": ["--days", "5"],
                        }
                    ]
                }
            },
            **more,
        },
        "status": {"readyReplicas": 2, "conditions": [{"type": "Available"}]},
    }


def listed(*objects):
    return {"apiVersion": "v1", "kind": "List", "items": list(objects), "metadata": {"resourceVersion": ""}}


def test_every_value_that_somebody_wanted_is_an_item():
    spec = "deployment/order-service spec.template.spec.containers[orders]"
    assert object_items(deployment()) == {
        "deployment/order-service": "there",
        "deployment/order-service metadata.namespace": "staging",
        "deployment/order-service metadata.labels.app": "orders",
        "deployment/order-service metadata.annotations.owner": "ana",
        "deployment/order-service spec.replicas": "2",
        f"{spec}.name": "orders",
        f"{spec}.image": "shop/orders:1",
        f"{spec}.env[A].name": "A",
        f"{spec}.env[A].value": "1",
        f"{spec}.env[B].name": "B",
        f"{spec}.env[B].value": "2",
        f"{spec}.args[0]": "--days",
        f"{spec}.args[1]": "5",
    }


def test_a_new_revision_of_the_old_template_is_the_old_one():
    back = deployment()
    back["metadata"] |= {"resourceVersion": "140", "generation": 3, "uid": "7a", "managedFields": []}
    back["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "3"
    back["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = '{"spec": 2}'
    back["status"] = {}
    back["spec"]["template"]["spec"]["containers"][0]["env"].reverse()
    assert object_items(listed(back)) == object_items(listed(deployment()))


@pytest.mark.parametrize(
    "edit",
    [
        lambda one: one["spec"].update(replicas=3),
        lambda one: one["metadata"]["annotations"].update(owner="ben"),
        lambda one: one["spec"]["template"]["spec"]["containers"][0].update(image="shop/orders:2"),
        lambda one: one["spec"]["template"]["spec"]["containers"][0]["args"].reverse(),
        lambda one: one["spec"]["template"]["spec"]["containers"][0]["env"].pop(),
    ],
)
def test_what_undo_does_not_bring_back_is_seen(edit):
    other = copy.deepcopy(deployment())
    edit(other)
    assert object_items(other) != object_items(deployment())


def test_of_a_secret_only_digests_are_seen():
    secret = {"kind": "Secret", "metadata": {"name": "keys"}, "data": {"token": "czNjcmV0"}, "type": "Opaque"}
    items = object_items(secret)
    assert items["secret/keys data.token"].startswith("sha256:")
    assert "czNjcmV0" not in str(items)
    assert items != object_items(secret | {"data": {"token": "b3RoZXI="}})


@pytest.mark.parametrize(
    "answer", [None, [], {}, {"kind": "List"}, {"kind": "Pod"}, {"kind": "List", "items": [1]}]
)
def test_another_answer_is_none(answer):
    with pytest.raises(ValueError, match=r"object|items"):
        object_items(answer)
