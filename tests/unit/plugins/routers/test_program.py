from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from interlock.core.change.errors import BadReply, PluginError, Rejected, Unavailable
from interlock.core.rollout.setting import InvalidSetting
from interlock.plugins.routers.command import CommandRouter
from interlock.plugins.routers.program import run
from interlock.plugins.routers.reading import DEADLINE
from interlock.plugins.routers.wire import Deadline
from interlock.testing.routers import unhurried


@pytest.fixture(autouse=True)
def deadline(monkeypatch):
    """Sets the seconds that a program has: at first so many that none is late on a machine that stood still."""
    return unhurried(monkeypatch.setattr)


def python(code):
    return [sys.executable, "-I", "-c", code]


def router(**parts):
    fine = {
        "set": python("pass"),
        "get": python("print('{\"percent\": 5}')"),
        "exposure": python('print(\'{"canary": 1, "control": 2, "since": "x"}\')'),
    }
    return CommandRouter(fine | parts)


def test_the_weight_reaches_the_program_by_argument_and_environment_and_no_shell(tmp_path):
    told = tmp_path / "told"
    code = f"import os,sys; open({str(told)!r},'w').write(repr((sys.argv[1:], os.environ['INTERLOCK_PERCENT'])))"
    router(set=[*python(code), "{percent}", "$(id) {percent}%; {other}"]).set_weight(12.5)
    assert told.read_text() == "(['12.5', '$(id) 12.5%; {other}'], '12.5')"


def test_interlocks_own_variables_are_not_handed_on(monkeypatch):
    monkeypatch.setenv("INTERLOCK_TOKEN", "secret")
    monkeypatch.setenv("KUBECONFIG", "there")
    code = "import os; print(sorted(k for k in os.environ if k in ('INTERLOCK_TOKEN','KUBECONFIG','EXTRA')))"
    ran = run(python(code), {"EXTRA": "1"}, Deadline(), plugin="command")
    assert ran.out == b"['EXTRA', 'KUBECONFIG']\n"


@pytest.mark.parametrize(
    ("code", "kind", "word"),
    [
        ("import sys; sys.exit(75)", Unavailable, "router-unreachable"),
        ("import sys; sys.exit(77)", Unavailable, "router-forbidden"),
        ("import sys; sys.exit('no such split')", Rejected, "router-rejected"),
    ],
)
def test_how_a_program_ends_says_what_went_wrong(code, kind, word):
    with pytest.raises(kind) as caught:
        router(set=python(code)).set_weight(5)
    assert caught.value.code == word
    assert "\n" not in caught.value.message


NO_WEIGHTS = [
    "",
    "5",
    "[]",
    "{",
    "{}",
    *(f'{{"percent": {each}}}' for each in ("true", '"5"', -1, 101, "NaN", "1e999")),
]


@pytest.mark.parametrize("printed", NO_WEIGHTS)
def test_a_weight_that_is_none_is_a_bad_reply(printed):
    with pytest.raises(BadReply) as caught:
        router(get=python(f"print({printed!r})")).weight()
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    "printed", ["{}", '{"canary": 1}', '{"canary": 1.5, "control": 2}', '{"canary": -1, "control": 2}']
)
def test_counts_that_are_none_are_a_bad_reply(printed):
    with pytest.raises(BadReply):
        router(exposure=python(f"print({printed!r})")).exposure()


def gone(pid):
    """Ended; a zombie that nobody has collected yet is."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_program_that_hangs_is_ended_with_all_it_started(tmp_path, deadline):
    deadline(DEADLINE)
    child = tmp_path / "child"
    begun = time.monotonic()
    with pytest.raises(Unavailable, match="no end in time"):
        router(get=["sh", "-c", f"sleep 60 & echo $! > {child}; sleep 60"]).weight()
    assert time.monotonic() - begun < 20
    pid = int(child.read_text())
    while not gone(pid):
        assert time.monotonic() - begun < 30
        time.sleep(0.01)


def test_a_program_that_never_stops_talking_is_ended():
    with pytest.raises(BadReply, match="at most 65536 bytes"):
        router(get=python("while True: print('x' * 1000)")).weight()


def test_a_program_that_is_not_there_is_found_by_the_check():
    with pytest.raises(InvalidSetting) as caught:
        router(set=["/bin/true", "{percent}"], exposure=["/nowhere/program"]).check()
    assert caught.value.path == ("exposure", 0)
    with pytest.raises(PluginError):
        router(exposure=["/nowhere/program"]).exposure()


def test_a_program_that_is_never_told_the_weight_is_found_by_the_check():
    """A misspelt placeholder reached the program as it stood, also on the way back to 0."""
    with pytest.raises(InvalidSetting) as caught:
        router(set=["/bin/true", "{percnt}"]).check()
    assert (caught.value.path, caught.value.code) == (("set",), "router-program")


def test_the_check_asks_and_sets_nothing(tmp_path):
    touched = tmp_path / "touched"
    router(set=[*python(f"open({str(touched)!r},'w')"), "{percent}"]).check()
    assert not touched.exists()
    assert Path(sys.executable).exists()
