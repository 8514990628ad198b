"""nginx as a router: a file with ``split_clients`` that interlock writes, and a reload.

Rules:
1. The file is interlock's own and whole: the split, the format of the log that counts, and a server on a loopback
   port which answers what *the configuration that is loaded* splits. nginx includes it in ``http``.
2. It is replaced in one step, tested with ``test`` and put back if nginx refuses it; then ``reload``. Only 0 %
   stays in the file whatever happens: an nginx that starts anew must not send anybody to a canary that was taken
   out. ``set_weight`` returns when new connections are answered by the new split alone: nginx lets old and new
   workers take connections side by side for a tenth of a second.
3. What is served is asked of the workers, never read from the file. Where they disagree, the wider split counts.
4. Assigned is what the log says: nginx counts nothing by upstream. A connection that a dead canary refused is
   logged with its arm as any other.
5. The same weight again writes and reloads nothing.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from interlock.core.change.errors import PluginError, Rejected, Unavailable
from interlock.core.rollout.samples import Exposure
from interlock.plugins.routers.nginx_log import Tail
from interlock.plugins.routers.nginx_split import Split, read_status, split_text
from interlock.plugins.routers.program import run
from interlock.plugins.routers.reading import distinct, named, near_enough, once_checked, read, refuse, share
from interlock.plugins.routers.wire import Deadline, address, http

NAME = "nginx"
FINEST = 0.01
_SIDE_BY_SIDE = 0.15
"""Seconds, a little more than the tenth in which old workers still take connections."""
_PROBES = 3
_AGAIN, _MARGIN = 0.02, 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class NginxSettings:
    """``file`` is what interlock writes, ``log`` what nginx counts in, ``status`` where its workers are asked.

    ``variable`` is set to ``canary`` or ``control``, names of upstreams; ``key`` is what is split by.
    """

    file: str
    log: str
    status: str
    canary: str
    control: str
    variable: str = "interlock_arm"
    key: str = "$request_id"
    test: tuple[str, ...] = ("nginx", "-t")
    reload: tuple[str, ...] = ("nginx", "-s", "reload")


class NginxRouter:
    """The router; see the rules above."""

    name = NAME

    def __init__(self, settings: Mapping[str, object]) -> None:
        self._settings = read(NginxSettings, settings, what=NAME)
        self._where = address(self._settings.status, path="status", sockets=False)
        distinct(named(self._settings.canary, "canary"), (named(self._settings.control, "control"),))
        self._split = Split(
            variable=self._settings.variable,
            key=self._settings.key,
            canary=self._settings.canary,
            control=self._settings.control,
            status=str(self._where),
        )
        for key in ("file", "log"):
            if not getattr(self._settings, key).startswith("/"):
                raise refuse(
                    "a whole path",
                    getattr(self._settings, key),
                    hint="begin it with `/`",
                    path=(key,),
                    code="router-file",
                )
        self._file = Path(self._settings.file)
        self._tail = Tail(Path(self._settings.log), (self._settings.canary, self._settings.control), plugin=NAME)

    def check(self) -> None:
        """Look whether the file is loaded and can be replaced, the log read, the programs run."""
        for key in ("test", "reload"):
            argv = getattr(self._settings, key)
            if not argv or shutil.which(argv[0]) is None:
                raise refuse(
                    "a program that can be run",
                    " ".join(argv),
                    hint="install it where interlock runs, or give its whole path",
                    path=(key,),
                    code="router-program",
                )
        if not self._file.is_file():
            raise refuse(
                "the file of the split, included by nginx",
                self._file,
                hint="begin with one at 0 %: docs/how-to/routers.md has it",
                path=("file",),
                code="router-file",
            )
        if not os.access(self._file.parent, os.W_OK | os.X_OK):
            raise _forbidden("write in", self._file.parent)
        self.weight()
        self._tail.read(Deadline())

    def check_weight(self, percent: float) -> None:
        """Whether hundredths of a percent make it."""
        _rounded(percent)

    def set_weight(self, percent: float) -> None:
        """Replace the file, test, reload, and wait until workers answer by it."""
        share(percent)
        with once_checked(Rejected, plugin=NAME):
            rounded = _rounded(percent)
        deadline = Deadline()
        text = split_text(self._split, rounded).encode()
        before = self._file.read_bytes() if self._file.is_file() else text
        try:
            if before == text and self._served(deadline) == {_cut(rounded)}:
                return
            self._probe(deadline)
            self._replace(text)
            self._load(deadline)
        except PluginError:
            # What nginx did not load it must not load when it starts anew, unless that is the safe side.
            self._replace(before if percent else text)
            raise
        self._wait(_cut(rounded), deadline)

    def weight(self) -> float:
        """Percent by which new connections are split; the larger where workers disagree."""
        return max(self._served(Deadline()))

    def exposure(self) -> Exposure:
        """Requests in the log since this object began to read it."""
        deadline = Deadline()
        self._probe(deadline)
        counted = self._tail.read(deadline)
        canary, control = (counted.lines[arm] for arm in (self._settings.canary, self._settings.control))
        return Exposure(canary=canary, control=control, at=time.time(), since=counted.since)

    def close(self) -> None:
        """Close the log."""
        self._tail.close()

    def _load(self, deadline: Deadline) -> None:
        for argv in (self._settings.test, self._settings.reload):
            ran = run(argv, {}, deadline, plugin=NAME)
            if ran.code:
                raise _rejected(argv, ran.complaint())

    def _probe(self, deadline: Deadline) -> float:
        return read_status(http(self._where, "GET", "/", deadline, plugin=NAME), self._split, plugin=NAME)

    def _served(self, deadline: Deadline) -> set[float]:
        return {self._probe(deadline) for _ in range(_PROBES)}

    def _wait(self, wanted: float, deadline: Deadline) -> None:
        """Return when workers answer by ``wanted`` alone, side by side or not."""
        moved = False
        while not (moved and self._served(deadline) == {wanted}):
            moved = self._probe(deadline) == wanted
            pause = _SIDE_BY_SIDE if moved else _AGAIN
            if not deadline.allows(pause + _MARGIN):
                raise Unavailable(
                    f"expected nginx to split by {wanted:g} % after its reload, got another split until now",
                    code="router-unreachable",
                    hint="look into nginx's error log; the file is written and may be loaded yet",
                    plugin=NAME,
                )
            time.sleep(pause)

    def _replace(self, content: bytes) -> None:
        """The file is the old one or the new one, also after a crash."""
        try:
            number, name = tempfile.mkstemp(prefix=".interlock-", dir=self._file.parent)
            try:
                with os.fdopen(number, "wb") as beside:
                    beside.write(content)
                    beside.flush()
                    os.fchmod(beside.fileno(), 0o644)
                    os.fsync(beside.fileno())
                Path(name).replace(self._file)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
            folder = os.open(self._file.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except PermissionError as error:
            raise _forbidden("write in", self._file.parent) from error
        except OSError as error:
            raise Unavailable(
                f"expected to write `{self._file}`, got: {(error.strerror or str(error)).lower()}",
                code="router-unreachable",
                hint="look at the file system it lies on",
                plugin=NAME,
            ) from error


def _rounded(percent: float) -> float:
    rounded = int(percent / FINEST + 1e-9) * FINEST
    near_enough(percent, rounded, finest=FINEST)
    return rounded


def _cut(percent: float) -> float:
    return round(percent, 2)


def _forbidden(what: str, path: Path) -> Unavailable:
    return Unavailable(
        f"expected to be permitted to {what} `{path}`, got a refusal",
        code="router-forbidden",
        hint="give that folder to the user that interlock runs as",
        plugin=NAME,
    )


def _rejected(argv: tuple[str, ...], complaint: str) -> Rejected:
    return Rejected(
        f"expected `{' '.join(argv)[:80]}` to accept the split, got: {complaint}",
        code="router-rejected",
        hint="run it by hand; the file before was put back, unless this was 0 %",
        plugin=NAME,
    )
