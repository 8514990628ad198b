"""The only place where things are wired: configuration in, a working interlock out.

Rules:
1. Nothing heavy is imported or started before it is needed: reading a change needs no database, and asking a
   server needs neither.
2. A process owns its store; ``close`` finishes what was accepted and lets go.
3. State is begun only by what is meant to begin it, and looked at before anything is made: reading makes nothing,
   and where there is a ledger its keys must be there.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_bytes
from typing import TYPE_CHECKING, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from interlock import registry
from interlock.config import Config
from interlock.core.approval.actor import Actor, Scope
from interlock.core.change.errors import InterlockError, InvalidInput, NotFound
from interlock.plugins.rule_sources.folder import FolderRules
from interlock.plugins.rule_sources.git_ref import GitRules
from interlock.plugins.world.programs import SystemPrograms
from interlock.plugins.world.rollback_files import RollbackFiles, keep_out_of_git
from interlock.plugins.world.system import RandomIds, SystemClock, steady
from interlock.ports.reader import Reader
from interlock.ports.rule_source import RuleSource
from interlock.road.describe import WORKTREE, Toolbox
from interlock.road.flags import StoreFlags
from interlock.road.notify import Teller
from interlock.road.roll.outside import Outside
from interlock.road.station import Station
from interlock.road.ticket_key import check_why, note_renewal

if TYPE_CHECKING:
    from interlock.road.roll.worker import Worker

F = TypeVar("F")

LEDGER_KEY, TICKET_KEY = "ledger.key", "ticket.key"
"""Files among ``Config.keys``."""

_IGNORE = ".gitignore"
_DRAIN_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Interlock:
    """A running interlock: the station that the road's functions take, and the configuration it came from."""

    station: Station
    config: Config

    def worker(
        self, failed: Callable[[str, BaseException], None] | None = None, only: Collection[str] | None = None
    ) -> Worker:
        """A worker that moves rollouts in this process, still to be started; ``only`` these, if any are named."""
        from interlock.road.roll.worker import Worker  # noqa: PLC0415  # a command that reads needs no judge

        outside, leases = self.station.outside, self.station.leases
        assert outside is not None  # noqa: S101  # build gives both
        assert leases is not None  # noqa: S101  # likewise
        owner = f"{socket.gethostname()[:60]}-{os.getpid()}-{self.station.ids.new('wrk')}"
        return Worker(self.station, outside, leases, owner=owner, only=only, failed=failed)

    @contextmanager
    def working(
        self, failed: Callable[[str, BaseException], None] | None = None, only: Collection[str] | None = None
    ) -> Iterator[Worker]:
        """Rollouts are moved as long as this goes on; at its end they are let go."""
        worker = self.worker(failed, only)
        worker.start()
        try:
            yield worker
        finally:
            worker.stop()
            told = None if self.station.outside is None else self.station.outside.told
            if isinstance(told, Teller):
                told.drain(_DRAIN_SECONDS)

    def close(self) -> None:
        """Finish and let go of the store. Idempotent."""
        self.station.store.close()


def build(config: Config, *, server: bool = False, begin: bool = True) -> Interlock:
    """Open the state and take the keys; where nothing was begun, ``begin`` makes both.

    A server knows no working tree: before the genesis it has no rules at all.

    Raises:
        NotFound: ``state-missing`` where nothing was begun, unless ``begin``; ``key-missing``.
        InvalidInput: database, keys or settings cannot be used.
        Unavailable: the database does not answer.
    """
    from interlock.storage import open_store  # noqa: PLC0415  # SQLAlchemy is half of a command's start
    from interlock.storage.keys import load_or_create_key  # noqa: PLC0415  # likewise
    from interlock.storage.kinds import RECORD_TYPES  # noqa: PLC0415  # likewise
    from interlock.storage.look import look  # noqa: PLC0415  # likewise
    from interlock.storage.memory import FILE, Memory  # noqa: PLC0415  # likewise

    clock = SystemClock()
    begun = look(config.database).begun
    if not begun and not begin:
        raise no_state(config)
    made = _prepare(config)
    try:
        signer = load_or_create_key(config.keys / LEDGER_KEY, config.origin, token_bytes, begun=begun)
        name = f"{config.origin}/tickets"
        tickets = load_or_create_key(config.keys / TICKET_KEY, name, token_bytes, begun=begun)
    except InterlockError:
        _take_back(made)
        raise
    if not begun and config.home.is_dir():
        keep_out_of_git(config.home)
    memory = Memory(config.keys / FILE)
    store = open_store(
        config.database,
        signer=signer,
        clock=clock,
        record_types=RECORD_TYPES,
        memory=memory,
        ticket_key=str(tickets.verifier),
    )
    station = Station(
        store=store,
        clock=clock,
        ids=RandomIds(),
        ticket_key=tickets.private_key,
        fallback=None if server else FolderRules(config.root),
        ledger_key=str(signer.verifier),
        counts=store.counts,
        leases=store.leases,
        drivers=Later(registry.rehearsals),
        validators=registry.validators,
    )
    return Interlock(station=replace(station, outside=_outside(station, config)), config=config)


