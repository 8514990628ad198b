"""OCI image references and the documents of an OCI image layout. Pure.

Rules:
1. A reference names an image by digest. A tag beside it is dropped: it can be moved, the digest cannot.
2. Manifests and indexes are read as the image specification has them; only SHA-256 is accepted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from interlock.core.change.canonical import Json
from interlock.core.change.errors import InvalidInput
from interlock.core.change.exact_json import read_exact

MAX_MANIFEST = 4 * 1024 * 1024
MAX_BLOBS = 2_000
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST = r"(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(?::\d{1,5})?"
_NAME = re.compile(rf"(?:{_HOST}/)?{_PART}(?:/{_PART})*")
_TAG = re.compile(r":[A-Za-z0-9_][A-Za-z0-9._-]{0,127}\Z")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_MAX_REFERENCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """A descriptor: digest and size in bytes. ``nested``: another manifest or index."""

    digest: str
    size: int
    nested: bool
    name: str = ""


def read_reference(text: str) -> tuple[str, str]:
    """Name without tag, and digest, of ``name[:tag]@sha256:…``.

    Raises:
        InvalidInput: ``artefact-tag`` without a digest, ``artefact-reference`` for anything else.
    """
    name, mark, digest = text.partition("@")
    bare = _TAG.sub("", name)
    if len(text) > _MAX_REFERENCE or not _NAME.fullmatch(bare):
        raise _refused("an image reference such as `registry/app@sha256:…`", text)
    if not mark:
        raise InvalidInput(
            f"expected an image by digest, got the tag `{text[:100]}`, which can be moved",
            code="artefact-tag",
            hint=f"docker buildx imagetools inspect {text[:100]} --format '{{{{.Manifest.Digest}}}}'",
        )
    if not _DIGEST.fullmatch(digest):
        raise _refused("`sha256:` and 64 lowercase hex digits", digest)
    return bare, digest


def read_index(content: bytes) -> list[Blob]:
    """The images of an ``index.json`` or of an image index."""
    return [_blob(item, nested=True) for item in _listed(_object(content), "manifests")]


def read_manifest(content: bytes) -> list[Blob]:
    """What a manifest or an image index needs: configuration and layers, or further manifests."""
    value = _object(content)
    if "manifests" in value:
        return [_blob(item, nested=True) for item in _listed(value, "manifests")]
    layers = [_blob(item, nested=False) for item in _listed(value, "layers")]
    return [_blob(value.get("config"), nested=False), *layers]


def _object(content: bytes) -> dict[str, Json]:
    value = read_exact(content).value
    if not isinstance(value, dict) or value.get("schemaVersion") != 2:  # noqa: PLR2004  # the only version there is
        raise _refused("an OCI document of schema version 2", str(value)[:40])
    return value


def _listed(value: dict[str, Json], key: str) -> list[Json]:
    found = value.get(key)
    if not isinstance(found, list) or len(found) > MAX_BLOBS:
        raise _refused(f"a list of at most {MAX_BLOBS} `{key}`", str(found)[:40])
    return found


def _blob(value: Json, *, nested: bool) -> Blob:
    digest = value.get("digest") if isinstance(value, dict) else None
    size = value.get("size") if isinstance(value, dict) else None
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise _refused("a descriptor with a SHA-256 digest", str(digest)[:80])
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise _refused("a descriptor with a size in bytes", str(size)[:40])
    noted = value.get("annotations") if isinstance(value, dict) else None
    names = noted if isinstance(noted, dict) else {}
    name = names.get("io.containerd.image.name") or names.get("org.opencontainers.image.ref.name")
    return Blob(digest=digest, size=size, nested=nested, name=str(name or "")[:_MAX_REFERENCE])


def _refused(expected: str, got: str) -> InvalidInput:
    return InvalidInput(
        f"expected {expected}, got `{got[:100]}`",
        code="artefact-reference",
        hint="name an image as registry/app@sha256:…, a file, or an OCI layout folder",
    )
