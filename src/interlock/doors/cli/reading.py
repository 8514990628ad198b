"""What to read, as flags, and the reading itself: on the caller's machine, then the submission goes to the API.

Rules:
1. The flags combine freely; each becomes a recipe that can be read again. Any installed reader is reached by its
   name with ``--part``; the other flags are short for the built-in ones.
2. Without any flag the range begins after what was shipped last from here; where nothing was, with the branch
   that the working tree will be merged into.
3. Thresholds and trust come from the rules in force (through the API), never from the working tree once there
   are any.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from interlock.config import Config
from interlock.core.change.change import Recipe, Submission
from interlock.core.change.errors import InvalidInput
from interlock.doors.cli.checkout import PRODUCTION, TRUNKS, begins
from interlock.doors.cli.client import Client
from interlock.doors.cli.desk import settings
from interlock.doors.cli.part import named

if TYPE_CHECKING:
    from interlock.core.change.settings import Settings

SLOW_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The flags as they were given."""

    base: str | None
    head: str | None
    plans: tuple[str, ...]
    configs: tuple[tuple[str, str], ...]
    artefacts: tuple[str, ...]
    parts: tuple[str, ...] = ()


def reading_flags(function: Callable[..., None]) -> Callable[..., None]:
    """``--base --head --plan --config --artefact --part`` on a command, which gets them as one ``sources``."""

    @wraps(function)
    def gathered(**given: Any) -> None:  # noqa: ANN401  # whatever click read
        flags = {name: given.pop(name) for name in Sources.__dataclass_fields__}
        function(sources=Sources(**flags), **given)

    wrapped: Callable[..., None] = gathered
    for option in (
        click.option(
            "--part",
            "parts",
            multiple=True,
            metavar="'READER KEY=VALUE …'",
            help="What any installed reader reads, by its own arguments.",
        ),
        click.option(
            "--artefact", "artefacts", multiple=True, metavar="REF", help="An image NAME@sha256:…, or a file."
        ),
        click.option(
            "--config",
            "configs",
            multiple=True,
            nargs=2,
            metavar="OLD NEW",
            help="A configuration file before and after; - for none.",
        ),
        click.option(
            "--plan", "plans", multiple=True, metavar="FILE", help="A Terraform or OpenTofu plan as JSON."
        ),
        click.option("--head", metavar="REV", help="Up to here; default HEAD to open and push, else WORKTREE."),
        click.option(
            "--base", metavar="REV", help="Since this revision; default what was shipped last, else the trunk."
        ),
    ):
        wrapped = option(wrapped)
    return wrapped


def recipes(
    given: Sources, root: Path, *, head: str, client: Client | None = None, environment: str = PRODUCTION
) -> tuple[Recipe, ...]:
    """The flags as recipes; ``head`` is what a git range ends in when nobody says.

    With a ``client`` a range that is not said to begin anywhere begins after what was shipped last.
    """
    found: list[Recipe] = []
    others = given.plans or given.configs or given.artefacts or given.parts
    if given.base or given.head or not others:
        shipped = begins(client, root, environment) if client and not (given.base or given.head) else None
        base = given.base or shipped or default_base(root)
        found.append(Recipe(reader="git", arguments={"base": base, "head": given.head or head}))
    found.extend(Recipe(reader="terraform-plan", arguments={"path": _inside(root, plan)}) for plan in given.plans)
    found.extend(Recipe(reader="configuration", arguments=_pair(root, *pair)) for pair in given.configs)
    found.extend(Recipe(reader="artefact", arguments=_artefact(root, item)) for item in given.artefacts)
    found.extend(named(item) for item in given.parts)
    return tuple(found)


def read(client: Client, wanted: Sequence[Recipe], config: Config | None = None) -> Submission:
    """Read and validate what the recipes name.

    Raises:
        InvalidInput: a source cannot be used.
    """
    from interlock.core.change.parse import parse  # noqa: PLC0415  # plug-ins are loaded only when something is read
    from interlock.core.change.settings import Settings  # noqa: PLC0415  # likewise

    rules: dict[str, Any] = client.get("/v1/rules").json
    return read_under(parse(Settings, rules["settings"], what="the settings in force"), wanted, config)


def read_under(in_force: Settings, wanted: Sequence[Recipe], config: Config | None = None) -> Submission:
    """The same under settings that are known already."""
    from interlock.bootstrap import toolbox  # noqa: PLC0415  # plug-ins are loaded only when something is read
    from interlock.road.describe import read as read_all  # noqa: PLC0415  # likewise

    local = config or settings()
    with progress() as tell:
        return read_all(toolbox(local), local.root, wanted, in_force, tell)


def default_base(root: Path) -> str:
    """The trunk if it differs from HEAD, else HEAD itself, so that only uncommitted work is read.

    Raises:
        InvalidInput: ``git-missing`` outside a repository.
    """
    from interlock.plugins.readers.gitbox import locate, resolve  # noqa: PLC0415  # only when nothing was named

    located = locate(root)
    if located is None:
        raise InvalidInput(
            "expected a git repository or a source by flag, got neither",
            code="change-empty",
            hint="run it inside a repository, or give --plan, --config or --artefact",
        )
    head, *trunks = resolve(located, ["HEAD", *TRUNKS])
    if head is None:
        return "ROOT"
    for name, commit in zip(TRUNKS, trunks, strict=True):
        if commit is not None and commit != head:
            return name
    return "HEAD"


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Say what is going on when it takes more than a second and somebody looks; nothing otherwise."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from threading import Event, Thread  # noqa: PLC0415  # only for a person

    from rich.console import Console  # noqa: PLC0415  # likewise

    done, said = Event(), ["working"]

    def show() -> None:
        if done.wait(SLOW_SECONDS):
            return
        with Console(stderr=True).status(said[0]) as status:
            while not done.wait(0.1):
                status.update(said[0])

    watcher = Thread(target=show, daemon=True)
    watcher.start()
    try:
        yield lambda text: said.__setitem__(0, text)
    finally:
        done.set()
        watcher.join()


def _inside(root: Path, named: str) -> str:
    """``named``, given relative to the current folder, relative to the root where it lies below it."""
    path = Path(os.path.abspath(named))  # noqa: PTH100  # links must stay visible for the reader to judge
    return os.fspath(path.relative_to(root)) if path.is_relative_to(root) else os.fspath(path)


def _pair(root: Path, before: str, after: str) -> dict[str, str]:
    named = {"before": before, "after": after}
    return {side: _inside(root, path) for side, path in named.items() if path != "-"}


def _artefact(root: Path, item: str) -> dict[str, str]:
    return {"reference": item} if "@sha256:" in item else {"path": _inside(root, item)}
