"""What the how-to pages say about catalog and provenance is what the code does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from interlock.core.change.annotations import ANNOTATIONS
from interlock.core.change.catalog_read import read_catalog
from interlock.core.facts.front_matter import KEYS, read_written
from interlock.core.facts.markers import TOOLS_BY_ADDRESS

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
SERVICES = (HOW_TO / "describe-your-services.md").read_text(encoding="utf-8")
CHANGE = (HOW_TO / "document-a-change.md").read_text(encoding="utf-8")
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDuJQJBpXVJ3nDJyc8qPBqcFkYV3GZlCzbWcDmvqYxVK"


def examples(text: str) -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)


def test_every_annotation_is_explained_and_none_that_is_not() -> None:
    rows = re.findall(r"^\| ((?:`[a-z-]+`(?:, )?)+) \|", SERVICES, re.MULTILINE)
    explained = {word for row in rows for word in re.findall(r"`([a-z-]+)`", row)}
    assert explained == set(ANNOTATIONS)


def test_the_examples_of_the_catalog_are_read() -> None:
    shown = examples(SERVICES)
    files = {f"{number}.yaml": text for number, text in enumerate(shown)}
    keys = iter(["", KEY, KEY.replace("DuJ", "DvJ")])
    text = re.sub(
        r"(?:sk-)?ssh-ed25519\S* AAAA…", lambda _: next(keys) or KEY.replace("DuJ", "DwJ"), files["1.yaml"]
    )
    files["1.yaml"] = text
    files["2.yaml"] += "---\napiVersion: backstage.io/v1alpha1\nkind: User\nmetadata: {name: grace}\n"
    catalog = read_catalog({name: text.encode() for name, text in files.items()}, digest="d")
    assert catalog.services["order-service"].order_share == 0.41
    assert [key.revoked for key in catalog.people["ana"].keys] == [False, False, True]
    assert catalog.agents["release-bot"].sponsor == "grace"


def test_the_example_of_a_documentation_is_complete() -> None:
    (shown,) = examples(CHANGE)
    written = read_written("change.md", shown)
    assert written.problems == []
    assert all(
        written.items(name) for name in ("plan", "failure_modes", "rollback_steps", "required_tests", "cites")
    )
    front: dict[str, Any] = yaml.safe_load(shown.split("---")[1])
    assert set(front) == set(KEYS) - {"rollback"}


def test_every_address_is_listed() -> None:
    listed = dict(re.findall(r"^\| `([^`]+@[^`]+)` \| (\S+) \|$", CHANGE, re.MULTILINE))
    assert listed == TOOLS_BY_ADDRESS
