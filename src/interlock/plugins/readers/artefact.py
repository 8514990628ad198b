"""Reads what will run: a file, an OCI image by digest, or an OCI image layout.

Rules:
1. A file is hashed as it is streamed. A tag alone names nothing and is refused.
2. Of a layout every blob is verified, by size and digest, before the image counts as read; it must hold one image.
3. Provenance must speak of this digest. Whether its signature counts is decided by the callable handed in; the
   default trusts nobody, so that what it says is shown as a claim.

Arguments: ``path`` (file or layout folder) or ``reference`` (``name@sha256:…``); ``name`` to be known by;
``previous`` in either form, for what runs now; ``provenance`` (path of a DSSE envelope or Sigstore bundle);
``size`` and ``previous_size`` in bytes for references, which have none of their own.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from interlock.core.change.canonical import sha256
from interlock.core.change.change import Recipe
from interlock.core.change.errors import InvalidInput
from interlock.core.change.oci import MAX_BLOBS, MAX_MANIFEST, Blob, read_index, read_manifest, read_reference
from interlock.core.change.parts import Artefact, ArtefactProvenance
from interlock.core.change.paths import repository_address
from interlock.core.evidence.slsa import read_provenance
from interlock.plugins.readers.files import content, inside, opened, relative
from interlock.ports.reader import Reading, ReadRequest

MAX_BYTES = 16 * 1024 * 1024 * 1024
MAX_ENVELOPE = 16 * 1024 * 1024
_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    name: str
    digest: str
    media: Literal["oci-image", "file"]
    size: int | None


@dataclass(frozen=True, slots=True)
class ArtefactMaterial:
    """An artefact has no content that a validator could read."""

    def changed(self) -> Iterable[str]:
        """Nothing."""
        return ()

    def before(self, path: str) -> bytes | None:  # noqa: ARG002  # there is none
        """Nothing."""
        return None

    def after(self, path: str) -> bytes | None:  # noqa: ARG002  # there is none
        """Nothing."""
        return None

    def exists(self, path: str) -> bool:  # noqa: ARG002  # there is none
        """No."""
        return False


class ArtefactReader:
    """Describes what will run. Provenance is verified by the runners of the request, else it is a claim."""

    name = "artefact"

    def read(self, request: ReadRequest) -> Reading | None:
        """The artefact as an ``Artefact``, None when none is named."""
        given = {key: value for key, value in sorted(request.arguments.items()) if value}
        if "path" not in given and "reference" not in given:
            return None
        if "path" in given and "reference" in given:
            raise _refused("artefact-arguments", "either a path or a reference, got both", "name one of them")
        root = request.root
        found = _file(root, given["path"]) if "path" in given else _image(given["reference"])
        previous = _previous(root, given.get("previous"))
        part = Artefact(
            name=given.get("name") or found.name,
            digest=found.digest,
            media=found.media,
            size=_size(given, "size", found),
            previous_digest=previous.digest if previous else None,
            previous_size=_size(given, "previous_size", previous),
            provenance=_provenance(request, given.get("provenance"), found.digest),
        )
        return Reading(part=part, recipe=Recipe(reader=self.name, arguments=given), material=ArtefactMaterial())


def _provenance(request: ReadRequest, named: str | None, digest: str) -> ArtefactProvenance | None:
    if not named:
        return None
    envelope = content(request.root, named, limit=MAX_ENVELOPE)
    runners = request.runners if request.now is not None else ()
    found = read_provenance(envelope, runners, request.now or datetime.fromtimestamp(0, UTC), subject=digest)
    return replace(found, repository=repository_address(found.repository) or found.repository)


def _previous(root: Path, named: str | None) -> _Found | None:
    if not named:
        return None
    return _image(named) if "@" in named and not (root / named).exists() else _file(root, named)


def _size(given: dict[str, str], key: str, found: _Found | None) -> int | None:
    """The size that was measured, else the one that was declared."""
    if found is not None and found.size is not None:
        return found.size
    text = given.get(key)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 15:  # noqa: PLR2004  # a petabyte
        raise _refused(
            "artefact-arguments", f"`{key}` as a number of bytes, got `{text[:40]}`", "write digits only"
        )
    return int(text)


def _image(reference: str) -> _Found:
    name, digest = read_reference(reference)
    return _Found(name=name, digest=digest, media="oci-image", size=None)


def _file(root: Path, named: str) -> _Found:
    real = inside(root, named)
    if real.is_dir():
        return _layout(real, relative(root, real))
    digest, size = _hashed(root, named, MAX_BYTES)
    return _Found(name=relative(root, real), digest=digest, media="file", size=size)


def _hashed(root: Path, named: str, limit: int) -> tuple[str, int]:
    hashed, size = hashlib.sha256(), 0
    with opened(root, named, limit=limit) as stream:
        while chunk := stream.read(_CHUNK):
            hashed.update(chunk)
            size += len(chunk)
            if size > limit:
                raise _refused("file-too-large", f"at most {limit} bytes, got a file that grows", "try again")
    return f"sha256:{hashed.hexdigest()}", size


def _layout(folder: Path, shown: str) -> _Found:
    if not (folder / "index.json").is_file():
        raise _refused(
            "artefact-layout",
            f"a file or an OCI layout with `index.json`, got the folder `{shown}`",
            "name the file, or write a layout: docker buildx build --output type=oci,tar=false,dest=FOLDER",
        )
    images = read_index(content(folder, "index.json", limit=MAX_MANIFEST))
    if len(images) != 1:
        raise _refused("artefact-layout", f"a layout with one image, got {len(images)}", "export one image")
    size = _verified(folder, images[0])
    name = images[0].name if "/" in images[0].name else shown
    return _Found(name=name, digest=images[0].digest, media="oci-image", size=size)


def _verified(folder: Path, image: Blob) -> int:
    """The bytes of configurations and layers, each checked against its descriptor, each counted once."""
    pending, seen, total = [image], {image.digest}, 0
    while pending:
        blob = pending.pop()
        path = os.path.join("blobs", "sha256", blob.digest.removeprefix("sha256:"))  # noqa: PTH118  # a name inside
        if blob.nested:
            text = content(folder, path, limit=MAX_MANIFEST)
            _agrees(blob, sha256(text), len(text))
            fresh = [child for child in read_manifest(text) if child.digest not in seen]
            seen.update(child.digest for child in fresh)
            pending.extend({child.digest: child for child in fresh}.values())
        else:
            _agrees(blob, *_hashed(folder, path, MAX_BYTES))
            total += blob.size
        if len(seen) > MAX_BLOBS or total > MAX_BYTES:
            raise _refused(
                "artefact-layout", f"at most {MAX_BLOBS} blobs and 16 GiB, got more", "export one image"
            )
    return total


def _agrees(blob: Blob, digest: str, size: int) -> None:
    if digest != blob.digest or size != blob.size:
        raise _refused(
            "artefact-layout",
            f"the blob `{blob.digest[:19]}…` of {blob.size} bytes, got `{digest[:19]}…` of {size}",
            "export the image again; the folder was altered or is not whole",
        )


def _refused(code: str, expected: str, hint: str) -> InvalidInput:
    return InvalidInput(f"expected {expected}", code=code, hint=hint)
