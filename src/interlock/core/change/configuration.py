"""One configuration file before and after, read key by key. Pure: bytes in, ``ConfigurationFile`` out.

Rules:
1. The new content must be readable; an old content that is not (the change repairs it) counts as one whole
   change, with ``{"unreadable": why}`` as what was there.
2. A Kubernetes object is known by ``apiVersion/kind/namespace/name`` wherever it stands in the file, and its
   pointers start with that; other documents are known by their place when there are several. Items of a List
   count as documents.
3. Secrets never enter (see ``redact``); the ``data`` of a Kubernetes Secret counts as secret altogether.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from interlock.core.change.canonical import Json, sha256
from interlock.core.change.errors import InvalidInput
from interlock.core.change.keydiff import ABSENT, Difference, compare, pointer
from interlock.core.change.keyed import Node, Single, line_at, malformed, plain_value
from interlock.core.change.keyed_env import read_env
from interlock.core.change.keyed_json import read_json
from interlock.core.change.keyed_toml import read_toml
from interlock.core.change.keyed_yaml import read_yaml
from interlock.core.change.parts import ConfigurationFile, KeyChange
from interlock.core.change.redact import redacted, shown

Format = Literal["yaml", "json", "toml", "env"]

MAX_BYTES = 8 * 1024 * 1024
MAX_CHANGES = 100_000
_ENDINGS: dict[str, Format] = {".yaml": "yaml", ".yml": "yaml", ".json": "json", ".toml": "toml", ".env": "env"}


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file; ``label`` is the first step of its pointers, ``""`` where they have none."""

    label: str
    node: Node
    kubernetes: bool
    secret: bool = False


def format_of(path: str) -> Format | None:
    """The format that a file's name tells: its ending, or ``.env`` and ``.env.*``; None for another."""
    name = posixpath.basename(path)
    if name == ".env" or name.startswith(".env."):
        return "env"
    return _ENDINGS.get(posixpath.splitext(name)[1].lower())


def read_configuration(
    path: str, before: bytes | None, after: bytes | None, *, formerly: str | None = None
) -> ConfigurationFile:
    """The difference of one file, which was at ``formerly`` before where it was renamed.

    Raises:
        InvalidInput: ``configuration-format``, ``configuration-malformed``, ``configuration-encoding``,
            ``configuration-too-big``, ``key-twice``, ``file-too-large``; the message names ``path``.
    """
    kind = format_of(path)
    if kind is None:
        raise InvalidInput(
            f"expected a .yaml, .yml, .json, .toml or .env file, got `{path[:200]}`",
            code="configuration-format",
            hint=f"leave it out with the pattern `!{path[:200]}`",
        )
    new = read_documents(path, kind, after)
    changes: tuple[KeyChange, ...]
    try:
        old = read_documents(formerly or path, format_of(formerly or path) or kind, before)
    except InvalidInput as error:
        changes = (KeyChange(pointer="", op="changed", before={"unreadable": error.message}),)
    else:
        changes = tuple(_changes(path, old, new))
    return ConfigurationFile(
        path=path,
        formerly=formerly,
        format=kind,
        before_digest=None if before is None else sha256(before),
        after_digest=None if after is None else sha256(after),
        before_size=None if before is None else len(before),
        after_size=None if after is None else len(after),
        changes=changes,
        documents=tuple(document.label for document in new if document.kubernetes),
    )


def read_documents(path: str, kind: Format, content: bytes | None) -> list[Document]:
    """The documents of one side of a file, none where it does not exist.

    Raises:
        InvalidInput: as ``read_configuration``.
    """
    if content is None:
        return []
    if len(content) > MAX_BYTES:
        raise InvalidInput(
            f"expected a configuration file of at most {MAX_BYTES >> 20} MiB, got `{path[:200]}`",
            code="file-too-large",
            hint="leave it out with a pattern, or split it",
        )
    try:
        return _documents(_nodes(kind, _text(content)))
    except InvalidInput as error:
        raise InvalidInput(f"{error.message}, in `{path[:200]}`", code=error.code, hint=error.hint) from error


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"expected UTF-8, got the byte 0x{content[error.start]:02x} at offset {error.start}",
            code="configuration-encoding",
            hint="save the file as UTF-8, or leave it out with a pattern",
        ) from error


