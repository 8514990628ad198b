from __future__ import annotations

import os
import socket

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.plugins.readers.files import content, inside, opened, relative

LIMIT = 100


@pytest.fixture
def root(tmp_path):
    made = tmp_path / "root"
    (made / "sub").mkdir(parents=True)
    (made / "file").write_bytes(b"content")
    (made / "sub" / "deep").write_bytes(b"deep")
    (tmp_path / "outside").write_bytes(b"secret")
    return made


def refusal(root, named, **more):
    with pytest.raises(InvalidInput) as caught:
        content(root, named, limit=LIMIT, **more)
    assert "\n" not in caught.value.message
    assert caught.value.hint
    return caught.value.code


@pytest.mark.parametrize("named", ["file", "./file", "sub/../file"])
def test_a_file_below_the_root_is_read(root, named):
    assert content(root, named, limit=LIMIT) == b"content"


def test_an_absolute_path_and_a_link_that_stay_inside_are_read(root):
    (root / "link").symlink_to("sub/deep")
    assert content(root, "link", limit=LIMIT) == b"deep"
    assert content(root, os.fspath(root / "sub" / "deep"), limit=LIMIT) == b"deep"


@pytest.mark.parametrize(
    ("named", "code"),
    [
        ("../outside", "path-outside"),
        ("/etc/hostname", "path-outside"),
        ("missing", "file-missing"),
        ("file/deeper", "file-missing"),
        ("sub", "file-expected"),
        ("", "path-invalid"),
        ("a\0b", "path-invalid"),
        ("a" * 5000, "path-invalid"),
        ("a\nb", "file-missing"),
    ],
)
def test_a_path_that_cannot_be_used_is_refused(root, named, code):
    assert refusal(root, named) == code


def test_links_out_of_the_tree_are_refused(root):
    (root / "out").symlink_to("../outside")
    (root / "up").symlink_to("..")
    (root / "one").symlink_to("two")
    (root / "two").symlink_to("one")
    (root / "broken").symlink_to("nowhere")
    assert refusal(root, "out") == "path-outside"
    assert refusal(root, "up/outside") == "path-outside"
    assert refusal(root, "one") == "path-invalid"
    assert refusal(root, "broken") == "file-missing"


def test_pipes_sockets_and_devices_are_refused_without_waiting(root):
    os.mkfifo(root / "pipe")
    listener = socket.socket(socket.AF_UNIX)
    with listener:
        listener.bind(os.path.relpath(root / "socket"))
        assert refusal(root, "pipe") == "file-expected"
        assert refusal(root, "socket") == "file-expected"
    with pytest.raises(InvalidInput) as caught:
        content(type(root)("/dev"), "null", limit=LIMIT)
    assert caught.value.code == "file-expected"


def test_a_file_of_the_limit_is_read_and_one_more_byte_refused(root):
    (root / "file").write_bytes(b"x" * LIMIT)
    assert len(content(root, "file", limit=LIMIT)) == LIMIT
    (root / "file").write_bytes(b"x" * (LIMIT + 1))
    assert refusal(root, "file") == "file-too-large"


def test_a_file_that_grows_while_it_is_read_is_refused(root):
    with opened(root, "file", limit=LIMIT) as stream:
        (root / "file").write_bytes(b"x" * (LIMIT + 1))
        assert len(stream.read()) > LIMIT
    assert refusal(root, "file") == "file-too-large"


def test_a_huge_file_is_refused_before_it_is_read(root):
    with (root / "huge").open("wb") as stream:
        stream.truncate(200 * 1024 * 1024)
    assert refusal(root, "huge") == "file-too-large"


def test_a_file_nobody_may_read_is_refused(root, monkeypatch):
    def denied(*_arguments, **_more):
        raise PermissionError(13, "denied")

    monkeypatch.setattr(os, "open", denied)
    assert refusal(root, "file") == "file-unreadable"


def test_a_folder_is_asked_for_as_one(root):
    assert inside(root, "sub", folder=True) == (root / "sub").resolve()
    with pytest.raises(InvalidInput) as caught:
        inside(root, "file", folder=True)
    assert caught.value.code == "folder-expected"


def test_paths_are_shown_below_the_root_with_odd_bytes_escaped(root):
    odd = root / "sub" / os.fsdecode(b"na\xefve")
    assert relative(root, odd.parent.resolve() / odd.name) == r"sub/na\xefve"
    assert relative(root, root.parent / "outside") == "outside"
