"""``rollout watch`` against a real HTTP server that says what it is told to: in a pipe, as JSON, in a terminal."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

READ = json.loads((Path(__file__).parents[3] / "golden/cli/rollouts.json").read_text())
SCENES = {name: {**shown, "tick": 0.25} for name, shown in READ.items()}
ON = {**SCENES["stopping"], "now": "2026-03-05T03:12:05Z"}
SCENES["stopping-on"] = {**ON, "effects": [{**one, "state": "done"} for one in ON["effects"]]}
SCENES["unjudged-on"] = {**SCENES["unjudged"], "now": "2026-03-05T03:31:55Z"}
NAME = "rol-7f3akq2m2a"
PROGRAM = "from interlock.doors.cli.rollout_watch import watch as command\n"
RUN = f"{PROGRAM}import interlock.doors.cli.main as m\nm.interlock = command\nm.main()"
LIST = RUN.replace("rollout_watch import watch", "rollout import listed")


class Story(ThreadingHTTPServer):
    """Answers with one scene after the other; ``None`` hangs up without an answer. The last one is repeated."""

    def __init__(self, scenes: list[str | None]) -> None:
        super().__init__(("127.0.0.1", 0), Teller)
        self.scenes, self.asked = list(scenes), list[str]()

    def answer(self, path: str) -> object:
        self.asked.append(path)
        if path.startswith("/v1/rollouts?"):
            if "quiet" in path:
                return {"items": [SCENES["completed"]["record"]], "next": None}
            ended = {**SCENES["stopped"]["record"], "id": "rol-00000000older", "ended_at": "2026-03-05T03:00:00Z"}
            return {"items": [] if "nobody" in path else [ended, SCENES["waiting"]["record"]], "next": None}
        if path != f"/v1/rollouts/{NAME}":
            return None
        scene = self.scenes.pop(0) if len(self.scenes) > 1 else self.scenes[0]
        return SCENES[scene] if scene else ...


class Teller(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        said = self.server.answer(self.path)
        if said is ...:
            self.close_connection = True
            return
        problem = {"detail": "expected a rollout, got none", "code": "record-missing", "hint": "look"}
        content = json.dumps(problem if said is None else said).encode()
        self.send_response(404 if said is None else 200)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        del args


@contextmanager
def telling(*scenes: str | None) -> Iterator[Story]:
    story = Story(list(scenes))
    thread = threading.Thread(target=story.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield story
    finally:
        story.shutdown()
        story.server_close()
        thread.join()


def environment(port: int, **more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
    return {**kept, "INTERLOCK_SERVER": f"http://127.0.0.1:{port}", "PYTHONUTF8": "1", **more}


def run(story: Story, *arguments: str, run: str = RUN, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", run, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment(story.server_address[1], **more),
    )


@pytest.mark.parametrize(("last", "code"), [("completed", 0), ("stopped", 1), ("returned", 1), ("failed", 1)])
def test_it_ends_with_the_rollout(last, code):
    with telling("waiting", last) as story:
        done = run(story, NAME)
    assert (done.returncode, done.stderr) == (code, "")


def test_a_pipe_gets_one_line_for_each_change_and_the_screen_at_the_end():
    with telling("waiting", "waiting", "suspected", "suspected", "stopping", "stopped") as story:
        done = run(story, NAME, COLUMNS="80")
    lines = done.stdout.splitlines()
    assert [line.split()[2] for line in lines if " UTC " in line[:13]] == ["WAIT", "STOP"]
    assert [line.split()[:2] for line in lines if line.startswith(" STOP")] == [["STOP", "orders:"]]
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in done.stdout
    assert "wake nobody: it is over" in lines[-1]
    assert len(story.asked) >= 6


def test_a_log_gets_one_line_however_long():
    with telling("waiting", "waiting", "stopped") as story:
        done = run(story, NAME)
    assert len(done.stdout.splitlines()[0]) > 120
    assert done.stdout.splitlines()[1].startswith(" STOP")


def test_that_nobody_judges_is_said_once_however_old_it_gets():
    with telling("unjudged", "unjudged-on", "unjudged", "waiting", "stopped") as story:
        done = run(story, NAME)
    assert [line.split()[2] for line in done.stdout.splitlines() if " UTC " in line[:13]] == ["BLIND", "WAIT"]


def test_a_line_is_not_said_twice_because_an_effect_ended():
    """Its time was all that was new."""
    with telling("stopping", "stopping-on", "stopped") as story:
        done = run(story, NAME)
    assert [line.split()[2] for line in done.stdout.splitlines() if " UTC " in line[:14]] == ["STOP"]


def test_json_is_one_object_a_line_and_tells_each_tick_once():
    with telling("starting", "starting", "waiting", "waiting", "stopped") as story:
        done = run(story, NAME, "--json")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["record"]["state"] for one in told] == ["starting", "running", "returned"]
    ticks = [tick["t"] for one in told[:2] for tick in one["recent"]]
    assert len(ticks) == len(set(ticks)) == len(SCENES["waiting"]["recent"])


def test_a_service_means_the_rollout_that_is_under_way():
    with telling("completed") as story:
        assert run(story, "order-service", "--environment", "production").returncode == 0
    assert story.asked[0].startswith("/v1/rollouts?")
    assert "service=order-service" in story.asked[0]
    assert story.asked[1] == f"/v1/rollouts/{NAME}"


def test_a_rollout_that_ended_is_said_to_have_ended_before_it_is_shown():
    """A service with a rollout about to start showed the one before, as if it were the one that was meant."""
    with telling("completed") as story:
        done = run(story, "quiet-service")
    assert done.returncode == 0
    assert done.stderr.splitlines()[0] == (
        "no rollout of quiet-service is under way: this is the last one, completed since 2026-03-05 04:42:00 UTC"
    )
    assert "begin one: interlock rollout start CHANGE --ticket FILE" in done.stderr
    assert done.stdout.startswith(" DONE")


def test_nothing_named_means_whatever_is_under_way():
    with telling("completed") as story:
        assert run(story).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["nobody"], "rollout-missing"), ([NAME, "--environment", "staging"], "watch-environment")],
)
def test_what_is_not_there_is_one_line(arguments, code):
    with telling("waiting") as story:
        done = run(story, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"[{code}]" in done.stderr
    assert done.stderr.count("\n") == 2


def test_a_service_that_was_mistyped_is_guessed():
    """At the worst moment it said that there was none."""
    with telling("waiting") as story:
        watched = run(story, "nobody-order-servise")
        listed = run(story, "--service", "nobody-order-servise", run=LIST)
        none = run(story, "--service", "nobody", run=LIST)
    assert "got none (did you mean `order-service`?)" in watched.stderr
    assert listed.stdout == "no rollout of `nobody-order-servise` (did you mean `order-service`?)\n"
    assert none.stdout == "no rollout of `nobody`\n"


def test_a_server_that_comes_back_is_watched_on():
    with telling("waiting", "waiting", None, None, "completed") as story:
        done = run(story, NAME)
    assert done.returncode == 0
    assert "this is how it was at" in done.stdout.splitlines()[1]


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_lost_contact_is_exit_3_and_says_since_when(form):
    with telling("waiting", "waiting", None) as story:
        done = run(story, NAME, "--patience", "1.5", *form)
    assert done.returncode == 3
    told = done.stdout.splitlines()[-1] if form else done.stderr
    assert "contact-lost" in told
    assert re.search(r"expected an answer, got none for \d s: last at \d\d:\d\d:\d\d UTC", told)
    assert "if no server is left nobody judges: interlock rollback order-service" in told
    assert "goes on" not in told  # which it said of a rollout whose only server was killed
    assert form or max(map(len, told.splitlines())) <= 80


def test_a_server_that_is_not_there_from_the_start_is_exit_3():
    with telling("waiting") as story:
        pass
    assert run(story, NAME).returncode == 3


class Terminal:
    """The command in a real pseudo-terminal of 24 lines."""

    def __init__(self, story: Story, *arguments: str, wide: int = 80, **more: str) -> None:
        self.ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, wide, 0, 0))
        self.text = b""
        self.running = subprocess.Popen(
            [sys.executable, "-c", RUN, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env=environment(story.server_address[1], TERM="xterm-256color", **more),
        )
        os.close(theirs)

    def until(self, wanted: str, seconds: float = 30.0) -> str:
        end = time.monotonic() + seconds
        os.set_blocking(self.ours, False)
        while time.monotonic() < end:
            with suppress(BlockingIOError, OSError):
                self.text += os.read(self.ours, 65_536)
            if wanted in self.text.decode("utf-8", "replace"):
                break
            time.sleep(0.02)
        return self.text.decode("utf-8", "replace")

    def close(self) -> int:
        code = self.running.wait(timeout=30)
        os.close(self.ours)
        return code


def test_a_terminal_gets_a_picture_that_is_drawn_over():
    with telling("waiting", "waiting", "suspected", "stopped") as story:
        terminal = Terminal(story, NAME)
        text = terminal.until("it is over")
        assert terminal.close() == 1
    assert "\x1b[1A" in text  # the cursor goes up and draws again
    assert "\x1b[41m" in text.replace(";", "m\x1b[")  # the answer stands on its own ground
    assert text.count("to type") >= 3


def test_without_colour_a_picture_has_none():
    with telling("waiting", "stopped") as story:
        terminal = Terminal(story, NAME, NO_COLOR="1")
        text = terminal.until("it is over")
        assert terminal.close() == 1
    assert "\x1b[41" not in text
    assert "\x1b[31" not in text
    assert " STOP " in text


def test_ctrl_c_leaves_the_rollout_alone_and_says_so():
    with telling("waiting") as story:
        terminal = Terminal(story, NAME)
        terminal.until("goes on")
        terminal.running.send_signal(signal.SIGINT)
        text = terminal.until("left alone:")
        assert terminal.close() == 130
    assert f"left alone: {NAME} goes on without this picture" in text
    assert "\x1b[?25h" in text  # the cursor is back
    assert all("POST" not in asked for asked in story.asked)


def test_ctrl_c_of_what_nobody_judges_does_not_say_that_it_goes_on():
    with telling("unjudged") as story:
        terminal = Terminal(story, NAME)
        terminal.until("interlock serve")
        terminal.running.send_signal(signal.SIGINT)
        text = terminal.until("left as it is:")
        text = terminal.until("or the version before: interlock rollback order-service")
        assert terminal.close() == 130
    assert f"left as it is: {NAME}: nobody judges it, since 40 s" in text
    assert "rollout run" not in text, "with a server it is refused"
    assert "goes on without this picture" not in text
