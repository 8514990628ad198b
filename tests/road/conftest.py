"""The road on a real store, with the rules about people enforced."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from interlock.core.approval.actor import Actor, Scope
from interlock.core.approval.tokens import Token, new_token, secret_text
from interlock.core.change.canonical import plain
from interlock.core.ledger.entry import Entry
from interlock.doors.api.app import create_app
from interlock.testing.road import Road

PEOPLE_RULES = ("tier1-two-approvals", "tier1-presence", "ai-senior-approval", "risk-questions", "known-authors")


@pytest.fixture
def road(tmp_path: Path) -> Iterator[Road]:
    made = Road(folder=tmp_path, enforced=PEOPLE_RULES)
    yield made
    made.close()


class Api:
    """The application over HTTP, with a token for each caller."""

    def __init__(self, road: Road) -> None:
        self._road = road
        self._app = create_app(road.station)
        self._secrets: dict[str, str] = {}

    def post(self, actor: Actor, path: str, body: object) -> Any:
        reply = self.reply(actor, path, body)
        assert reply.status_code < 300, reply.text
        return reply.json()

    def reply(self, actor: Actor, path: str, body: object) -> httpx.Response:
        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://interlock.test") as client:
                headers = {"authorization": f"Bearer {self._token(actor)}"}
                given = {} if body is None else {"json": plain(body)}
                return await client.post(path, headers=headers, **given)

        return asyncio.run(once())

    def _token(self, actor: Actor) -> str:
        if actor.principal not in self._secrets:
            secret = secret_text(actor.principal.encode().ljust(32, b"x"))
            token = new_token(
                token_id=self._road.station.ids.new("tok"),
                principal=actor.principal,
                kind=actor.kind,
                scopes=tuple(actor.scopes - {Scope.ADMIN}),
                days=30,
                secret=secret,
                created_by="test",
                now=self._road.clock.now(),
            )
            self._road.station.store.write(lambda tx: keep(tx, token))
            self._secrets[actor.principal] = secret
        return self._secrets[actor.principal]


def keep(tx: Any, token: Token) -> None:
    tx.records(Token).add(token)
    tx.log.append(Entry(kind="token.created", subject=token.id, actor="test", at=token.created_at, body={}))


AGENT = b"""---
apiVersion: backstage.io/v1alpha1
kind: Resource
metadata: {name: q, annotations: {interlock.dev/sponsor: "omar"}}
spec: {type: agent, owner: group:orders}
"""


def build_everything(
    folder: Path, *, modes: bytes = b"default: enforce\n", settings: bytes = b"", **more: Any
) -> Road:
    class Everything(Road):
        """The sample shop with every rule enforced, an agent, and paths for the e-mail service."""

        def _first_files(self) -> dict[str, bytes]:
            files = super()._first_files()
            services = files["catalog/services.yaml"]
            mail = b'annotations: {interlock.dev/tier: "3", interlock.dev/paths: "email/**"}'
            files["catalog/services.yaml"] = (
                services.replace(b'annotations: {interlock.dev/tier: "3"}', mail) + AGENT
            )
            files["interlock.yaml"] += settings
            return files | {"policies/modes.yaml": modes}

    return Everything(folder=folder, enforced=(), **more)


@pytest.fixture(scope="session")
def build() -> Callable[..., Road]:
    """Makes a shop in which every rule is enforced."""
    return build_everything


@pytest.fixture(scope="session")
def api_of() -> Callable[[Road], Api]:
    """Makes the HTTP API of a road."""
    return Api
