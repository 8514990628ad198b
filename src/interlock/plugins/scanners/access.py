"""The scanner ``access``: interlock's own few rules about who may do what (see ``core.scan.access``).

Rules:
1. Nothing is run: the files are read as syntax. One that cannot be read is told.
2. Whether routes of this project ask who somebody is, is read from the changed files on both sides, else from
   other files of the base that seem to: a change cannot make it seem otherwise by leaving a guard out.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from interlock.core.change.canonical import Json
from interlock.core.scan.access import access_findings, guards_somewhere
from interlock.core.scan.outline import Unparsed, parsed
from interlock.core.scan.python import is_python
from interlock.core.scan.seen import Scanned, Seen, Source
from interlock.plugins.world.scan_settings import read
from interlock.ports.scanner import Look

TOOL = "interlock-access"
VERSION = "1"
_GUARDED = "(login|auth|permission|token|role|admin|jwt|current_user|IsAuthenticated|api_key)"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessSettings:
    """None."""


class AccessScanner:
    """See the rules above; the contract is in ``ports.scanner``."""

    def __init__(self, settings: Mapping[str, Json]) -> None:
        read(AccessSettings, settings, what="the scanner `access`")

    def missing(self) -> str:
        """Nothing: it is interlock's own."""
        return ""

    def scan(self, look: Look) -> Scanned:
        """See ``ports.scanner``."""
        trees: list[tuple[Source, ast.Module]] = []
        unread: list[tuple[Source, str]] = []
        for source in look.sources:
            if source.side == "past" or not is_python(source):
                continue
            try:
                trees.append((source, parsed(source.content)))
            except Unparsed as error:
                unread.append((source, str(error)))
        guarded = any(guards_somewhere(tree) for _, tree in trees) or self._near(look, trees)
        seen = [one for source, tree in trees for one in _seen(source, tree, guarded=guarded)]
        return Scanned(tool=TOOL, version=VERSION, seen=tuple(seen), unread=tuple(unread))

    def _near(self, look: Look, trees: Sequence[tuple[Source, ast.Module]]) -> bool:
        if not any(access_findings(tree, guarded=True) for _, tree in trees):
            return False
        return any(_guards(each) for each in look.near(_GUARDED))


def _guards(source: Source) -> bool:
    try:
        return guards_somewhere(parsed(source.content))
    except Unparsed:
        return False


def _seen(source: Source, tree: ast.Module, *, guarded: bool) -> list[Seen]:
    return [
        Seen(
            source=source,
            line=one.line,
            end=one.end,
            rule=one.rule,
            tool=TOOL,
            level="warning",
            message=one.message,
            cwes=frozenset({one.cwe}),
        )
        for one in access_findings(tree, guarded=guarded)
    ]
