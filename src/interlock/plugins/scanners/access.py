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
from interlock.core.scan.access import Custom, access_findings, custom
from interlock.core.scan.outline import Unparsed, parsed
from interlock.core.scan.python import is_python
from interlock.core.scan.seen import Scanned, Seen, Source
from interlock.plugins.world.scan_settings import read
from interlock.ports.scanner import Look

TOOL = "interlock-access"
VERSION = "1"
_ROUTES = r"@.*\.(route|api_route|get|post|put|patch|delete)\(|def .*\(request|class .*View"


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
        trees: dict[int, ast.Module] = {}
        unread: list[tuple[Source, str]] = []
        wanted = [one for one in look.sources if one.side != "past" and is_python(one)]
        for source in wanted:
            try:
                trees[id(source)] = parsed(source.content)
            except Unparsed as error:
                unread.append((source, str(error)))
        read = [one for one in wanted if id(one) in trees]
        before = {one.lineage: trees[id(one)] for one in read if one.side == "base"}
        seen: list[Seen] = []
        near: list[tuple[str, Custom]] | None = None
        for source in read:
            tree = trees[id(source)]
            was = before.get(source.lineage) if source.side == "head" else None
            # Other files are only read where a route that asks nobody could be held against them.
            if source.side == "head" and near is None and access_findings(tree, project=None):
                near = [(each.path, _custom(each)) for each in look.near(_ROUTES)]
            mine = {source.path, source.lineage}
            others = [known for path, known in near or () if path not in mine]
            others += [custom(trees[id(one)]) for one in read if one.side == "head" and one.path not in mine]
            # A route that asked nobody before is not new, however usual it has become to ask since.
            seen += _seen(source, tree, was, sum(others, Custom()) if source.side == "head" else None)
        return Scanned(tool=TOOL, version=VERSION, seen=tuple(seen), unread=tuple(unread))


def _custom(source: Source) -> Custom:
    try:
        return custom(parsed(source.content))
    except Unparsed:
        return Custom()


def _seen(source: Source, tree: ast.Module, before: ast.Module | None, project: Custom | None) -> list[Seen]:
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
        for one in access_findings(tree, project=project, before=before)
    ]
