"""Where a context leads to, and whether that is production."""

from __future__ import annotations

import pytest

from interlock.core.rehearsal.cluster import Cluster, cluster_of, production_mark, production_marks


def answer(server, name="lab", **more):
    cluster = {"server": server, "certificate-authority-data": "DATA+OMITTED"}
    users = [{"name": "ana", "user": {"token": "REDACTED"}}]
    return {"kind": "Config", "clusters": [{"name": name, "cluster": cluster}], "users": users, **more}


@pytest.mark.parametrize(
    ("server", "told"),
    [
        ("https://lab.example:6443", "https://lab.example:6443"),
        ("https://lab.example", "https://lab.example"),
        ("https://ana:hunter2@lab.example/k8s/clusters/c-1?token=x", "https://lab.example"),
        ("https://[::1]:6443", "https://[::1]:6443"),
    ],
)
def test_a_server_is_told_without_what_may_be_secret(server, told):
    assert cluster_of(answer(server)) == Cluster(name="lab", server=told)


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        {"kind": "Config", "clusters": None},
        answer(None),
        answer(""),
        answer("lab.example"),
        answer("https://lab.example:port"),
        {**answer("https://a"), "clusters": [*answer("https://a")["clusters"], *answer("https://b")["clusters"]]},
    ],
)
def test_what_leads_nowhere_or_to_several_is_no_cluster(wrong):
    with pytest.raises(ValueError):  # noqa: PT011  # of whatever part of it
        cluster_of(wrong)


@pytest.mark.parametrize(
    ("server", "name", "mark"),
    [
        ("https://prod-eu-1.example:6443", "lab", "prod-*"),
        ("https://k8s.production.example", "lab", "production"),
        ("https://10.0.0.1:6443", "prod-eu", "prod-*"),
        ("https://10.0.0.7:6443", "lab", "https://10.0.0.7:*"),
        ("https://lab.example", "lab", ""),
        ("https://reproduction.example", "lab", ""),
        ("https://lab-prod-1.example", "lab", ""),
    ],
)
def test_what_the_marks_cover_is_production(server, name, mark):
    marks = ("production", "prod-*", "https://10.0.0.7:*")
    assert production_mark(Cluster(name=name, server=server), marks) == mark


def test_marks_are_those_of_production_alone():
    known = {
        "live": {"production": True, "markers": ["prod-*", "eu/*"]},
        "staging": {"production": False, "markers": ["stage-*"]},
        "other": {"production": "yes", "markers": ["x"]},
    }
    assert production_marks(known) == ("live", "prod-*", "eu/*")
    assert production_marks(None) == ()
