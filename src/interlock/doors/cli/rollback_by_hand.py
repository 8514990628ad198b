"""What a person can do where nothing is recorded: what is kept elsewhere, and the commands of the plan here."""

from __future__ import annotations

import shlex
from pathlib import Path

from interlock.config import Config
from interlock.core.change.errors import InterlockError, InvalidInput, NotFound, Unavailable
from interlock.core.change.parse import closest
from interlock.core.change.plain_yaml import read_plain
from interlock.core.change.settings import SETTINGS_FILE, Settings, read_settings
from interlock.core.rollout.local import FOLDER, local_path
from interlock.core.rollout.phrases import to_zero
from interlock.core.rollout.plan import Plan
from interlock.core.rollout.plan_read import read_plan

MOST_BYTES = 1 << 20


def missing(config: Config, service: str, environment: str, refused: InterlockError | None) -> NotFound:
    """The error where neither a server nor this machine knows anything, and what a person can do then."""
    known = NotFound(
        f"expected a local record of a rollout of `{service}` in `{environment}` to go back by, "
        f"got none in `{config.home / FOLDER}`{_asked(refused)}",
        code="rollback-nothing",
        hint=f"run it in the folder that interlock serve was started in{_or_ask(config, refused)}",
    )
    lines = [*_elsewhere(config, service), *commands(config.root, service, environment)]
    return NotFound(known.message, code=known.code, hint="; ".join([known.hint, *lines]))


def closed(config: Config, service: str, environment: str, refused: InterlockError | None) -> InvalidInput:
    """The error where this user may not see what is kept: as whom to run it, and what can be done by hand."""
    from interlock.storage.closed import not_yours  # noqa: PLC0415  # SQLAlchemy is half of a command's start

    where = "" if environment == "production" else f" --environment {shlex.quote(environment)}"
    command = f"interlock rollback {shlex.quote(service)}{where}"
    known = not_yours(local_path(config.home, environment, service), command)
    hint = "; ".join([known.hint, *commands(config.root, service, environment)])
    return InvalidInput(f"{known.message}{_asked(refused)}", code=known.code, hint=hint)


def _asked(refused: InterlockError | None) -> str:
    """What came of asking the server, where it was asked."""
    if refused is None:
        return ""
    how = "did not answer" if isinstance(refused, Unavailable) else "said"
    return f"; the server {how}: {refused.message}"


def _or_ask(config: Config, refused: InterlockError | None) -> str:
    if config.server is None:
        return ", or set INTERLOCK_SERVER"
    return ", or ask the server: leave --local out" if refused is None else ""


def _elsewhere(config: Config, service: str) -> list[str]:
    """What there is to go back by: this service in other environments, else other services that were meant."""
    kept = sorted((path.parent.name, path.stem) for path in (config.home / FOLDER).glob("*/*.json"))
    here = [f"interlock rollback {service} --environment {place}" for place, name in kept if name == service]
    if here:
        return [f"there is one elsewhere: {', '.join(here)}"]
    planned = {plan.service for plan in _plans(config.root)}
    near = closest(service, sorted({name for _, name in kept} | planned)).strip()
    return [near.strip("()")] if near else []


def commands(root: Path, service: str, environment: str) -> list[str]:
    """Words and commands, in their order; empty where no plan for it is found."""
    for plan in _plans(root):
        if (plan.service, plan.environment) == (service, environment):
            argv = to_zero(plan.router.kind, plan.router.settings)
            how = f": {shlex.join(argv)}" if argv else f" at {plan.router.kind}"
            return [
                f"by hand, by {plan.path}: set weight 0{how}",
                *(shlex.join(step.run) for step in plan.rollback),
            ]
    return []


def _plans(root: Path) -> list[Plan]:
    read = [_plan(place, root) for place in sorted((root / _folder(root)).glob("*.y*ml"))]
    return [plan for plan in read if plan is not None]


def _folder(root: Path) -> str:
    """Where the settings say that plans are; where they usually are should nobody be able to read them."""
    try:
        return read_settings(read_plain(SETTINGS_FILE, (root / SETTINGS_FILE).read_bytes()[:MOST_BYTES])).rollouts
    except (OSError, InterlockError):
        return Settings().rollouts


def _plan(place: Path, root: Path) -> Plan | None:
    try:
        if place.stat().st_size > MOST_BYTES:
            return None
        return read_plan(place.relative_to(root).as_posix(), place.read_bytes())
    except (OSError, InterlockError):
        return None
