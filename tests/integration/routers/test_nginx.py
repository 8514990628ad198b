"""What the router finds out about a real nginx, and that a refused or broken reload leaves it as it was."""

from __future__ import annotations

import os
import signal

import pytest

from interlock.core.change.errors import BadReply, PluginError, Rejected, Unavailable
from interlock.core.rollout.setting import InvalidSetting
from interlock.plugins.routers.nginx import NginxRouter
from interlock.testing.callers import ask
from interlock.testing.proxies.nginx import Nginx


@pytest.fixture
def nginx(canary, control):
    with Nginx(canary=canary.port, control=[control.port]) as proxy:
        yield proxy


def refused(router, kind=InvalidSetting):
    with pytest.raises(kind) as caught:
        router.check()
    return caught.value


def test_a_file_that_nginx_does_not_include_is_found(nginx, tmp_path):
    other = tmp_path / "split.conf"
    assert refused(NginxRouter({**nginx.settings, "file": str(other)})).path == ("file",)
    router = NginxRouter({**nginx.settings, "file": str(other)})
    other.write_text(nginx.split_file.read_text())
    with pytest.raises(Unavailable, match="another split until now"):
        router.set_weight(5)
    assert router.weight() == 0
    assert ask(nginx.port, 20).keys() == {"control"}


def test_a_status_of_another_split_is_a_bad_reply(nginx):
    assert refused(NginxRouter({**nginx.settings, "variable": "other_arm"}), BadReply).code == "router-reply"
    elsewhere = {**nginx.settings, "status": f"127.0.0.1:{nginx.port}"}
    assert refused(NginxRouter(elsewhere), BadReply).code == "router-reply"


@pytest.mark.parametrize("key", ["test", "reload"])
def test_a_program_that_is_not_there_is_found(nginx, key):
    assert refused(NginxRouter({**nginx.settings, key: ["/nowhere/nginx"]})).path == (key,)


def test_what_nginx_refuses_to_load_is_put_back(nginx):
    router = NginxRouter(nginx.settings)
    router.set_weight(5)
    before = nginx.split_file.read_bytes()
    refusing = NginxRouter({**nginx.settings, "test": ["/bin/sh", "-c", "echo no such upstream >&2; exit 1"]})
    with pytest.raises(Rejected, match="no such upstream") as caught:
        refusing.set_weight(25)
    assert caught.value.code == "router-rejected"
    assert nginx.split_file.read_bytes() == before
    assert router.weight() == 5
    with pytest.raises(Rejected):
        refusing.set_weight(0)
    assert "control;" in nginx.split_file.read_text().split("{")[1].split("}")[0]
    nginx.kill()
    nginx.start()
    assert router.weight() == 0


def test_a_reload_that_does_nothing_is_not_believed(nginx):
    router = NginxRouter({**nginx.settings, "reload": ["/bin/true"]})
    with pytest.raises(Unavailable, match="another split until now"):
        router.set_weight(25)
    assert router.weight() == 0
    assert ask(nginx.port, 20).keys() == {"control"}


def test_an_nginx_that_is_dead_does_not_start_with_a_weight_that_it_never_had(nginx):
    router = NginxRouter(nginx.settings)
    router.set_weight(5)
    nginx.kill()
    with pytest.raises(Unavailable):
        router.set_weight(50)
    nginx.start()
    assert router.weight() == 5
    nginx.kill()
    with pytest.raises(Unavailable):
        router.set_weight(0)
    nginx.start()
    assert router.weight() == 0


def test_exposure_goes_on_through_a_rotation(nginx):
    router = NginxRouter(nginx.settings)
    router.set_weight(50)
    before = router.exposure()
    ask(nginx.port, 40)
    nginx.split_log.rename(nginx.split_log.with_suffix(".1"))
    ask(nginx.port, 20)
    os.kill(nginx.pid, signal.SIGUSR1)
    while not nginx.split_log.exists():
        router.weight()
    ask(nginx.port, 40)
    after = router.exposure()
    assert after.canary + after.control - before.canary - before.control == 100
    assert after.since == before.since


def test_users_are_kept_where_the_key_is_theirs(canary, control):
    with Nginx(canary=canary.port, control=[control.port], key="$remote_addr") as proxy:
        router = NginxRouter(proxy.settings)
        router.check()
        router.set_weight(50)
        assert len(ask(proxy.port, 40)) == 1


def test_a_folder_that_nobody_may_write_in_is_no_place_for_the_file(nginx):
    """Also root may make no file there."""
    with pytest.raises(PluginError) as caught:
        NginxRouter({**nginx.settings, "file": "/proc/version"}).set_weight(5)
    assert caught.value.code in {"router-forbidden", "router-unreachable"}
    assert NginxRouter(nginx.settings).weight() == 0
