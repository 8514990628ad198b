"""The scanner ``semgrep``, where it is installed: by rules that are files of the rules in force, and no others.

Rules:
1. Its rules are YAML in a folder below the scan plans. A registry, ``auto`` or an address is refused: what is
   fetched is another every time, nobody signed for it, and without a network it hangs.
2. It reports nothing to anybody and looks for no newer version of itself.
3. What its rules are about is said by the plan, as globs of files: of other code that it
   is given nothing is known.
4. ``nosemgrep`` hides nothing, and no file is left out for its name: not by git's, nor by semgrep's own list.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from interlock.core.change.canonical import Json
from interlock.core.change.globs import matches
from interlock.core.scan.seen import Scanned, Source
from interlock.plugins.world.scan_settings import read, refuse
from interlock.plugins.world.scan_tree import both_sides
from interlock.ports.scanner import SECONDS, Look

PROGRAM = "semgrep"
_OWN_LIST = ".semgrepignore"
_FOLDER = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")
_REGISTRY = re.compile(r"auto|[pr]/.*|.*://.*|supply-chain|ci")
_QUIET = ("--metrics=off", "--disable-version-check", "--quiet", "--sarif")
_WHOLE = ("--disable-nosem", "--no-git-ignore", "--max-target-bytes=0")


@dataclass(frozen=True, slots=True, kw_only=True)
class SemgrepSettings:
    """``rules`` is the folder below the scan plans in which its rules are; ``reads`` the files they are about.

    ``passed_on`` are variables of the runner that it gets.
    """

    rules: str = "semgrep"
    config: str = ""
    reads: tuple[str, ...] = ()
    passed_on: tuple[str, ...] = ()
    seconds: float = SECONDS


class SemgrepScanner:
    """See the rules above; the contract is in ``ports.scanner``."""

    def __init__(self, settings: Mapping[str, Json]) -> None:
        self._settings = read(SemgrepSettings, settings, what=f"the scanner `{PROGRAM}`")
        for key in ("config", "rules"):
            named = getattr(self._settings, key)
            if (key == "config" and named) or _REGISTRY.fullmatch(named) or not _FOLDER.fullmatch(named or "x"):
                hint = "copy the rules into scan-plans/semgrep/: what a registry has nobody signed for"
                raise refuse("`rules` to name a folder below the scan plans", named, hint=hint, path=(key,))

    def missing(self) -> str:
        """See ``ports.scanner``."""
        return "" if shutil.which(PROGRAM) else f"{PROGRAM}: pip install semgrep, or pipx install semgrep"

    def reads(self, source: Source) -> bool:
        """What the plan says that it reads."""
        return (
            not source.link
            and not _is_own_list(source)
            and any(matches(glob, source.path) for glob in self._settings.reads)
        )

    def scan(self, look: Look) -> Scanned:
        """See ``ports.scanner``."""
        prefix = f"{self._settings.rules}/"
        mine = {
            f"rules/{path.removeprefix(prefix)}": look.files[path]
            for path in look.files
            if path.startswith(prefix)
        }
        if not mine:
            return Scanned(tool=PROGRAM, fault=f"there are no rules for it in scan-plans/{prefix}")
        return both_sides(
            look.sources,
            _command,
            tool=PROGRAM,
            seconds=self._settings.seconds,
            good=(0, 1),
            files={**mine, _OWN_LIST: b""},
            passed_on=self._settings.passed_on,
            skip=_is_own_list,
        )


def _command(tree: Path, out: Path) -> tuple[str, ...]:
    (tree / _OWN_LIST).write_bytes(b"")
    return (PROGRAM, "scan", *_QUIET, *_WHOLE, "--config", "rules", f"--output={out}", str(tree))


def _is_own_list(source: Source) -> bool:
    return PurePosixPath(source.path).name == _OWN_LIST
