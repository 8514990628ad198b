"""Real programs that tests and replays start: alone in their group, seen when they fail, gone afterwards."""

from __future__ import annotations

import os
import socket
import sys
import time

import pytest

from interlock.testing.callers import NO_ANSWER, Stream, ask
from interlock.testing.programs import Program, free_ports, program
from interlock.testing.proxies.haproxy import HAProxy
from interlock.testing.proxies.nginx import Nginx
from interlock.testing.versions import Version


class Python(Program):
    """A Python program; ready when it has written a file."""

    def __init__(self, code):
        super().__init__("python")
        self.code = code

    def command(self):
        return (sys.executable, "-I", "-c", self.code)

    def ready(self):
        return (self.folder / "ready").exists()


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_program_that_ends_by_itself_is_told_with_the_end_of_its_log():
    failing = Python("import sys; sys.exit('no such backend')")
    with pytest.raises(RuntimeError, match="no such backend"), failing:
        pass
    assert not failing.folder.exists()


def test_a_program_that_is_never_ready_is_ended():
    slow = Python("import time; time.sleep(60)")
    with pytest.raises(RuntimeError, match="not ready within"):
        slow.start(seconds=0.2)
    pid = slow.pid
    slow.close()
    assert gone(pid)


def test_what_it_started_is_killed_with_it():
    code = (
        "import subprocess,sys,time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "open('child','w').write(str(child.pid)); open('ready','w')\n"
        "time.sleep(60)"
    )
    with Python(code) as started:
        child = int((started.folder / "child").read_text())
        started.kill()
        assert not started.alive
    end = time.monotonic() + 5
    while not gone(child) and time.monotonic() < end:
        time.sleep(0.01)
    assert gone(child)


def test_a_program_that_is_not_installed_is_an_error():
    with pytest.raises(RuntimeError, match="no-such-proxy"):
        program("no-such-proxy")


def test_ports_are_each_another_and_below_those_of_outgoing_connections():
    ports = free_ports(50)
    assert len(set(ports)) == 50
    assert max(ports) < 32_768


@pytest.mark.parametrize("kind", [HAProxy, Nginx])
def test_a_proxy_is_killed_frozen_and_started_again_on_its_port(kind):
    with Version("canary") as canary, Version("control") as control:
        with kind(canary=canary.port, control=[control.port]) as proxy:
            assert ask(proxy.port, 10) == {"control": 10}
            proxy.kill()
            assert ask(proxy.port, 2) == {NO_ANSWER: 2}
            proxy.start()
            proxy.pause()
            with socket.create_connection(("127.0.0.1", proxy.port), timeout=0.3) as line:
                line.sendall(b"GET / HTTP/1.1\r\nhost: shop\r\n\r\n")
                with pytest.raises(TimeoutError):
                    line.recv(1)
            proxy.resume()
            assert ask(proxy.port, 10) == {"control": 10}
            port = proxy.port
        assert ask(port, 1) == {NO_ANSWER: 1}


def test_a_version_that_crashed_refuses_and_comes_back_on_its_port():
    with Version("canary") as version:
        assert ask(version.port, 5) == {"canary": 5}
        version.crash()
        version.crash()
        assert ask(version.port, 2) == {NO_ANSWER: 2}
        version.start()
        assert ask(version.port, 5) == {"canary": 5}
        assert version.served == 10


def test_a_stream_keeps_its_rate_and_does_not_catch_up_after_a_stall():
    with Version("control") as version, Stream(version.port, rate=100, connections=4) as stream:
        time.sleep(1.0)
    assert 60 <= len(stream.answers) <= 110
    assert {answered.who for answered in stream.answers} == {"control"}
    assert stream.last("control") is not None
    assert stream.last("canary") is None
