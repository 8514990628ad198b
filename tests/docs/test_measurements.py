"""The page of measurements is kept section by section: what ran replaces its own and nothing else."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ANSWER = {
    "title": "Judge",
    "rows": [{"figure": "delay", "value": 10, "unit": "s"}],
    "page": "measurements/judge.md",
}


@pytest.fixture
def script(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("measurements", ROOT / "scripts" / "measurements.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = tmp_path / "measurements.md"
    page.write_text(module.TARGET.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(module, "TARGET", page)
    return module


def test_every_section_says_when_and_where_and_its_pages_are_there(script):
    found = script.sections(script.TARGET.read_text())
    assert found
    for name, section in found.items():
        assert (ROOT / "benchmarks" / name / "__main__.py").exists()
        assert re.search(rf"^`python -m benchmarks\.{name}` on 20\d\d-\d\d-\d\d: \d+ cores", section, re.MULTILINE)
        for linked in re.findall(r"\]\((\S+)\)", section):
            assert (ROOT / "docs" / linked).exists()


def test_what_ran_replaces_its_section_and_leaves_the_others(script, monkeypatch):
    before = script.sections(script.TARGET.read_text())
    monkeypatch.setattr(script, "run", lambda name: ANSWER if name == "judge" else None)
    assert script.main(["judge"]) == 0
    after = script.sections(script.TARGET.read_text())
    assert after.pop("judge").startswith("## Judge\n")
    before.pop("judge", None)
    assert after == before


def test_one_that_fails_keeps_what_it_had(script, monkeypatch, capsys):
    before = script.TARGET.read_text()
    monkeypatch.setattr(script, "run", lambda name: None)
    assert script.main(["catalog"]) == 1
    assert "catalog" in capsys.readouterr().err
    assert script.TARGET.read_text() == before


def test_an_unknown_one_is_refused_before_anything_runs(script, capsys):
    assert script.main(["nothing"]) == 2
    assert "`nothing`" in capsys.readouterr().err
