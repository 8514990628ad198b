"""A checkout that somebody goes back in: a real program as router, real steps, a local record."""

from __future__ import annotations

import json
import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from interlock.core.change.canonical import sha256
from interlock.core.policy.modes import default_modes
from interlock.core.rollout.local import LocalRecord, local_path, read_local, to_bytes
from interlock.core.rollout.plan import PluginPlan, StepPlan
from interlock.registry import bundled_policies

NOW = datetime.now(UTC).replace(microsecond=0)


class Place:
    """A checkout with a splitter that is a file, a configuration that was changed, and a local record."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / ".git").mkdir()
        self.program("set", '[ -e broken ] && exit 75; [ -e liar ] || echo "$1" > weight; echo "$1" >> asked')
        self.program("get", '[ -e broken ] && exit 75; printf \'{"percent": %s}\' "$(cat weight)"')
        self.program("exposure", 'echo \'{"canary": 0, "control": 0, "since": "1"}\'')
        self.program("restore", 'echo ran >> ran; cp before.conf now.conf; [ "$ROLLOUT_SERVICE" = shop ]')
        self.program("restored", "cmp -s before.conf now.conf")
        (folder / "weight").write_text("5\n")
        (folder / "before.conf").write_text("max_days: 7\n")
        (folder / "now.conf").write_text("max_days: null\n")
        self.keep()

    def program(self, name: str, text: str) -> None:
        place = self.folder / name
        place.write_text(f"#!/bin/sh\ncd {self.folder}\n{text}\n")
        place.chmod(place.stat().st_mode | stat.S_IXUSR)

    def keep(self, **differs) -> LocalRecord:
        here = str(self.folder)
        record = LocalRecord(
            **{
                "service": "shop",
                "environment": "production",
                "rollout": "rol-7f3akq2m2a",
                "change": "chg-7f3akq2m2a",
                "digest": sha256(b"new"),
                "previous": sha256(b"old"),
                "router": PluginPlan(
                    kind="command",
                    settings={
                        "set": [f"{here}/set", "{percent}"],
                        "get": [f"{here}/get"],
                        "exposure": [f"{here}/exposure"],
                    },
                ),
                "rollback": (
                    StepPlan(name="restore", kind="configuration", run=("./restore",), verify=("./restored",)),
                    StepPlan(name="flags", kind="flags", run=("true",), verify=("true",)),
                ),
                "root": here,
                "granted": 5.0,
                "written_at": NOW,
                **differs,
            }
        )
        place = local_path(self.folder / ".interlock", record.environment, record.service)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(to_bytes(record))
        return record

    def kept(self) -> LocalRecord:
        return read_local(local_path(self.folder / ".interlock", "production", "shop").read_bytes())

    def read(self, name: str) -> str:
        place = self.folder / name
        return place.read_text() if place.exists() else ""

    def journals(self) -> list[dict]:
        folder = self.folder / ".interlock/rollbacks/journal"
        return [json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))]


@pytest.fixture
def place(tmp_path, monkeypatch) -> Place:
    for name in list(os.environ):
        if name.startswith("INTERLOCK_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return Place(tmp_path)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working tree with the bundled policies, gone into."""
    files = {**bundled_policies(), "modes.yaml": default_modes(["tier1-two-approvals"]).encode()}
    for path, content in files.items():
        place = tmp_path / "policies" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    (tmp_path / "interlock.yaml").write_text("version: 1\n")
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path
