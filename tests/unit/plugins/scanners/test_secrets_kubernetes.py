"""What a Secret of Kubernetes holds is a secret, whatever its key."""

from __future__ import annotations

import base64

import pytest

from interlock.core.scan.secrets_kubernetes import held
from interlock.core.scan.seen import Source
from interlock.plugins.scanners.secrets import SecretsScanner
from interlock.ports.scanner import Look

VALUE = "fJ3kq9ZtT0aPz8Lw2mNc7RbX"
ENCODED = base64.b64encode(VALUE.encode()).decode()
PLAIN = base64.b64encode(b"harbour").decode()


def scanned(text, side="head", base=None):
    sources = [Source(side=side, path="k8s/s.yaml", content=text.encode(), lineage="k8s/s.yaml")]
    if base is not None:
        sources.append(Source(side="base", path="k8s/s.yaml", content=base.encode(), lineage="k8s/s.yaml"))
    found = SecretsScanner({}).scan(Look(sources=sources))
    assert found.fault == "", found
    return found.seen


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"kind: Secret\nmetadata:\n  name: a\ndata:\n  token: {ENCODED}\n", 5),
        (f"kind: Secret\ndata:\n  x: {PLAIN}\n", 3),
        (f"kind: Secret\nstringData:\n  x: {VALUE}\n", 3),
        ("kind: Secret\nstringData:\n  x: harbour\n", 3),
        (f'kind: "Secret"\ndata:\n  "x": "{ENCODED}"\n', 3),
        (f"metadata: {{name: a}}\ndata: {{x: {ENCODED}}}\nkind: Secret\n", 2),
        (f"kind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  data:\n    x: {ENCODED}\n", 6),
        ("kind: Secret\nstringData:\n  x.env: |\n    TIDE=high\n    MOON=full\n", 4),
        (f"kind: Secret\ndata:\n{{{{ if .Values.x }}}}\n  x: {ENCODED}\n{{{{ end }}}}\n", 4),
    ],
)
def test_each_value_of_a_secret_counts(text, line):
    assert [one.line for one in scanned(text)] == [line]


@pytest.mark.parametrize(
    "text",
    [
        "kind: Secret\nstringData:\n  x: ${TOKEN}\n  y: '{{ .Values.y }}'\n  z: change-me\n  n: <token>\n",
        "kind: Secret\ndata:\n  x: ENC[AES256_GCM,data:p673w==,iv:YY=,tag:A=,type:str]\n  y: ''\n",
        "kind: Secret\nmetadata:\n  name: harbour\n  labels:\n    app: harbour\ntype: Opaque\n",
        "kind: ConfigMap\ndata:\n  x: harbour\n---\nkind: Secret\nmetadata:\n  name: a\n",
        "kind: SealedSecret\nspec:\n  encryptedData:\n    x: harbour\n",
        "kind: List\nitems:\n- kind: ConfigMap\n  data:\n    x: harbour\n- kind: Secret\n  metadata: {}\n",
        "kind: Secret\nstringData:\n  tls.crt: |\n    -----BEGIN CERTIFICATE-----\n    MIIB\n",
    ],
)
def test_what_leads_to_a_value_or_stands_elsewhere_does_not(text):
    assert scanned(text) == ()


def test_a_value_that_was_there_is_there_on_both_sides():
    text = f"kind: Secret\ndata:\n  x: {ENCODED}\n"
    found = scanned(f"# moved\n{text}", base=text)
    assert {(one.source.side, one.identity) for one in found} == {
        (side, found[0].identity) for side in ("head", "base")
    }


@pytest.mark.parametrize("text", [" ", "a", "a: ", "- ", "{", "a:,", "data: {"])
def test_a_line_of_a_megabyte_is_gone_through_once(text):
    line = text * (1_000_000 // len(text))
    source = Source(side="head", path="a.yaml", content=b"")
    assert len([*held(source, f"kind: Secret\ndata:\n  x:{line}\n{line}\n".encode(), "x")]) < 10
