"""``interlock catalog``: what the catalog says about services, people and owners, and what is wrong with it.

Rules:
1. Without a path the catalog and CODEOWNERS that ``interlock.yaml`` names are read (its defaults where there is no
   such file); a path is a file, or a folder of which every ``.yaml``, ``.yml`` and ``CODEOWNERS`` is read.
2. Nothing outside a named folder is followed, and hidden folders are left alone.
3. Exit 0 clean or warnings only, 1 errors found, 2 the catalog cannot be read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from interlock.doors.cli.desk import REFUSED, as_json, here, leave, settings, show_json
from interlock.doors.cli.text import columns, hung, mark, plural, safe, width, wrap

if TYPE_CHECKING:
    from interlock.core.change.catalog import Catalog
    from interlock.core.change.parts import Finding

MAX_FILE = 32 * 1024 * 1024
MAX_FILES = 20_000
_SIGNS = {"error": False, "warning": None, "note": None}


@click.group()
def catalog() -> None:
    """Check services, owners and dependencies; list people."""


@catalog.command()
@click.argument("paths", nargs=-1, metavar="[PATH]…", type=click.Path(path_type=Path))
@as_json
def check(*, paths: tuple[Path, ...], as_json: bool) -> None:
    """Name unknown owners, dependency cycles and what a Tier-1 service still lacks.

    Without PATH: the catalog that interlock.yaml names. Exit 0 without errors, 1 with some.
    """
    from interlock.core.change.catalog_check import check_catalog  # noqa: PLC0415  # --help reads no catalog

    found = _read(paths)
    findings = check_catalog(found)
    errors = sum(finding.level == "error" for finding in findings)
    if as_json:
        show_json({"catalog": _counts(found), "errors": errors, "findings": list(findings)})
    else:
        click.echo("\n".join(_screen(found, findings)))
    leave(REFUSED if errors else 0)


@catalog.command()
@click.argument("paths", nargs=-1, metavar="[PATH]…", type=click.Path(path_type=Path))
@as_json
def people(*, paths: tuple[Path, ...], as_json: bool) -> None:
    """List people with role, keys, groups and addresses. Without PATH: the catalog that interlock.yaml names."""
    from interlock.doors.cli.screens import people as screen  # noqa: PLC0415  # --help reads no catalog

    found = _read(paths)
    show_json(screen.people_json(found)) if as_json else click.echo("\n".join(screen.people(found)))


def _read(paths: Sequence[Path]) -> Catalog:
    from interlock.core.change.canonical import digest, sha256  # noqa: PLC0415  # --help reads no catalog
    from interlock.core.change.catalog_read import read_catalog  # noqa: PLC0415  # likewise

    files = _files(paths or _configured())
    digests = {path: sha256(content) for path, content in sorted(files.items())}
    return read_catalog(files, digest=digest("interlock.dev/catalog/v1", digests))


def _configured() -> Sequence[Path]:
    """The existing paths that ``interlock.yaml`` names; at least one catalog file must be among them."""
    from interlock.core.change.errors import InvalidInput  # noqa: PLC0415  # --help reads no catalog
    from interlock.core.change.settings import SETTINGS_FILE, Settings  # noqa: PLC0415  # likewise
    from interlock.core.policy.rules import settings_of  # noqa: PLC0415  # likewise
    from interlock.doors.cli.files import read_bytes  # noqa: PLC0415  # likewise

    root = settings().root
    file = root / SETTINGS_FILE
    rules = settings_of({SETTINGS_FILE: read_bytes(file, limit=MAX_FILE)}) if file.exists() else Settings()
    named = [root / place for place in rules.catalog if (root / place).exists()]
    if not named:
        raise InvalidInput(
            f"expected a catalog at {' or '.join(f'`{place}`' for place in rules.catalog)}, got none",
            code="catalog-missing",
            hint="write catalog-info.yaml, name its place under `catalog:` in interlock.yaml, or give a path",
        )
    return [*named, *(root / place for place in rules.codeowners if (root / place).exists())]


def _files(paths: Sequence[Path]) -> dict[str, bytes]:
    from interlock.core.change.errors import InvalidInput  # noqa: PLC0415  # --help reads no catalog
    from interlock.doors.cli.files import read_bytes  # noqa: PLC0415  # likewise

    found: dict[str, bytes] = {}
    for path in paths:
        for file in _walk(path) if path.is_dir() else [path]:
            found[_shown(file)] = read_bytes(file, limit=MAX_FILE)
            if len(found) > MAX_FILES:
                raise InvalidInput(
                    f"expected at most {MAX_FILES} catalog files, got more",
                    code="catalog-too-large",
                    hint="name narrower folders",
                )
    return found


def _walk(folder: Path) -> Iterator[Path]:
    from interlock.core.change.catalog_read import CODEOWNERS, is_entity_file  # noqa: PLC0415  # --help reads none
    from interlock.core.change.errors import InvalidInput  # noqa: PLC0415  # likewise

    top = folder.resolve()
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") or name in {".github", ".gitlab"})
        for name in sorted(names):
            file = Path(place, name)
            if not is_entity_file(name) and name != CODEOWNERS:
                continue
            if not file.resolve().is_relative_to(top):
                raise InvalidInput(
                    f"expected a file inside `{folder}`, got `{file}`, a link that leads out of it",
                    code="path-outside",
                    hint="copy the file into the folder",
                )
            yield file


def _shown(file: Path) -> str:
    """The path as the user can open it from here."""
    current = here()
    return str(file.relative_to(current) if file.is_relative_to(current) else file)


def _counts(found: Catalog) -> dict[str, int | str]:
    return {
        "digest": found.digest,
        "services": len(found.services),
        "people": len(found.people),
        "groups": len(found.groups),
        "agents": len(found.agents),
        "owner_rules": len(found.owner_rules),
    }


def _screen(found: Catalog, findings: Sequence[Finding]) -> list[str]:
    tiers = [sum(service.tier == tier for service in found.services.values()) for tier in (1, 2, 3)]
    people = plural(len(found.people), "person") if len(found.people) == 1 else f"{len(found.people):,} people"
    counted = [
        f"{plural(len(found.services), 'service')} (Tier-1 {tiers[0]}, Tier-2 {tiers[1]}, Tier-3 {tiers[2]})",
        people,
        plural(len(found.groups), "group"),
        plural(len(found.agents), "agent"),
        plural(len(found.owner_rules), "owner rule"),
    ]
    lines = hung("catalog  ", " · ".join(counted), width())
    for finding in findings:
        lines += _row(finding)
    errors = sum(finding.level == "error" for finding in findings)
    rest = plural(len(findings) - errors, "warning")
    if errors:
        return [*lines, "", f"refused: {plural(errors, 'error')}, {rest}"]
    return [*lines, "", f"ok: no errors, {rest}"]


def _row(finding: Finding) -> list[str]:
    place = f"{finding.path}:{finding.line}" if finding.line else finding.path
    head = f" {mark(_SIGNS[finding.level])} "
    room = width() - 3
    first = wrap(safe(finding.message), room)
    tail = f"{safe(place)}   {safe(finding.remedy)}" if finding.remedy else safe(place)
    shown = wrap(tail, room) if columns(tail) > room else [tail]
    return [head + first[0], *(f"   {line}" for line in first[1:]), *(f"     {line}" for line in shown)]
