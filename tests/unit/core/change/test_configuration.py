from __future__ import annotations

from pathlib import Path

import pytest

from interlock.core.change.canonical import sha256
from interlock.core.change.configuration import format_of, read_configuration
from interlock.core.change.errors import InvalidInput

SHOP = Path(__file__).parents[3] / "data" / "microservices-demo" / "kubernetes-manifests.yaml"


def changes(path, before, after):
    return [(one.pointer, one.op, one.before, one.after, one.line) for one in
            read_configuration(path, before, after).changes]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a/b.yaml", "yaml"), ("b.YML", "yaml"), ("c.json", "json"), ("d.toml", "toml"), ("e.env", "env"),
        (".env", "env"), ("x/.env.production", "env"), ("f.txt", None), ("env", None), (".yaml", None),
    ],
)  # fmt: skip
def test_the_name_tells_the_format(name, kind):
    assert format_of(name) == kind


def test_a_null_where_a_value_was_is_one_changed_key_with_its_line():
    before = b"delivery:\n  # days\n  max_days: 7\n  fast: true\n"
    after = b"delivery:\n  # days\n  fast: true\n\n  max_days: null\n"
    assert changes("delivery.yaml", before, after) == [("/delivery/max_days", "changed", 7, None, 5)]


def test_a_removed_key_has_the_old_files_line():
    assert changes("a.json", b'{\n"a": 1,\n"b": 2}', b'{"a": 1}') == [("/b", "removed", 2, None, 3)]


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("a.yaml", b"a: 1\nb: [x]\n", b"# why\nb:\n  - 'x'\na: 1 # because\n"),
        ("a.toml", b"a = 1\n", b"# why\na=1\n"),
        ("a.env", b"A=1\n", b"# why\nexport A='1'\n"),
        ("a.json", b'{"a":1,"b":2}', b'\xef\xbb\xbf{\n "b": 2, "a": 1 }\n'),
    ],
)
def test_comments_and_layout_change_the_digest_and_no_key(path, before, after):
    found = read_configuration(path, before, after)
    assert found.changes == ()
    assert found.before_digest == sha256(before) != found.after_digest == sha256(after)
    assert (found.before_size, found.after_size) == (len(before), len(after))


def test_added_and_removed_files_have_one_side():
    new = read_configuration("a.yaml", None, b"a: 1\n")
    assert (new.before_digest, new.before_size, [one.op for one in new.changes]) == (None, None, ["added"])
    old = read_configuration("a.yaml", b"a: 1\n", None)
    assert (old.after_digest, [one.op for one in old.changes]) == (None, ["removed"])


def test_kubernetes_objects_are_known_by_name_wherever_they_stand():
    service = b"apiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: shop}\nspec: {port: 1}\n"
    deployment = b"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {replicas: 2}\n"
    found = read_configuration(
        "all.yaml",
        service + b"---\n" + deployment,
        deployment.replace(b"replicas: 2", b"replicas: 0") + b"---\n" + service,
    )
    assert [(one.pointer, one.before, one.after, one.line) for one in found.changes] == [
        ("/apps~1v1~1Deployment~1~1d/spec/replicas", 2, 0, 4)
    ]
    assert found.documents == ("apps/v1/Deployment//d", "v1/Service/shop/s")


def test_items_of_a_list_are_objects_of_their_own():
    item = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"%s"},"data":{"k":"%s"}}'
    text = '{"apiVersion":"v1","kind":"List","items":[%s]}'
    before = text % (item % ("a", "1") + "," + item % ("b", "1"))
    after = text % (item % ("b", "2") + "," + item % ("a", "1"))
    assert [one[0] for one in changes("l.json", before.encode(), after.encode())] == ["/v1~1ConfigMap~1~1b/data/k"]


def test_a_kubernetes_secret_tells_no_data():
    secret = b"apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {note: %s}\nstringData: {x: y}\n"
    found = read_configuration("s.yaml", secret % b"Zm9v", secret % b"YmFy")
    assert set(found.changes[0].after) == {"redacted"}
    assert found.changes[0].before != found.changes[0].after
    assert "YmFy" not in repr(found)


def test_documents_that_are_no_objects_are_known_by_their_place():
    assert changes("a.yaml", b"a: 1\n---\nb: 1\n", b"a: 1\n---\nb: 2\n") == [("/1/b", "changed", 1, 2, 3)]


def test_the_same_object_twice_is_refused():
    one = b"apiVersion: v1\nkind: Service\nmetadata: {name: s}\n"
    with pytest.raises(InvalidInput) as caught:
        read_configuration("a.yaml", None, one + b"---\n" + one)
    assert caught.value.code == "configuration-malformed"


def test_a_repair_of_an_unreadable_file_is_described():
    (change,) = read_configuration("a.json", b"{", b"{}").changes
    assert (change.pointer, change.op) == ("", "changed")
    assert "expected JSON" in change.before["unreadable"]


@pytest.mark.parametrize(
    ("path", "after", "code"),
    [
        ("a.json", b"{", "configuration-malformed"),
        ("a.yaml", b"a: \xff", "configuration-encoding"),
        ("a.txt", b"a", "configuration-format"),
        ("a.json", b'"' + b"a" * (8 * 1024 * 1024) + b'"', "file-too-large"),
        ("a.json", b"[" + b",".join([b"1"] * 100_001) + b"]", "configuration-too-big"),
    ],
)
def test_a_new_file_that_cannot_be_read_is_refused_by_name(path, after, code):
    with pytest.raises(InvalidInput) as caught:
        read_configuration(path, None, after)
    assert caught.value.code == code
    assert path in caught.value.message
    assert "\n" not in caught.value.message


def test_a_real_release_is_read_and_a_changed_request_is_one_key():
    before = SHOP.read_bytes()
    after = before.replace(b"cpu: 100m", b"cpu: 150m")
    assert after != before
    found = read_configuration("release.yaml", before, after)
    assert len(found.documents) == before.count(b"\nkind:")
    assert {(one.op, one.before, one.after) for one in found.changes} == {("changed", "100m", "150m")}
    lines = after.split(b"\n")
    assert all(b"150m" in lines[one.line - 1] for one in found.changes)


def test_a_renamed_file_is_compared_with_what_it_was_in_the_format_it_had():
    """The old side is read as what it was; otherwise nobody could tell what was lost."""
    found = read_configuration("a.json", b"days: 7\n", b'{"days": null}', formerly="a.yaml")
    assert (found.formerly, found.format) == ("a.yaml", "json")
    assert [(one.pointer, one.before) for one in found.changes] == [("/days", 7)]
