"""Readings made from bytes on the spot."""

from __future__ import annotations

import json

import pytest

from interlock.core.change.configuration import read_configuration
from interlock.core.change.parts import Configuration
from interlock.core.change.plan import read_plan
from interlock.testing.materials import HostileMaterial, reading


def of_files(before, after, **more):
    """A configuration reading of every file that differs; contents are text."""
    old = {path: text.encode() for path, text in before.items()}
    new = {path: text.encode() for path, text in after.items()}
    beside = {path: text.encode() for path, text in more.get("unchanged", {}).items()}
    material = HostileMaterial(old, new, unchanged=beside)
    files = [
        read_configuration(path, old.get(path), new.get(path))
        for path in material.changed()
        if path.endswith((".yaml", ".json", ".toml", ".env"))
    ]
    return reading(Configuration(files=tuple(files)), material)


@pytest.fixture
def changed():
    """``changed(before, after)`` of one file, ``changed(path=…)`` to name it."""

    def make(before, after, path="config/delivery.yaml"):
        old = {} if before is None else {path: before}
        new = {} if after is None else {path: after}
        return of_files(old, new)

    return make


@pytest.fixture
def files():
    """``files(before, after, unchanged=…)``, each path → text."""
    return of_files


@pytest.fixture
def planned():
    """A plan reading of resources, each ``(type, before, after)`` or with ``after_unknown`` as a fourth."""

    def make(*resources, path="plan.json"):
        entries = []
        for index, (kind, before, after, *unknown) in enumerate(resources):
            actions = ["create"] if before is None else ["delete"] if after is None else ["update"]
            change = {
                "actions": actions,
                "before": before,
                "after": after,
                "after_unknown": unknown[0] if unknown else {},
                "before_sensitive": False,
                "after_sensitive": {},
            }
            entries.append(
                {
                    "address": f"{kind}.r{index}",
                    "mode": "managed",
                    "type": kind,
                    "name": f"r{index}",
                    "provider_name": "registry.example/x",
                    "change": change,
                }
            )
        content = json.dumps(
            {"format_version": "1.2", "terraform_version": "1.9.0", "resource_changes": entries}
        ).encode()
        return reading(read_plan(path, content), HostileMaterial({}, {path: content}))

    return make


@pytest.fixture
def told():
    """``told(validator, reading, settings)`` → ``[(level, rule, message)]`` of everything found."""

    def run(validator, readings, settings=None):
        readings = readings if isinstance(readings, list) else [readings]
        found = validator.validate(readings, settings or {})
        return [(f.level, f.rule, f.message) for v in found for f in v.findings]

    return run
