r"""The parts of a change: what a reader found, in a form that needs no repository to be judged.

Rules:
1. A part is immutable and complete: facts are computed from it alone, on any machine.
2. ``identity()`` is what the change digest covers: content hashes and names. Whatever is derived from that
   content (line counts, renames, key differences) is description and stays out, so that two versions of git
   agree on the digest.
3. Paths are ``/``-separated strings; bytes that are not UTF-8 are written ``\\xNN`` and a backslash ``\\``,
   so that two different paths never read the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Discriminator

from interlock.core.change.canonical import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A name and an address as some tool wrote them: a claim, not a person."""

    name: str
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One commit of a range. ``message`` is whole up to 64 KiB; ``note`` is the raw git-ai note, if any.

    ``documents_only`` says that it touches nothing but the change's documentation.
    """

    id: str
    parents: tuple[str, ...]
    author: Identity
    committer: Identity
    authored_at: datetime
    committed_at: datetime
    message: str
    trailers: tuple[tuple[str, str], ...] = ()
    note: str | None = None
    documents_only: bool = False


FileStatus = Literal["added", "modified", "deleted", "renamed", "copied", "type-changed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """One path between two trees. Blobs are git object ids; ``added``/``removed`` are lines, None if binary."""

    path: str
    status: FileStatus
    old_path: str | None = None
    old_mode: str = "000000"
    new_mode: str = "000000"
    old_blob: str | None = None
    new_blob: str | None = None
    added: int | None = None
    removed: int | None = None
    binary: bool = False
    submodule: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentVersion:
    """One version of a text that facts are read from (``change.md``, an Agent Trace record).

    ``commit`` is where it was written; None for one handed in beside the range. ``text`` is at most 256 KiB.
    """

    path: str
    commit: str | None
    digest: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GitRange:
    """``base..head`` of one repository, merge-base to head."""

    kind: Literal["git"] = "git"
    repository: str
    base: str
    head: str
    head_tree: str
    commits: tuple[Commit, ...]
    files: tuple[FileChange, ...]
    documents: tuple[DocumentVersion, ...] = ()

    def identity(self) -> Json:
        """Commit ids and the tree of the head: git's own hashes cover names, modes and content."""
        return {
            "kind": self.kind,
            "base": self.base,
            "head": self.head,
            "head_tree": self.head_tree,
            "commits": [commit.id for commit in self.commits],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChange:
    """One key that differs. ``pointer`` is RFC 6901.

    ``op`` tells an added or removed key from one whose value is null. Values under a secret-looking key are
    replaced by ``{"redacted": "sha256:…"}`` before they enter a part.
    """

    pointer: str
    op: Literal["added", "removed", "changed"]
    before: Json = None
    after: Json = None
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationFile:
    """One configuration file, before and after. Digests are SHA-256 of the raw bytes, sizes are bytes.

    ``formerly`` is the path it had before, where it was renamed.
    """

    path: str
    format: Literal["yaml", "json", "toml", "env"]
    before_digest: str | None
    after_digest: str | None
    changes: tuple[KeyChange, ...]
    before_size: int | None = None
    after_size: int | None = None
    documents: tuple[str, ...] = ()
    formerly: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Configuration files read key by key. ``documents`` names Kubernetes objects where a file holds some."""

    kind: Literal["configuration"] = "configuration"
    files: tuple[ConfigurationFile, ...]

    def identity(self) -> Json:
        """Paths and content digests."""
        return {
            "kind": self.kind,
            "files": [[file.path, file.before_digest, file.after_digest] for file in self.files],
        }


PlanAction = Literal["no-op", "create", "read", "update", "delete", "forget", "import"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceChange:
    """One entry of ``resource_changes``. Delete with create in either order is a replace."""

    address: str
    type: str
    provider: str
    actions: tuple[PlanAction, ...]
    replaces: bool
    deposed: str | None = None
    previous_address: str | None = None
    reason: str | None = None
    replace_paths: tuple[str, ...] = ()
    changes: tuple[KeyChange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TerraformPlan:
    """A Terraform or OpenTofu plan in its JSON form. ``plan_digest`` covers the whole document canonically.

    ``incomplete`` says in words what a partial plan leaves unsaid; ``invokes`` are the provider actions it runs.
    """

    kind: Literal["terraform-plan"] = "terraform-plan"
    path: str
    format_version: str
    tool_version: str
    plan_digest: str
    resources: tuple[ResourceChange, ...]
    drifted: tuple[str, ...] = ()
    errored: bool = False
    incomplete: tuple[str, ...] = ()
    invokes: tuple[str, ...] = ()

    def identity(self) -> Json:
        """The digest of the plan's own content; the file's name does not matter."""
        return {"kind": self.kind, "plan": self.plan_digest}


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtefactProvenance:
    """What an in-toto SLSA provenance says of an artefact. ``verified`` only by a key that trust names."""

    commit: str
    repository: str
    builder: str
    statement_digest: str
    verified: bool
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """What will run: an OCI image digest or a file's SHA-256. Sizes are bytes, None where nobody said."""

    kind: Literal["artefact"] = "artefact"
    name: str
    digest: str
    media: Literal["oci-image", "file"]
    size: int | None = None
    previous_digest: str | None = None
    previous_size: int | None = None
    provenance: ArtefactProvenance | None = None

    def identity(self) -> Json:
        """The artefact's digest and the digest of its provenance."""
        statement = self.provenance.statement_digest if self.provenance else None
        return {"kind": self.kind, "name": self.name, "digest": self.digest, "provenance": statement}


Part = Annotated[GitRange | Configuration | TerraformPlan | Artefact, Discriminator("kind")]
"""Any part; JSON tells them apart by ``kind``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a validator or scanner saw. An ``error`` fails the validation, a ``warning`` is shown."""

    rule: str
    level: Literal["error", "warning", "note"]
    message: str
    path: str
    line: int | None = None
    pointer: str | None = None
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """Which validators looked at which file, and what they found. A validator that broke is an error finding."""

    validator: str
    path: str
    findings: tuple[Finding, ...] = field(default=())
