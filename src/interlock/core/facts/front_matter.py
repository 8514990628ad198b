"""The text of ``change.md``: YAML front matter between two ``---`` lines, headed sections below.

Rules:
1. Front matter wins over a section of the same meaning; a section fills what front matter leaves out.
2. A list may be a YAML list, a Markdown list or one text. Comments (``<!-- -->``) are a template's and not read.
3. Filler (``tbd``, ``n/a``, ``…``) is not written: it counts as absent.
4. A key that is almost a known one is a problem; a key that is not is somebody else's and left alone.
5. The text is read for these fields alone. Whatever else it says, to a reader or to a machine, changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import closest
from interlock.core.change.parts import Finding
from interlock.core.change.yaml_nodes import Mapping, Node, Scalar, Sequence, documents

KEYS = (
    "plan",
    "failure_modes",
    "rollback_steps",
    "rollback",
    "required_tests",
    "characterisation",
    "provenance",
    "canary",
    "cites",
)
CANARY_KEYS = ("first_stage_percent", "bake_minutes", "metric")
_HEADINGS = {
    "plan": "plan",
    "what and why": "plan",
    "failure modes": "failure_modes",
    "what can go wrong": "failure_modes",
    "rollback": "rollback_steps",
    "rollback steps": "rollback_steps",
    "rollback plan": "rollback_steps",
    "required tests": "required_tests",
    "tests": "required_tests",
    "characterisation": "characterisation",
    "cites": "cites",
    "sources": "cites",
}
_HEADING = re.compile(r"#{1,6} (?P<title>[^#]+)#*")
_MAX_HEADING = 120
_ITEM = re.compile(r"\s{0,8}(?:[-*+]|\d{1,3}[.)])\s+(?:\[[ xX]\]\s+)?(?P<text>.+)")
_FILLER = re.compile(r"(?:tbd|to-?do|n/?a|none|nothing|fixme|xxx|\?+|-+|_+|\.{2,}|…+)[.!]?", re.IGNORECASE)
_MAX_ITEMS = 500


@dataclass(slots=True)
class Written:
    """What a documentation file says, by field, and what is wrong with it."""

    lists: dict[str, list[str]] = field(default_factory=dict)
    provenance: str | None = None
    provenance_line: int = 1
    canary: dict[str, tuple[str, int]] = field(default_factory=dict)
    problems: list[Finding] = field(default_factory=list)

    def items(self, name: str) -> tuple[str, ...]:
        """A list's items that are more than filler, each once."""
        found = (" ".join(item.split()) for item in self.lists.get(name, ()))
        return tuple(dict.fromkeys(item for item in found if item and not _FILLER.fullmatch(item)))[:_MAX_ITEMS]

    def wrong(self, path: str, rule: str, message: str, line: int, remedy: str) -> None:
        """Add a problem."""
        found = Finding(rule=rule, level="error", message=message, path=path, line=line, remedy=remedy)
        self.problems.append(found)


def read_written(path: str, text: str) -> Written:
    """What the file at ``path`` says; never fails, problems are findings."""
    written = Written()
    lines = text.removeprefix("\ufeff").splitlines()
    end = next((n for n, line in enumerate(lines[1:], 1) if line.strip() in {"---", "..."}), None)
    body = lines
    if lines[:1] and lines[0].strip() == "---":
        if end is None:
            remedy = "end the front matter with a line `---`"
            written.wrong(path, "documentation-front-matter", "the front matter does not end", 1, remedy)
            return written
        # A blank first line keeps the line numbers of the file.
        _front(written, path, "\n".join(["", *lines[1:end]]))
        body = lines[end + 1 :]
    for name, items in _sections(body):
        if not written.items(name):
            written.lists[name] = items
    return written


def _front(written: Written, path: str, text: str) -> None:
    try:
        found = next(iter(documents(path, text.encode("utf-8", "replace"))), None)
    except InvalidInput as error:
        written.wrong(path, "documentation-front-matter", error.message, 1, error.hint)
        return
    if found is None or (isinstance(found, Scalar) and found.null):
        return
    if not isinstance(found, Mapping):
        remedy = "write keys such as `plan:`"
        written.wrong(path, "documentation-front-matter", "the front matter is no mapping", found.line, remedy)
        return
    for key, node in found.fields.items():
        _field(written, path, key, node)


def _field(written: Written, path: str, key: str, node: Node) -> None:
    name = key.strip().lower().replace("-", "_").replace(" ", "_")
    if name not in KEYS:
        near = closest(name, list(KEYS))
        if near:
            remedy = f"known keys are {', '.join(KEYS)}"
            written.wrong(path, "documentation-key", f"unknown key `{key[:60]}`{near}", node.line, remedy)
    elif name == "canary":
        _canary(written, path, node)
    elif name == "provenance":
        written.provenance, written.provenance_line = " ".join(_texts(node)), node.line
    else:
        target = "rollback_steps" if name == "rollback" else name
        written.lists.setdefault(target, []).extend(_texts(node))


def _canary(written: Written, path: str, node: Node) -> None:
    if not isinstance(node, Mapping):
        remedy = f"write {', '.join(CANARY_KEYS)} under `canary:`"
        written.wrong(path, "documentation-canary", "`canary` is no mapping", node.line, remedy)
        return
    for key, value in node.fields.items():
        if key not in CANARY_KEYS or not isinstance(value, Scalar):
            near = closest(key, list(CANARY_KEYS))
            remedy = f"known are {', '.join(CANARY_KEYS)}"
            written.wrong(path, "documentation-canary", f"unusable `canary.{key[:60]}`{near}", value.line, remedy)
        elif not value.null:
            written.canary[key] = (value.text.strip(), value.line)


def _texts(node: Node) -> list[str]:
    if isinstance(node, Scalar):
        return [] if node.null else [node.text]
    if isinstance(node, Sequence):
        return [text for item in node.items for text in _texts(item)]
    return [f"{key}: {text}" for key, value in node.fields.items() for text in _texts(value) or [""]]


def _sections(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Each known section with its items, or its paragraphs where it has no list."""
    current: str | None = None
    found: dict[str, list[str]] = {}
    for line in _without_comments("\n".join(lines)).split("\n"):
        heading = _HEADING.fullmatch(line.rstrip()) if len(line) <= _MAX_HEADING else None
        if heading:
            current = _HEADINGS.get(heading["title"].strip().lower().rstrip(":"))
        elif current is not None:
            found.setdefault(current, []).append(line)
    for name, texts in found.items():
        marked = [item["text"] for item in map(_ITEM.fullmatch, texts) if item]
        paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", "\n".join(texts)) if part.strip()]
        yield name, marked if marked and name != "plan" else paragraphs


def _without_comments(text: str) -> str:
    """The text without ``<!-- … -->``; one that does not end is text."""
    kept, position = [], 0
    while (start := text.find("<!--", position)) >= 0 and (end := text.find("-->", start)) >= 0:
        kept.append(text[position:start])
        position = end + 3
    return "".join([*kept, text[position:]])
