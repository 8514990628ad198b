from __future__ import annotations

import os

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.plugins.readers.configuration import ConfigurationReader
from interlock.ports.reader import ReadRequest


class Versions:
    """A material in memory that fails the test when asked for a path it never named."""

    def __init__(self, **files):
        self._files = {path.replace("__", "/").replace("_y", ".y"): pair for path, pair in files.items()}

    def changed(self):
        return sorted(self._files)

    def before(self, path):
        return self._files[path][0]

    def after(self, path):
        return self._files[path][1]

    def exists(self, path):
        return path in self._files or path == "elsewhere"


def read(root, *materials, **arguments):
    return ConfigurationReader().read(ReadRequest(root=root, arguments=arguments, materials=materials))


def refusal(root, *materials, **arguments):
    with pytest.raises(InvalidInput) as caught:
        read(root, *materials, **arguments)
    assert "\n" not in caught.value.message
    return caught.value.code


GIT = Versions(
    config__a_yaml=(b"a: 1\n", b"a: 2\n"),
    config__new_yaml=(None, b"n: 1\n"),
    config__old_yaml=(b"o: 1\n", None),
    README=(b"x", b"y"),
)


def test_configuration_inside_a_range_is_read_key_by_key(tmp_path):
    reading = read(tmp_path, GIT, match="config/**")
    assert [(file.path, [one.op for one in file.changes]) for file in reading.part.files] == [
        ("config/a.yaml", ["changed"]),
        ("config/new.yaml", ["added"]),
        ("config/old.yaml", ["removed"]),
    ]
    assert reading.recipe.arguments == {"match": "config/**"}
    assert reading.material.after("config/a.yaml") == b"a: 2\n"
    assert reading.material.after("README") is None
    assert reading.material.exists("elsewhere")
    assert not reading.material.exists("nowhere")


def test_the_first_material_that_has_a_path_counts(tmp_path):
    other = Versions(config__a_yaml=(b"a: 1\n", b"a: 3\n"), config__b_yaml=(None, b"b: 1\n"))
    reading = read(tmp_path, GIT, other, match="config/[ab]*.yaml\nconfig/a.yaml\nconfig/b.yaml")
    assert [(file.path, file.changes[0].after) for file in reading.part.files] == [
        ("config/a.yaml", 2),
        ("config/b.yaml", 1),
    ]


def test_nothing_to_read_is_none(tmp_path):
    assert read(tmp_path, GIT) is None
    assert read(tmp_path, GIT, match="") is None
    assert read(tmp_path, GIT, match="other/**") is None


def test_a_match_that_is_no_configuration_is_refused_by_name(tmp_path):
    assert refusal(tmp_path, GIT, match="README") == "configuration-format"
    assert read(tmp_path, GIT, match="**, !README").part.files[0].path == "config/a.yaml"


def test_two_files_are_compared_and_known_by_the_new_ones_place(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "old.yaml").write_text("a: 7\n")
    (tmp_path / "sub" / "new.yaml").write_text("a: null\n")
    reading = read(tmp_path, before="old.yaml", after="sub/new.yaml")
    (file,) = reading.part.files
    assert file.path == "sub/new.yaml"
    assert [(one.pointer, one.before, one.after) for one in file.changes] == [("/a", 7, None)]
    assert reading.recipe.arguments == {"before": "old.yaml", "after": "sub/new.yaml"}


def test_one_file_alone_is_new_or_gone(tmp_path):
    (tmp_path / "a.env").write_text("A=1\n")
    assert read(tmp_path, after="a.env").part.files[0].before_digest is None
    assert read(tmp_path, before="a.env").part.files[0].after_digest is None


def test_folders_are_compared_by_place_and_only_in_known_formats(tmp_path):
    for side, value in (("old", "1"), ("new", "2")):
        (tmp_path / side / "sub" / ".git").mkdir(parents=True)
        (tmp_path / side / "sub" / "a.yaml").write_text(f"a: {value}\n")
        (tmp_path / side / "same.json").write_text("{}")
        (tmp_path / side / "notes.txt").write_text(value)
        (tmp_path / side / "sub" / ".git" / "x.json").write_text(value)
    (tmp_path / "new" / "b.toml").write_text("b = 1\n")
    (tmp_path / "old" / "c.env").write_text("C=1\n")
    reading = read(tmp_path, before="old", after="new")
    assert [file.path for file in reading.part.files] == ["b.toml", "c.env", "sub/a.yaml"]
    assert reading.material.exists("same.json")
    assert reading.material.exists("sub")
    assert not reading.material.exists("c.env")
    assert not reading.material.exists("../old/c.env")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"before": "a.yaml", "after": "folder"}, "configuration-arguments"),
        ({"match": "**", "after": "a.yaml"}, "configuration-arguments"),
        ({"before": "a.yaml", "after": "a.yaml"}, "configuration-unchanged"),
        ({"before": "folder", "after": "folder"}, "configuration-unchanged"),
        ({"after": "missing.yaml"}, "file-missing"),
        ({"after": "../outside.yaml"}, "path-outside"),
        ({"after": "out.yaml"}, "path-outside"),
        ({"after": "pipe.yaml"}, "file-expected"),
        ({"after": "notes.txt"}, "configuration-format"),
        ({"after": "bad.json"}, "configuration-malformed"),
        ({"after": "linked"}, "path-outside"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path, arguments, code):
    root = tmp_path / "root"
    (root / "folder").mkdir(parents=True)
    (root / "linked").mkdir()
    (tmp_path / "outside.yaml").write_text("secret: 1\n")
    (root / "out.yaml").symlink_to("../outside.yaml")
    (root / "linked" / "out.yaml").symlink_to("../../outside.yaml")
    (root / "a.yaml").write_text("a: 1\n")
    (root / "notes.txt").write_text("n")
    (root / "bad.json").write_text("{")
    os.mkfifo(root / "pipe.yaml")
    assert refusal(root, **arguments) == code


def test_too_many_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("interlock.plugins.readers.configuration.MAX_FILES", 1)
    for name in ("a", "b", "c"):
        (tmp_path / "new").mkdir(exist_ok=True)
        (tmp_path / "new" / f"{name}.json").write_text("{}")
    assert refusal(tmp_path, after="new") == "configuration-too-big"
    assert refusal(tmp_path, GIT, match="config/**") == "configuration-too-big"


def test_too_many_bytes_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("interlock.plugins.readers.configuration.MAX_TOTAL", 9)
    assert refusal(tmp_path, GIT, match="config/**") == "configuration-too-big"
    assert read(tmp_path, GIT, match="config/new.yaml")
