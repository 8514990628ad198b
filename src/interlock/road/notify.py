"""Who is told of a rollout: each notifier of its plan, once for each happening, beside the rollout's own work.

Rules:
1. Telling never holds a rollout up and never fails one: a notice waits in a queue of its own, and what goes wrong
   with it ends as ``rollout.told`` in the ledger, with ``ok: false`` and why, and is shown with the rollout.
2. Once: before a notice is sent, the ledger is asked whether this notifier was told of this happening already. A
   server that dies between sending and writing so may tell again after ``again``. One that dies before sending
   loses nothing: whoever takes the rollout next tells what its record shows and nobody was told.
3. ``on`` in a notifier's section of the plan says of what it is told; without it, of everything. It is the road's
   own key: the plug-in never sees it.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from interlock.core.change.canonical import Json
from interlock.core.change.errors import InterlockError
from interlock.core.change.parse import closest
from interlock.core.ledger.entry import Entry
from interlock.core.rollout.plan import Plan, PluginPlan
from interlock.core.rollout.record import RolloutRecord
from interlock.core.rollout.setting import InvalidSetting
from interlock.ports.notifier import Notifier
from interlock.ports.store import Tx
from interlock.road.notices import EVERY, Happening, happening, happenings
from interlock.road.station import Station

TOLD = "rollout.told"
Factories = Mapping[str, Callable[..., Notifier]]
MOST_WAITING = 256
MAX_SAID = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What became of one notice: ``notifier`` is its place in the plan and its kind, such as ``0/apprise``."""

    what: str
    notifier: str
    ok: bool
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    after: RolloutRecord
    plan: Plan
    about: Happening


class Teller:
    """Tells beside the rollout's work, one after the other. ``link`` makes an address from a rollout's id."""

    def __init__(
        self, station: Station, factories: Factories, *, link: Callable[[str], str] = lambda _: ""
    ) -> None:
        self._station, self._factories, self._link = station, factories, link
        self._waiting: queue.Queue[_Waiting] = queue.Queue(MOST_WAITING)
        self._begun = threading.Lock()
        self._thread: threading.Thread | None = None

    def __call__(self, before: RolloutRecord | None, after: RolloutRecord, plan: Plan) -> None:
        """Tell of this transition if people are told of it. Neither raises nor waits."""
        about = happening(before, after, plan, link=self._link(after.id)) if plan.notify else None
        if about is not None:
            self._put(_Waiting(after=after, plan=plan, about=about))

    def again(self, record: RolloutRecord, plan: Plan) -> None:
        """Tell of what led to where it stands, unless that was told: for whoever took over from one that died."""
        for about in happenings(record, plan, link=self._link(record.id)) if plan.notify else ():
            self._put(_Waiting(after=record, plan=plan, about=about))

    def _put(self, one: _Waiting) -> None:
        try:
            self._waiting.put_nowait(one)
        except queue.Full:
            return
        with self._begun:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="notices", daemon=True)
                self._thread.start()

    def drain(self, seconds: float) -> bool:
        """Wait at most so long for what is under way; whether nothing is left. For a server that ends."""
        end = time.monotonic() + seconds
        while self._waiting.unfinished_tasks and time.monotonic() < end:
            time.sleep(0.01)
        return not self._waiting.unfinished_tasks

    def _work(self) -> None:
        while True:
            one = self._waiting.get()
            try:
                self._tell(one)
            finally:
                self._waiting.task_done()

    def _tell(self, one: _Waiting) -> None:
        for place, section in enumerate(one.plan.notify):
            name = f"{place}/{section.kind}"
            # Whatever goes wrong with one of them, the others are told, and so is everybody of what comes next.
            with suppress(Exception):
                if one.about.what in _wanted(section) and not self._was_told(one, name):
                    self._keep(one, name, self._sent(section, one.about))

    def _sent(self, section: PluginPlan, about: Happening) -> str:
        """Empty when it was taken, else why not."""
        try:
            opened(self._factories, section).send(about.notice)
        except InterlockError as error:
            return f"{error.code}: {error.message}"
        except Exception as error:  # noqa: BLE001  # anybody's plug-in: it must not end what tells all the others
            return f"{section.kind} failed with {type(error).__name__}"
        return ""

    def _was_told(self, one: _Waiting, name: str) -> bool:
        def work(tx: Tx) -> bool:
            return any(
                entry.kind == TOLD and (entry.body.get("key"), entry.body.get("notifier")) == (one.about.key, name)
                for _, entry in tx.log.entries(one.after.id)
            )

        return self._station.store.read(work)

    def _keep(self, one: _Waiting, name: str, wrong: str) -> None:
        body: dict[str, Json] = {"what": one.about.what, "key": one.about.key, "notifier": name, "ok": not wrong}
        if wrong:
            body["said"] = wrong[:MAX_SAID]
        station = self._station
        entry = Entry(kind=TOLD, subject=one.after.id, actor="interlock", at=station.clock.now(), body=body)
        station.store.write(lambda tx: tx.log.append(entry))


def told_of(tx: Tx, rollout: str) -> tuple[Told, ...]:
    """What became of each notice about a rollout, oldest first."""
    return tuple(
        Told(
            what=str(entry.body.get("what", "")),
            notifier=str(entry.body.get("notifier", "")),
            ok=entry.body.get("ok") is True,
            said=str(entry.body.get("said", "")),
        )
        for _, entry in tx.log.entries(rollout)
        if entry.kind == TOLD
    )


def check_notifiers(factories: Factories, plan: Plan) -> Iterator[tuple[int, InterlockError]]:
    """What is wrong with the plan's notifiers, each with its place; nothing is sent."""
    for place, section in enumerate(plan.notify):
        try:
            check_settings(factories, section).check()
        except InterlockError as error:
            yield place, error


def check_settings(factories: Factories, section: PluginPlan) -> Notifier:
    """The notifier, whose settings and ours were looked at.

    Raises:
        InvalidSetting: as ``opened``, and ``notify-on``.
    """
    _wanted(section)
    return opened(factories, section)


def opened(factories: Factories, section: PluginPlan) -> Notifier:
    """The notifier of one section.

    Raises:
        InvalidSetting: ``plugin-unknown``, or what the notifier says of its settings.
    """
    factory = factories.get(section.kind)
    if factory is None:
        raise InvalidSetting(
            f"expected a known notifier, got `{section.kind}`{closest(section.kind, list(factories))}",
            code="plugin-unknown",
            hint=f"installed: {', '.join(sorted(factories)) or 'none'}",
        )
    return factory({key: value for key, value in section.settings.items() if key != "on"})


def _wanted(section: PluginPlan) -> tuple[str, ...]:
    """Of what this notifier is told.

    Raises:
        InvalidSetting: ``notify-on``.
    """
    on = section.settings.get("on", list(EVERY))
    if not isinstance(on, list | tuple) or not on or not set(map(str, on)) <= set(EVERY):
        raise InvalidSetting(
            f"expected `on` to list some of {', '.join(EVERY)}, got `{str(on)[:60]}`",
            code="notify-on",
            hint="leave it out to be told of all of them",
            path=("on",),
        )
    return tuple(map(str, on))
