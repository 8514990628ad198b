"""No secret is in what ``evidence run review`` sends, whatever form it has."""

from __future__ import annotations

import json
import subprocess
from importlib import resources
from string import Template

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from interlock.core.evidence.dsse import key_id_of
from interlock.testing.endpoint import Endpoint, fills_in
from interlock.testing.signing import UnsafeNamedSigner

KEY = "REVIEW_KEY_OF_TEST"
SECRET = "sk-of-the-reviewer-0123456789"
WHERE = "config/delivery.yaml"


@pytest.fixture
def endpoint():
    with Endpoint([fills_in({"concerns": []})]) as running:
        yield running


def settings(endpoint):
    """The shop's interlock.yaml whose reviewer may see nearly all of it."""
    runner = UnsafeNamedSigner("ci-runner").private_key.public_key()
    pem = runner.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    text = resources.files("interlock.testing.shop").joinpath("files", "interlock.yaml").read_text()
    filled = Template(text).substitute(
        runner_key_id=key_id_of(runner),
        runner_key="".join(f"        {line}\n" for line in pem.strip().splitlines()).rstrip("\n"),
    )
    given = {
        "kind": "openai",
        "endpoint": endpoint.base("openai"),
        "model": "small-1",
        "key_env": KEY,
        "send": ["config/**", "src/**", "tests/**"],
        "seconds": 20.0,
        "retries": 0,
    }
    return filled.encode() + json.dumps({"reviewer": given}).encode()[1:-1] + b"\n"


@pytest.fixture
def place(governed, endpoint, monkeypatch):
    """A change that is open in a shop whose rules have a reviewer."""
    monkeypatch.setenv(KEY, SECRET)
    return governed({"interlock.yaml": settings(endpoint)})


@pytest.fixture
def run(terminal, place):
    return lambda *more: terminal("evidence", "run", "review", "--key", place / "runner.pem", *more)


def git(*words):
    subprocess.run(["git", *words], check=True, timeout=30, capture_output=True)


def commit(message="One more"):
    git("add", "--all")
    git("commit", "--quiet", "--no-gpg-sign", "--message", message)


def test_secrets_stay_here_by_name_and_by_content(place, endpoint, terminal):
    root = place / "shop" / "src"
    (root / "id_rsa").write_text("anything\n")
    (root / "prod.env.py").write_text("fine = 1\n")
    (root / ".env").write_text("X=1\n")
    (root / "aws.py").write_text("key = 'AKIAIOSFODNN7EXAMPLE'\n")
    (root / "db.py").write_text('db_password = "hunter2hunter2"\n')
    (root / "blob.bin").write_bytes(b"\x00\x01")
    git("mv", "src/order.py", "src/secrets.py")
    commit()
    terminal.ok("change", "push")
    shown = terminal("evidence", "run", "review", "--show")
    document = json.loads(json.loads(shown.out)["messages"][1]["content"])
    assert sorted(one["path"] for one in document["files"]) == [
        "config/delivery.yaml",
        "src/prod.env.py",
        "src/promise.py",
        "tests/test_promise.py",
    ]
    assert "hunter2" not in shown.out


FORMS = {
    "config/deploy.yaml": ("db:\n  password: Tr0ub4dor3zz9\n", "Tr0ub4dor3zz9"),
    "config/oauth.yaml": ("client_secret: kf83hf72hsl20fjs93hfks72jf\n", "kf83hf72hsl20fjs93hfks72jf"),
    "config/run.sh": ("export DB_PASSWORD=Swordfish\n", "Swordfish"),
    "config/call.sh": (
        "curl -H 'Authorization: Bearer abcdefghijklmnop012345' https://x\n",
        "abcdefghijklmnop012345",
    ),
    "config/stripe.txt": ("sk_" + "live_4eC39HqLyjWDarjtT1zdp7dc\n", "4eC39HqLyjWDarjtT1zdp7dc"),
    "config/secret.yaml": ("apiVersion: v1\nkind: Secret\ndata:\n  a: VHIwdWI0ZG9y\n", "VHIwdWI0ZG9y"),
    "config/shop.yaml": ("apiVersion: v1\nkind: Secret\ndata:\n  a: VHIwdWI0ZG9y\n", "VHIwdWI0ZG9y"),
    "config/service-account.json": ('{"private_key_id": "9f86d081884c7d659a2feaa0c55ad015"}\n', "9f86d081884c"),
}


@pytest.mark.parametrize("path", FORMS)
def test_a_secret_of_this_form_is_not_in_what_is_sent(path, place, run, endpoint, terminal):
    text, value = FORMS[path]
    (place / "shop" / path).write_text(text)
    commit()
    terminal.ok("change", "push")
    done = run("--json")
    assert done.code == 0, done
    assert value.encode() not in endpoint.requests[0].body
    assert WHERE.encode() in endpoint.requests[0].body
    (why,) = [one["why"] for one in done.json["not_sent"] if one["path"] == path]
    assert why.startswith(
        ("a line looks like a secret: line ", "a Kubernetes Secret", "holds secrets, by its name")
    )
    assert value not in done.out + done.err


def test_what_a_line_is_may_stand_far_above_what_would_be_sent(place, endpoint, terminal):
    file = place / "shop" / "config" / "far.yaml"
    names = "".join(f"  name{n}: VHIwdWI{n:04}\n" for n in range(40))
    file.write_text(f"kind: Secret\ndata:\n{names}")
    commit()
    git("branch", "--force", "main")
    file.write_text(file.read_text() + "  last: VHIwdWI0ZG9y\n")
    (place / "shop" / "config" / "near.yaml").write_text("fine: 1\n")
    commit()
    opened = terminal.ok("change", "open", "--base", "main", "--json").json["id"]
    shown = terminal("evidence", "run", "review", opened, "--show")
    assert shown.code == 0, shown
    assert "stays    config/far.yaml: a Kubernetes Secret" in shown.err
    assert "VHIwdWI0ZG9y" not in shown.out


def test_detect_secrets_looks_besides_and_it_is_said_where_it_is_not_here(place, endpoint, terminal, monkeypatch):
    value = "c3VwZXJkdXBlcnJhbmRvbVhZWjEyMzQ1Njc4OTBhYmNkZWY"
    (place / "shop" / "src" / "blob.py").write_text(f"fine = 1\nx = '{value}'\n")
    commit()
    terminal.ok("change", "push")
    shown = terminal("evidence", "run", "review", "--show")
    assert "stays    src/blob.py: detect-secrets sees a Base64 High Entropy String: line 2" in shown.err
    assert value not in shown.out + shown.err
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    without = terminal("evidence", "run", "review", "--show")
    said = (
        "besides  detect-secrets did not look for secrets, it is not installed: pip install bandit detect-secrets"
    )
    assert said in without.err
    assert value in without.out
