"""What is code, and of which code nobody knows anything."""

from __future__ import annotations

import pytest

from interlock.core.scan.languages import language, unlooked
from interlock.core.scan.seen import Source


def file(path, content=b"x\n", side="head", lineage=""):
    return Source(side=side, path=path, content=content, lineage=lineage)


@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        ("web/app.JS", b"x", "JavaScript"),
        ("A.java", b"x", "Java"),
        ("a.ipynb", b"{}", "a notebook"),
        ("a.pyi", b"x", "Python"),
        ("deploy", b"#!/usr/bin/env -S node --x\n", "code run by node"),
        ("deploy", b"#! /bin/sh\n", "code run by sh"),
        ("deploy.txt", b"#!/bin/sh\n", "code run by sh"),
        ("job", b"import pickle\npickle.loads(b)\n", "Python"),
        ("LICENSE", b"import is a word\nfrom here on it is prose\n", ""),
        ("NOTES", b"x = 1\n", ""),
        ("a.yaml", b"x: 1\n", ""),
        ("a.json", b"{}\n", ""),
        ("README.md", b"import x\n", ""),
        ("page.html", b"<p>", ""),
        ("page.css", b"p {}", ""),
        ("Cargo.toml", b"[a]", ""),
        ("a.rs", b"#![allow(x)]\n", "Rust"),
        ("notes.txt", b"#!not a program\n", ""),
    ],
)
def test_what_is_code(path, content, expected):
    assert language(file(path, content)) == expected


def test_changed_code_that_no_scanner_reads_is_told_and_what_is_not_changed_is_not():
    sources = [
        file("a.js"),
        file("b.js", lineage="old.js"),
        file("old.js", side="base"),
        file("c.js", b"new\n", lineage="c.js"),
        file("c.js", b"old\n", side="base"),
        file("d.py"),
        file("gone.go", side="base"),
        Source(side="head", path="e.go", content=b"a.js", link=True),
        Source(side="past", path="f.go", content=b"x"),
    ]
    missed = unlooked(sources, [lambda one: one.path.endswith(".py")])
    assert [(one.path, name) for one, name in missed] == [("a.js", "JavaScript"), ("c.js", "JavaScript")]
    assert unlooked(sources, [lambda _: True]) == ()
