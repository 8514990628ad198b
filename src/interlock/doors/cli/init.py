"""``interlock init``: look at a repository, write its first rules in observe mode, and judge its history."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from interlock.core.change.errors import InvalidInput
from interlock.doors.cli.already import existing_there, people_there, plans_there, stands_alone
from interlock.doors.cli.desk import as_json, settings, show_json

if TYPE_CHECKING:
    from interlock.core.policy.starter import Starter
    from interlock.road.report import LookBack

MOST_MERGES = 500
MODES = "policies/modes.yaml"


@click.command()
@click.option(
    "--look-back", default="90d", show_default=True, metavar="DAYS", help="How far to look back; 0d for not."
)
@click.option("--one-person", is_flag=True, help="One person may stand for the rules; every ticket will say so.")
@click.option("--dry-run", is_flag=True, help="Write nothing; say what would be written.")
@as_json
def init(*, look_back: str, one_person: bool, dry_run: bool, as_json: bool) -> None:
    """Look at this repository; write interlock.yaml and policies/ in observe mode; judge its past merges."""
    from interlock.plugins.readers.history import GitHistory  # noqa: PLC0415  # only here
    from interlock.plugins.world.system import SystemClock  # noqa: PLC0415  # only here

    days = _days(look_back)
    config = settings()
    since = SystemClock().now() - timedelta(days=max(days, 365))
    survey = GitHistory().survey(config.root, since=since)
    written = _starter(config.root, survey, one_person=one_person)
    report = _look_back(config.root, written, days) if days else None
    if report is not None:
        written = _enforced(written, report)
    if not dry_run:
        _write(config.root, written.files)
    if as_json:
        show_json(
            {"written": sorted(written.files), "dry_run": dry_run, "found": written.found, "look_back": report}
        )
        return
    from interlock.doors.cli.screens.first_look import first_look  # noqa: PLC0415  # --json draws nothing

    standing = None if MODES in written.files else _standing()
    plans, foreign = plans_there(config.root)
    look = first_look(
        written,
        report,
        days=days,
        dry_run=dry_run,
        standing=standing,
        plans=plans,
        foreign=foreign,
        alone=stands_alone(config.root, written),
    )
    click.echo("\n".join(look))


def _standing() -> tuple[str, ...]:
    """The rules that the modes of this working tree enforce everywhere."""
    from interlock.doors.cli.policies import working_bundle  # noqa: PLC0415  # only where modes are there already

    bundle = working_bundle()[0]
    here: dict[str, Any] = {"services": [], "tier": 0, "environment": ""}
    forbids = [policy for policy in bundle.policies.values() if policy.effect == "forbid"]
    return tuple(sorted(policy.id for policy in forbids if bundle.modes.of(policy, here) == "enforce"))


def _starter(root: Path, survey: object, *, one_person: bool) -> Starter:
    from interlock.core.facts.survey import Survey  # noqa: PLC0415  # only here
    from interlock.core.policy.modes import default_modes  # noqa: PLC0415  # only here
    from interlock.core.policy.starter import starter  # noqa: PLC0415  # only here
    from interlock.registry import bundled_policies  # noqa: PLC0415  # only here

    if not isinstance(survey, Survey):
        raise TypeError
    bundled = {**bundled_policies(), "modes.yaml": default_modes(()).encode()}
    existing, owners = existing_there(root), _owners(root)
    people = people_there(root, existing)
    return starter(
        survey, bundled=bundled, existing=existing, one_person=one_person, owners=owners, catalogued=people
    )


def _owners(root: Path) -> list[str]:
    """Whom CODEOWNERS names; nobody where it cannot be read, which `catalog check` says."""
    from interlock.core.change.codeowners import read_codeowners  # noqa: PLC0415  # only here
    from interlock.core.change.settings import Settings  # noqa: PLC0415  # only here

    found: dict[str, None] = {}
    for place in Settings().codeowners:
        with suppress(InvalidInput, OSError):
            rules = read_codeowners(place, (root / place).read_bytes())
            found |= {owner: None for rule in rules for owner in rule.owners}
    return list(found)


def _look_back(root: Path, written: Starter, days: int) -> LookBack:
    from interlock.bootstrap import rule_source, toolbox  # noqa: PLC0415  # only here
    from interlock.core.policy.rules import load_rules  # noqa: PLC0415  # only here
    from interlock.plugins.readers.history import GitHistory  # noqa: PLC0415  # only here
    from interlock.plugins.world.system import SystemClock  # noqa: PLC0415  # only here
    from interlock.road.report import look_back  # noqa: PLC0415  # only here

    config = settings()
    present = rule_source(config).files() if (root / "interlock.yaml").exists() else {}
    rules = load_rules({**written.files, **present})
    since = SystemClock().now() - timedelta(days=days)
    past = GitHistory().merges(root, since=since, limit=MOST_MERGES)
    with _bar(len(past)) as tell:
        return look_back(toolbox(config), root, rules, past, since=since, progress=tell)


@contextmanager
def _bar(length: int) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on a terminal, nothing in a pipe."""
    hidden = not sys.stderr.isatty()
    with click.progressbar(length=length, label="judging past merges", file=sys.stderr, hidden=hidden) as bar:
        yield lambda number, total: bar.update(1) if number <= total else None


def _enforced(written: Starter, report: LookBack) -> Starter:
    """The same with every rule enforced that the repository's history already meets."""
    from dataclasses import replace  # noqa: PLC0415  # only here

    from interlock.core.policy.modes import default_modes  # noqa: PLC0415  # only here

    if MODES not in written.files or not report.judged:
        return written
    modes = default_modes(report.quiet).encode()
    return replace(written, files={**written.files, MODES: modes})


def _write(root: Path, files: dict[str, bytes]) -> None:
    """All files or none: what was written is taken away again when one cannot be."""
    done: list[Path] = []
    try:
        for path, content in files.items():
            place = root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("xb") as file:
                done.append(place)
                file.write(content)
    except OSError as error:
        for place in done:
            place.unlink(missing_ok=True)
        raise InvalidInput(
            f"expected to write `{place.relative_to(root)}`, got: {error.strerror}",
            code="init-unwritable",
            hint="nothing was written; make the folder writable, or move the file away",
        ) from error


def _days(text: str) -> int:
    number = text.removesuffix("d")
    if not number.isascii() or not number.isdigit() or int(number) > 3650:  # noqa: PLR2004  # ten years
        raise InvalidInput(
            f"expected a number of days such as 90d, got `{text[:20]}`", code="look-back", hint="--look-back 90d"
        )
    return int(number)
