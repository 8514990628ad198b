"""Size, artefacts, validations and authors."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.core.change.parts import Finding, Identity, KeyChange, Validation
from interlock.core.change.settings import ConfigurationRule, Settings
from interlock.core.facts.artefacts import artefacts_of
from interlock.core.facts.authors import authors_of, read_identities
from interlock.core.facts.checked import checked_of
from interlock.core.facts.model import Artefacts, Size
from interlock.core.facts.size import size_of

KEY = KeyChange(pointer="/a", op="changed", before=1, after=2)


def test_size_counts_over_all_parts(make: Any) -> None:
    parts = (
        make.range(
            "a.yaml",
            make.file("b.bin", binary=True, added=None, removed=None),
            make.file("d.py", "renamed", old_path="c.py"),
            commits=(make.commit(number=1), make.commit(number=2)),
        ),
        make.configuration(make.configured("a.yaml", KEY, KEY), make.configured("e.yaml", KEY)),
        make.plan(make.resource("aws_lb.x", "update"), make.resource("aws_lb.y", "no-op")),
    )
    assert size_of(parts) == Size(files=4, added=6, removed=2, binaries=1, commits=2, keys=3, resources=1)
    assert size_of(()) == Size()


def test_a_path_that_is_both_old_and_new_is_counted(make: Any) -> None:
    swapped = (make.file("a", "renamed", old_path="b"), make.file("b", "renamed", old_path="a"))
    assert size_of((make.range(*swapped),)).files == 2


def test_no_artefacts_pin_nothing(make: Any) -> None:
    assert artefacts_of((make.range("a.py"),)) == Artefacts()


def test_an_artefact_with_everything(make: Any) -> None:
    commit = make.commit()
    artefact = make.artefact(previous_digest="sha256:" + "9" * 64, provenance=make.built(commit.id))
    found = artefacts_of((artefact, make.range("a.py", commits=(commit,))))
    assert found == Artefacts(
        names=(artefact.name,), pinned=True, previous_known=True, provenance_verified=True, matches_head=True
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"digest": "latest"}, "is not pinned"),
        ({"previous_digest": None}, "which digest it replaces"),
        ({"previous_digest": "sha256:" + "1" * 64}, "replaces itself"),
        ({"provenance": None}, "has no provenance"),
        ({"verified": False}, "not verified"),
        ({"commit": "e" * 40}, "not the head"),
    ],
)
def test_what_an_artefact_lacks_is_a_problem(make: Any, fields: dict[str, Any], words: str) -> None:
    commit = make.commit()
    built = make.built(fields.pop("commit", commit.id), verified=fields.pop("verified", True))
    values = {"previous_digest": "sha256:" + "9" * 64, "provenance": built} | fields
    found = artefacts_of((make.artefact(**values), make.range("a.py", commits=(commit,))))
    (problem,) = found.problems
    assert words in problem
    assert not (found.pinned and found.previous_known and found.provenance_verified and found.matches_head)


_CART = "apps/v1/Deployment/shop/cart"
_AT = "/apps~1v1~1Deployment~1shop~1cart/spec/template/spec"
_BY_DIGEST = "cart:1.2.3@sha256:" + "1" * 64


@pytest.mark.parametrize(
    ("place", "op", "after", "tagged"),
    [
        ("/containers/0/image", "changed", "cart:1.2.3", ("cart:1.2.3",)),
        ("/initContainers/12/image", "added", "cart", ("cart",)),
        ("/containers", "changed", [{"name": "a", "image": "cart:1"}, {"image": _BY_DIGEST}], ("cart:1",)),
        ("", "changed", {"containers": [{"image": "cart:1"}]}, ("cart:1",)),
        ("/containers/0/image", "changed", "cart@sha256:1234", ("cart@sha256:1234",)),
        ("/containers/0/image", "changed", _BY_DIGEST, ()),
        ("/containers/0/image", "removed", None, ()),
        ("/containers/0/image", "changed", None, ()),
        ("/containers/0/imagePullPolicy", "changed", "Always", ()),
        ("/volumes/0/image", "changed", "cart:1", ()),
    ],
)
def test_an_image_by_tag_in_a_manifest_is_named(
    make: Any, place: str, op: Any, after: Any, tagged: tuple[str, ...]
) -> None:
    changed = make.configured("k8s.yaml", KeyChange(pointer=_AT + place, op=op, after=after), documents=(_CART,))
    found = artefacts_of((make.artefact(), make.configuration(changed)))
    assert (found.pinned, found.tagged) == (True, tagged)


def test_a_key_of_that_name_in_another_file_is_no_image(make: Any) -> None:
    change = KeyChange(pointer=_AT + "/containers/0/image", op="changed", after="cart:1")
    assert artefacts_of((make.configuration(make.configured("notes.yaml", change)),)).tagged == ()


def test_one_artefact_of_another_commit_is_enough(make: Any) -> None:
    commit = make.commit()
    parts = (
        make.artefact("a", provenance=make.built(commit.id)),
        make.artefact("b", provenance=make.built("e" * 40)),
        make.range("a.py", commits=(commit,)),
    )
    assert artefacts_of(parts).matches_head is False
    assert artefacts_of(parts[:1]).matches_head is None
    assert artefacts_of((parts[0], make.artefact("c"), parts[2])).matches_head is None


def test_files_without_a_validator_are_named(make: Any) -> None:
    settings = Settings(configuration=(ConfigurationRule(match="config/"),))
    parts = (
        make.range("config/a.ini", make.file("config/gone.ini", "deleted"), "src/a.py"),
        make.configuration(
            make.configured("b.yaml"), make.configured("c.yaml"), make.configured("d.yaml", after=None)
        ),
    )
    bad = Validation(
        validator="json-schema",
        path="c.yaml",
        findings=(Finding(rule="r", level="error", message="m", path="c.yaml"),),
    )
    good = Validation(validator="bounds", path="c.yaml")
    found = checked_of(parts, (bad, good), settings)
    assert found.unvalidated == ("b.yaml", "config/a.ini")
    assert found.validations == checked_of(parts, (good, bad), settings).validations
    assert [finding.rule for finding in found.failures] == ["r"]


@pytest.mark.parametrize(
    ("validator", "limits", "counts"),
    [
        ("json-schema", [], True),
        ("kubernetes-schema", [], True),
        ("manifest-rules", [], True),
        ("references", [], True),
        ("i-made-this-up", [], False),
        ("JSON-Schema", [], False),
        ("", [], False),
        ("null-value", [], False),
        ("artefact-size", [], False),
        ("bounds", [], False),
        ("bounds", [{"pointer": "/a", "minimum": 1}], True),
        ("bounds", [{"pointer": "/a", "match": "config/", "maximum": 9}], True),
        ("bounds", [{"pointer": "/a", "match": "other/", "maximum": 9}], False),
        ("bounds", [{"pointer": "/a", "free": True}], False),
        ("bounds", "nonsense", False),
        ("bounds", [7, {"match": 7}, {"match": ""}], False),
    ],
)
def test_only_a_validator_that_constrains_content_has_looked(
    make: Any, validator: str, limits: Any, *, counts: bool
) -> None:
    settings = Settings(validators={"bounds": {"limits": limits}} if limits else {})
    parts = (make.configuration(make.configured("config/a.yaml")),)
    found = checked_of(parts, (Validation(validator=validator, path="config/a.yaml"),), settings)
    assert (found.unvalidated == ()) is counts
    assert len(found.validations) == 1


def test_authors_are_the_union_of_author_committer_and_co_authors(make: Any) -> None:
    ben, zoe = Identity(name="Ben", email="ben@x.y"), Identity(name="Zoe", email="zoe@x.y")
    hub = Identity(name="GitHub", email="noreply@github.com")
    commits = (
        make.commit("x\n\nCo-authored-by: Zoe <zoe@x.y>\nco-developed-by: just a name", number=1, committer=ben),
        make.commit(number=2, committer=hub),
    )
    found = authors_of((make.range("a.py", commits=commits),))
    assert found == (
        Identity(name="Ana", email="ana@shop.example"),
        ben,
        zoe,
        Identity(name="just a name", email=""),
    )


def test_an_identity_is_read_as_written() -> None:
    assert read_identities("A <a@b>") == (Identity(name="A", email="a@b"),)
    assert read_identities("<a@b>") == (Identity(name="", email="a@b"),)
    assert read_identities("a@b") == (Identity(name="a@b", email=""),)
    assert read_identities("A B a@b") == (Identity(name="A B", email="a@b"),)
    assert read_identities("A B") == (Identity(name="A B", email=""),)
    assert read_identities("A <>") == (Identity(name="A", email=""),)
    assert read_identities("A a@b c") == (Identity(name="A a@b c", email=""),)
    assert read_identities("") == (Identity(name="", email=""),)
    assert read_identities("A <a@b") == (Identity(name="A", email="a@b"),)


@pytest.mark.parametrize(
    "text",
    [
        "A <a@b> B <c@d>",
        "A <a@b>, B <c@d>",
        "A <a@b> & B c@d",
        "A a@b B <c@d>",
        "A a@b, B c@d",
        "A <a@b> <x> B <c@d>",
        "A <a@b> B <c@d> and more",
    ],
)
def test_a_trailer_that_names_two_people_names_both(text):
    """Only the first address used to count, so that the second person could approve."""
    assert {Identity(name="A", email="a@b"), Identity(name="B", email="c@d")} <= set(read_identities(text))


def test_two_addresses_in_one_pair_of_brackets_are_both_kept():
    assert {one.email for one in read_identities("A <a@b, c@d>")} == {"a@b", "c@d"}
