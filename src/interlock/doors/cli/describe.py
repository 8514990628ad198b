"""``interlock describe``: what a change is, with the lines every fact was read from. No decision.

Where there are no rules at all, neither in force nor in the working tree, the defaults describe, and it says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from interlock.config import Config
from interlock.core.change.change import Recipe
from interlock.core.change.errors import InterlockError
from interlock.core.change.settings import SETTINGS_FILE
from interlock.doors.cli.aside import complain
from interlock.doors.cli.desk import as_json, client, settings, show_json
from interlock.doors.cli.reading import Sources, read, read_under, reading_flags, recipes

NO_RULES = "none here: described by the defaults and an empty catalog; interlock init writes some"


@click.command()
@reading_flags
@as_json
def describe(
    *,
    as_json: bool,
    sources: Sources,
) -> None:
    """Say what a change is: provenance, services, reach, reversibility, documentation, validations."""
    config = settings()
    wanted = recipes(sources, config.root, head="WORKTREE")
    judgement, ruled = _under_rules(config, wanted)
    if as_json:
        show_json(judgement["description"])
        if not ruled:
            complain("rules: ", NO_RULES)
        return
    click.echo("\n".join(_screen(judgement, ruled=ruled)))


def _under_rules(config: Config, wanted: Sequence[Recipe]) -> tuple[dict[str, Any], bool]:
    """The judgement that holds the description, and whether there were rules to describe it by."""
    if _nothing_here(config):
        return _by_default(config, wanted), False
    try:
        with client(config) as api:
            return api.post("/v1/check", {"submission": read(api, wanted, config)}).json, True
    except InterlockError as error:
        if error.code != "rules-missing" or config.server is not None:
            raise
    return _by_default(config, wanted), False


def _nothing_here(config: Config) -> bool:
    """Whether neither rules nor state are here; asking would make a database for nothing."""
    file = config.database.removeprefix("sqlite:///")
    ruled = config.server is not None or file == config.database or _held(Path(file))
    return not ruled and not (config.root / SETTINGS_FILE).exists()


def _held(file: Path) -> bool:
    try:
        return file.exists()
    except OSError:
        return True  # whoever opens it says whose it is


def _by_default(config: Config, wanted: Sequence[Recipe]) -> dict[str, Any]:
    from interlock.core.change.canonical import digest, plain  # noqa: PLC0415  # only without rules
    from interlock.core.change.catalog import Catalog  # noqa: PLC0415  # likewise
    from interlock.core.change.settings import Settings  # noqa: PLC0415  # likewise
    from interlock.core.facts.describe import describe as describe_by  # noqa: PLC0415  # likewise

    submission = read_under(Settings(), wanted, config)
    nothing = Catalog(digest=digest("interlock.dev/rules/v1", {}))
    about = describe_by(submission, catalog=nothing, settings=Settings())
    return {"description": plain(about), "change": {"title": "draft"}}


def _screen(judgement: dict[str, Any], *, ruled: bool) -> list[str]:
    from interlock.doors.cli.screens.columns import told  # noqa: PLC0415  # --json draws nothing
    from interlock.doors.cli.screens.facts import facts  # noqa: PLC0415  # likewise

    return [*facts(judgement), *([] if ruled else told("rules", NO_RULES))]
