"""Which files are code, and in which language: what no scanner of code read is not free of findings.

Rules:
1. The ending of a name says so, or a first line that names what runs the file. Configuration, markup, styles,
   prose and tables of values are no code.
2. A link is none. Nor is a file that is at the head what it was at the base: nothing of it is the change's.
3. A text without an ending is Python where it is read as Python and imports or defines something.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

from interlock.core.scan.python import is_python
from interlock.core.scan.seen import Source

_ENDINGS = {
    "Python": "py pyw pyi",
    "Cython": "pyx pxd",
    "a notebook": "ipynb",
    "JavaScript": "js mjs cjs jsx es6 coffee",
    "TypeScript": "ts mts cts tsx",
    "a web component": "vue svelte astro",
    "Java": "java jsp jspx",
    "Kotlin": "kt kts",
    "Scala": "scala sc",
    "Groovy": "groovy gradle gsp",
    "Clojure": "clj cljs cljc",
    "Go": "go",
    "Rust": "rs",
    "Ruby": "rb erb rake gemspec ru",
    "PHP": "php php3 php4 php5 php7 phtml",
    "C": "c h",
    "C++": "cc cpp cxx c++ hh hpp hxx inl",
    "C#": "cs cshtml razor aspx ashx",
    "Visual Basic": "vb vbs",
    "F#": "fs fsx",
    "Objective-C": "m mm",
    "Swift": "swift",
    "Dart": "dart",
    "a shell's language": "sh bash zsh ksh fish csh",
    "PowerShell": "ps1 psm1",
    "a batch file": "bat cmd",
    "Perl": "pl pm cgi",
    "SQL": "sql psql plsql pks pkb",
    "Lua": "lua",
    "R": "r rmd",
    "Julia": "jl",
    "Elixir": "ex exs eex heex",
    "Erlang": "erl hrl",
    "Haskell": "hs",
    "OCaml": "ml mli",
    "Solidity": "sol",
    "Zig": "zig",
    "Nim": "nim",
    "Tcl": "tcl",
    "awk": "awk",
    "a template of JavaScript": "ejs",
}
_BY_ENDING = {f".{ending}": name for name, endings in _ENDINGS.items() for ending in endings.split()}
_RUN_BY = re.compile(rb"#!\s*/(?:\S*/)?([^\s/]+)(?:[ \t]+(?:-\S+[ \t]+)*([^\s/]+))?")


def named_code(path: str) -> str:
    """The language that the ending of the name says; empty where it says none."""
    return _BY_ENDING.get(PurePosixPath(path).suffix.lower(), "")


def language(source: Source) -> str:
    """The language of a file, or ``code run by X``; empty where it is no code."""
    if source.link:
        return ""
    if name := named_code(source.path):
        return name
    found = _RUN_BY.match(source.content[:200])
    if found is not None:
        by = found[2] if found[1] == b"env" and found[2] else found[1]
        return f"code run by {by.decode('ascii', 'replace')[:40]}"
    return "Python" if is_python(source) else ""


def unlooked(
    sources: Sequence[Source], reads: Sequence[Callable[[Source], bool]]
) -> tuple[tuple[Source, str], ...]:
    """The code that the change brings and no scanner reads, with its language; ``reads`` are the scanners'."""
    before = {one.lineage or one.path: one.content for one in sources if one.side == "base"}
    return tuple(
        (one, name)
        for one in sources
        if one.side == "head"
        and (name := language(one))
        and before.get(one.lineage or one.path) != one.content
        and not any(each(one) for each in reads)
    )
