from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from interlock.core.change.errors import InvalidInput
from interlock.core.evidence.dsse import sign_envelope
from interlock.core.evidence.model import Runner
from interlock.plugins.readers.artefact import ArtefactReader
from interlock.ports.reader import ReadRequest

REFERENCE = "registry.example.com/shop/orders@sha256:" + "a" * 64
COMMIT = "c" * 40


KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
RUNNER = Runner(name="ci", public_key=PEM, key_id="key", predicates=("*",))


def read(root, **arguments):
    return ArtefactReader().read(ReadRequest(root=root, arguments=arguments))


def refusal(root, **arguments):
    with pytest.raises(InvalidInput) as caught:
        read(root, **arguments)
    assert "\n" not in caught.value.message
    assert caught.value.hint
    return caught.value.code


def digest(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


def put(folder, value):
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    path = folder / "blobs" / "sha256" / hashlib.sha256(content).hexdigest()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return {"digest": digest(content), "size": len(content)}


def layout(folder, *, layers=(b"layer one", b"layer two"), images=1):
    manifest = {"schemaVersion": 2, "config": put(folder, b"{}"), "layers": [put(folder, one) for one in layers]}
    named = put(folder, manifest) | {"annotations": {"org.opencontainers.image.ref.name": "shop/orders"}}
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [named] * images}))
    return named


def provenance(of, **dependency):
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "orders", "digest": {"sha256": of.removeprefix("sha256:")}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "https://example.com/build",
                "externalParameters": {},
                "resolvedDependencies": [
                    {"uri": "git+https://u:p@Example.com/shop/orders.git", "digest": {"gitCommit": COMMIT}}
                    | dependency
                ],
            },
            "runDetails": {"builder": {"id": "https://example.com/builder"}},
        },
    }
    return sign_envelope(statement, KEY, "key")


def test_a_file_is_known_by_its_place_digest_and_size(tmp_path):
    (tmp_path / "app.tar").write_bytes(b"x" * 3_000_000)
    reading = read(tmp_path, path="app.tar")
    part = reading.part
    assert (part.name, part.media, part.size) == ("app.tar", "file", 3_000_000)
    assert part.digest == digest(b"x" * 3_000_000)
    assert list(reading.material.changed()) == []
    assert reading.recipe.arguments == {"path": "app.tar"}


def test_an_image_is_known_by_its_digest(tmp_path):
    part = read(tmp_path, reference=REFERENCE.replace("@", ":v1@"), size="1000", name="orders").part
    assert (part.name, part.media, part.size) == ("orders", "oci-image", 1000)
    assert part.digest == "sha256:" + "a" * 64


def test_a_layout_is_verified_and_weighed(tmp_path):
    image = layout(tmp_path)
    part = read(tmp_path, path=".").part
    assert (part.name, part.digest, part.media) == ("shop/orders", image["digest"], "oci-image")
    assert part.size == len(b"{}") + len(b"layer one") + len(b"layer two")


def test_a_layout_of_several_platforms_is_one_image(tmp_path):
    inner = [layout(tmp_path, layers=(name,)) for name in (b"amd64", b"arm64")]
    outer = put(tmp_path, {"schemaVersion": 2, "manifests": inner})
    (tmp_path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [outer]}))
    part = read(tmp_path, path=".").part
    assert part.digest == outer["digest"]
    assert part.size == len(b"{}") + len(b"amd64") + len(b"arm64")


def test_what_ran_before_is_told_with_its_size(tmp_path):
    (tmp_path / "new").write_bytes(b"12345")
    (tmp_path / "old").write_bytes(b"123")
    part = read(tmp_path, path="new", previous="old").part
    assert (part.previous_digest, part.previous_size) == (digest(b"123"), 3)
    part = read(tmp_path, path="new", previous=REFERENCE, previous_size="7").part
    assert (part.previous_digest, part.previous_size) == ("sha256:" + "a" * 64, 7)


