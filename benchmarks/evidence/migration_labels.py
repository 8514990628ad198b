"""What real migrations are called by reading: by their downgrade functions alone."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path


def label_alembic(text: str) -> str:
    """What is read off a revision: ``irreversible``, ``reversible``, or ``nothing`` where it does nothing."""
    bodies = {
        each.name: [one for one in each.body if not _says_nothing(one)]
        for each in ast.parse(text).body
        if isinstance(each, ast.FunctionDef)
    }
    up, down = bodies.get("upgrade", []), bodies.get("downgrade", [])
    if not up:
        return "nothing"
    raises = any(isinstance(one, ast.Raise) for each in down for one in ast.walk(each))
    return "irreversible" if raises or not down else "reversible"


def _says_nothing(node: ast.stmt) -> bool:
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def label_django(text: str) -> str:
    """The same of a migration of Django: code and SQL that have no reverse."""
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        reverse = {"RunPython": "reverse_code", "RunSQL": "reverse_sql"}.get(name)
        if reverse and len(node.args) < 2 and reverse not in {one.arg for one in node.keywords}:
            return "irreversible"
    return "reversible"


def labels(tool: str, root: Path, apps: Mapping[str, str]) -> dict[str, str]:
    """Every migration's label, by its name as the tool says it; ``apps`` are Django's labels by their folders."""
    found = {}
    for file in root.rglob("versions/*.py" if tool == "alembic" else "migrations/0*.py"):
        text = file.read_text(encoding="utf-8")
        if tool == "django":
            folder = file.parent.parent
            found[f"{apps.get(str(folder), folder.name)}.{file.stem}"] = label_django(text)
            continue
        names = {
            target.id: node.value.value
            for node in ast.parse(text).body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        if "revision" in names:
            found[str(names["revision"])] = label_alembic(text)
    return found
