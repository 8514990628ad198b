"""Parts for the facts' tests, as short as they can be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from interlock.core.change.canonical import sha256
from interlock.core.change.catalog import Catalog, Place, Service, Tier
from interlock.core.change.parts import (
    Artefact,
    ArtefactProvenance,
    Commit,
    Configuration,
    ConfigurationFile,
    DocumentVersion,
    FileChange,
    GitRange,
    Identity,
    KeyChange,
    ResourceChange,
    TerraformPlan,
)

WHEN = datetime(2026, 3, 5, 12, tzinfo=UTC)
ANA = Identity(name="Ana", email="ana@shop.example")
TRAILERS = ("co-authored-by", "co-developed-by", "assisted-by", "generated-by", "signed-off-by")


@dataclass(frozen=True)
class Make:
    """Builders; every argument has a plain default."""

    def commit(
        self,
        message: str = "change",
        *,
        number: int = 1,
        author: Identity = ANA,
        committer: Identity | None = None,
        note: str | None = None,
        documents_only: bool = False,
    ) -> Commit:
        pairs = (line.partition(": ") for line in message.splitlines())
        trailers = tuple((key, text) for key, _, text in pairs if key.lower() in TRAILERS)
        return Commit(
            id=f"{number:040x}",
            parents=(f"{number - 1:040x}",),
            author=author,
            committer=committer or author,
            authored_at=WHEN,
            committed_at=WHEN,
            message=message,
            trailers=trailers,
            note=note,
            documents_only=documents_only,
        )

    def range(
        self,
        *files: FileChange | str,
        commits: tuple[Commit, ...] | None = None,
        documents: tuple[DocumentVersion, ...] = (),
    ) -> GitRange:
        found = (self.commit(),) if commits is None else commits
        return GitRange(
            repository="https://forge.example/shop/shop",
            base="0" * 40,
            head=found[-1].id if found else "f" * 40,
            head_tree="a" * 40,
            commits=found,
            files=tuple(file if isinstance(file, FileChange) else self.file(file) for file in files),
            documents=documents,
        )

    def file(self, path: str, status: str = "modified", **fields: object) -> FileChange:
        values = {"added": 3, "removed": 1} | fields
        return FileChange(path=path, status=status, **values)

    def document(self, text: str, *, number: int | None = 1, path: str = "change.md") -> DocumentVersion:
        commit = None if number is None else f"{number:040x}"
        return DocumentVersion(path=path, commit=commit, digest=sha256(text.encode()), text=text)

    def configuration(self, *files: ConfigurationFile) -> Configuration:
        return Configuration(files=files)

    def configured(
        self,
        path: str,
        *changes: KeyChange,
        documents: tuple[str, ...] = (),
        after: str | None = "sha256:" + "b" * 64,
    ) -> ConfigurationFile:
        return ConfigurationFile(
            path=path,
            format="yaml",
            before_digest="sha256:" + "a" * 64,
            after_digest=after,
            changes=changes,
            documents=documents,
        )

    def plan(self, *resources: ResourceChange, errored: bool = False, **fields: object) -> TerraformPlan:
        return TerraformPlan(
            path="plan.json",
            format_version="1.2",
            tool_version="1.9.0",
            plan_digest="sha256:" + "c" * 64,
            resources=resources,
            errored=errored,
            **fields,
        )

    def resource(self, address: str, *actions: str, **fields: object) -> ResourceChange:
        kind = address.partition("[")[0].rsplit(".", 2)[-2]
        return ResourceChange(
            address=address,
            type=kind,
            provider="registry/aws",
            actions=actions,
            replaces={"create", "delete"} <= set(actions),
            **fields,
        )

    def artefact(self, name: str = "registry.example/cart", **fields: object) -> Artefact:
        values = {"digest": "sha256:" + "1" * 64, "media": "oci-image"} | fields
        return Artefact(name=name, **values)

    def built(self, commit: str, *, verified: bool = True) -> ArtefactProvenance:
        return ArtefactProvenance(
            commit=commit,
            repository="https://forge.example/shop/shop",
            builder="ci",
            statement_digest="sha256:" + "2" * 64,
            verified=verified,
        )

    def service(
        self, name: str, *needs: str, tier: int = 2, file: str = "catalog/c.yaml", **fields: object
    ) -> Service:
        place = Place(path=file, line=1)
        return Service(name=name, depends_on=needs, tier=Tier(tier), tier_declared=True, place=place, **fields)

    def catalog(self, *services: Service, **fields: object) -> Catalog:
        return Catalog(digest="sha256:" + "d" * 64, services={item.name: item for item in services}, **fields)


@pytest.fixture(scope="session")
def make() -> Make:
    return Make()