def test_provenance_is_a_claim_unless_somebody_verifies_it(tmp_path):
    (tmp_path / "app").write_bytes(b"app")
    (tmp_path / "prov").write_bytes(provenance(digest(b"app")))
    found = read(tmp_path, path="app", provenance="prov").part.provenance
    assert (found.commit, found.builder, found.verified) == (COMMIT, "https://example.com/builder", False)
    assert found.repository == "https://example.com/shop/orders"


def test_provenance_is_verified_by_a_runner_of_the_request(tmp_path):
    (tmp_path / "app").write_bytes(b"app")
    (tmp_path / "prov").write_bytes(provenance(digest(b"app")))
    arguments = {"path": "app", "provenance": "prov"}
    now = datetime(2026, 3, 5, tzinfo=UTC)
    trusted = ReadRequest(root=tmp_path, arguments=arguments, runners=(RUNNER,), now=now)
    assert ArtefactReader().read(trusted).part.provenance.verified
    assert not ArtefactReader().read(replace(trusted, now=None)).part.provenance.verified
    assert not ArtefactReader().read(replace(trusted, runners=())).part.provenance.verified


def test_provenance_is_part_of_the_identity_and_what_ran_before_is_not(tmp_path):
    (tmp_path / "app").write_bytes(b"app")
    (tmp_path / "old").write_bytes(b"old")
    (tmp_path / "prov").write_bytes(provenance(digest(b"app")))
    bare = read(tmp_path, path="app").part.identity()
    assert read(tmp_path, path="app", provenance="prov").part.identity() != bare
    assert read(tmp_path, path="app", previous="old").part.identity() == bare


def test_without_path_and_reference_there_is_nothing_to_read(tmp_path):
    assert read(tmp_path, name="x") is None


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"reference": "shop:latest"}, "artefact-tag"),
        ({"reference": "shop@sha256:1"}, "artefact-reference"),
        ({"reference": REFERENCE, "path": "app"}, "artefact-arguments"),
        ({"reference": REFERENCE, "size": "-1"}, "artefact-arguments"),
        ({"reference": REFERENCE, "size": "²"}, "artefact-arguments"),
        ({"path": "missing"}, "file-missing"),
        ({"path": "out"}, "path-outside"),
        ({"path": "pipe"}, "file-expected"),
        ({"path": "folder"}, "artefact-layout"),
        ({"path": "app", "previous": "missing"}, "file-missing"),
        ({"path": "app", "provenance": "app"}, "json-unreadable"),
        ({"path": "app", "provenance": "other"}, "provenance-subject"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path, arguments, code):
    root = tmp_path / "root"
    (root / "folder").mkdir(parents=True)
    (root / "app").write_bytes(b"app")
    (root / "other").write_bytes(provenance(digest(b"other")))
    (tmp_path / "outside").write_bytes(b"secret")
    (root / "out").symlink_to("../outside")
    os.mkfifo(root / "pipe")
    assert refusal(root, **arguments) == code


def test_a_layout_that_was_altered_is_refused(tmp_path):
    layout(tmp_path)
    blob = next(path for path in (tmp_path / "blobs" / "sha256").iterdir() if path.read_bytes() == b"layer one")
    blob.write_bytes(b"layer 0ne")
    assert refusal(tmp_path, path=".") == "artefact-layout"
    blob.write_bytes(b"layer one and more")
    assert refusal(tmp_path, path=".") == "artefact-layout"
    blob.unlink()
    assert refusal(tmp_path, path=".") == "file-missing"
    blob.symlink_to("/etc/hostname")
    assert refusal(tmp_path, path=".") == "path-outside"


@pytest.mark.parametrize("images", [0, 2])
def test_a_layout_of_no_or_several_images_is_refused(tmp_path, images):
    layout(tmp_path, images=images)
    assert refusal(tmp_path, path=".") == "artefact-layout"


def test_a_layout_that_names_itself_ends(tmp_path):
    image = layout(tmp_path)
    manifest = tmp_path / "blobs" / "sha256" / image["digest"].removeprefix("sha256:")
    manifest.write_text(json.dumps({"schemaVersion": 2, "manifests": [image]}))
    assert refusal(tmp_path, path=".") == "artefact-layout"
