"""``interlock rollback SERVICE``: the version before, at once. No approval, no ticket, no server that must answer.

Rules:
1. A server that answers within 3 s does it: it has the newest record and writes it down itself. Anything else (no
   answer, a fault, no token) leads to the local record, by which this process does it alone.
2. A server that took it and has not begun after 2 s, or has no worker, is not waited for: weight 0 twice is
   weight 0.
3. Before a step is run by the local record it is asked which rollout is the newest, unless nobody answered: what
   this machine has kept may be of the one before.
4. 0 everything is back and was seen to be; 1 something is not, and it says what; 2 there is nothing to go back by,
   and it says what can be done by hand.
5. What takes longer than a second says what it waits for.
"""

from __future__ import annotations

import time
from typing import Any

import click

from interlock.config import Config
from interlock.core.change.errors import Conflict, InterlockError, Unavailable
from interlock.doors.cli.desk import REFUSED, as_json, leave, settings, show_json
from interlock.doors.cli.rollback_asked import Asking, Say, how_far, newest, waiting
from interlock.doors.cli.rollout_back import begun, left_alone

Told = dict[str, Any]
SERVER_SECONDS, BEGIN_SECONDS, END_SECONDS, LOOK_SECONDS = 3.0, 2.0, 300.0, 0.2


@click.command()
@click.argument("service")
@click.option("--environment", default="production", show_default=True, help="Where to go back.")
@click.option("--why", default="", metavar="TEXT", help="For the record; it may stay empty.")
@click.option("--dry-run", is_flag=True, help="Show what would be done and touch nothing.")
@click.option("--local", is_flag=True, help="Ask no server: go by the local record at once.")
@as_json
def rollback(*, service: str, environment: str, why: str, dry_run: bool, local: bool, as_json: bool) -> None:
    """Bring the version before of SERVICE back: traffic first, then the rollback steps, each verified."""
    from interlock.doors.cli.rollback_local import go_back, plan_of_going_back  # noqa: PLC0415  # --help needs none
    from interlock.doors.cli.rollbacks_told import tell  # noqa: PLC0415  # likewise

    config = settings()
    if dry_run:
        asked = (None, None) if local else newest(config, service, environment, patience=SERVER_SECONDS)
        planned = plan_of_going_back(config, service, environment, *asked)
        _show(planned, as_json=as_json, of="planned")
        return
    shown, refused, done = None, None, {}
    with waiting(quiet=as_json) as say:
        if config.server is not None and not local:
            shown, refused = _by_server(config, service, environment, why, say)
        if shown is None:
            say("going back by the local record")
            ask = not local and not isinstance(refused, Unavailable)
            asking = Asking(config, service, environment, patience=SERVER_SECONDS) if ask else None
            done = go_back(config, service, environment, why, refused, asking)
    if shown is not None:
        _show(shown, as_json=as_json, of="server")
        leave(0 if shown["record"]["state"] == "returned" else REFUSED)
    if not as_json:
        _show(done, as_json=False, of="local")
    done["entry"] = tell(config, done, refused)
    done["ended"] = _on_record(config, done, quiet=as_json)
    _show(done, as_json=as_json, of="ledger")
    leave(0 if _all_back(done) else REFUSED)


def _on_record(config: Config, done: Told, *, quiet: bool) -> Told | None:
    """The rollout as the record has it now; ended by this process where no server is there to do it.

    None where it cannot be told.
    """
    if done["entry"] is None:
        return None
    from interlock.doors.cli.rollout_back import let_go, move_back  # noqa: PLC0415  # --help moves nothing

    meant = done["other"]["id"] if done["other"] else done["journal"]["rollout"]
    try:
        if config.server is not None:
            return _record(config, meant)
        with waiting(quiet=quiet) as say:
            return move_back(config, meant, say)
    except InterlockError as error:
        done["notes"].append(f"{error.message} · {error.hint}")
        return None
    except KeyboardInterrupt:
        raise let_go(done["journal"]) from None


def _record(config: Config, rollout: str) -> Told | None:
    """What the API has of it; whatever else it answers stops nobody who goes back."""
    from interlock.doors.cli.client import connect  # noqa: PLC0415  # --help asks nobody

    client = connect(config, patience=SERVER_SECONDS, tell=False)
    try:
        shown = client.get(f"/v1/rollouts/{rollout}").json
    finally:
        client.close()
    found = shown.get("record") if isinstance(shown, dict) else None
    return (
        dict(found) if isinstance(found, dict) and {"id", "state", "weight", "ended_at"} <= found.keys() else None
    )


def _all_back(done: Told) -> bool:
    """Whether it is back, and the record does not say otherwise."""
    ended = done["ended"]
    return bool(done["journal"]["ok"]) and (ended is None or ended["state"] != "failed")


def _by_server(
    config: Config, service: str, environment: str, why: str, say: Say
) -> tuple[Told | None, InterlockError | None]:
    """How it ended on the server; or why the server did not do it."""
    from interlock.doors.cli.client import connect  # noqa: PLC0415  # --help asks nobody

    say(f"asking {config.server} to bring {service} back")
    client = connect(config, patience=SERVER_SECONDS)
    try:
        wanted = {"environment": environment, "why": why}
        asked = client.post(f"/v1/services/{service}/rollback", wanted, tries=1).json
        return _followed(client, asked["rollout"], say)
    except InterlockError as error:
        return None, error
    finally:
        client.close()


def _followed(client: Any, name: str, say: Say) -> tuple[Told | None, InterlockError | None]:  # noqa: ANN401  # a Client
    """What the server shows once it is over; nothing where nobody there begins."""
    began = time.monotonic()
    while True:
        shown: Told = client.get(f"/v1/rollouts/{name}").json
        waited = time.monotonic() - began
        say(how_far(shown))
        if shown["record"]["ended_at"] or waited >= END_SECONDS:
            return shown, None
        if waited >= BEGIN_SECONDS and (left_alone(shown) or not begun(shown)):
            return None, Conflict(
                f"expected the server's worker to begin within {BEGIN_SECONDS:g} s, got nothing done",
                code="rollback-not-begun",
                hint="look whether a worker runs there",
            )
        time.sleep(LOOK_SECONDS)


def _show(done: Told, *, as_json: bool, of: str) -> None:
    if as_json:
        show_json(done)
        return
    from interlock.doors.cli.screens import rollback as screens  # noqa: PLC0415  # a JSON reader needs none

    click.echo("\n".join(getattr(screens, of)(done)))
