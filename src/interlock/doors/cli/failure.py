"""How a command fails: ``error[code]: message``, a hint, an exit code. Never a trace on the terminal.

Rules:
1. 2 is for what the caller can correct, 3 for what could not be decided (an outage, broken state, a fault of
   interlock itself): a pipeline treats 3 like a refusal.
2. With ``--json`` the error is one JSON object on stdout, so that a program reads one stream only.
3. A group without a command says its help, as click does.
4. A fault of interlock itself is shown as one line; its trace goes to a file of its own, in
   ``.interlock/faults`` where this user may write there, else among the temporary files.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
from contextlib import suppress
from pathlib import Path

import click

from interlock.core.change.errors import InterlockError
from interlock.doors.cli.aside import complain
from interlock.doors.cli.text import safe

WRONG_INPUT, UNDECIDED, INTERRUPTED, BROKEN_PIPE = 2, 3, 130, 141
_SERVER_FAULT = 500
_FAULT = "interlock-fault-"


def report(error: BaseException, *, as_json: bool) -> int:
    """Tell ``error`` and return the exit code it stands for."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else UNDECIDED
    if isinstance(error, click.Abort | KeyboardInterrupt):
        return _tell("interrupted", "stopped by you", "nothing half-done is left behind", INTERRUPTED, as_json)
    if isinstance(error, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    if isinstance(error, InterlockError):
        code = UNDECIDED if error.status >= _SERVER_FAULT else WRONG_INPUT
        return _tell(error.code, error.message, error.hint, code, as_json)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return WRONG_INPUT
    if isinstance(error, click.ClickException):
        return _tell("usage", _usage(error), _usage_hint(error), WRONG_INPUT, as_json)
    return _fault(error, as_json=as_json)


def _usage(error: click.ClickException) -> str:
    message = error.format_message().rstrip(".").replace("'", "`")
    return message[:1].lower() + message[1:]


def _usage_hint(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    return f"{context.command_path if context else 'interlock'} --help"


def _fault(error: BaseException, *, as_json: bool) -> int:
    trace = "".join(traceback.format_exception(error))
    try:
        hint = f"report it with {_kept(trace)}"
    except OSError:
        hint = "report it; the trace could not be written to any folder"
    message = f"expected no fault of interlock itself, got {type(error).__name__}"
    return _tell("internal", message, hint, UNDECIDED, as_json)


def _kept(trace: str) -> Path:
    handle, name = _new_file()
    with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
        file.write(trace)
    return Path(name)


def _new_file() -> tuple[int, str]:
    home = Path(".interlock")
    with suppress(OSError):
        if home.is_dir():
            (home / "faults").mkdir(exist_ok=True)
            return tempfile.mkstemp(dir=home / "faults", prefix=_FAULT, suffix=".txt")
    return tempfile.mkstemp(prefix=_FAULT, suffix=".txt")


def _tell(code: str, message: str, hint: str, exit_code: int, as_json: bool) -> int:  # noqa: FBT001  # private
    if as_json:
        click.echo(json.dumps({"error": {"code": code, "message": message, "hint": hint, "exit": exit_code}}))
        return exit_code
    head = click.style(f"error[{code}]", fg="red", bold=True) if "NO_COLOR" not in os.environ else f"error[{code}]"
    complain(f"{head}: ", safe(message), indent=2)
    complain("  hint: ", safe(hint), indent=8)
    return exit_code
