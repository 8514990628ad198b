"""A cluster for the tests that need one, and a namespace of its own for each."""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from interlock.testing.kubernetes import Cluster

_BUILT = 3_600
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def programs() -> Path:
    """The folder with the programs of a cluster, kubectl among them; built where they are not."""
    script = Path(__file__).parents[2] / "scripts" / "kubernetes"
    built = subprocess.run([script], check=True, timeout=_BUILT, stdout=subprocess.PIPE, text=True)
    return Path(built.stdout.splitlines()[-1])


@pytest.fixture(scope="session")
def cluster(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with pytest.MonkeyPatch.context() as patch:
        # The kubectl that belongs to it: whatever else is installed here may be of another version.
        patch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
        with Cluster(programs, tmp_path_factory.mktemp("cluster")) as made:
            yield made


@pytest.fixture
def namespace(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> str:
    """A fresh one, in the cluster that ``KUBECONFIG`` leads to from now on."""
    name = f"fresh-{next(_NUMBERS)}"
    cluster.kubectl("create", "namespace", name)
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    return name
