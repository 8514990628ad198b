"""``interlock status``: which state, keys, ledger and rules a command here would use, and what is wrong with them.

Rules:
1. It makes nothing and changes nothing, and says what it can where something is broken or missing.
2. 0 all is well or nothing was begun yet, 1 something is wrong, which is said last, 2 the settings are unusable.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from interlock import __version__
from interlock.core.change.errors import InterlockError
from interlock.doors.cli.desk import REFUSED, as_json, client, leave, settings, show_json

if TYPE_CHECKING:
    from interlock.config import Config
    from interlock.storage.look import Standing

Wrong = list[dict[str, str]]
NO_RULES = ("rules-none", "rules-missing")
"""Before the genesis there are none, which is nothing wrong."""


@click.command()
@as_json
def status(*, as_json: bool) -> None:
    """Show the state in use: database or server, keys, ledger, rules in force. Exit 1 when something is wrong."""
    from interlock.doors.cli.client import local_actor  # noqa: PLC0415  # --help needs no database
    from interlock.doors.cli.screens import standing as screen  # noqa: PLC0415  # likewise

    config, wrong = settings(), list[dict[str, str]]()
    found: dict[str, Any] = {
        "version": __version__,
        "root": str(config.root),
        "you": local_actor(config.root).principal,
    }
    found |= {"server": None, "state": None, "keys": None, "rules": None}
    found |= _of_server(config, wrong) if config.server else _of_this_machine(config, wrong)
    found["wrong"] = wrong
    if as_json:
        show_json(found)
    else:
        click.echo("\n".join(screen.lines(found)))
    leave(REFUSED if wrong else 0)


def _of_server(config: Config, wrong: Wrong) -> dict[str, Any]:
    health = _asked("/healthz", wrong)
    rules = _asked("/v1/rules", wrong, unless=NO_RULES) if health else None
    pins = _asked("/v1/pins", []) if rules else None
    checkpoint = _checkpoint() if rules else None
    server = {
        "address": config.server,
        "version": health["version"] if health else None,
        "token": bool(config.token),
    }
    ledger = {"origin": None, "key": (pins or {}).get("log"), "signed_at": None, "size": 0, "root": None}
    if checkpoint:
        ledger |= checkpoint | {"key": ledger["key"] or checkpoint["origin"]}
    return {"server": server, "rules": rules, "ledger": ledger}


def _of_this_machine(config: Config, wrong: Wrong) -> dict[str, Any]:
    from interlock.doors.cli.ledger_place import named  # noqa: PLC0415  # a server's client needs no database
    from interlock.storage.look import Standing, look  # noqa: PLC0415  # likewise

    held = _tried(lambda: look(config.database), wrong) or Standing()
    keys = _keys(config, held, wrong)
    state = {
        "database": named(config.database),
        "begun": held.begun,
        "schema": held.revision,
        "chosen": "INTERLOCK_DATABASE" in config.chosen,
        "worktree": not config.home.is_relative_to(config.root),
    }
    ledger: dict[str, Any] = {"origin": config.origin, "key": held.ledger_key, "size": held.size}
    ledger |= {"signed_at": held.signed_at, "root": None}
    rules = None
    if not wrong:
        rules = _asked("/v1/rules", wrong, unless=NO_RULES)
        ledger |= (held.begun and _checkpoint()) or {}
    return {"state": state, "keys": keys, "ledger": ledger, "rules": rules}


def _keys(config: Config, held: Standing, wrong: Wrong) -> dict[str, Any]:
    """Each key file, and whether it is the one that the database names; None where nothing was begun."""
    from interlock.bootstrap import LEDGER_KEY, TICKET_KEY  # noqa: PLC0415  # only without a server
    from interlock.storage.keys import load_key  # noqa: PLC0415  # likewise

    files: dict[str, Any] = {}
    for name, pinned in ((LEDGER_KEY, held.ledger_key), (TICKET_KEY, held.ticket_key)):
        found = _tried(lambda name=name: load_key(config.keys / name), wrong if held.begun else [])  # type: ignore[misc]  # the name of this round
        fits = None if not held.begun else found is not None and pinned in {None, str(found.verifier)}
        files[name] = {"fits": fits}
        if found is not None and fits is False:
            wrong.append(
                {
                    "code": "key-other",
                    "message": f"{config.keys / name} is another key than the one this database names",
                    "hint": "restore the right one, or set INTERLOCK_KEYS to its folder",
                }
            )
    return {"folder": str(config.keys), "files": files}


def _checkpoint() -> dict[str, Any] | None:
    """Origin, size and root of the newest checkpoint."""
    import base64  # noqa: PLC0415  # --help needs none

    try:
        with client() as api:
            origin, size, root = api.get("/log/checkpoint").content.decode().split("\n")[:3]
    except InterlockError:
        return None
    return {"origin": origin, "size": int(size), "root": base64.b64decode(root).hex()}


def _asked(path: str, wrong: Wrong, *, unless: tuple[str, ...] = ()) -> Any:  # noqa: ANN401  # what the API says
    def ask() -> Any:  # noqa: ANN401  # likewise
        with client() as api:
            return api.get(path).json

    return _tried(ask, wrong, unless=unless)


def _tried(work: Callable[[], Any], wrong: Wrong, *, unless: tuple[str, ...] = ()) -> Any:  # noqa: ANN401  # whatever it gives
    try:
        return work()
    except InterlockError as error:
        if error.code not in unless:
            wrong.append({"code": error.code, "message": error.message, "hint": error.hint})
        return None
