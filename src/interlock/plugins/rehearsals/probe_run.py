"""The probe ``run``: a program's answer and its exit code.

Rules:
1. It is a list of arguments and never a shell's line. It must change nothing; nobody can check that.
2. What it says on its standard output counts, and its exit code; its errors are told where it ends badly.
3. A program that cannot be started, or is late, is a look that failed. One that ends badly was seen to, unless it
   names a variable of the runner that it did not get: then nobody knows what it would have seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from interlock.core.change.canonical import Json
from interlock.core.rehearsal.fingerprint import Fingerprint
from interlock.plugins.rehearsals.reading import read, refuse
from interlock.plugins.rehearsals.texts import check_expressions, lines_of
from interlock.ports.rehearsal import PROBE_SECONDS, RehearsalScene

NAME = "run"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """``run`` is the program with its arguments; ``without`` are expressions of lines that do not count."""

    run: tuple[str, ...]
    without: tuple[str, ...] = ()


class RunProbe:
    """The probe; see the rules above."""

    def __init__(self, settings: Mapping[str, Json], scene: RehearsalScene) -> None:
        self._settings = read(RunSettings, settings, what=f"the probe `{NAME}`")
        self._scene = scene
        argv = self._settings.run
        if not argv or not argv[0] or any("\0" in each for each in argv):
            hint = 'write a list such as ["cat", "version"]'
            raise refuse("a program with its arguments", " ".join(argv), hint=hint, path=("run",))
        check_expressions(self._settings.without, "without")

    def look(self) -> Fingerprint:
        """What it says now."""
        argv, programs = self._settings.run, self._scene.steps
        found = programs.output(argv, timeout=PROBE_SECONDS, environment=_names(self._scene))
        if found.ran.code is None or found.cut:
            why = "said too much" if found.cut else found.ran.told
            return Fingerprint(items={}, failed=f"{argv[0]} {why}")
        said = " ".join((*argv, found.ran.said))
        if found.ran.code and (lacking := programs.lacks(said)):
            return Fingerprint(items={}, failed=f"{argv[0]} {found.ran.told}{lacking}")
        items = lines_of(found.out, self._settings.without)
        why = f": {found.ran.said}" if found.ran.code and found.ran.said else ""
        return Fingerprint(items={**items, "exit code": f"{found.ran.code}{why}"})


def _names(scene: RehearsalScene) -> dict[str, str]:
    return {"ROLLOUT_SERVICE": scene.service, "ROLLOUT_ENVIRONMENT": scene.environment}
