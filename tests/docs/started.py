"""``interlock`` for the how-to pages: each command in a process of its own that need not import everything anew.

Run as ``python started.py SOCKET``. It imports what commands import, and forks for each one that is sent to the
socket, with the sender's arguments, folder, environment and open files; the exit code goes back. ``stand_in`` is
what sends: it passes signals on, and ends as the command did. The tutorial runs the installed program itself.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import sys
from importlib import import_module
from pathlib import Path

STAND_IN = """#!{python} -IS
import json, os, signal, socket, sys
line = socket.socket(socket.AF_UNIX)
line.connect({place!r})
asked = json.dumps([sys.argv, os.getcwd(), dict(os.environ)]).encode()
socket.send_fds(line, [len(asked).to_bytes(8, "big")], [0, 1, 2])
line.sendall(asked)
pid = int(line.recv(64))
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, lambda number, _: os.kill(pid, number))
line.sendall(b"go")
status = int(line.recv(64))
os._exit(status if status >= 0 else 128 - status)
"""


# A reader's pytest has no plugins: what the developers of interlock have takes each of a page's runs a second.
PYTHON = """#!/bin/sh
PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 exec {python} "$@"
"""


def stand_in(folder: Path, place: Path) -> None:
    """Write the programs ``interlock`` and ``python3`` into ``folder``."""
    for name, text in (("interlock", STAND_IN), ("python3", PYTHON)):
        program = folder / name
        program.write_text(text.format(python=sys.executable, place=str(place)), encoding="utf-8")
        program.chmod(0o755)


def import_all() -> None:
    """What commands import when they are used."""
    for path, *_ in import_module("interlock.doors.cli.main").COMMANDS.values():
        import_module(path.partition(":")[0])
    for name in ("doors.api.app", "doors.api.table", "doors.cli.wire_local", "bootstrap"):
        import_module(f"interlock.{name}")
    registry = import_module("interlock.registry")
    registry.validators()
    registry.readers()


def serve(place: str) -> None:
    """Fork for every command until this process is ended."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(place)
    listener.listen(64)
    sys.stdout.write("listening\n")
    sys.stdout.flush()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        line, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            answer(line)
            return
        line.close()


def answer(line: socket.socket) -> None:
    """One command: in a child of this process, whose end is told."""
    size, files, _, _ = socket.recv_fds(line, 8, 3)
    asked = b""
    while len(asked) < int.from_bytes(size, "big"):
        asked += line.recv(1 << 16)
    ready, go = os.pipe()
    pid = os.fork()
    if pid == 0:
        line.close()
        os.close(go)
        os.read(ready, 1)
        os.close(ready)
        become(*json.loads(asked), files)
        import_module("interlock.doors.cli.main").main()
    for each in (*files, ready):
        os.close(each)
    line.sendall(str(pid).encode())
    line.recv(2)
    os.write(go, b".")
    line.sendall(str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])).encode())
    os._exit(0)


def become(arguments: list[str], folder: str, environment: dict[str, str], files: list[int]) -> None:
    """Be what was asked for."""
    for number, each in enumerate(files):
        os.dup2(each, number)
        os.close(each)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = arguments
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  # as the interpreter makes them
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  # as the interpreter makes them
    sys.stderr = open(  # noqa: SIM115  # as the interpreter makes them
        2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False
    )


if __name__ == "__main__":
    import_all()
    gc.freeze()
    serve(sys.argv[1])
