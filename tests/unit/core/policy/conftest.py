from importlib import resources

import pytest

from interlock.core.policy.bundle import Bundle, load_bundle
from interlock.core.policy.modes import default_modes
from interlock.registry import bundled_policies
from interlock.testing.cases import Case, CaseInput, Tree, build, read_cases


@pytest.fixture(scope="session")
def bundled() -> dict[str, bytes]:
    root = resources.files("interlock.core.policy.bundled")
    return {
        f"{folder}/{item.name}": item.read_bytes()
        for folder in ("base", "tests")
        for item in (root / folder).iterdir()
        if item.name.endswith((".cedar", ".yaml"))
    }


@pytest.fixture(scope="session")
def bundle(bundled: dict[str, bytes]) -> Bundle:
    return load_bundle(bundled)


@pytest.fixture(scope="session")
def corpus(bundle: Bundle) -> tuple[tuple[Case, ...], dict[str, Tree]]:
    return read_cases(bundle.tests)


@pytest.fixture(scope="session")
def built(corpus: tuple[tuple[Case, ...], dict[str, Tree]]) -> dict[str, CaseInput]:
    cases, bases = corpus
    return {case.name: build(case, bases) for case in cases}


CATALOG = b"""\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: harbour}
spec: {type: service, lifecycle: production, owner: group:crew}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: crew}
spec: {type: team, children: []}
"""


@pytest.fixture
def files() -> dict[str, bytes]:
    """Rules of one service, harbour, without any plan."""
    policies = {**bundled_policies(), "modes.yaml": default_modes([]).encode()}
    return {
        "interlock.yaml": b"version: 1\n",
        "catalog-info.yaml": CATALOG,
        **{f"policies/{path}": content for path, content in policies.items()},
    }
