"""What the router finds out about a real HAProxy before traffic moves, and what it says of one that changes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import contextmanager

import pytest

from interlock.core.change.errors import BadReply, Rejected, Unavailable
from interlock.core.rollout.setting import InvalidSetting
from interlock.plugins.routers.haproxy import HAProxyRouter
from interlock.testing.callers import ask
from interlock.testing.programs import free_port
from interlock.testing.proxies.haproxy import HAProxy
from interlock.testing.proxies.proxy import listens
from interlock.testing.versions import Version


@pytest.fixture
def started(canary, control):
    """Starts an HAProxy with some lines changed."""

    @contextmanager
    def start(**changed):
        with HAProxy(canary=canary.port, control=[control.port], **changed) as proxy:
            yield proxy

    return start


def say(proxy, line):
    with socket.socket(socket.AF_UNIX) as plug:
        plug.connect(str(proxy.socket))
        plug.sendall(line.encode() + b"\n")
        return plug.recv(65_536)


def refused(router, kind=InvalidSetting):
    with pytest.raises(kind) as caught:
        router.check()
    return caught.value


@pytest.mark.parametrize(
    ("changed", "path", "code", "meant"),
    [
        ({"backend": "shpo"}, ("backend",), "router-backend", "did you mean `shop`?"),
        ({"backend": "traffic"}, ("backend",), "router-backend", "traffic"),
        ({"canary": "canari"}, ("canary",), "router-server", "did you mean `canary`?"),
    ],
)
def test_what_does_not_exist_there_is_refused_with_the_nearest_that_does(started, changed, path, code, meant):
    with started() as proxy:
        error = refused(HAProxyRouter({**proxy.settings, **changed}))
    assert (error.path, error.code) == (path, code)
    assert meant in error.message


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (("balance first",), "router-algorithm"),
        (("balance static-rr",), "router-algorithm"),
        (("balance roundrobin", "cookie SRV insert"), "router-sticky"),
    ],
)
def test_a_backend_that_does_not_split_every_request_by_weight_is_refused(started, lines, code):
    server = "cookie c" if code == "router-sticky" else ""
    with started(backend=lines, server=server) as proxy:
        assert refused(HAProxyRouter(proxy.settings)).code == code


def test_a_stage_finer_than_whole_weights_can_make_is_refused_before_traffic_moves(started):
    with started() as proxy:
        HAProxyRouter(proxy.settings).check_weight(0.4)
        with pytest.raises(InvalidSetting) as fine:
            HAProxyRouter(proxy.settings).check_weight(0.1)
        assert fine.value.code == "router-too-coarse"
        HAProxyRouter({**proxy.settings, "smallest": 0.4}).check()
        assert refused(HAProxyRouter({**proxy.settings, "smallest": 0.1})).code == "router-too-coarse"
        with pytest.raises(Rejected) as caught:
            HAProxyRouter(proxy.settings).set_weight(0.1)
        assert caught.value.code == "router-too-coarse"
        assert HAProxyRouter(proxy.settings).weight() == 0


def test_a_server_that_is_gone_in_the_middle_is_no_fault_of_the_settings(started):
    with started() as proxy:
        router = HAProxyRouter({**proxy.settings, "canary": "gone"})
        for call, kind in ((router.weight, BadReply), (router.exposure, BadReply)):
            with pytest.raises(kind) as caught:
                call()
            assert caught.value.code == "router-server"
        with pytest.raises(Rejected):
            router.set_weight(5)


def test_an_algorithm_that_takes_no_weights_refuses_to_set_one(started):
    with started(backend=("balance static-rr",)) as proxy, pytest.raises(Rejected) as caught:
        HAProxyRouter(proxy.settings).set_weight(5)
    assert caught.value.code == "router-rejected"


def test_retries_that_hid_a_crash_are_found_and_may_be_accepted(started, canary):
    with started(defaults=("retries 3", "option redispatch")) as proxy:
        router = HAProxyRouter(proxy.settings)
        router.set_weight(50)
        canary.crash()
        assert ask(proxy.port, 40).keys() == {"control"}
        error = refused(router)
        assert (error.code, error.path) == ("router-retries", ("retries",))
        HAProxyRouter({**proxy.settings, "retries": True}).check()


@pytest.mark.parametrize("level", ["user", "operator"])
def test_a_socket_without_the_level_to_set_is_refused_by_check_and_by_set(started, level):
    with started(level=level) as proxy:
        router = HAProxyRouter(proxy.settings)
        assert refused(router, Unavailable).code == "router-forbidden"
        with pytest.raises(Unavailable) as caught:
            router.set_weight(5)
        assert caught.value.code == "router-forbidden"
        assert router.weight() == 0


def test_a_socket_of_another_user_is_forbidden_and_one_that_is_not_there_unreachable(started, tmp_path):
    with started() as proxy:
        settings = dict(proxy.settings)
        if os.geteuid() == 0:
            proxy.folder.chmod(0o755)
            # The checkout may lie where that user cannot go, so the router is made before the user changes.
            code = (
                "import os,sys\n"
                "from interlock.plugins.routers.haproxy import HAProxyRouter\n"
                "from interlock.core.change.errors import Unavailable\n"
                f"router = HAProxyRouter({settings!r})\n"
                "os.setgid(65534); os.setuid(65534)\n"
                "try: router.check()\n"
                "except Unavailable as error: sys.stdout.write(error.code)"
            )
            ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, text=True)
            assert ran.stdout == "router-forbidden", ran.stderr
        else:
            proxy.socket.chmod(0)
            assert refused(HAProxyRouter(settings), Unavailable).code == "router-forbidden"
    missing = HAProxyRouter({**settings, "socket": str(tmp_path / "none.sock")})
    assert refused(missing, Unavailable).code == "router-unreachable"


def test_a_canary_that_a_health_check_took_out_is_said_to_get_nothing(started, canary):
    with started(server="check inter 50ms fall 1 rise 1") as proxy:
        router = HAProxyRouter(proxy.settings)
        router.set_weight(50)
        assert router.weight() == 50
        canary.crash()
        for _ in range(200):
            if router.weight() == 0:
                break
            say(proxy, "show info")
        assert router.weight() == 0
        assert ask(proxy.port, 20).keys() == {"control"}
        canary.start()


@pytest.mark.parametrize("line", ["set server shop/canary state maint", "set server shop/canary weight 0"])
def test_what_somebody_else_did_is_read_back(started, line):
    with started() as proxy:
        router = HAProxyRouter(proxy.settings)
        router.set_weight(50)
        say(proxy, line)
        assert router.weight() == 0


def test_several_controls_share_what_is_left_and_one_that_is_down_gives_its_part(canary, control):
    with Version("control-b") as other, HAProxy(canary=canary.port, control=[control.port, other.port]) as proxy:
        router = HAProxyRouter(proxy.settings)
        router.check()
        router.set_weight(20)
        assert router.weight() == pytest.approx(20)
        ask(proxy.port, 100)
        answers = ask(proxy.port, 100)
        assert answers == {"canary": 20, "control": 40, "control-b": 40}
        before = router.exposure()
        ask(proxy.port, 50)
        after = router.exposure()
        assert (after.canary - before.canary, after.control - before.control) == (10, 40)


def test_a_control_that_is_down_is_left_out_and_one_that_comes_back_makes_the_split_narrower(canary, control):
    with HAProxy(canary=canary.port, control=[control.port, control.port]) as proxy:
        router = HAProxyRouter(proxy.settings)
        say(proxy, "set server shop/control-1 state maint")
        router.set_weight(20)
        assert router.weight() == pytest.approx(20)
        say(proxy, "set server shop/control-1 state ready")
        assert router.weight() == pytest.approx(100 / 9)
        router.set_weight(20)
        assert router.weight() == pytest.approx(20)


def test_nothing_goes_to_the_canary_also_while_no_control_is_there(started):
    with started() as proxy:
        router = HAProxyRouter(proxy.settings)
        router.set_weight(50)
        say(proxy, "set server shop/control-1 state maint")
        assert router.weight() == 100
        router.set_weight(0)
        assert router.weight() == 0
        assert ask(proxy.port, 5).keys() == {"status 503"}


class OnAPort(HAProxy):
    """Its runtime socket is a port of 127.0.0.1."""

    def __init__(self, **versions):
        super().__init__(**versions)
        self.runtime_port = free_port()

    def _configuration(self):
        socket = f"stats socket {self.socket} mode 600"
        return super()._configuration().replace(socket, f"stats socket 127.0.0.1:{self.runtime_port}")

    def ready(self):
        return listens(self.port) and listens(self.runtime_port)


def test_the_socket_may_be_a_port(canary, control):
    with OnAPort(canary=canary.port, control=[control.port]) as proxy:
        router = HAProxyRouter({**proxy.settings, "socket": f"127.0.0.1:{proxy.runtime_port}"})
        router.check()
        router.set_weight(5)
        assert router.weight() == pytest.approx(5)


@pytest.mark.parametrize(
    ("lines", "by_request"),
    [
        (("balance roundrobin",), True),
        (("balance leastconn",), True),
        (("balance source",), False),
        (("balance hdr(user)",), False),
        (("balance roundrobin", "stick-table type ip size 1k expire 1m", "stick on src"), False),
    ],
)
def test_it_is_said_whether_every_request_is_decided_anew(started, lines, by_request):
    with started(backend=lines) as proxy:
        assert HAProxyRouter(proxy.settings).by_request() is by_request


def test_where_connections_are_decided_requests_are_not(started):
    with started(defaults=("retries 0", "mode tcp")) as proxy:
        assert not HAProxyRouter(proxy.settings).by_request()
