from __future__ import annotations

import json
import os

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.plugins.readers.terraform_plan import TerraformPlanReader
from interlock.ports.reader import ReadRequest

PLAN = {"format_version": "1.2", "resource_changes": []}


def read(root, **arguments):
    return TerraformPlanReader().read(ReadRequest(root=root, arguments=arguments))


def test_a_plan_is_read_and_its_bytes_are_the_material(tmp_path):
    (tmp_path / "plan.json").write_text(json.dumps(PLAN))
    reading = read(tmp_path, path="plan.json")
    assert reading.part.path == "plan.json"
    assert reading.recipe.arguments == {"path": "plan.json"}
    assert list(reading.material.changed()) == ["plan.json"]
    assert json.loads(reading.material.after("plan.json")) == PLAN
    assert reading.material.before("plan.json") is None
    assert reading.material.after("other") is None
    assert reading.material.exists("plan.json")
    assert not reading.material.exists("other")


def test_the_place_and_name_of_the_file_do_not_move_the_digest(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "plan.json").write_text(json.dumps(PLAN))
    (tmp_path / "sub" / "other.json").write_text(json.dumps(PLAN, indent=2))
    assert (
        read(tmp_path, path="plan.json").part.identity() == read(tmp_path, path="sub/other.json").part.identity()
    )


def test_without_a_path_there_is_nothing_to_read(tmp_path):
    assert read(tmp_path) is None


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("missing", "file-missing"),
        ("folder", "file-expected"),
        ("pipe", "file-expected"),
        ("../outside", "path-outside"),
        ("huge", "file-too-large"),
        ("binary", "plan-unreadable"),
        ("cut", "json-malformed"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path, path, code):
    root = tmp_path / "root"
    (root / "folder").mkdir(parents=True)
    (tmp_path / "outside").write_text(json.dumps(PLAN))
    os.mkfifo(root / "pipe")
    with (root / "huge").open("wb") as stream:
        stream.truncate(200 * 1024 * 1024)
    (root / "binary").write_bytes(b"PK\x03\x04" + bytes(100))
    (root / "cut").write_text(json.dumps(PLAN)[:-3])
    with pytest.raises(InvalidInput) as caught:
        read(root, path=path)
    assert caught.value.code == code
