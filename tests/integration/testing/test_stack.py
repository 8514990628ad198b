"""The shop's stack on real processes: who answers, what is counted, what is left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from interlock.core.change.errors import InvalidInput
from interlock.testing.stack import Behaviour
from interlock.testing.stack.customers import met
from interlock.testing.stack.deploy import NOTHING, Deployer, prepare, version_of
from interlock.testing.stack.ordering import placing
from interlock.testing.stack.stack import Instance, Stack

FILES = Path(__file__).parents[3] / "src/interlock/testing/shop/files"
GOOD = Behaviour(version="a", errors=0.0)


def counted(instance: Instance) -> dict[str, float]:
    text = httpx.get(instance.metrics).text
    return {
        sample.name + "".join(f":{value}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def version(folder: Path, change: str | None = None) -> Path:
    """The shop's code and configuration, of the base or with one of the changes."""
    (folder / "src").mkdir(parents=True)
    (folder / "config").mkdir()
    (folder / "src/order.py").write_bytes((FILES / "src/order.py.txt").read_bytes())
    promise = "change" if change else "src"
    (folder / "src/promise.py").write_bytes((FILES / promise / "promise.py.txt").read_bytes())
    place = f"change/{change}.yaml" if change else "config/delivery.yaml"
    (folder / "config/delivery.yaml").write_bytes((FILES / place).read_bytes())
    return folder


@pytest.mark.parametrize("proxy", ["envoy", "haproxy"])
def test_customers_and_metrics_count_the_same_orders(tmp_path, proxy):
    with Stack(
        tmp_path, control=GOOD, canary=replace(GOOD, version="b"), proxy=proxy, controls=2, rate=80
    ) as stack:
        time.sleep(1.5)
        stack.customers.stop()
        answers = list(met(stack.customers.answers))
        orders = sum(counted(one)["shop_orders_total"] for one in stack.controls)
    assert len(answers) > 60
    assert {(one.status, one.version) for one in answers} == {(201, "a")}
    assert orders == len(answers)


def test_nothing_is_left_behind_when_it_ends_or_fails(tmp_path):
    with Stack(tmp_path, control=GOOD, canary=GOOD, controls=1, rate=20) as stack:
        stack.put_up()
        pids = [stack.customers.pid, stack.proxy.pid, stack.canary.pid, stack.controls[0].pid]
        folders = [stack.proxy.folder, stack.canary.folder]
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert not any(folder.exists() for folder in folders)
    broken = Stack(tmp_path, control=replace(GOOD, shop="/nowhere"), canary=GOOD, controls=1, rate=20)
    with pytest.raises(RuntimeError, match="expected a version of the shop"):
        broken.__enter__()
    assert not broken.proxy.folder.exists()


def test_a_service_ends_with_its_companion(tmp_path):
    """A demonstration that was killed left services on their ports."""
    companion = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    (tmp_path / "behaviour.json").write_text(GOOD.to_json())
    instance = Instance("orphan", GOOD)
    command = [str(part) for part in instance.command()]
    command[command.index("--companion") + 1] = str(companion.pid)
    running = subprocess.Popen(command)
    companion.kill()
    companion.wait()
    assert running.wait(timeout=10) == 0
    instance.close()


def test_faults_are_what_their_names_say():
    with (
        Instance("lossy", replace(GOOD, lost=1.0)) as lossy,
        Instance("wrong", replace(GOOD, errors=1.0)) as wrong,
    ):
        sent = [httpx.post(f"http://127.0.0.1:{one.port}/orders", json={"distance": 5}) for one in (lossy, wrong)]
        assert [reply.status_code for reply in sent] == [202, 500]
        seen = [counted(one) for one in (lossy, wrong)]
    assert [one["shop_orders_total"] for one in seen] == [0, 0]
    assert [one["shop_requests_total:202"] for one in seen] == [1, 0]
    assert [one["shop_requests_total:500"] for one in seen] == [0, 1]
    with Instance("mortal", replace(GOOD, crash="first-request")) as mortal:
        with pytest.raises(httpx.TransportError):
            httpx.post(f"http://127.0.0.1:{mortal.port}/orders", json={"distance": 5})
        assert mortal._running.wait(timeout=5) == 70
    with Instance("mute", replace(GOOD, metrics_for=0.0)) as mute:
        assert httpx.get(mute.metrics).status_code == 200
        httpx.post(f"http://127.0.0.1:{mute.port}/orders", json={"distance": 5})
        assert httpx.get(mute.metrics).status_code == 404
        assert httpx.get(f"http://127.0.0.1:{mute.port}/healthz").status_code == 200
    stillborn = Instance("stillborn", replace(GOOD, crash="start"))
    with pytest.raises(RuntimeError, match="ended by itself"):
        stillborn.start()
    stillborn.close()


def test_the_shops_own_code_loses_orders_by_itself(tmp_path):
    far, picked_up = {"distance": 900_000}, {"distance": 0}
    now = placing(version(tmp_path / "now"))
    assert (now(far), now(picked_up)) == (True, True)
    approved = placing(version(tmp_path / "approved", "delivery-fixed"))
    assert (approved(far), approved(picked_up)) == (False, True)
    alone = placing(version(tmp_path / "alone", "delivery"))
    assert alone(picked_up)
    with pytest.raises(TypeError):
        alone(far)
    with pytest.raises(InvalidInput, match="expected a version of the shop"):
        placing(tmp_path)


def test_the_deployer_puts_up_what_was_built_and_may_be_asked_twice(tmp_path):
    instance = Instance("unused", GOOD)
    built = version(tmp_path / "built", "delivery-fixed")
    artefact = tmp_path / "shop.tar"
    subprocess.run(["tar", "-cf", artefact, "-C", built, "src", "config"], check=True)
    prepare(tmp_path, port=instance.port, companion=os.getpid(), behaviour=GOOD)
    command = [sys.executable, "-m", "interlock.testing.stack.deploy", str(tmp_path)]

    def exits(*words: object) -> int:
        return subprocess.run([*command, *map(str, words)], check=False).returncode

    assert exits("serves", "nothing") == 0
    assert exits("serves", artefact) == 1
    assert exits("up", artefact) == 0
    pid = int((tmp_path / "canary.pid").read_text())
    assert exits("up", artefact) == 0
    assert int((tmp_path / "canary.pid").read_text()) == pid
    assert Deployer(tmp_path).serving() == version_of(artefact)
    reply = httpx.post(f"http://127.0.0.1:{instance.port}/orders", json={"distance": 900_000})
    assert (reply.status_code, reply.headers["x-version"]) == (202, version_of(artefact))
    assert (exits("down"), exits("down")) == (0, 0)
    assert Deployer(tmp_path).serving() == NOTHING
    instance.close()
