"""A real SQLite store under the doors, with a clock that stands still until a test moves it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from interlock.core.approval.actor import Scope
from interlock.core.approval.tokens import Token, new_token, secret_text
from interlock.core.ledger.entry import Entry
from interlock.core.ledger.note import NoteSigner
from interlock.road.station import Station
from interlock.storage import open_store
from interlock.storage.kinds import RECORD_TYPES
from interlock.testing.road import CountingIds, StandingClock


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def station(tmp_path: Path, clock: StandingClock) -> Iterator[Station]:
    signer = NoteSigner("test.interlock.dev/doors", bytes(range(32)))
    url = f"sqlite:///{tmp_path / 'state.db'}"
    store = open_store(url, signer=signer, clock=clock, record_types=RECORD_TYPES)
    yield Station(store=store, clock=clock, ids=CountingIds(), ticket_key=Ed25519PrivateKey.generate())
    store.close()


@pytest.fixture
def make_token(station: Station) -> Callable[..., str]:
    """Keeps a token and gives its secret."""

    def make(*scopes: Scope, kind: str = "person", principal: str = "ana", days: int = 30) -> str:
        number = station.ids.new("tok")
        secret = secret_text(number.encode().ljust(32, b"x"))
        token = new_token(
            token_id=number,
            principal=principal,
            kind=kind,
            scopes=scopes,
            days=days,
            secret=secret,
            created_by="test",
            now=station.clock.now(),
        )
        keep(station, token)
        return secret

    return make


def keep(station: Station, token: Token) -> None:
    def work(tx) -> None:
        tx.records(Token).add(token)
        tx.log.append(Entry(kind="token.created", subject=token.id, actor="test", at=station.clock.now(), body={}))

    station.store.write(work)


class Web:
    """Requests straight into an ASGI application, one event loop each."""

    def __init__(self, app) -> None:
        self._app = app

    def request(self, method: str, path: str, **given) -> httpx.Response:
        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://interlock.test") as client:
                return await client.request(method, path, **given)

        return asyncio.run(once())

    def get(self, path: str, **given) -> httpx.Response:
        return self.request("GET", path, **given)

    def post(self, path: str, **given) -> httpx.Response:
        return self.request("POST", path, **given)


@pytest.fixture
def over() -> type[Web]:
    """``over(app)`` is a client of that application."""
    return Web
