"""What holds for every reader, whatever it reads: the port's promises.

An installed reader that carries an ``example`` is put to the test by that; the built-in ones share a folder.
"""

from __future__ import annotations

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import entry_points

import pytest

from interlock import registry
from interlock.core.change.canonical import canonical
from interlock.core.change.change import change_digest
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import parse_json
from interlock.core.change.parts import Part
from interlock.ports.reader import Example, ReadRequest

ARGUMENTS = {
    "git": {"base": "HEAD^", "head": "HEAD"},
    "terraform-plan": {"path": "plan.json"},
    "configuration": {"before": "old.yaml", "after": "new.yaml"},
    "artefact": {"path": "app.bin"},
}
BROKEN = {
    "git": {"base": "nowhere", "head": "HEAD"},
    "terraform-plan": {"path": "app.bin"},
    "configuration": {"after": "app.bin"},
    "artefact": {"reference": "shop:latest"},
}


INSTALLED = sorted(point.name for point in entry_points(group="interlock.readers"))


@pytest.fixture
def root(tmp_path, reader):
    """A folder in which every reader finds something."""
    made = tmp_path / "root"
    made.mkdir()
    (made / "plan.json").write_text(json.dumps({"format_version": "1.2", "resource_changes": []}))
    (made / "old.yaml").write_text("a: 1\n")
    (made / "new.yaml").write_text("a: 2\npassword: hunter2\n")
    (made / "app.bin").write_bytes(b"\x7fELF")
    for path, content in (example_of(reader) or NOTHING).files.items():
        (made / path).parent.mkdir(parents=True, exist_ok=True)
        (made / path).write_bytes(content)
    who = ("-c", "user.name=A", "-c", "user.email=a@example.com")
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "HOME": os.devnull}
    for command in (
        ["init", "-q"],
        ["add", "old.yaml"],
        ["commit", "-qm", "1"],
        ["add", "."],
        ["commit", "-qm", "2"],
    ):
        subprocess.run(["git", "-C", made, *who, *command], check=True, env=environment)
    return made


@pytest.fixture(params=INSTALLED)
def name(request):
    return request.param


@pytest.fixture
def reader(name):
    return registry.readers()[name]()


NOTHING = Example(files={}, arguments={}, refused={})


def example_of(reader):
    return getattr(reader, "example", None)


@pytest.fixture
def arguments(reader, name):
    return ARGUMENTS[name] if name in ARGUMENTS else example_of(reader).arguments


@pytest.fixture
def read(reader, root, arguments):
    return lambda **more: reader.read(ReadRequest(root=root, arguments=arguments | more))


def test_the_suite_knows_every_installed_reader():
    assert set(ARGUMENTS) == set(BROKEN)
    loaded = registry.readers()
    assert [name for name in INSTALLED if name not in ARGUMENTS and not example_of(loaded[name])] == []


def test_it_is_called_what_it_is_registered_as(reader, name):
    assert reader.name == name


def test_it_finds_a_part_that_counts(read):
    assert change_digest((read().part,)).startswith("sha256:")


def test_it_is_idempotent(read):
    assert read().part == read().part


def test_its_recipe_reads_the_same_again(reader, root, read):
    first = read()
    assert first.recipe.reader == reader.name
    again = reader.read(ReadRequest(root=root, arguments=first.recipe.arguments))
    assert again.part == first.part
    assert again.recipe == first.recipe


def test_it_may_be_called_from_several_threads(read):
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda _: read().part, range(8)))
    assert parts == [parts[0]] * 8


def test_its_part_survives_being_written_and_read(read):
    part = read().part
    assert parse_json(Part, canonical(part), what="part") == part


def test_it_has_nothing_to_say_about_an_empty_request(reader, root):
    assert reader.read(ReadRequest(root=root, arguments={})) is None


def test_it_has_nothing_to_say_about_what_is_another_readers(reader, root):
    assert reader.read(ReadRequest(root=root, arguments={"unknown": "x"})) is None


def test_what_it_cannot_use_is_refused_in_one_line_with_advice(reader, root, name):
    broken = BROKEN.get(name) or example_of(reader).refused
    with pytest.raises(InvalidInput) as caught:
        reader.read(ReadRequest(root=root, arguments=broken))
    assert "\n" not in caught.value.message
    assert caught.value.message[0].islower()
    assert caught.value.hint
    assert caught.value.code == caught.value.code.lower()


def snapshot(folder):
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*") if path.is_file()}


def test_it_only_reads(read, root):
    before = snapshot(root)
    reading = read()
    for path in reading.material.changed():
        reading.material.before(path)
        reading.material.after(path)
    assert snapshot(root) == before


def test_its_material_is_sorted_and_answers_for_each_path_and_for_none(read):
    material = read().material
    paths = list(material.changed())
    assert paths == sorted(set(paths))
    for path in paths:
        assert isinstance(material.before(path), bytes) or isinstance(material.after(path), bytes)
        assert material.exists(path) == (material.after(path) is not None)
    assert material.before("no/such/path") is None
    assert material.after("no/such/path") is None
    assert not material.exists("no/such/path")


def test_a_root_that_does_not_exist_is_refused(reader, arguments, tmp_path):
    with pytest.raises(InvalidInput):
        reader.read(ReadRequest(root=tmp_path / "nowhere", arguments=arguments))
