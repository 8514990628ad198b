"""The scanner ``access``: interlock's own few rules about who may do what (see ``core.scan.access``).

Rules:
1. Nothing is run: the files are read as syntax. One that cannot be read is told.
2. Whether routes of this project ask who somebody is, is read from the changed files on both sides, else from
   other files of the base that seem to: a change cannot make it seem otherwise by leaving a guard out.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from interlock.core.change.canonical import Json
from interlock.core.scan.access import Custom, access_findings, custom, unguarded
from interlock.core.scan.access_routes import Route, routes
from interlock.core.scan.outline import Unparsed, parsed
from interlock.core.scan.python import as_python, is_python
from interlock.core.scan.seen import Scanned, Seen, Source
from interlock.plugins.world.scan_settings import read
from interlock.ports.scanner import Look

TOOL = "interlock-access"
VERSION = "2"
DEEP = "nested too deep"
_ROUTES = r"@.*\.(route|api_route|get|post|put|patch|delete)\(|def .*\(request|class .*View"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessSettings:
    """None."""


@dataclass(frozen=True, slots=True)
class _Read:
    source: Source
    tree: ast.Module
    routes: tuple[Route, ...]


class AccessScanner:
    """See the rules above; the contract is in ``ports.scanner``."""

    def __init__(self, settings: Mapping[str, Json]) -> None:
        read(AccessSettings, settings, what="the scanner `access`")

    def missing(self) -> str:
        """Nothing: it is interlock's own."""
        return ""

    def reads(self, source: Source) -> bool:
        """Python."""
        return is_python(source)

    def scan(self, look: Look) -> Scanned:
        """See ``ports.scanner``."""
        read: list[_Read] = []
        unread: list[tuple[Source, str]] = []
        for given in look.sources:
            if given.side == "past" or not is_python(given):
                continue
            try:
                source = as_python(given)
                tree = parsed(source.content)
            except Unparsed as error:
                unread.append((given, str(error)))
            except RecursionError:
                unread.append((given, DEEP))
            else:
                read.append(_Read(source, tree, routes(tree)))
        before = {one.source.lineage: one for one in read if one.source.side == "base"}
        heads = [one for one in read if one.source.side == "head"]
        usual = [(one.source.path, custom(one.routes)) for one in heads]
        # Other files are only read where a route that asks nobody could be held against them.
        if any(unguarded(one.routes) for one in heads):
            usual += [(each.path, _custom(each)) for each in look.near(_ROUTES)]
        seen: list[Seen] = []
        for one in read:
            mine = {one.source.path, one.source.lineage}
            others = sum((known for path, known in usual if path not in mine), Custom())
            now = one.source.side == "head"
            # A route that asked nobody before is not new, however usual it has become to ask since.
            was = before.get(one.source.lineage) if now else None
            try:
                seen += _seen(one, was, others if now else None)
            except Unparsed as error:
                unread.append((one.source, str(error)))
            except RecursionError:
                unread.append((one.source, DEEP))
        return Scanned(tool=TOOL, version=VERSION, seen=tuple(seen), unread=tuple(unread))


def _custom(source: Source) -> Custom:
    try:
        return custom(routes(parsed(source.content)))
    except Unparsed:
        return Custom()


def _seen(read: _Read, before: _Read | None, project: Custom | None) -> list[Seen]:
    return [
        Seen(
            source=read.source,
            line=one.line,
            end=one.end,
            rule=one.rule,
            tool=TOOL,
            level="warning",
            message=one.message,
            cwes=frozenset({one.cwe}),
        )
        for one in access_findings(
            read.tree,
            read.routes,
            project=project,
            before=before.routes if before else (),
            was=before.tree if before else None,
        )
    ]
