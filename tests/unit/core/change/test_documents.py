from __future__ import annotations

import pytest

from interlock.core.change.documents import documents
from interlock.core.change.errors import InvalidInput
from interlock.core.change.manifests import containers, manifests, pod_spec


def test_values_and_lines_of_every_format():
    (read,) = documents("a.json", b'{"a": 1,\n "b": [true,\n  {"c": 1e3}]}')
    assert read.value == {"a": 1, "b": [True, {"c": 1000.0}]}
    assert (read.line("/a"), read.line("/b/1/c"), read.line("/b/9/c"), read.line("")) == (1, 3, 2, 1)
    first, second = documents("a.yaml", b"a: yes\n---\n- 1\n- x: null\n")
    assert (first.value, second.value) == ({"a": True}, [1, {"x": None}])
    assert second.line("/1/x") == 4
    assert documents("a.toml", b"[a]\nb = 1\n")[0].line("/a/b") == 2
    assert documents(".env", b"# c\nA=1\n")[0].value == {"A": "1"}
    assert documents("a.py", b"a = 1") == ()
    assert documents("a.yaml", None) == ()


def test_numbers_are_as_exact_as_a_check_needs():
    (read,) = documents("a.json", b'{"a": 12345678901234567890, "b": 0.10000000000000000001}')
    assert read.value == {"a": 12345678901234567890, "b": 0.1}


def test_what_cannot_be_read_raises():
    for content in (b"{", b"\xff", b'{"a": 1, "a": 2}'):
        with pytest.raises(InvalidInput):
            documents("a.json", content)


LIST = b"""
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
- apiVersion: batch/v1
  kind: CronJob
  metadata: {name: b, namespace: n}
  spec: {jobTemplate: {spec: {template: {spec: {initContainers: [{name: i}], containers: [{name: c}, 7]}}}}}
"""


def test_objects_of_a_list_count_one_by_one_and_their_pods_are_found():
    first, second = manifests("a.yaml", LIST)
    assert (first.title, first.namespace, first.api_version) == ("ConfigMap a", "", "v1")
    assert (second.title, second.namespace, second.api_version) == ("CronJob b", "n", "batch/v1")
    assert pod_spec(first) is None
    found = pod_spec(second)
    assert found is not None
    assert [container["name"] for _, container in containers(*found)] == ["i", "c"]
    assert second.document.line("/spec") == 9


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("a.yaml", b"kind: Pod"),
        ("a.txt", LIST),
        ("a.yaml", b"apiVersion: v1\nkind: Pod\nmetadata: {name: {{ .Values.x }}}"),
        ("a.yaml", b"apiVersion: v1\nkind: Pod\n"),
        ("a.yaml", None),
    ],
)
def test_what_holds_no_object_has_none(path, content):
    assert manifests(path, content) == ()
