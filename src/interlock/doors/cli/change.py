"""``interlock change``: open, show, list, push, withdraw, close, checklist."""

from __future__ import annotations

import os
from typing import Any

import click

from interlock.doors.cli.answer import answer
from interlock.doors.cli.aside import complain
from interlock.doors.cli.checklist import checklist
from interlock.doors.cli.desk import as_json, change_id, client, settings, show_json
from interlock.doors.cli.one_way import lines, one_way
from interlock.doors.cli.pushed_by import pushed_by_flag, pushers
from interlock.doors.cli.reading import Sources, read, reading_flags, recipes
from interlock.doors.cli.text import pad, safe, short


@click.group()
def change() -> None:
    """Open, show, answer for, list, push, withdraw or close a change."""


@change.command(name="open")
@click.option("--title", help="One line: what changes and why. Default: the newest commit's subject.")
@click.option("--class", "change_class", type=click.Choice(["standard", "normal", "emergency"]), default="normal")
@click.option("--reason", help="Why it is an emergency.")
@click.option("--service", "services", multiple=True, help="A service it touches beyond what its paths show.")
@pushed_by_flag
@reading_flags
@as_json
def open_(
    *,
    title: str | None,
    change_class: str,
    reason: str | None,
    services: tuple[str, ...],
    pushed_by: tuple[str, ...],
    as_json: bool,
    sources: Sources,
) -> None:
    """Record a change. Prints its id."""
    config = settings()
    with client(config) as api:
        submission = read(api, recipes(sources, config.root, head="HEAD", client=api), config)
        body = {
            "title": title or _subject(submission),
            "submission": submission,
            "change_class": change_class,
            "services": list(services),
            "emergency_reason": reason,
            "pushed_by": pushers(pushed_by, os.environ),
        }
        opened = api.post("/v1/changes", body).json
    if as_json:
        show_json(opened)
        return
    click.echo(opened["id"])
    complain(
        "", f"{safe(opened['title'])} · {short(opened['digest'])} · next: interlock change show {opened['id']}"
    )


@change.command()
@click.argument("change", required=False)
@click.option("--environment", default="production", show_default=True, help="For which place.")
@click.option("--all", "everything", is_flag=True, help="Also what is met, what is only watched, and the history.")
@click.option("--since-approval", is_flag=True, help="Only what moved since somebody last approved.")
@as_json
def show(change: str | None, environment: str, *, everything: bool, since_approval: bool, as_json: bool) -> None:
    """Show a change and all that it still needs."""
    with client() as api:
        name = change_id(change)
        if since_approval:
            from interlock.doors.cli.since import since  # noqa: PLC0415  # only when it is asked for

            since(api, name, as_json=as_json)
            return
        judgement = api.get(f"/v1/changes/{name}/judgement", environment=environment).json
        lost = one_way(api, judgement["change"]["services"])
        taken_back = api.get("/v1/statements", subject=name, standing="taken-back").json["items"]
        history = api.get(f"/v1/changes/{name}/history").json["items"] if everything else []
    if as_json:
        more = {"history": history} if everything else {}
        show_json({**judgement, "taken_back": taken_back, "one_way": lost, **more})
        return
    from interlock.doors.cli.screens.record import record  # noqa: PLC0415  # --json draws nothing

    click.echo("\n".join([*record(judgement, history, taken_back, everything=everything), *lines(lost)]))


@change.command(name="list")
@click.option("--state", type=click.Choice(["open", "permitted", "withdrawn", "closed"]), help="Only these.")
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True)
@click.option("--after", help="The `next` of the page before.")
@as_json
def list_(state: str | None, limit: int, after: str | None, *, as_json: bool) -> None:
    """List changes, newest first."""
    with client() as api:
        page = api.get("/v1/changes", state=state, limit=limit, after=after).json
    if as_json:
        show_json(page)
        return
    for item in page["items"]:
        line = f"{pad(item['id'], 14)} {pad(item['state'], 9)} {item['opened_at'][:16].replace('T', ' ')}"
        click.echo(f"{line}  {short(item['digest'])}  {pad(safe(item['opened_by']), 16)}  {safe(item['title'])}")
    if page["next"]:
        click.echo(f"more: interlock change list --after {page['next']}")
    if not page["items"]:
        click.echo("no changes; open one: interlock change open")


@change.command()
@click.argument("change", required=False)
@pushed_by_flag
@reading_flags
@as_json
def push(change: str | None, *, pushed_by: tuple[str, ...], as_json: bool, sources: Sources) -> None:
    """Add a revision: what was approved for the older one no longer counts."""
    config = settings()
    with client(config) as api:
        name = change_id(change)
        seen = api.get(f"/v1/changes/{name}").etag
        submission = read(api, recipes(sources, config.root, head="HEAD", client=api), config)
        body = {"submission": submission, "pushed_by": pushers(pushed_by, os.environ)}
        pushed = api.post(f"/v1/changes/{name}/revisions", body, if_match=seen).json
    if as_json:
        show_json(pushed)
        return
    click.echo(f"{pushed['id']} revision {pushed['revision']} · {short(pushed['digest'])}")


@change.command()
@click.argument("change", required=False)
@as_json
def withdraw(change: str | None, *, as_json: bool) -> None:
    """Take a change off the road for good."""
    _end(change, "withdrawal", "withdrawn", as_json=as_json)


@change.command()
@click.argument("change", required=False)
@as_json
def close(change: str | None, *, as_json: bool) -> None:
    """Say that a change landed: it is over, and its services are free for the next one."""
    _end(change, "closure", "closed", as_json=as_json)


def _end(change: str | None, way: str, word: str, *, as_json: bool) -> None:
    """One way off the road, asked for on what was just seen of the change."""
    with client() as api:
        name = change_id(change)
        seen = api.get(f"/v1/changes/{name}").etag
        done = api.post(f"/v1/changes/{name}/{way}", if_match=seen).json
    if as_json:
        show_json(done)
        return
    click.echo(f"{word} {done['id']}")


change.add_command(checklist)


change.add_command(answer)


def _subject(submission: Any) -> str:  # noqa: ANN401  # a Submission; importing it here would slow --help
    for part in submission.parts:
        if part.kind == "git" and part.commits:
            newest = part.commits[0] if part.commits[0].id == part.head else part.commits[-1]
            return str(newest.message.strip().partition("\n")[0][:200])
    return f"{len(submission.parts)} part{'s' if len(submission.parts) != 1 else ''} without a git range"
