"""What the how-to page shows works: its configurations are started and its plans' routers move them."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from interlock.plugins.routers.envoy import EnvoySettings
from interlock.plugins.routers.flag import FlagSettings
from interlock.plugins.routers.haproxy import HAProxySettings
from interlock.plugins.routers.nginx import NginxSettings
from interlock.registry import routers
from interlock.testing.callers import ask
from interlock.testing.proxies.envoy import Envoy
from interlock.testing.proxies.haproxy import HAProxy
from interlock.testing.proxies.nginx import Nginx

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "routers.md").read_text()
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def section(title):
    text = PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    return [(language, body) for language, body in FENCE.findall(text)]


def shown(title, language):
    return [body for found, body in section(title) if found == language]


def settings(title):
    router = yaml.safe_load(shown(title, "yaml")[0])["router"]
    return router.pop("kind"), router


def moves(kind, plan, port):
    router = routers()[kind](plan)
    router.check()
    router.set_weight(50)
    assert router.weight() == 50
    answers = ask(port, 100)
    assert answers.keys() == {"canary", "control"}
    router.set_weight(0)
    assert ask(port, 30).keys() == {"control"}
    router.close()


class DocumentedHAProxy(HAProxy):
    def _configuration(self):
        (text,) = shown("HAProxy", "")
        places = {
            "/run/haproxy/interlock.sock": str(self.socket),
            " group deploy": "",
            "127.0.0.1:8081": f"127.0.0.1:{self.canary}",
            "127.0.0.1:8082": f"127.0.0.1:{self.control[0]}",
            "127.0.0.1:8083": f"127.0.0.1:{self.control[0]}",
        }
        for old, new in places.items():
            assert old in text
            text = text.replace(old, new)
        timeouts = "defaults\n  timeout connect 1s\n  timeout client 5s\n  timeout server 5s\n  mode http\n"
        traffic = f"frontend traffic\n  bind 127.0.0.1:{self.port}\n  default_backend shop\n"
        head, backend = text.split("\nbackend ", 1)
        return f"{head}\n{timeouts}\nbackend {backend}\n{traffic}"


def test_haproxy(canary, control):
    kind, plan = settings("HAProxy")
    with DocumentedHAProxy(canary=canary.port, control=[control.port]) as proxy:
        moves(kind, {**plan, "socket": str(proxy.socket)}, proxy.port)


class DocumentedEnvoy(Envoy):
    def _configuration(self):
        first, route = (json.loads(body) for body in shown("Envoy", "json"))
        made = super()._configuration()
        assert first["admin"]["address"]["socket_address"]["address"] == "127.0.0.1"
        manager = made["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
        manager["route_config"]["virtual_hosts"][0]["routes"] = [route]
        return {**made, "layered_runtime": first["layered_runtime"]}


def test_envoy(canary, control):
    kind, plan = settings("Envoy")
    with DocumentedEnvoy(canary=canary.port, control=[control.port]) as proxy:
        moves(kind, {**plan, "admin": proxy.settings["admin"]}, proxy.port)


class DocumentedNginx(Nginx):
    def _configuration(self):
        text, split = shown("nginx", "nginx")
        places = {
            "/etc/nginx/interlock/shop.conf": str(self.split_file),
            "/var/log/nginx/shop-arm.log": str(self.split_log),
            "127.0.0.1:8081": f"127.0.0.1:{self.canary}",
            "127.0.0.1:8082": f"127.0.0.1:{self.control[0]}",
            "listen 80;": f"listen 127.0.0.1:{self.port};",
        }
        for old, new in places.items():
            assert old in text
            text = text.replace(old, new)
        status = self.settings["status"]
        self.split_file.write_text(split.replace("127.0.0.1:8089", status))
        head, _, _ = super()._configuration().partition("http {")
        temporary = re.findall(r"^  \w+_temp_path .*;$", super()._configuration(), re.MULTILINE)
        return head + text.replace("http {", "\n".join(["http {", *temporary]), 1)


def test_nginx(canary, control):
    kind, plan = settings("nginx")
    with DocumentedNginx(canary=canary.port, control=[control.port]) as proxy:
        own = {key: proxy.settings[key] for key in ("file", "log", "status", "test", "reload")}
        router = routers()[kind]({**plan, **own})
        moves(kind, {**plan, **own}, proxy.port)
        router.set_weight(0)
        # What interlock writes at 0 % is what the page says to begin with.
        begun = shown("nginx", "nginx")[1].replace("127.0.0.1:8089", own["status"])
        assert proxy.split_file.read_text() == begun


def test_the_flag_and_the_program_are_settings_that_can_be_used():
    for title in ("A flag that interlock serves", "A program of yours"):
        kind, plan = settings(title)
        routers()[kind](plan)


@pytest.mark.parametrize("kind", sorted(routers()))
def test_every_router_is_on_the_page(kind):
    assert f"| `{kind}` |" in PAGE


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("HAProxy", HAProxySettings),
        ("Envoy", EnvoySettings),
        ("nginx", NginxSettings),
        ("A flag that interlock serves", FlagSettings),
    ],
)
def test_each_setting_is_on_the_page_and_no_other(title, kind):
    text = PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", text, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert named == {field.name for field in fields(kind)}


def test_every_code_that_is_explained_exists():
    source = Path(__file__).parents[3] / "src" / "interlock" / "plugins" / "routers"
    written = "".join(path.read_text() for path in source.glob("*.py"))
    table = PAGE.split("## When it does not work")[1]
    explained = set(re.findall(r"`(router-[a-z-]+)`", table))
    assert explained
    assert all(f'"{code}"' in written for code in explained)
