"""The storage contract runs over every real database, with one record class of each shape."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from interlock.core.ledger.entry import Entry
from interlock.core.ledger.note import NoteSigner
from interlock.storage import RecordType, SqlStore, open_store
from interlock.testing.postgresql import PostgreSQL

START = datetime(2026, 3, 5, 9, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    name: str
    team: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    id: str
    state: str
    owner: Owner
    nickname: str | None = None
    opened_at: datetime = START
    version: int = 1


THINGS = RecordType(
    kind=Thing,
    table="things",
    columns=("state", "owner.name", "owner.team", "nickname", "opened_at"),
    unique=("nickname",),
    version="version",
)


class SteppingClock:
    """Goes on by one second at every look."""

    def __init__(self) -> None:
        self.moment = START

    def now(self) -> datetime:
        self.moment += timedelta(seconds=1)
        return self.moment


SIGNER = NoteSigner("ledger.example/test", bytes(range(32)))


def entry(kind: str = "thing.opened", subject: str = "thing-1", **body: object) -> Entry:
    return Entry(kind=kind, subject=subject, actor="ana", at=START, body=body)


def thing(name: str = "thing-1", *, state: str = "open", owner: str = "ana", **rest: object) -> Thing:
    return Thing(id=name, state=state, owner=Owner(name=owner, team=rest.pop("team", None)), **rest)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    with PostgreSQL() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'interlock.db'}"
    return request.getfixturevalue("postgresql").new_database()


Opener = Callable[..., SqlStore]


@pytest.fixture
def opener(url: str) -> Iterator[Opener]:
    """Opens stores on the test's database and closes what is left open."""
    stores: list[SqlStore] = []

    def open_it(**changes: object) -> SqlStore:
        given = {"signer": SIGNER, "clock": SteppingClock(), "record_types": [THINGS]} | changes
        stores.append(open_store(url, **given))
        return stores[-1]

    yield open_it
    for each in stores:
        each.close()


@pytest.fixture
def store(opener: Opener) -> SqlStore:
    return opener()


class Kit:
    """What the tests build with; handed over as a fixture since tests are no package."""

    Thing = Thing
    Owner = Owner
    THINGS = THINGS
    SIGNER = SIGNER
    Clock = SteppingClock
    entry = staticmethod(entry)
    thing = staticmethod(thing)


@pytest.fixture
def kit() -> type[Kit]:
    return Kit
