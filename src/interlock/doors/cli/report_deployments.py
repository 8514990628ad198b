"""``interlock report deployments``: what past deployments had, by the record, by tags, by the files of that time.

Rules:
1. It reads and touches nothing. Without a record it goes by git alone; without git by the record alone.
2. A service or a place that the rules of the record do not have is refused, else one that those of the checkout
   have not, where there is an interlock.yaml: nothing is answered for what is not there.
3. 0 there is an answer; 2 wrong input, or neither a record nor a repository; 3 no deployment was found, or the
   record could not be asked, so that what is said is not all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from interlock.core.change.canonical import plain
from interlock.core.change.errors import InterlockError, InvalidInput
from interlock.doors.cli.desk import UNDECIDED, as_json, client, leave, settings, show_json
from interlock.doors.cli.reading import progress

if TYPE_CHECKING:
    from interlock.config import Config
    from interlock.core.audit.releases import Release
    from interlock.ports.releases import ReleasedTrees
    from interlock.road.deployments import PastDeployment

Told = dict[str, Any]
MOST = 50


@click.command()
@click.option("--last", type=click.IntRange(1, MOST), default=3, show_default=True, help="How many, newest first.")
@click.option("--service", metavar="SERVICE", help="Only of this service, and only what names it.")
@click.option("--environment", default="production", show_default=True, help="Where, of those on record.")
@click.option(
    "--at", "revisions", multiple=True, metavar="REV", help="A commit that was deployed; instead of tags."
)
@click.option("--html", metavar="FILE", help="Write it there too, as a page.")
@as_json
def deployments(
    *,
    last: int,
    service: str | None,
    environment: str,
    revisions: tuple[str, ...],
    html: str | None,
    as_json: bool,
) -> None:
    """Audit the last deployments for what they had.

    Was going back tried, was there a canary, an alert on the business metric? By the record, and by what each tag
    holds. Each answer is yes with its place, no with where was looked, or unknown with why.
    """
    from interlock.doors.cli.screens.deployments import screen  # noqa: PLC0415  # --help draws nothing
    from interlock.plugins.readers.gitreleases import open_releases  # noqa: PLC0415  # likewise

    config = settings()
    record, recorded = _recorded(config, environment, service, last)
    if not record["asked"]:
        _known_here(config, service, environment)
    trees = open_releases(config.root)
    if trees is None and not record["asked"]:
        raise InvalidInput(
            "expected a record or a git repository, got neither",
            code="report-nothing",
            hint="run it inside the repository that is deployed, or set INTERLOCK_SERVER",
        )
    try:
        found = _looked(trees, recorded, revisions, last=last, service=service)
    finally:
        if trees is not None:
            trees.close()
    found = {"service": service, "environment": environment, "last": last, "record": record, **found}
    if html:
        from interlock.doors.cli.files import write_whole  # noqa: PLC0415  # only where it is asked for
        from interlock.doors.cli.screens.deployments_page import page  # noqa: PLC0415  # likewise

        write_whole(html, page(found).encode())
    if as_json:
        show_json(found)
    else:
        click.echo("\n".join(screen(found)))
    leave(UNDECIDED if record["failed"] or not found["items"] else 0)


def _recorded(
    config: Config, environment: str, service: str | None, last: int
) -> tuple[Told, tuple[PastDeployment, ...]]:
    """What the record knows; a state that nobody began is none, a server that does not answer is a failure."""
    from interlock.core.change.parse import parse  # noqa: PLC0415  # --help reads nothing
    from interlock.road.deployments import PastDeployment  # noqa: PLC0415  # likewise

    asked = {"environment": environment, "service": service, "limit": last}
    try:
        with client(config) as api:
            items = api.get("/v1/deployments", **asked).json["items"]
    except InterlockError as error:
        if error.code in {"service-unknown", "environment-unknown"}:
            raise
        none = error.code == "rules-none" or (config.server is None and error.code == "state-missing")
        why = "none here" if none else error.message
        return {"asked": False, "failed": not none, "why": why, "found": 0}, ()
    found = tuple(parse(PastDeployment, item, what="a deployment") for item in items)
    return {"asked": True, "failed": False, "why": "", "found": len(found)}, found


def _known_here(config: Config, service: str | None, environment: str) -> None:
    """Without a record the rules of a governed checkout say what there is, where they can be read."""
    from interlock.core.change.settings import SETTINGS_FILE  # noqa: PLC0415  # --help reads nothing
    from interlock.core.policy.rules import load_rules  # noqa: PLC0415  # likewise
    from interlock.plugins.rule_sources.folder import FolderRules  # noqa: PLC0415  # likewise
    from interlock.road.named import known_environment, known_service  # noqa: PLC0415  # likewise

    try:
        files = FolderRules(config.root).files()
        rules = load_rules(files)
    except InterlockError:
        return
    if SETTINGS_FILE not in files:
        return
    known_environment(rules, environment)
    if service is not None and rules.catalog.services:
        known_service(rules, service)


def _looked(
    trees: ReleasedTrees | None,
    recorded: tuple[PastDeployment, ...],
    revisions: tuple[str, ...],
    *,
    last: int,
    service: str | None,
) -> Told:
    from interlock.road.past_deployments import TreeReader, past  # noqa: PLC0415  # --help reads nothing

    if trees is None:
        return {"git": None, "items": plain(past(None, recorded, (), last=last))}
    said, released = _released(trees, revisions, last=last, service=service)
    with progress() as say:
        items = past(TreeReader(trees, say, service), recorded, released, last=last)
    return {"git": said, "items": plain(items)}


def _released(
    trees: ReleasedTrees, revisions: tuple[str, ...], *, last: int, service: str | None
) -> tuple[Told, tuple[Release, ...]]:
    """What the repository's tags say, or the commits that were named instead."""
    from interlock.core.audit.releases import Release, releases  # noqa: PLC0415  # --help reads nothing

    tags = trees.tags()
    found = releases(tags.all, last=last, service=service)
    said = {"shallow": tags.shallow, "tags": found.tags, "left_out": dict(found.left_out)}
    if not revisions:
        return said, found.newest
    named: list[Release] = []
    for revision in revisions:
        one = trees.commit(revision)
        if one is None:
            raise InvalidInput(
                f"expected a commit after --at, got `{revision[:60]!a}` which this repository does not know",
                code="git-revision-unknown",
                hint="git fetch origin, then check the name with: git log -1 REV",
            )
        named.append(Release(name=revision, commit=one.commit, at=one.at, tag=False))
    return said, tuple(named)
