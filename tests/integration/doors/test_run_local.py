"""``evidence run local``: a program is run in front of somebody, and what it said is kept."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import select
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def place(governed):
    return governed({})


def run_local(terminal, place, *words):
    return terminal("evidence", "run", "local", "--json", "--key", place / "runner.pem", *words)


def cast(found):
    content = Path(found["file"]).read_bytes()
    assert found["transcript"]["digest"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    header, *events = [json.loads(line) for line in content.splitlines()]
    assert all(kind == "o" for _, kind, _ in events)
    assert [at for at, _, _ in events] == sorted(at for at, _, _ in events)
    return header, "".join(text for _, _, text in events)


def test_what_it_said_is_kept_and_signed_without_its_secrets(place, terminal, monkeypatch):
    monkeypatch.setenv("SHOP_TOKEN", "abc-def-ghi")
    monkeypatch.setenv("INTERLOCK_TOKEN", "another-one")
    script = "printf abc-; sleep 0.2; printf 'def-ghi %s' \"$INTERLOCK_TOKEN\"; echo; echo out >&2"
    done = run_local(terminal, place, "--", "sh", "-c", script)
    assert done.code == 0, done
    (found,) = done.json["items"]
    assert (found["verdict"], found["exit_code"], found["terminal"]) == ("passed", 0, False)
    header, said = cast(found)
    assert (header["version"], said) == (2, "******** \nout\n")
    assert found["transcript"]["masked"] == 1
    assert found["evidence"]["kept"]["standing"] == "trusted"
    assert found["evidence"]["kept"]["predicate_type"].endswith("/local/v1")
    assert "abc-def-ghi \n" in done.err, "whoever looks sees all of it"


def test_what_ends_badly_or_answers_badly_failed(place, terminal):
    done = terminal("evidence", "run", "local", os.environ["INTERLOCK_CHANGE"], "--", "sh", "-c", "exit 7")
    assert (done.code, done.out.split(",")[0]) == (1, "FAILED   order-service: ended with 7")
    assert "none handed in: nobody signed it" in done.out
    silent = run_local(terminal, place, "--visit", "http://127.0.0.1:9/", "--seconds", "1", "--", "sleep", "300")
    assert silent.code == 1
    (found,) = silent.json["items"]
    assert found["visits"][0]["why"].startswith("nobody answered")


def test_a_server_is_ended_once_it_was_visited(place, terminal, tmp_path):
    with subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])",
        ],
        stdout=subprocess.PIPE,
        text=True,
    ) as asked:
        port = asked.communicate(timeout=30)[0].strip()
    command = (sys.executable, "-m", "http.server", "--bind", "127.0.0.1", port)
    done = run_local(terminal, place, "--visit", f"http://127.0.0.1:{port}/change.md", "--", *command)
    assert done.code == 0, done
    (found,) = done.json["items"]
    assert found["ended"] == "unwanted"
    content = Path("change.md").read_bytes()
    assert found["visits"][0]["digest"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert "GET /change.md" in cast(found)[1]


def test_on_a_terminal_it_is_whose_terminal_it_is(place, terminal):
    """It sees a terminal of the same size, gets what is typed, and Ctrl-C ends it and not the recording."""
    script = "test -t 0 && test -t 1 && stty size; read name; echo hello $name; sleep 300"
    mine, theirs = pty.openpty()
    subprocess.run(["stty", "rows", "33", "cols", "101"], stdin=theirs, check=True, timeout=30)
    started = subprocess.Popen(
        [sys.executable, "-m", "interlock", "evidence", "run", "local", "--", "sh", "-c", script],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env={**os.environ, "NO_COLOR": "1"},
    )
    os.close(theirs)
    said = until(mine, b"33 101")
    os.write(mine, b"ana\r")
    said += until(mine, b"hello ana")
    os.write(mine, b"\x03")
    said += until(mine, b"nobody signed it")
    assert started.wait(60) == 0, said
    os.close(mine)
    assert b"RAN      order-service: was stopped by you" in said
    (file,) = Path(".interlock/evidence").glob("lcl-*.cast")
    header, *events = [json.loads(line) for line in file.read_bytes().splitlines()]
    assert (header["width"], header["height"]) == (101, 33)
    assert "hello ana" in "".join(text for _, _, text in events)
    assert terminal("change", "show", os.environ["INTERLOCK_CHANGE"], "--json").code in {0, 1}


def until(mine, wanted):
    said = b""
    while wanted not in said:
        ready, _, _ = select.select([mine], [], [], 60)
        assert ready, said
        said += os.read(mine, 4096)
    return said


def test_what_cannot_be_run_is_said_in_one_line(place, terminal):
    Path("edited.txt").write_text("an edit")
    assert terminal("evidence", "run", "local", "--", "no-such-program").err.startswith("error[local-command]")
    assert terminal("evidence", "run", "local", "--visit", "shop", "--", "true").err.startswith(
        "error[local-visit]"
    )
    wrong = terminal("evidence", "run", "local", "--service", "cart", "--", "true")
    assert wrong.err.startswith("error[local-service]: expected a service that the change touches, got `cart`")
    assert terminal("evidence", "run", "local", os.environ["INTERLOCK_CHANGE"]).err.startswith(
        "error[local-command]"
    )
