from __future__ import annotations

import os
import re
import subprocess
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# Names are written in halves, so that this file is not its own offender.
HOSTS = re.compile(
    r"(?i)\b("
    + "|".join(
        first + re.escape("." + rest)
        for first, rest in (
            ("pypi", "org"),
            ("pythonhosted", "org"),
            ("npmjs", "org"),
            ("npmjs", "com"),
            ("yarnpkg", "com"),
            ("deb.debian", "org"),
            ("security.debian", "org"),
            ("crates", "io"),
            ("proxy.golang", "org"),
            ("rubygems", "org"),
            ("maven", "org"),
        )
    )
    + r")\b"
)
SOMEBODYS_PATH = re.compile(r"(?<![\w.~-])(/home/|/Users/|/ro" + r"ot/|/wo" + r"rk/|[A-Z]:\\Users\\)[\w.-]+")
FOREIGN = "tests/data/"


def named_hosts(files):
    """Files that say where packages come from, which is a setting of the machine."""
    for path, text in files:
        for number, line in enumerate(text.splitlines(), 1):
            if HOSTS.search(line):
                yield f"{path}:{number}: {line.strip()[:120]}"


def machine_paths(files):
    """Absolute paths of somebody's machine; what was recorded elsewhere (tests/data) is left as it was."""
    for path, text in files:
        if not path.startswith(FOREIGN):
            for number, line in enumerate(text.splitlines(), 1):
                if SOMEBODYS_PATH.search(line):
                    yield f"{path}:{number}: {line.strip()[:120]}"


def unlocked(requirements, lock):
    """Requirements that the lock does not satisfy."""
    for text in requirements:
        requirement = Requirement(text)
        version = lock.get(canonicalize_name(requirement.name))
        if version is None or not requirement.specifier.contains(version, prereleases=True):
            yield f"{text}: locked is {version}"


def read_lock(text):
    pinned = re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==([^\s;\\]+)", text, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in pinned}


def test_no_file_names_a_package_host(tracked):
    offences = list(named_hosts(tracked))
    assert not offences, "\n".join(offences)


@pytest.mark.parametrize("text", ["https://py" + "pi.org/simple", "https://registry.npm" + "js.org/x"])
def test_a_package_host_is_found(text):
    assert len(list(named_hosts([("tests/data/x/uv.lock", f"a\n{text}\n")]))) == 1


def test_no_file_holds_a_path_of_somebodys_machine(tracked):
    offences = list(machine_paths(tracked))
    assert not offences, "\n".join(offences)


@pytest.mark.parametrize("path", ["/ho" + "me/ana/x", "/Us" + "ers/ana", "(/wo" + "rk/main)"])
def test_such_a_path_is_found(path):
    assert len(list(machine_paths([("docs/x.md", f"see {path}")]))) == 1
    assert list(machine_paths([("tests/data/x/plan.json", path)])) == []


def test_a_path_of_an_address_is_not_such_a_path():
    assert list(machine_paths([("x.md", "https://host.example/home/page and ./root/x and a/work/b")])) == []


def test_the_locks_are_in_step_with_the_project(root):
    project = tomllib.loads((root / "pyproject.toml").read_text())
    dev = read_lock((root / "requirements/dev.lock").read_text())
    runtime = read_lock((root / "requirements/runtime.lock").read_text())
    groups = project["dependency-groups"]
    extras = [text for texts in project["project"]["optional-dependencies"].values() for text in texts]
    needed = [*project["project"]["dependencies"], *groups["build"]]
    wrong = [*unlocked(needed, runtime), *unlocked([*needed, *groups["dev"], *extras], dev)]
    assert wrong == [], "make lock"
    assert runtime.items() <= dev.items()


def test_a_lock_that_lags_behind_is_found():
    lock = read_lock("httpx==0.27.0 \\\n    --hash=sha256:00\npsycopg[binary]==3.2 ; python_version < '4'\n")
    assert lock == {"httpx": "0.27.0", "psycopg": "3.2"}
    assert list(unlocked(["httpx>=0.28", "click"], lock)) == [
        "httpx>=0.28: locked is 0.27.0",
        "click: locked is None",
    ]


def test_continuous_integration_calls_make_test(root):
    script = root / ".ci/run"
    assert os.access(script, os.X_OK)
    lines = script.read_text().splitlines()
    assert "set -euo pipefail" in lines
    assert "make test" in lines


def missing_packages(root, tmp_path, *, uid, tools=()):
    """Run the script on a machine that has bash and little else, as the given user."""
    for tool in ("bash", "dirname", *tools):
        (tmp_path / tool).symlink_to(f"/usr/bin/{tool}")
    (tmp_path / "id").write_text(f"#!/bin/bash\necho {uid}\n")
    (tmp_path / "id").chmod(0o755)
    command = ["/bin/bash", str(root / "scripts/system-packages")]
    return subprocess.run(
        command, env={"PATH": str(tmp_path)}, capture_output=True, text=True, timeout=30, check=False
    )


def test_every_missing_system_package_is_listed_where_none_may_be_installed(root, tmp_path):
    result = missing_packages(root, tmp_path, uid=1000)
    assert result.returncode == 2
    for package in ("git", "openssh-client", "gcc"):
        assert re.search(rf"^  {package} ", result.stderr, re.MULTILINE), result.stderr
    assert "hint: apt-get install git openssh-client gcc" in result.stderr


def test_root_without_apt_is_told_the_same(root, tmp_path):
    result = missing_packages(root, tmp_path, uid=0)
    assert result.returncode == 2
    assert "  openssh-client " in result.stderr


def test_nothing_is_said_when_nothing_is_missing(root):
    command = ["/bin/bash", str(root / "scripts/system-packages")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