def _outside(station: Station, config: Config) -> Outside:
    """What rollouts touch. Plug-ins are loaded when a rollout first asks for them."""
    flags = StoreFlags(store=station.store, clock=station.clock, ids=station.ids)
    notifiers = Later(registry.notifiers)
    teller = Teller(station, notifiers)
    return Outside(
        routers=Later(lambda: registry.routers(flags)),
        meters=Later(lambda: registry.meters(station.counts)),
        notifiers=notifiers,
        programs=SystemPrograms(str(config.root)),
        steady=steady,
        root=str(config.root),
        keep=RollbackFiles(config.home).keep,
        kept=RollbackFiles(config.home).kept,
        told=teller,
        again=teller.again,
    )


def renew_ticket_key(config: Config, actor: Actor, why: str) -> tuple[str, int]:
    """A new ticket key in the place of one that is gone; its verifier key and the ledger entry that names it.

    Raises:
        NotFound: ``state-missing``, ``key-missing`` for the ledger's own key.
        Conflict: ``key-exists`` while the old one still lies there.
        InvalidInput: ``ticket-key-why``, or the state cannot be opened.
    """
    from interlock.storage import open_store  # noqa: PLC0415  # SQLAlchemy is half of a command's start
    from interlock.storage.keys import create_key, load_key  # noqa: PLC0415  # likewise
    from interlock.storage.kinds import RECORD_TYPES  # noqa: PLC0415  # likewise
    from interlock.storage.look import look  # noqa: PLC0415  # likewise
    from interlock.storage.memory import FILE, Memory  # noqa: PLC0415  # likewise
    from interlock.storage.ticket_key import repin  # noqa: PLC0415  # likewise

    actor.require(Scope.ADMIN)
    check_why(why)
    clock, before = SystemClock(), look(config.database)
    if not before.begun:
        raise no_state(config)
    signer, memory = load_key(config.keys / LEDGER_KEY), Memory(config.keys / FILE)
    store = open_store(config.database, signer=signer, clock=clock, record_types=RECORD_TYPES, memory=memory)
    try:
        made = create_key(config.keys / TICKET_KEY, f"{config.origin}/tickets", token_bytes)
        after = str(made.verifier)
        entry = note_renewal(store, clock, actor, before=before.ticket_key, after=after, why=why)
        repin(config.database, after)
    finally:
        store.close()
    return after, entry


def unbegun(config: Config) -> Station:
    """A station over no state at all: good for what the rules of the working tree can answer, keeps nothing."""
    from interlock.storage.empty import EmptyStore  # noqa: PLC0415  # only where there is no state

    key = Ed25519PrivateKey.generate()
    rules = FolderRules(config.root)
    return Station(store=EmptyStore(), clock=SystemClock(), ids=RandomIds(), ticket_key=key, fallback=rules)


def no_state(config: Config) -> NotFound:
    """The error where nothing was ever begun."""
    place = config.database.removeprefix("sqlite:///")
    return NotFound(
        f"expected interlock's state at `{place if place != config.database else 'INTERLOCK_DATABASE'}`, got none",
        code="state-missing",
        hint="go to the folder that has it, or set INTERLOCK_DATABASE or INTERLOCK_SERVER; "
        "a new one begins with interlock rules genesis",
    )


def toolbox(config: Config) -> Toolbox:
    """Readers and validators, without state. Each plug-in is loaded when it is first asked for."""
    del config
    return Toolbox(readers=_Readers(), validators=registry.validators(), rules_at=_rules_at, now=SystemClock().now)


def rule_source(config: Config, revision: str | None = None) -> RuleSource:
    """The rule files of this checkout: its working tree, or one revision."""
    return GitRules(config.root, revision) if revision else FolderRules(config.root)


class Later(Mapping[str, F]):
    """Factories by name, found when one is first asked for."""

    def __init__(self, load: Callable[[], Mapping[str, F]]) -> None:
        self._load = load
        self._known: Mapping[str, F] | None = None

    def __getitem__(self, name: str) -> F:
        return self._found()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found())

    def __len__(self) -> int:
        return len(self._found())

    def _found(self) -> Mapping[str, F]:
        if self._known is None:
            self._known = self._load()
        return self._known


class _Readers(Mapping[str, Reader]):
    """Readers by name, made when they are asked for."""

    def __init__(self) -> None:
        self._factories = registry.readers()

    def __getitem__(self, name: str) -> Reader:
        return self._factories[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._factories)

    def __len__(self) -> int:
        return len(self._factories)


def _rules_at(root: Path, revision: str) -> dict[str, bytes]:
    source: RuleSource = FolderRules(root) if revision == WORKTREE else GitRules(root, revision)
    try:
        return source.files()
    except InvalidInput as error:
        if error.code == "rules-missing":
            return {}
        raise


def _prepare(config: Config) -> Path | None:
    """The folder of an embedded database, closed to other users, and kept out of git; None if nothing was made.

    Raises:
        InvalidInput: ``database-unwritable``.
    """
    if not config.database.startswith("sqlite:///"):
        return None
    folder = Path(config.database.removeprefix("sqlite:///")).parent
    try:
        if folder.exists():
            return None
        folder.mkdir(parents=True, mode=0o700)
        keep_out_of_git(folder)
    except OSError as error:
        raise InvalidInput(
            f"expected a folder for the database at `{folder}`, got {error.strerror}",
            code="database-unwritable",
            hint="work where this user may write, or name a database: INTERLOCK_DATABASE=sqlite:///path",
        ) from error
    return folder


def _take_back(made: Path | None) -> None:
    """Leave no empty folder behind when there can be no keys."""
    if made is not None and [each.name for each in made.iterdir()] == [_IGNORE]:
        (made / _IGNORE).unlink()
        made.rmdir()
