"""Reads a Terraform or OpenTofu plan from its JSON form; ``interlock.core.change.plan`` has the rules.

Arguments: ``path`` of the JSON file. Without it there is nothing to read.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from interlock.core.change.change import Recipe
from interlock.core.change.plan import read_plan
from interlock.plugins.readers.files import content, inside, relative
from interlock.ports.reader import Reading, ReadRequest

MAX_BYTES = 128 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class PlanMaterial:
    """The plan file as the only thing that is there after the change; read again when asked for."""

    request: ReadRequest
    path: str

    def changed(self) -> Iterable[str]:
        """The plan's path."""
        return (self.path,)

    def before(self, path: str) -> bytes | None:  # noqa: ARG002  # a plan has no earlier version
        """Nothing."""
        return None

    def after(self, path: str) -> bytes | None:
        """The plan's bytes."""
        if path != self.path:
            return None
        return content(self.request.root, self.request.arguments["path"], limit=MAX_BYTES)

    def exists(self, path: str) -> bool:
        """Whether it is the plan."""
        return path == self.path


@contextmanager
def _uncollected() -> Iterator[None]:
    """No garbage collection: a plan makes millions of objects that all stay; looking them over takes a quarter.

    When two threads read at once the collector returns with the first; that costs time and nothing else.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


class TerraformPlanReader:
    """Describes what a plan would do."""

    name = "terraform-plan"

    def read(self, request: ReadRequest) -> Reading | None:
        """The plan as a ``TerraformPlan``, None when none is named."""
        named = request.arguments.get("path")
        if not named:
            return None
        path = relative(request.root, inside(request.root, named))
        found = content(request.root, named, limit=MAX_BYTES)
        with _uncollected():
            part = read_plan(path, found)
        recipe = Recipe(reader=self.name, arguments={"path": named})
        return Reading(part=part, recipe=recipe, material=PlanMaterial(request, path))
