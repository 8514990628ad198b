from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

COMMAND = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"]


def lint(root):
    place = os.environ | {"PYTHONPATH": str(root / "src")}  # before the editable install
    return subprocess.run(COMMAND, cwd=root, env=place, capture_output=True, text=True, timeout=120, check=False)


def test_imports_go_downhill_only(root):
    result = lint(root)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("path", "line", "broken"),
    [
        ("core/change/planted.py", "import interlock.ports.store", "downhill only"),
        ("core/change/planted.py", "from interlock import storage", "downhill only"),
        ("plugins/readers/planted.py", "import interlock.road", "downhill only"),
        ("plugins/readers/planted.py", "import interlock.storage", "only through ports"),
        ("plugins/readers/planted.py", "import interlock.plugins.validators", "do not import each other"),
        ("doors/api/planted.py", "import interlock.doors.cli", "downhill only"),
    ],
)
def test_an_import_uphill_is_found(root, tmp_path, path, line, broken):
    skeleton(root, tmp_path)
    assert lint(tmp_path).returncode == 0
    (tmp_path / "src/interlock" / path).write_text(f"{line}\n")
    result = lint(tmp_path)
    assert result.returncode == 1
    assert f"{broken} BROKEN" in result.stdout


def skeleton(root, target):
    """The packages and the contract, without what is in them: a lint of it takes no time."""
    shutil.copy(root / "pyproject.toml", target)
    for file in (root / "src").rglob("*.py"):
        copy = target / file.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text("")
