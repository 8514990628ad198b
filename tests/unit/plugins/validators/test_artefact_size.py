from __future__ import annotations

from datetime import UTC, datetime

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.change.parts import Artefact, Commit, FileChange, GitRange, Identity
from interlock.plugins.validators.artefact_size import ArtefactSize
from interlock.testing.materials import HostileMaterial, reading

DIGEST = "sha256:" + "0" * 64


def artefact(size, previous):
    part = Artefact(name="shop", digest=DIGEST, media="oci-image", size=size, previous_size=previous)
    return reading(part, HostileMaterial())


def git(before, after):
    who = Identity(name="a", email="a@example.com")
    at = datetime(2026, 1, 1, tzinfo=UTC)
    commit = Commit(
        id="1" * 40, parents=(), author=who, committer=who, authored_at=at, committed_at=at, message="m"
    )
    material = HostileMaterial(before, after)
    files = tuple(
        FileChange(path=path, status="modified" if path in before else "added") for path in material.changed()
    )
    part = GitRange(
        repository="", base="0" * 40, head="1" * 40, head_tree="2" * 40, commits=(commit,), files=files
    )
    return reading(part, material)


def test_an_artefact_that_more_than_doubled_is_an_error(told):
    assert told(ArtefactSize(), artefact(2_000_001, 1_000_000)) == [
        ("error", "artefact-size/growth", "shop is 2 MB, was 1 MB: a little more, at most 2 times is permitted")
    ]


@pytest.mark.parametrize(
    ("size", "previous"), [(2_000_000, 1_000_000), (4096, 10), (9_999_999, None), (1, 9_999_999), (5_000, 0)]
)
def test_twice_the_last_a_small_one_and_a_new_one_pass_and_are_named(size, previous):
    (validation,) = ArtefactSize().validate([artefact(size, previous)], {})
    assert (validation.path, validation.findings) == ("shop", ())


def test_an_artefact_of_unknown_size_was_not_looked_at():
    assert ArtefactSize().validate([artefact(None, 5)], {}) == ()


def test_a_data_file_that_doubled_is_found_as_is_one_that_is_empty_now(told):
    """A permission change doubled a feature file, and it went to the whole fleet in November 2025."""
    old = {"data/features.bin": b"x" * 60_000, "data/rows.csv": b"a,b\n" * 9, "src/a.py": b"x" * 9_000}
    new = {"data/features.bin": b"x" * 130_000, "data/rows.csv": b"", "src/a.py": b"x" * 90_000}
    found = told(ArtefactSize(), git(old, new))
    assert found == [
        (
            "error",
            "artefact-size/growth",
            "data/features.bin is 130 kB, was 60 kB: 2.17 times, at most 2 times is permitted",
        ),
        ("error", "artefact-size/empty", "data/rows.csv is empty, was 36 bytes"),
    ]


def test_settings_choose_files_growth_and_an_absolute_limit(told):
    reading = git({"model/a.onnx": b"x" * 9_000}, {"model/a.onnx": b"x" * 12_000})
    assert ArtefactSize().validate([reading], {}) == ()
    assert told(ArtefactSize(), reading, {"match": ["*.onnx"]}) == []
    assert [r for _, r, _ in told(ArtefactSize(), reading, {"match": ["*.onnx"], "growth": 1.2})] == [
        "artefact-size/growth"
    ]
    assert [r for _, r, _ in told(ArtefactSize(), reading, {"match": ["*.onnx"], "maximum": 10_000})] == [
        "artefact-size/maximum"
    ]


def test_a_configuration_file_is_named_only_when_it_grew(changed, told):
    assert ArtefactSize().validate([changed("a: 1", "a: 2")], {}) == ()
    found = told(ArtefactSize(), changed("a: 1", "a: " + "x" * 5_000))
    assert [rule for _, rule, _ in found] == ["artefact-size/growth"]


@pytest.mark.parametrize("settings", [{"growth": 1}, {"floor": -1}, {"maximum": 0}, {"grow": 2}])
def test_settings_that_mean_nothing_are_refused(settings):
    with pytest.raises(InvalidInput):
        ArtefactSize().validate([artefact(1, 1)], settings)
