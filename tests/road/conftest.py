"""The road on a real store, with the rules about people enforced."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from interlock.core.approval.actor import Actor, Scope
from interlock.core.approval.tokens import Token, new_token, secret_text
from interlock.core.change.canonical import plain
from interlock.core.change.change import Change, Submission
from interlock.core.change.parts import GitRange
from interlock.core.ledger.entry import Entry
from interlock.core.ticket.shipped import Checkout, Shipped
from interlock.doors.api.app import create_app
from interlock.plugins.readers.checkout import beginning, survey
from interlock.plugins.readers.git import GitReader
from interlock.ports.reader import ReadRequest
from interlock.road.permit import GateResult
from interlock.road.shipped import show_shipped
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

    def get(self, actor: Actor, path: str) -> Any:
        reply = self.reply(actor, path, None, method="GET")
        assert reply.status_code < 300, reply.text
        return reply.json()

    def reply(
        self, actor: Actor, path: str, body: object, *, method: str = "POST", key: str = ""
    ) -> httpx.Response:
        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://interlock.test") as client:
                headers = {"authorization": f"Bearer {self._token(actor)}"}
                headers |= {"idempotency-key": key} if key else {}
                given = {} if body is None else {"json": plain(body)}
                return await client.request(method, path, headers=headers, **given)

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


ORIGIN = "https://forge.example/shop"


class Shipping:
    """A repository, and the road that its commits go out by. Each ``ship`` is a pipeline's run in a checkout."""

    def __init__(self, road: Road, root: Path) -> None:
        self.road = road
        self.root = root
        root.mkdir()
        self._minute = 0
        self.git("init", "-q", "-b", "main")
        self.git("remote", "add", "origin", ORIGIN)

    def git(self, *arguments: str) -> str:
        moment = f"2026-03-05T0{self._minute // 60}:{self._minute % 60:02d}:00Z"
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_AUTHOR_NAME": "Omar",
            "GIT_AUTHOR_EMAIL": "omar@shop.example",
            "GIT_COMMITTER_NAME": "Omar",
            "GIT_COMMITTER_EMAIL": "omar@shop.example",
            "GIT_AUTHOR_DATE": moment,
            "GIT_COMMITTER_DATE": moment,
        }
        command = ["git", "-C", os.fspath(self.root), *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode().strip()

    def commit(self, name: str, text: str = "") -> str:
        self._minute += 1
        (self.root / f"{name}.txt").write_text(text or f"{name} {self._minute}\n")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", name)
        return self.git("rev-parse", "HEAD")

    def merge(self, branch: str, *how: str) -> str:
        self._minute += 1
        self.git("merge", "-q", *(how or ("--no-ff", "-m", f"merge {branch}")), branch)
        if how:
            self.git("commit", "-q", "-m", f"squash {branch}")
        return self.git("rev-parse", "HEAD")

    def tips(self, environment: str = "production") -> Shipped:
        return show_shipped(self.road.station, self.road.pipeline(), self._repository(), environment)

    def default_base(self) -> str | None:
        return beginning(self.root, self.tips().tips)

    def read(self, base: str, path: Path | None = None) -> Submission:
        reading = GitReader().read(ReadRequest(root=path or self.root, arguments={"base": base, "head": "HEAD"}))
        assert reading is not None
        return Submission(parts=(reading.part,))

    def open(self, base: str) -> Change:
        return self.road.open(self.read(base), title=f"from {base[:12]}")

    def checkout(self, submission: Submission, path: Path | None = None) -> Checkout:
        bases = [part.base for part in submission.parts if isinstance(part, GitRange)]
        found = survey(path or self.root, bases, self.tips().tips, ("main",))
        assert found is not None
        return found

    def gate(self, change: Change, environment: str = "production") -> GateResult:
        checkout = self.checkout(change.submission)
        return self.road.gate(change, checkout=checkout, environment=environment)

    def ship(self, base: str | None = None) -> GateResult:
        """Open what is checked out, beginning where it begins by itself, and ask the gate."""
        return self.gate(self.open(base or self.default_base() or "ROOT"))

    def _repository(self) -> str:
        part = self.read("ROOT").parts[0]
        assert isinstance(part, GitRange)
        return part.repository

    @staticmethod
    def allowed(result: GateResult) -> GateResult:
        assert (result.outcome, result.reasons) == ("allow", ())
        return result

    @staticmethod
    def refused(result: GateResult) -> str:
        assert (result.outcome, result.ticket) == ("deny", None)
        assert [reason.id for reason in result.reasons] == ["base-not-shipped"]
        return result.reasons[0].text


@pytest.fixture
def shipping(tmp_path: Path) -> Iterator[Shipping]:
    (tmp_path / "shop").mkdir()
    road = Road(folder=tmp_path / "shop", enforced=())
    made = Shipping(road, tmp_path / "repository")
    yield made
    road.close()
