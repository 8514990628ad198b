"""The command line's front: which commands there are, and nothing of what they need.

Rules:
1. ``--help`` imports no command: names and one-line helps stand in the table below, and a test compares them
   with the commands themselves.
2. Whatever goes wrong ends in ``failure.report``: one line, one hint, the right exit code, never a trace.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys

import click

from interlock import __version__

COMMANDS: dict[str, tuple[str, str]] = {
    "init": (
        "interlock.doors.cli.init:init",
        "Look at this repository and write its first rules, in observe mode.",
    ),
    "check": ("interlock.doors.cli.check:check", "Describe and decide here, record nothing: all that is missing."),
    "describe": ("interlock.doors.cli.describe:describe", "Say what a change is: facts only, with their sources."),
    "change": ("interlock.doors.cli.change:change", "Open, show, list, push, withdraw or close a change."),
    "approve": ("interlock.doors.cli.approve:approve", "Approve a change with an SSH key."),
    "statement": ("interlock.doors.cli.statement:statement", "List, show and take back what people signed."),
    "evidence": (
        "interlock.doors.cli.evidence:evidence",
        "Run what shows that a change is safe; add attestations, scans and test reports; list them.",
    ),
    "gate": ("interlock.doors.cli.gate:gate", "Ask whether a change may go: 0 yes, 1 no, 3 undecidable."),
    "ticket": (
        "interlock.doors.cli.ticket:ticket",
        "Verify a ticket offline, write what deployers pin, replace the key.",
    ),
    "rollback": (
        "interlock.doors.cli.rollback:rollback",
        "Bring the version before back at once: no approval, no ticket, no server needed.",
    ),
    "suspects": (
        "interlock.doors.cli.suspects:suspects",
        "Rank the recent changes that could have hurt a service.",
    ),
    "judge": ("interlock.doors.cli.judge:judge", "Judge recorded counts: try it on your own history."),
    "rollout": (
        "interlock.doors.cli.rollout:rollout",
        "Send a ticketed change out in stages under a judge; watch, pause, verify it.",
    ),
    "exception": ("interlock.doors.cli.exception:exception", "Lift one rule for one change, by its own quorum."),
    "break-glass": ("interlock.doors.cli.break_glass:break_glass", "Let one change through now, on the record."),
    "delegate": ("interlock.doors.cli.delegate:delegate", "Let somebody else review in your place for a while."),
    "absence": ("interlock.doors.cli.absence:absence", "Say that you are away, so that nobody waits for you."),
    "rules": ("interlock.doors.cli.rules:rules", "Show the rules in force, enrol the first people, activate."),
    "policy": ("interlock.doors.cli.policy:policy", "Check, test and explain policies."),
    "catalog": ("interlock.doors.cli.catalog:catalog", "Check services, owners and dependencies; list people."),
    "report": (
        "interlock.doors.cli.report:report",
        "Look back: what past deployments had, what scans found and in whose changes.",
    ),
    "reset": ("interlock.doors.cli.reset:reset", "Start a dated layer over the most critical services."),
    "ledger": ("interlock.doors.cli.ledger:ledger", "Verify, prove, export and drill the ledger."),
    "status": (
        "interlock.doors.cli.status:status",
        "Show the state in use: database or server, keys, ledger, rules.",
    ),
    "token": ("interlock.doors.cli.token:token", "Make, list and revoke API tokens."),
    "serve": ("interlock.doors.cli.serve:serve", "Serve the API."),
    "replay": (
        "interlock.doors.cli.replay:replay",
        "Replay a known incident against real components: which gate stops it, when, at what cost.",
    ),
    "demo": (
        "interlock.doors.cli.demo:demo",
        "Watch a change that must not ship, what it takes until it may, and what stops it all the same.",
    ),
}


def _whole(command: click.Command) -> None:
    """Let the help of a group tell each of its commands by a whole sentence: click's own are cut."""
    for each in command.commands.values() if isinstance(command, click.Group) else ():
        paragraph = " ".join((each.help or "").split("\n\n", 1)[0].split())
        each.short_help = each.short_help or paragraph.split(". ", 1)[0].rstrip(".") + "."
        _whole(each)


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the road, not of the alphabet."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        _whole(command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Like click's, with the nearest command in the error."""
        if args and args[0] not in COMMANDS:
            from difflib import get_close_matches  # noqa: PLC0415  # only for a misspelt command

            near = get_close_matches(args[0], COMMANDS, n=1)
            meant = f" (did you mean `{near[0]}`?)" if near else ""
            raise click.UsageError(f"expected a command, got `{args[0][:40]}`{meant}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """From the table, without importing anything."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Exit: 0 allowed or done · 1 refused · 2 wrong input · 3 could not be decided (treat it like 1) · "
    "130 interrupted.",
)
@click.version_option(__version__, "--version", message="interlock %(version)s")
def interlock() -> None:
    """Nothing reaches production until it is safe, and nothing stays there when it is not."""


def main(arguments: list[str] | None = None) -> None:
    """Run one command and leave with its exit code."""
    # A command lives for a second: collecting every 700 objects costs a tenth of that, and frees nothing.
    gc.set_threshold(1_000_000, 50, 50)
    # Records are read by pydantic as it is; looking through all installed packages for plug-ins of its takes 4 ms.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    given = sys.argv[1:] if arguments is None else arguments
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        code = interlock.main(args=given, prog_name="interlock", standalone_mode=False)
        sys.stdout.flush()
    except BaseException as error:  # noqa: BLE001  # the one place where everything ends, told as one line
        from interlock.doors.cli.failure import report  # noqa: PLC0415  # only when something went wrong

        code = report(error, as_json="--json" in given)
    # What is still there is freed by the system in one go; a last collection would take a seventh of the time.
    gc.freeze()
    sys.exit(code if isinstance(code, int) else 0)
