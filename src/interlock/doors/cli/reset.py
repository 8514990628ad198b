"""``interlock reset``: a dated layer of stricter rules over the most critical services."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import click

from interlock.doors.cli.desk import as_json, settings, show_json
from interlock.doors.cli.text import plural, safe

if TYPE_CHECKING:
    from interlock.core.policy.bundle import Bundle
    from interlock.core.policy.policy import Layer


@click.group()
def reset() -> None:
    """Start a dated layer over the most critical services, and see how far it got."""


@reset.command()
@click.option("--days", type=click.IntRange(1, 366), default=90, show_default=True, help="How long it holds.")
@click.option("--tier", type=click.IntRange(1, 3), default=1, show_default=True, help="Over which services.")
@click.option("--from", "start", metavar="DATE", help="The first day, as 2026-03-09; default today (UTC).")
@click.option("--dry-run", is_flag=True, help="Print the layer and write nothing.")
@as_json
def start(*, days: int, tier: int, start: str | None, dry_run: bool, as_json: bool) -> None:
    """Write the layer into policies/layers/ of this working tree.

    It takes force like every change of the rules: on the road, with its approvals.
    """
    from interlock.core.policy.reset import RULES, reset_layer, reset_name  # noqa: PLC0415  # --help stays fast

    first = _day(start) if start else datetime.now(UTC).date()
    name, text = reset_name(first, tier), reset_layer(days=days, tier=tier, start=first)
    path = _write(name, text, dry_run=dry_run)
    if as_json:
        rules = [f"{name}-{rule.name}" for rule in RULES]
        show_json({"layer": name, "path": path, "written": not dry_run, "rules": rules})
        return
    if dry_run:
        click.echo(text, nl=False)
        return
    click.echo(f"wrote    {path}: {plural(len(RULES), 'rule')} over Tier-{tier} for {plural(days, 'day')}")
    for rule in RULES:
        click.echo(f"         · {rule.plain}")
    click.echo("next     it holds nobody yet: it is a change of the rules and goes the same road")
    click.echo(f"         git add {path}, commit, then: interlock change open")


@reset.command()
@as_json
def status(*, as_json: bool) -> None:
    """Show the layers of this working tree and how many days they have left."""
    from interlock.doors.cli.policies import working_bundle  # noqa: PLC0415  # --help reads no rules

    now = datetime.now(UTC)
    bundle, _ = working_bundle()
    layers = [layer for layer in bundle.layers if layer.spans]
    if as_json:
        show_json([_told(layer, bundle, now) for layer in layers])
        return
    for layer in layers:
        told = _told(layer, bundle, now)
        days = f"day {told['day']} of {told['days']}, until {told['until']}"
        click.echo(f"{layer.name}  {told['state']} · {days} · {plural(len(_rules(layer, bundle)), 'rule')}")
    if layers:
        click.echo("as written in this working tree; interlock rules show says what is in force")
    else:
        click.echo("no reset: interlock reset start --days 90 --tier 1")


def _told(layer: Layer, bundle: Bundle, now: datetime) -> dict[str, object]:
    begin, end = min(span.start for span in layer.spans), max(span.end for span in layer.spans)
    days = (end - begin).days
    return {
        "layer": layer.name,
        "digest": layer.digest,
        "state": "over" if now >= end else "to come" if now < begin else "holds",
        "day": max(0, min(days, (now - begin).days + 1)),
        "days": days,
        "until": end.date().isoformat(),
        "rules": _rules(layer, bundle),
    }


def _rules(layer: Layer, bundle: Bundle) -> list[str]:
    return [policy.id for policy in bundle.policies.values() if policy.layer == layer.name]


def _write(name: str, text: str, *, dry_run: bool) -> str:
    from interlock.core.change.errors import Conflict  # noqa: PLC0415  # --help stays fast
    from interlock.doors.cli.policies import working_bundle  # noqa: PLC0415  # likewise

    content = text.encode()
    _, folder = working_bundle({f"layers/{name}.cedar": content})
    path = f"{folder}layers/{name}.cedar"
    target = settings().root / path
    if target.exists():
        raise Conflict(
            f"expected no layer called `{name}` yet, got one at `{path}`",
            code="reset-exists",
            hint="interlock reset status shows it; --from starts another day",
        )
    if not dry_run:
        from interlock.doors.cli.files import write_whole  # noqa: PLC0415  # only here

        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, content)
    return path


def _day(text: str) -> date:
    from interlock.core.change.errors import InvalidInput  # noqa: PLC0415  # only here

    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(
            f"expected a day such as 2026-03-09, got `{safe(text)[:40]}`",
            code="reset-day",
            hint="write year, month and day",
        ) from error
