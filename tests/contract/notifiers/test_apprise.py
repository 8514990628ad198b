"""Apprise as a notifier, against real receivers on this machine: told, refused, silent, misspelt."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time

import pytest

from interlock.core.change.errors import Unavailable
from interlock.core.rollout.setting import InvalidSetting
from interlock.ports.notifier import Notice
from interlock.registry import notifiers

NOTICE = Notice(
    title="STOP order-service → production",
    text="orders: at least 81 % fewer <b>& more</b> äöü\n9 orders lost",
    level="failure",
    link="https://interlock.example/rollouts/rol-1",
)
SECRET = "s3cr3t-token-7f3akq2m2a"
VARIABLE = "OPS_ADDRESSES"


def port(server) -> int:
    return server.server_address[1]


@pytest.fixture
def notifier(monkeypatch):
    def make(*addresses: str, **more):
        monkeypatch.setenv(VARIABLE, "\n".join(addresses))
        return notifiers()["apprise"]({"environment": VARIABLE}, **more)

    return make


def test_a_webhook_gets_all_of_it(webhook, notifier):
    notifier(f"json://127.0.0.1:{port(webhook)}/hook").send(NOTICE)
    [(path, _, content)] = webhook.calls
    told = json.loads(content)
    assert path == "/hook"
    assert (told["title"], told["type"]) == (NOTICE.title, "failure")
    assert told["message"].splitlines() == [*NOTICE.text.splitlines(), NOTICE.link]


def test_a_mail_arrives(mailbox, notifier):
    address = f"mailto://127.0.0.1:{port(mailbox)}?from=interlock@shop.example&to=ops@shop.example&mode=insecure"
    notifier(address).send(NOTICE)
    [(sender, to, text)] = mailbox.mails
    assert (sender, to) == ("interlock@shop.example", ["ops@shop.example"])
    assert "Subject: =?utf-8?" in text


def test_a_chat_gets_it(webhook, notifier):
    """Mattermost takes what Slack takes, and can be run anywhere."""
    notifier(f"mmost://127.0.0.1:{port(webhook)}/3ccdd113474722377935511fc85d3dd4").send(NOTICE)
    [(path, _, content)] = webhook.calls
    assert path == "/hooks/3ccdd113474722377935511fc85d3dd4"
    assert NOTICE.title in json.loads(content)["text"]


def test_all_addresses_are_told_and_those_that_refused_are_named(webhook, mailbox, notifier):
    mailbox.refuses = "550 nobody of that name here"
    mail = f"mailto://127.0.0.1:{port(mailbox)}?from=a@shop.example&to=b@shop.example&mode=insecure"
    hook = f"json://127.0.0.1:{port(webhook)}/hook"
    with pytest.raises(Unavailable) as raised:
        notifier(mail, hook).send(NOTICE)
    assert raised.value.code == "notify-failed"
    assert "expected 2 of 2 addresses to take it, got 1; number 1 (mailto://):" in raised.value.message
    assert len(webhook.calls) == 1


def test_what_failed_is_told_without_the_secrets_in_the_address(webhook, notifier):
    webhook.status, webhook.says = 403, f"no entry for {SECRET}".encode()
    address = f"json://ana:{SECRET}@127.0.0.1:{port(webhook)}/hooks/{SECRET}?-auth={SECRET}"
    with pytest.raises(Unavailable) as raised:
        notifier(address).send(NOTICE)
    told = f"{raised.value.message} {raised.value.hint}"
    assert "403" in told or "Forbidden" in told
    assert SECRET not in told
    assert "127.0.0.1" not in told


def test_who_never_answers_costs_the_deadline_and_no_more(silence, webhook, notifier):
    hangs = f"json://127.0.0.1:{port(silence)}/x?rto=60"  # Apprise's own deadline of four seconds
    works = f"json://127.0.0.1:{port(webhook)}/x"
    began = time.monotonic()
    with pytest.raises(Unavailable, match=r"got 1; number 1 \(json://\): no answer in time"):
        notifier(hangs, works, deadline=3.0).send(NOTICE)
    assert time.monotonic() - began < 20
    assert len(webhook.calls) == 1


def test_a_mail_server_that_never_answers_costs_the_deadline_too(silence, notifier):
    address = f"mailto://127.0.0.1:{port(silence)}?from=a@shop.example&to=b@shop.example&mode=insecure"
    with pytest.raises(Unavailable, match="no answer in time"):
        notifier(address, deadline=0.5).send(NOTICE)


def test_nobody_there_is_told(silence, notifier):
    gone = port(silence)
    silence.server_close()
    with pytest.raises(Unavailable, match="got 0; number 1"):
        notifier(f"json://127.0.0.1:{gone}/x").send(NOTICE)


@pytest.mark.parametrize(
    "address",
    [
        f"nonsense://{SECRET}",
        f"slack://{SECRET}",
        f"https//{SECRET}",
        SECRET,
        f"msteams://{SECRET}",
        f"mailto://ana:{SECRET}",
    ],
)
def test_an_unknown_form_is_refused_without_repeating_it(address, notifier, capfd):
    with pytest.raises(InvalidSetting) as raised:
        notifier("json://127.0.0.1:9/x", address).check()
    error = raised.value
    assert (error.code, error.path) == ("notify-address", ("environment",))
    assert "number 2 of `$OPS_ADDRESSES`" in error.message
    assert SECRET not in f"{error.message} {error.hint} {error!r} {error.__cause__!r}"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "address",
    [
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#ops",
        "workflows://region.logic.azure.example:443/643e7eb7a3b94b9e8b6a/hxTsVWhi3kkXH4IgTTVOw",
        "mailtos://ana:pw@smtp.shop.example?to=ops@shop.example",
        "jsons://hooks.shop.example/rollouts",
        "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
    ],
)
def test_the_usual_forms_are_understood_without_a_connection(address, notifier):
    notifier(address).check()


def test_a_file_holds_one_address_a_line_and_is_read_anew(webhook, tmp_path):
    file = tmp_path / "addresses"
    file.write_text(f"# the team\n\n  json://127.0.0.1:{port(webhook)}/one  \n")
    notifier = notifiers()["apprise"]({"file": str(file)})
    notifier.send(NOTICE)
    file.write_text(f"json://127.0.0.1:{port(webhook)}/two")
    notifier.send(NOTICE)
    assert [path for path, _, _ in webhook.calls] == ["/one", "/two"]


@pytest.mark.parametrize(
    "content", [None, b"", b"# nobody\n", b"\xff\xfe", b"json://127.0.0.1/x\n" * 21, b"#" * 65_537]
)
def test_a_file_that_holds_no_addresses_is_refused(content, tmp_path):
    file = tmp_path / "addresses"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InvalidSetting) as raised:
        notifiers()["apprise"]({"file": str(file)}).check()
    assert raised.value.code == "notify-source"
    assert "\n" not in raised.value.message


def test_a_file_that_is_not_there_is_called_that(tmp_path):
    """It was "no regular file of at most 64 KiB"."""
    with pytest.raises(InvalidSetting) as raised:
        notifiers()["apprise"]({"file": str(tmp_path / "missing")}).check()
    assert raised.value.message == f"expected addresses in `{tmp_path / 'missing'}`, which is not there"


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"environment": "A", "file": "b"},
        {"url": "json://x"},
        {"environment": ""},
        {"environment": 3},
        {"file": f"json://{SECRET}"},
    ],
)
def test_settings_that_name_no_source_are_refused_before_anything_is_read(settings):
    with pytest.raises(InvalidSetting) as raised:
        notifiers()["apprise"](settings)
    assert raised.value.code == "notify-setting"
    assert SECRET not in raised.value.message


def test_an_unset_variable_is_refused(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(InvalidSetting, match=r"got 0"):
        notifiers()["apprise"]({"environment": VARIABLE}).check()


def test_several_threads_may_send_at_once(webhook, notifier):
    one = notifier(f"json://127.0.0.1:{port(webhook)}/x")
    threads = [threading.Thread(target=one.send, args=(NOTICE,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(webhook.calls) == 8


def test_apprise_is_not_imported_before_it_is_needed_and_missed_with_the_command():
    """The plug-in loads without its library, and says what to install when it is used."""
    code = (
        "import os, sys\n"
        "class Gone:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name.partition('.')[0] == 'apprise': raise ImportError(name)\n"
        "sys.meta_path.insert(0, Gone())\n"
        "from interlock.registry import notifiers\n"
        "one = notifiers()['apprise']({'environment': 'X'})\n"
        "assert 'apprise' not in sys.modules\n"
        "os.environ['X'] = 'json://127.0.0.1/x'\n"
        "try: one.check()\n"
        "except Exception as error: print(error.code, error.hint)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.strip() == (
        "notify-missing install it where interlock serve runs: pip install '.[notify]' in its checkout"
    )


def test_a_notice_that_hangs_keeps_no_program_from_ending(silence):
    code = (
        "from interlock.registry import notifiers\nfrom interlock.ports.notifier import Notice\n"
        "one = notifiers()['apprise']({'environment': 'X'}, deadline=0.2)\n"
        "try: one.send(Notice(title='t', text='x', level='info'))\n"
        "except Exception as error: print(error.code, flush=True)\n"
    )
    environment = {"X": f"mailto://127.0.0.1:{port(silence)}?from=a@b.example&to=c@d.example&mode=insecure&cto=60"}
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as running:
        assert running.stdout is not None
        assert running.stdout.readline().strip() == "notify-failed"
        began = time.monotonic()
        assert running.wait(timeout=90) == 0
    assert time.monotonic() - began < 20, "the connection itself gives up after 60 s"
