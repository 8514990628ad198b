from __future__ import annotations

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.change.oci import read_index, read_manifest, read_reference

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("shop", "shop"),
        ("registry.example.com:5000/team/shop", "registry.example.com:5000/team/shop"),
        ("shop:1.2", "shop"),
        ("localhost:5000/shop:v1", "localhost:5000/shop"),
        ("ghcr.io/a/b-c__d.e", "ghcr.io/a/b-c__d.e"),
    ],
)
def test_a_reference_by_digest_is_known_without_its_tag(text, name):
    assert read_reference(f"{text}@{DIGEST}") == (name, DIGEST)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("shop:latest", "artefact-tag"),
        ("shop", "artefact-tag"),
        (f"Shop@{DIGEST}", "artefact-reference"),
        (f"@{DIGEST}", "artefact-reference"),
        ("shop@sha256:" + "A" * 64, "artefact-reference"),
        ("shop@sha512:" + "a" * 128, "artefact-reference"),
        ("shop@", "artefact-reference"),
        (f"shop@{DIGEST}@{DIGEST}", "artefact-reference"),
        ("a b@" + DIGEST, "artefact-reference"),
        ("a" * 500 + "@" + DIGEST, "artefact-reference"),
    ],
)
def test_what_does_not_pin_is_refused(text, code):
    with pytest.raises(InvalidInput) as caught:
        read_reference(text)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "content",
    [
        b"[]",
        b'{"schemaVersion":1,"manifests":[]}',
        b'{"schemaVersion":2}',
        b'{"schemaVersion":2,"manifests":[{"digest":"md5:1","size":1}]}',
        b'{"schemaVersion":2,"manifests":[{"digest":"sha256:%s","size":-1}]}' % (b"a" * 64),
        b'{"schemaVersion":2,"manifests":[{"digest":"sha256:%s","size":true}]}' % (b"a" * 64),
        b'{"schemaVersion":2,"manifests":[7]}',
    ],
)
def test_a_broken_index_is_refused(content):
    with pytest.raises(InvalidInput):
        read_index(content)


def test_a_manifest_without_configuration_is_refused():
    with pytest.raises(InvalidInput):
        read_manifest(b'{"schemaVersion":2,"layers":[]}')
