"""A router that is a user's own program: for whatever splits traffic and has no plug-in.

Rules:
1. ``set``, ``get`` and ``exposure`` are argument lists. ``{percent}`` in them becomes the weight, and
   ``INTERLOCK_PERCENT`` is set in the environment; nothing goes through a shell.
2. ``get`` prints ``{"percent": 5}``: what the data plane serves, not what was last set. ``exposure`` prints
   ``{"canary": n, "control": m, "since": "…"}``: requests assigned in the run of the router that ``since`` names.
3. Each ends within 2 s. Exit 0 is done, 75 (try again) and 77 (not permitted) are ``Unavailable``; any other is a
   refusal where something was set, and ``Unavailable`` where something was asked.
4. ``set`` is repeated after a lost answer, so it must be idempotent.
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from interlock.core.change.errors import Rejected, Unavailable
from interlock.core.rollout.samples import Exposure
from interlock.core.rollout.setting import InvalidSetting
from interlock.plugins.routers.program import Ran, run
from interlock.plugins.routers.reading import read, refuse, share
from interlock.plugins.routers.wire import Deadline, bad, json_object

NAME = "command"
_TRY_AGAIN, _NOT_PERMITTED = 75, 77
_ALL = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSettings:
    """Three programs with their arguments; ``environment`` is added to what they are run with."""

    set: tuple[str, ...]
    get: tuple[str, ...]
    exposure: tuple[str, ...]
    environment: Mapping[str, str] | None = None


class CommandRouter:
    """The router; see the rules above."""

    name = NAME

    def __init__(self, settings: Mapping[str, object]) -> None:
        self._settings = read(CommandSettings, settings, what=NAME)
        for key in ("set", "get", "exposure"):
            argv: tuple[str, ...] = getattr(self._settings, key)
            if not argv or not argv[0] or any("\0" in each for each in argv):
                raise refuse(
                    "a program with its arguments",
                    " ".join(argv),
                    hint='write a list such as ["./split", "{percent}"]',
                    path=(key,),
                    code="router-program",
                )

    def check(self) -> None:
        """Look whether the programs are there and one is told the weight, and ask both questions once."""
        if not any("{percent}" in each for each in self._settings.set):
            raise refuse(
                "`{percent}` among the arguments",
                " ".join(self._settings.set),
                hint='write a list such as ["./split", "{percent}"]: the program is told the weight there',
                path=("set",),
                code="router-program",
            )
        for key in ("set", "get", "exposure"):
            _installed(getattr(self._settings, key)[0], key)
        self.weight()
        self.exposure()

    def set_weight(self, percent: float) -> None:
        """Run ``set``."""
        share(percent)
        text = f"{percent:.10g}"
        argv = [each.replace("{percent}", text) for each in self._settings.set]
        ran = self._run(argv, {"INTERLOCK_PERCENT": text})
        if ran.code:
            raise Rejected(
                f"expected `{argv[0][:80]}` to set the weight, got exit {ran.code}: {ran.complaint()}",
                code="router-rejected",
                hint="run it by hand with that weight",
                plugin=NAME,
            )

    def weight(self) -> float:
        """What ``get`` prints."""
        told = self._told(self._settings.get)
        percent = told.get("percent")
        if not isinstance(percent, int | float) or isinstance(percent, bool) or not _is_percent(percent):
            raise bad("`percent` from 0 to 100", percent, plugin=NAME)
        return float(percent)

    def exposure(self) -> Exposure:
        """What ``exposure`` prints."""
        told = self._told(self._settings.exposure)
        at = time.time()
        canary, control = _count(told, "canary"), _count(told, "control")
        return Exposure(canary=canary, control=control, at=at, since=str(told.get("since", ""))[:200])

    def close(self) -> None:
        """Nothing runs between calls."""

    def _told(self, argv: Sequence[str]) -> dict[str, object]:
        ran = self._run(argv, {})
        if ran.code:
            raise _unavailable(argv, ran, "router-unreachable")
        return json_object(ran.out, plugin=NAME)

    def _run(self, argv: Sequence[str], added: Mapping[str, str]) -> Ran:
        ran = run(argv, {**(self._settings.environment or {}), **added}, Deadline(), plugin=NAME)
        if ran.code in (_TRY_AGAIN, _NOT_PERMITTED):
            code = "router-unreachable" if ran.code == _TRY_AGAIN else "router-forbidden"
            raise _unavailable(argv, ran, code)
        return ran


def _count(told: Mapping[str, object], arm: str) -> int:
    count = told.get(arm)
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        raise bad(f"a whole number as `{arm}`", count, plugin=NAME)
    return count


def _is_percent(value: float) -> bool:
    return math.isfinite(value) and 0 <= value <= _ALL


def _installed(program: str, key: str) -> None:
    if shutil.which(program) is None:
        raise InvalidSetting(
            f"expected a program that can be run, got `{program[:80]!a}`",
            code="router-program",
            hint="install it where interlock runs, or give its whole path",
            path=(key, 0),
        )


def _unavailable(argv: Sequence[str], ran: Ran, code: str) -> Unavailable:
    return Unavailable(
        f"expected `{argv[0][:80]}` to answer, got exit {ran.code}: {ran.complaint()}",
        code=code,
        hint="run it by hand",
        plugin=NAME,
    )