def _nodes(kind: Format, text: str) -> list[Node]:
    if kind == "yaml":
        return read_yaml(text)
    one: dict[str, Callable[[str], Node]] = {"json": read_json, "toml": read_toml, "env": read_env}
    return [one[kind](text)]


def _documents(nodes: list[Node]) -> list[Document]:
    found: list[Document] = []
    single = len(nodes) == 1
    for at, node in enumerate(nodes):
        members = _members(node)
        for member in members or [node]:
            label = _kubernetes_name(member)
            secret = bool(label) and label.split("/")[-3] == "Secret"
            fallback = "" if single and not members else str(len(found) if members else at)
            found.append(Document(label or fallback, member, bool(label), secret))
    labels = [document.label for document in found]
    for document in found:
        if labels.count(document.label) > 1:
            raise malformed("each Kubernetes object once", f"`{document.label}` again", document.node.line)
    return found


def _members(node: Node) -> list[Node]:
    """The items of a Kubernetes List, nothing for anything else."""
    content = node.content
    if not isinstance(content, dict) or not isinstance(content.get("items"), Node):
        return []
    kind = content.get("kind")
    items = content["items"]
    if not isinstance(kind, Node) or not str(kind.content).endswith("List"):
        return []
    members = items.content if isinstance(items, Node) and isinstance(items.content, list) else []
    children = [child for child in members if isinstance(child, Node)]
    return children if all(_kubernetes_name(child) for child in children) else []


def _kubernetes_name(node: Node) -> str:
    """``apiVersion/kind/namespace/name`` (no namespace is empty), ``""`` for what is no Kubernetes object."""
    content = node.content
    if not isinstance(content, dict):
        return ""
    metadata = content.get("metadata")
    inner = metadata.content if isinstance(metadata, Node) else None
    if not isinstance(inner, dict):
        return ""
    words = [_word(content, "apiVersion"), _word(content, "kind"), _word(inner, "namespace"), _word(inner, "name")]
    return "/".join(words) if words[0] and words[1] and words[3] else ""


def _word(content: dict[str, Node] | dict[str, Json], key: str) -> str:
    found = content.get(key)
    return found.content if isinstance(found, Node) and isinstance(found.content, str) else ""


def _changes(path: str, old: list[Document], new: list[Document]) -> Iterator[KeyChange]:
    before = {document.label: document for document in old}
    after = {document.label: document for document in new}
    count = 0
    for label in [*after, *(label for label in before if label not in after)]:
        for change in _document_changes(before.get(label), after.get(label)):
            count += 1
            if count > MAX_CHANGES:
                raise InvalidInput(
                    f"expected at most {MAX_CHANGES} changed keys in one file, got more in `{path[:200]}`",
                    code="configuration-too-big",
                    hint="leave generated files out with a pattern",
                )
            yield change


def _document_changes(old: Document | None, new: Document | None) -> Iterator[KeyChange]:
    some = new or old
    prefix = (some.label,) if some and some.label else ()
    left = plain_value(old.node) if old else ABSENT
    right = plain_value(new.node) if new else ABSENT
    secret = bool(some and some.secret)
    for difference in compare(left, right):
        side = old if difference.op == "removed" else new
        yield KeyChange(
            pointer=pointer((*prefix, *difference.path)),
            op=difference.op,
            before=_value(difference.before, difference, secret=secret),
            after=_value(difference.after, difference, secret=secret),
            line=line_at(side.node if side else None, difference.path),
        )


def _value(value: Json, difference: Difference, *, secret: bool) -> Json:
    if secret and difference.path[:1] in {("data",), ("stringData",)} and value is not None:
        return redacted(value)
    found = shown(value, difference.path)
    return dict(found) if isinstance(found, Single) else found
