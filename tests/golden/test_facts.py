"""Facts of whole submissions, as files: one folder a case, ``submission.json`` in, ``description.json`` out.

To accept a change on purpose: ``INTERLOCK_GOLDEN=write pytest tests/golden/test_facts.py``, then read the diff.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from interlock.core.change.canonical import plain
from interlock.core.change.catalog_read import read_catalog
from interlock.core.change.change import Submission
from interlock.core.change.parse import parse_json
from interlock.core.change.settings import ConfigurationRule, Environment, Settings
from interlock.core.facts.describe import describe

FOLDER = Path(__file__).parent / "facts"
SHOP = FOLDER.parents[1] / "data" / "microservices-demo"
CASES = sorted(path.name for path in FOLDER.iterdir() if path.is_dir())
SETTINGS = Settings(
    configuration=(ConfigurationRule(match="config/**", service="checkoutservice"),),
    environments={
        "production": Environment(production=True, markers=("kubernetes-manifests.yaml", "module.production.*")),
        "staging": Environment(markers=("module.staging.*",)),
    },
)


def described(case: str) -> str:
    names = ["catalog/services.yaml", "catalog/people.yaml", "CODEOWNERS"]
    catalog = read_catalog({name: (SHOP / name).read_bytes() for name in names}, digest="sha256:" + "0" * 64)
    submission = parse_json(Submission, (FOLDER / case / "submission.json").read_bytes(), what=case)
    found = describe(submission, catalog=catalog, settings=SETTINGS)
    return json.dumps(plain(found), indent=1, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("case", CASES)
def test_facts_are_those_on_file(case: str) -> None:
    file = FOLDER / case / "description.json"
    if os.environ.get("INTERLOCK_GOLDEN") == "write":
        file.write_text(described(case), encoding="utf-8")
    assert file.read_text(encoding="utf-8") == described(case)


def test_there_are_cases() -> None:
    assert len(CASES) >= 5


@pytest.mark.parametrize("seed", ["0", "4242"])
def test_facts_are_the_same_whatever_the_hash_seed(seed: str) -> None:
    program = f"import importlib.util as u; s = u.spec_from_file_location('g', {str(Path(__file__))!r})\n"
    program += "m = u.module_from_spec(s); s.loader.exec_module(m)\n"
    program += "import sys; sys.stdout.write(''.join(m.described(case) for case in m.CASES))"
    environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=True)
    expected = "".join((FOLDER / case / "description.json").read_text(encoding="utf-8") for case in CASES)
    assert done.stdout.decode() == expected
