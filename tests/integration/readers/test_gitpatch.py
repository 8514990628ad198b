"""The patch of each file, whatever it is called and whatever the repository would like git to show instead."""

from __future__ import annotations

import os

import pytest

from interlock.core.review.hunks import read_hunks
from interlock.plugins.readers.gitpatch import patches

NAMES = (
    b"*.py", b"[ab].py", b":(top)a", b":!a", b"-p", b"a b", b'"]}', b"back\\slash", b"new\nline", b"\xff\xfe",
    "\u202eevil".encode(), b"--output=x", b"@@ -1 +1 @@", b"folder/*.py",
)  # fmt: skip


def lines(repository, *, base="HEAD^"):
    part = repository.part(base)
    return {
        file.path: [(line.number, line.sign, line.text) for line in read_hunks(patch)]
        for file, patch in patches(repository.root, part, part.files)
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_a_name_and_no_pattern_option_or_head(repository, name):
    repository.write("a.py", "one\n")
    repository.write("b.py", "one\n")
    repository.write(name, "one\n")
    repository.commit()
    repository.write("a.py", "not this\n")
    repository.write("b.py", "not this\n")
    repository.write(name, "two\n")
    repository.commit()
    found = lines(repository)
    assert len(found) == 3
    (mine,) = [told for path, told in found.items() if path not in {"a.py", "b.py"}]
    assert mine == [(0, "-", "one"), (1, "+", "two")]


def test_added_removed_and_renamed_files_are_shown_each_as_it_is(repository):
    repository.write("gone.txt", "nothing like the others\n")
    repository.write("before.txt", "".join(f"{n}\n" for n in range(30)))
    repository.commit()
    repository.git("rm", "-q", "gone.txt")
    repository.git("mv", "before.txt", "after.txt")
    repository.write("after.txt", "".join(f"{n}\n" for n in range(29)) + "last\n")
    repository.write("new.txt", "one\ntwo")
    repository.commit()
    found = lines(repository)
    assert found["gone.txt"] == [(0, "-", "nothing like the others")]
    assert found["new.txt"] == [(1, "+", "one"), (2, "+", "two")]
    assert [line for line in found["after.txt"] if line[1] != " "] == [(0, "-", "29"), (30, "+", "last")]
    assert len(found["after.txt"]) == 10  # eight lines around it


def test_a_history_from_nothing_is_all_new(repository):
    assert lines(repository, base="ROOT") == {"seed.txt": [(1, "+", "one"), (2, "+", "two"), (3, "+", "three")]}


def test_attributes_and_settings_of_the_repository_run_nothing_and_hide_nothing(repository):
    trap = repository.root.parent / "trap"
    trap.write_text(f"#!/bin/sh\ntouch '{trap}.sprung'\necho nothing to see\n")
    trap.chmod(0o755)
    repository.write(".gitattributes", "seed.txt diff=evil -text\n*.txt binary\n")
    repository.write("seed.txt", "one\ntwo\nfour\n")
    repository.commit()
    for key in ("diff.evil.textconv", "diff.evil.command", "diff.external"):
        repository.git("config", key, os.fspath(trap))
    repository.git("config", "diff.context", "0")
    found = lines(repository)["seed.txt"]
    assert found == [(1, " ", "one"), (2, " ", "two"), (0, "-", "three"), (3, "+", "four")]
    assert not (trap.parent / "trap.sprung").exists()
