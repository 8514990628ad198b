"""Which files are Python, and what of them is.

Rules:
1. The name says so (``.py``, ``.pyw``, ``.pyi``), or a first line that names it as what runs the file. A text
   whose name has no ending is Python where it imports or defines something and is read as Python.
2. Of a notebook the code cells are Python, one after the other: their lines count from the first cell's first. A
   line for the shell or the notebook itself (``!``, ``%``) is left out. A notebook of another language, and one
   with a cell of another, are not Python.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import PurePosixPath

from interlock.core.change.canonical import Json
from interlock.core.change.errors import InterlockError
from interlock.core.evidence.strict_json import read_json
from interlock.core.scan.outline import Unparsed, parsed
from interlock.core.scan.seen import Source

MOST_NOTEBOOK = 8 * 1024 * 1024
_ENDINGS = (".py", ".pyw", ".pyi")
_NOTEBOOK = ".ipynb"
_RUNS = re.compile(rb"#!.*\bpython[0-9.]*\b")
_MAYBE = re.compile(rb"^[ \t]*(?:import|from|def|class|async[ \t]+def)[ \t]+\w", re.MULTILINE)
_ASIDE = re.compile(r"^([ \t]*)[!%].*", re.MULTILINE)
_STILL_PYTHON = frozenset({"time", "timeit", "capture", "prun", "python", "python3"})


def is_python(source: Source) -> bool:
    """Whether a file is Python or a notebook; a link never is."""
    if source.link:
        return False
    if source.cells or source.path.lower().endswith((*_ENDINGS, _NOTEBOOK)):
        return True
    return _RUNS.match(source.content[:200]) is not None or _is_unnamed(source)


def as_python(source: Source) -> Source:
    """The same file with what of it is Python as its content.

    Raises:
        Unparsed: a notebook that cannot be read, or has code of another language.
    """
    if source.cells or not source.path.lower().endswith(_NOTEBOOK):
        return source
    return replace(source, content="\n".join(_cells(source.content)).encode(), cells=True)


def _is_unnamed(source: Source) -> bool:
    name = PurePosixPath(source.path).name
    if "." in name.lstrip(".") or _MAYBE.search(source.content) is None:
        return False
    try:
        parsed(source.content)
    except Unparsed:
        return False
    return True


def _cells(content: bytes) -> list[str]:
    try:
        book = read_json(content, what="a notebook", limit=MOST_NOTEBOOK)
    except InterlockError as error:
        raise Unparsed("a notebook that cannot be read") from error
    cells = book.get("cells") if isinstance(book, dict) else None
    if not isinstance(book, dict) or not isinstance(cells, list):
        raise Unparsed("a notebook without cells")
    if (spoken := _language(book)) not in {"", "python"}:
        raise Unparsed(f"a notebook in {spoken[:40]}")
    return [_code(one) for one in cells if isinstance(one, dict) and one.get("cell_type") == "code"]


def _language(book: dict[str, Json]) -> str:
    about = book.get("metadata")
    for key, name in (("language_info", "name"), ("kernelspec", "language")):
        part = about.get(key) if isinstance(about, dict) else None
        found = part.get(name) if isinstance(part, dict) else None
        if isinstance(found, str):
            return found.lower()
    return ""


def _code(cell: dict[str, Json]) -> str:
    written = cell.get("source")
    text = "".join(str(each) for each in written) if isinstance(written, list) else str(written or "")
    if text.lstrip().startswith("%%"):
        magic = text.lstrip()[2:].split(maxsplit=1)
        if not magic or magic[0] not in _STILL_PYTHON:
            raise Unparsed(f"a notebook with a cell in {(magic or ['nothing'])[0][:40]}")
    return _ASIDE.sub(r"\1pass", text.removesuffix("\n"))
