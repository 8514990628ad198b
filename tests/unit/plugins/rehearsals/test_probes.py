"""What probes see of real files, programs and servers, and what is no look at all."""

from __future__ import annotations

import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.rehearsal.fingerprint import differences
from interlock.plugins.rehearsals import probe_http
from interlock.plugins.rehearsals.probe_files import FilesProbe
from interlock.plugins.rehearsals.probe_http import HttpProbe
from interlock.plugins.rehearsals.probe_run import RunProbe
from interlock.plugins.world.programs import SystemPrograms
from interlock.ports.rehearsal import RehearsalScene


@pytest.fixture
def scene(tmp_path):
    return RehearsalScene(
        root=str(tmp_path), run="reh-1", change="chg-1", digest="sha256:0", service="shop", environment="staging",
        programs=SystemPrograms(str(tmp_path)),
    )  # fmt: skip


class Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        body = {"/two": b"promise 5\nat 10:02\n", "/long": b"x" * 100_000}.get(self.path, b"")
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body) + (self.path == "/drips")))
        self.end_headers()
        self.wfile.write(body)
        if self.path == "/drips":
            self.wfile.flush()
            self.server.over.wait(5)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def address():
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        server.over = threading.Event()
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.over.set()
        server.shutdown()
        thread.join()


def test_files_are_seen_with_content_mode_and_links(tmp_path, scene):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / ".hidden").write_text("1")
    (tmp_path / "a" / "link").symlink_to("nowhere")
    probe = FilesProbe({"paths": ["a/**", "gone"]}, scene)
    before = probe.look()
    me = f"owner {os.getuid()}:{os.getgid()}"
    assert sorted(before.items) == ["a/", "a/.hidden", "a/link"]
    assert before.items["a/link"] == f"link to nowhere, {me}, where there is nothing"
    (tmp_path / "a" / ".hidden").chmod(0o600)
    (tmp_path / "gone").write_text("")
    told = [one.told for one in differences({"f": before}, {"f": probe.look()})]
    assert "f: a/.hidden was" in told[0]
    assert told[0].endswith(f"mode 0600, {me}")
    assert told[1].startswith("f: gone is there and was not")


def test_a_linked_folder_is_a_link_and_what_lies_behind_it_is_not_followed(tmp_path, scene):
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    (tmp_path / "elsewhere" / "deep" / "file").write_text("1")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "meant").symlink_to(tmp_path / "elsewhere")
    seen = FilesProbe({"paths": ["a/**", "a/*/deep/*", "meant/**"]}, scene).look()
    assert sorted(seen.items) == ["a/", "a/link", "meant/", "meant/deep/", "meant/deep/file"]


def changed(probe, change):
    """What the probe sees of a change, by name."""
    before = probe.look()
    change()
    return [one.item for one in differences({"f": before}, {"f": probe.look()})]


def test_folders_are_seen_with_their_mode_and_when_they_are_empty(tmp_path, scene):
    (tmp_path / "a" / "full").mkdir(parents=True)
    (tmp_path / "a" / "full" / "file").write_text("1")
    probe = FilesProbe({"paths": ["a/**"]}, scene)
    assert changed(probe, lambda: (tmp_path / "a" / "full").chmod(0o700)) == ["a/full/"]
    assert changed(probe, (tmp_path / "a" / "empty").mkdir) == ["a/empty/"]
    assert changed(probe, lambda: (tmp_path / "a").chmod(0o1777)) == ["a/"]


GIVEN = [(4711, -1), (-1, 4712)] if os.geteuid() == 0 else []
"""Only root gives files away."""


