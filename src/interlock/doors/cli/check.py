"""``interlock check``: what this change would need, before anybody records it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import click

from interlock.core.change.change import Recipe
from interlock.doors.cli.aside import complain
from interlock.doors.cli.desk import REFUSED, as_json, client, leave, settings, show_json
from interlock.doors.cli.reading import Sources, read, reading_flags, recipes
from interlock.doors.cli.text import mark, safe

_COMMIT = re.compile("[0-9a-f]{40,64}")


@click.command()
@reading_flags
@click.option("--environment", default="production", show_default=True, help="Where it is to go.")
@click.option("--service", "services", multiple=True, help="A service it touches beyond what its paths show.")
@click.option("--all", "everything", is_flag=True, help="Also what is met and what is only watched.")
@as_json
def check(
    *,
    environment: str,
    services: tuple[str, ...],
    everything: bool,
    as_json: bool,
    sources: Sources,
) -> None:
    """Describe and decide here; record nothing. Exit 0 when nothing is missing, 1 when something is."""
    config = settings()
    with client(config) as api:
        wanted = recipes(sources, config.root, head="WORKTREE", client=api, environment=environment)
        body = {"submission": read(api, wanted, config), "environment": environment, "services": list(services)}
        judgement = api.post("/v1/check", body).json
    if as_json:
        show_json(judgement)
    else:
        from interlock.doors.cli.screens.verdict import verdict  # noqa: PLC0415  # --json draws nothing

        click.echo("\n".join([*verdict(judgement, everything=everything), *_since(sources, wanted)]))
    if judgement["description"]["blast"]["rules_touched"]:
        _tell_broken()
    if judgement["decision"]["outcome"] != "allow":
        leave(REFUSED)


def _since(given: Sources, wanted: Sequence[Recipe]) -> list[str]:
    """What the range is compared with, where that is what was shipped last."""
    base = next((recipe.arguments["base"] for recipe in wanted if recipe.reader == "git"), "")
    if given.base or not _COMMIT.fullmatch(base):
        return []
    from interlock.doors.cli.screens.columns import told  # noqa: PLC0415  # --json draws nothing

    return told("since", f"{base[:12]}, which was shipped last; another: --base REV")


def _tell_broken() -> None:
    """Say where the rules of this working tree do not load: those in force judged, and these never could."""
    from interlock.bootstrap import rule_source  # noqa: PLC0415  # only for a change of the rules
    from interlock.core.change.errors import InvalidInput  # noqa: PLC0415  # likewise
    from interlock.core.policy.rules import load_rules  # noqa: PLC0415  # likewise

    try:
        load_rules(rule_source(settings()).files())
    except InvalidInput as error:
        complain(f"{mark(met=False)} ", f"these rules do not load: {safe(error.message)}", indent=2)
        complain("  ", safe(error.hint), indent=2)
