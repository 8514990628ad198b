"""How often the rules of access speak of real applications as they are, and of one whose guard was taken away.

    python -m benchmarks.evidence.scan_routes REPOSITORY…

Each is a git repository, bare or not; nothing of it is part of this one. Every route that something stands on to
guard it loses its guards by itself, once as if it had always been so (a new route), once as a change to it.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from interlock.core.scan.access import Custom, access_findings, custom
from interlock.core.scan.access_routes import Route, path_of, routes
from interlock.core.scan.access_words import demands, guards
from interlock.core.scan.outline import Unparsed, parsed

Read = tuple[ast.Module, tuple[Route, ...]]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def main() -> int:
    """Print the counts of each repository."""
    for name in sys.argv[1:]:
        files = _files(Path(name))
        total = sum((custom(found) for _, found in files), Custom())
        known = sum(len(found) for _, found in files)
        asking = sum(one.guarded for _, found in files for one in found)
        flagged = sum(len(access_findings(*read, project=_but(total, read))) for read in files)
        taken = [each for read in files for each in _taken(read, _but(total, read))]
        new, removed = (sum(one[place] for one in taken) for place in (0, 1))
        print(
            f"{name}: {known} routes, {asking} ask, {flagged} flagged as they are; "
            f"guards taken away {len(taken)}, found in a new route {new}, in a change {removed}"
        )
    return 0


def _files(repository: Path) -> list[Read]:
    listed = _git(repository, "ls-tree", "-r", "--name-only", "-z", "HEAD").decode("utf-8", "replace").split("\0")
    found = []
    for path in listed:
        if not path.endswith(".py") or "test" in path or "migrations" in path:
            continue
        try:
            tree = parsed(_git(repository, "show", f"HEAD:{path}"))
        except Unparsed:
            continue
        found.append((tree, routes(tree)))
    return found


def _but(total: Custom, read: Read) -> Custom:
    """What is usual outside of one file."""
    mine = custom(read[1])
    return Custom(asking=total.asking - mine.asking, routes=total.routes - mine.routes)


def _taken(read: Read, project: Custom) -> list[tuple[bool, bool]]:
    """Of each route whose guards are decorators: whether it is found without them, new and as a change."""
    tree, before = read
    declared = {one.line for one in before if one.declared}
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, FUNCTIONS) or node.lineno not in declared:
            continue
        kept = node.decorator_list
        node.decorator_list = [each for each in kept if path_of(each) is not None or not _guards(each)]
        if len(node.decorator_list) < len(kept):
            now = routes(tree)
            looks = [access_findings(tree, now, project=project, before=was) for was in ((), before)]
            found.append(tuple(any(one.line == node.lineno for one in look) for look in looks))
        node.decorator_list = kept
    return found


def _guards(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    inside = (each.id for each in ast.walk(decorator) if isinstance(each, ast.Name))
    return demands(name) or any(guards(each) for each in inside if each != name)


def _git(repository: Path, *words: str) -> bytes:
    command = ["git", "-C", str(repository), *words]
    return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout


if __name__ == "__main__":
    raise SystemExit(main())
