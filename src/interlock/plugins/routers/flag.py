"""A feature flag as a router, served by interlock itself (OpenFeature OFREP): for platforms without a splitter.

Rules:
1. Users are split, not requests: whoever is in the canary stays there while it widens.
2. ``set_weight`` returns when every server answers by the new weight: half a second after the record moved, since
   servers look at it that often. A client that keeps evaluations (a browser's provider) follows when it asks anew.
3. Assigned are users, each once for each weight (see ``core.rollout.flags``).
4. The router has no state of its own: where things are wired it is given the flags (``takes_flags``). Without
   them nothing can be read and nothing moved (``flag-unserved``), and waiting does not help.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

from interlock.core.change.errors import Unavailable
from interlock.core.rollout.flags import Value, flag_id
from interlock.core.rollout.samples import Exposure
from interlock.plugins.routers.reading import read, refuse, share
from interlock.ports.flags import STALE, Flags, FlagStanding

NAME = "flag"
_FLAG = re.compile(r"[A-Za-z0-9._:@-]{1,128}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagSettings:
    """``flag`` is the key that the application evaluates; ``canary`` and ``control`` what it evaluates to."""

    flag: str
    canary: Value = True
    control: Value = False


class FlagRouter:
    """The router; see the rules above."""

    name = NAME
    takes_flags = True

    def __init__(self, settings: Mapping[str, object], *, flags: Flags | None = None) -> None:
        self._settings = read(FlagSettings, settings, what=NAME)
        self._flags = flags
        if not _FLAG.fullmatch(self._settings.flag):
            raise refuse(
                "a flag's key of at most 128 letters, digits and `._:@-`",
                self._settings.flag,
                hint="correct that key",
                path=("flag",),
                code="router-name",
            )
        if type(self._settings.canary) is not type(self._settings.control):
            raise refuse(
                "two values of one type",
                f"{self._settings.canary} and {self._settings.control}",
                hint="an application asks for one type",
                path=("canary",),
                code="router-arms",
            )

    def check(self) -> None:
        """Look whether flags can be read; one that nobody moved yet is at 0 %."""
        self._standing()

    def set_weight(self, percent: float) -> None:
        """Move the flag, and wait until every server has seen it."""
        share(percent)
        values = self._settings
        if self._served().move(values.flag, float(percent), canary=values.canary, control=values.control):
            time.sleep(STALE)

    def weight(self) -> float:
        """Percent of the users whom servers send to the canary."""
        return self._standing().percent

    def exposure(self) -> Exposure:
        """Users that were assigned."""
        standing = self._standing()
        return Exposure(canary=standing.canary, control=standing.control, at=time.time(), since=standing.since)

    def close(self) -> None:
        """Nothing is open."""

    def _standing(self) -> FlagStanding:
        found = self._served().look(self._settings.flag)
        return found or FlagStanding(percent=0.0, canary=0, control=0, since=flag_id(self._settings.flag))

    def _served(self) -> Flags:
        if self._flags is None:
            raise Unavailable(
                f"expected interlock's server, which serves the flag `{self._settings.flag}`, got none here",
                code="flag-unserved",
                hint="start it, interlock serve, and ask it: interlock rollback SERVICE",
                plugin=NAME,
            )
        return self._flags