@pytest.mark.parametrize("name", ["file", "link", "full"])
def test_whose_something_is_counts_by_number(tmp_path, scene, name):
    (tmp_path / "a" / "full").mkdir(parents=True)
    (tmp_path / "a" / "file").write_text("1")
    (tmp_path / "a" / "link").symlink_to("file")
    (tmp_path / "roots").symlink_to("/etc/passwd")
    probe, me = FilesProbe({"paths": ["a/**", "roots"]}, scene), f"owner {os.getuid()}:{os.getgid()}"
    seen = probe.look().items
    assert me in seen[f"a/{name}{'/' if name == 'full' else ''}"]
    assert seen["roots"].startswith(f"link to /etc/passwd, {me}, where there is sha256:")
    assert seen["roots"].endswith("owner 0:0")
    for ids in GIVEN:
        given = changed(probe, lambda ids=ids: os.chown(tmp_path / "a" / name, *ids, follow_symlinks=False))
        assert given == {"file": ["a/file", "a/link"], "link": ["a/link"], "full": ["a/full/"]}[name]


def test_what_a_link_leads_to_counts_though_the_link_stays(tmp_path, scene):
    (tmp_path / "a").mkdir()
    (tmp_path / "behind").write_text("1")
    (tmp_path / "a" / "link").symlink_to("../behind")
    probe = FilesProbe({"paths": ["a/*"]}, scene)
    assert changed(probe, lambda: (tmp_path / "behind").write_text("2")) == ["a/link"]
    assert changed(probe, (tmp_path / "behind").unlink) == ["a/link"]
    assert changed(probe, (tmp_path / "behind").mkdir) == ["a/link"]


def test_a_program_is_seen_by_lines_and_exit_code_and_some_lines_do_not_count(scene):
    code = "print('value 7'); print('at 10:02'); raise SystemExit(3)"
    probe = RunProbe({"run": [sys.executable, "-c", code], "without": ["^at "]}, scene)
    assert dict(probe.look().items) == {"line 1": "value 7", "exit code": "3: at 10:02"}


@pytest.mark.parametrize(
    ("code", "why", "timeout"),
    [
        ("while True: print('x' * 4096)", "said too much", 60.0),
        ("import time; time.sleep(60)", "did not end in time", 0.5),
    ],
)
def test_a_program_that_says_too_much_or_is_late_is_no_look(scene, code, why, timeout):
    found = scene.programs.output((sys.executable, "-c", code), timeout=timeout, environment={}, most=100_000)
    assert (found.ran.code, found.cut) == (None, why == "said too much")
    assert len(found.out) <= 100_000
    failed = RunProbe({"run": ["no-such-program"]}, scene).look()
    assert (failed.items, "could not be started" in failed.failed) == ({}, True)


def test_an_address_is_seen_with_status_type_and_body(address, scene):
    probe = HttpProbe({"url": f"{address}/two", "without": ["^at "]}, scene)
    assert dict(probe.look().items) == {"status": "200", "content type": "text/plain", "line 1": "promise 5"}
    assert HttpProbe({"url": f"{address}/none"}, scene).look().items["status"] == "404"
    assert "100000 bytes" in HttpProbe({"url": f"{address}/long"}, scene).look().items["content"]


def test_nobody_listening_is_seen_and_another_protocol_is_not(address, scene):
    assert HttpProbe({"url": "http://127.0.0.1:1/"}, scene).look().items == {"answer": "nobody listens"}
    found = HttpProbe({"url": address.replace("http:", "https:")}, scene).look()
    assert (found.items, bool(found.failed)) == ({}, True)


def test_an_answer_that_is_not_whole_is_no_look(address, scene, monkeypatch):
    monkeypatch.setattr(probe_http, "SECONDS", 0.3)
    found = HttpProbe({"url": f"{address}/drips"}, scene).look()
    assert (found.items, bool(found.failed)) == ({}, True)


@pytest.mark.parametrize(
    ("kind", "settings", "path"),
    [
        (FilesProbe, {"paths": []}, ("paths",)),
        (FilesProbe, {"paths": ["a", " "]}, ("paths", 1)),
        (FilesProbe, {"path": ["a"]}, ("path",)),
        (RunProbe, {"run": []}, ("run",)),
        (RunProbe, {"run": ["a"], "without": ["a", "("]}, ("without", 1)),
        (HttpProbe, {"url": "ftp://a"}, ("url",)),
    ],
)
def test_settings_that_cannot_be_used_are_refused_with_their_key(scene, kind, settings, path):
    with pytest.raises(InvalidInput) as refused:
        kind(settings, scene)
    assert refused.value.path == path
