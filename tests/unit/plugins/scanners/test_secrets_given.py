"""Secrets that are handed to a call, and what only looks like one."""

from __future__ import annotations

import base64
import random
import string

import pytest

from interlock.core.scan.secrets_named import named
from interlock.core.scan.secrets_value import is_random, is_reference, value_of
from interlock.core.scan.seen import Source
from interlock.plugins.scanners.secrets import SecretsScanner
from interlock.ports.scanner import Look

_DRAWN = random.Random(7)


def drawn(length, letters=string.ascii_letters + string.digits):
    return "".join(_DRAWN.choice(letters) for _ in range(length))


def file(path, content):
    return Source(side="head", path=path, content=content.encode(), lineage=path)


def lines(*files):
    """The lines of which something is said, by file."""
    found = SecretsScanner({}).scan(Look(sources=[file(*one) for one in files]))
    assert found.fault == "", found
    return sorted({(one.source.path, one.line) for one in found.seen})


P20, P24, P32, P40 = drawn(20), drawn(24), drawn(32), drawn(40)
HEX = drawn(64, "0123456789abcdef")
KEY = "AK" + "IA" + drawn(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
SECRETS = [
    ("a.py", f'conn = psycopg.connect(host="db", user="app", password="{P20}")'),
    ("b.py", f'engine = create_engine("postgresql://app:{P20}@db/app")'),
    ("c.py", f's3 = client("s3", "{KEY}", "{P40}")'),
    ("d.py", 'c = client("sk_' + f'live_{P24}")'),
    ("e.py", 'c = Anthropic(api_key="sk-' + f'ant-api03-{P40}{P40}AA")'),
    ("f.py", f'API_KEY = SecretStr("{P32}")'),
    ("g.py", 'API_KEY = SecretStr("harbour-prod-2024!")'),
    ("h.tf", f'password = base64encode("{P20}")'),
    ("i.tf", 'password = base64encode("Tide-and-Time-9")'),
    ("j.py", f'SECRET_KEY = bytes.fromhex("{HEX}")'),
    ("k.py", f'headers = {{"Authorization": "Bearer {P40}"}}'),
    ("l.py", 'API_TOKEN = "7b1f0c9e-5d3a-4e62-9a41-c0ffee15b00d"'),
    ("m.py", f'user_id_token = "{P32}"'),
    ("n.py", f'PASSWORD = "$x7{P20}"'),
    ("o.py", f'PASSWORD = "{{{P20}}}"'),
    ("p.js", f'const token = wrap("{P32}");'),
    ("q.yaml", f"password: {P20}"),
    ("r.py", f'client.post("/login", data={{"password": "{P20}"}})'),
    ("t.py", f'c = client(account_id="1", key="{P40}")'),
    ("s.py", f'settings: str = Settings(api_key="{P32}")'),
]
CLEAN = [
    ("a.py", 'password = os.environ["DB_PASSWORD_2"]'),
    ("b.py", 'password = get_secret("prod-db-password-1")'),
    ("c.py", 'api_key = vault.read("secret/data/harbour-1")'),
    ("d.py", "secret = request.headers['apikey']"),
    ("e.yaml", 'password: env("DB_PASSWORD")\ntoken: ${TOKEN}\nsecret: "{{ .Values.secret }}"'),
    ("f.tf", "password = var.db_password\nsecret = random_password.db.result"),
    ("g.py", 'PASSWORD = "$DB_PASSWORD"\nSECRET = "${SECRET}"\nurl = f"pg://{user}:{password}@{host}/x"'),
    ("h.py", 'URL = "postgresql://<user>:<password>@db/app"'),
    ("i.py", 'client.post("/login", data={"password": "wrong-password"})'),
    ("j.py", 'password_help = "Your password must contain at least 8 characters."'),
    (
        "locale/de.yaml",
        'login:\n  password: Kennwort\n  secret: Geheimnis\n  password_forgotten: "Kennwort vergessen?"',
    ),
    ("k.py", f'request_id = "{P32}"'),
    ("l.py", 'PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]'),
    ("m.py", 'token = re.compile("[a-z0-9]{16,20}")\ntoken_url = "https://id.harbour.io/oauth2/v1/token"'),
    (
        "n.py",
        'h = {"Authorization": "Bearer your-token-goes-here"}\nh = {"Authorization": f"Bearer {access_token}"}',
    ),
    ("o.js", 'const password = getSecret("prod-db-1");\nconst token = process.env["API_TOKEN"];'),
    ("p.py", 'TOKEN = str("change-me-2024")'),
]


def test_a_secret_that_is_handed_to_a_call_is_one():
    """detect-secrets leaves out each line on which something is assigned from a call."""
    assert lines(*SECRETS) == sorted((path, 1) for path, _ in SECRETS)


def test_what_leads_to_a_secret_and_what_is_said_is_none():
    assert lines(*CLEAN) == []


def test_a_word_is_a_secret_where_nothing_is_translated():
    assert lines(("config/a.yaml", "password: Kennwort")) == [("config/a.yaml", 1)]


def test_what_is_said_is_still_found_where_it_is_random():
    assert lines(("locale/de.yaml", f"password: {P24}")) == [("locale/de.yaml", 1)]


@pytest.mark.parametrize("letters", [string.ascii_letters, string.ascii_lowercase, "abcdef"])
def test_nearly_all_that_is_drawn_is_random(letters):
    own = random.Random(11)
    drawn = ["".join(own.choice(letters + string.digits) for _ in range(32)) for _ in range(1000)]
    assert sum(map(is_random, drawn)) > 950


def test_what_is_drawn_and_encoded_is_random():
    own = random.Random(12)
    assert sum(is_random(base64.b64encode(own.randbytes(24)).decode()) for _ in range(1000)) > 950


@pytest.mark.parametrize(
    "value",
    [
        "MinimumLengthValidator2",
        "Base64HighEntropyString",
        "harbour-prod-2024-eu1",
        "X-Harbour-Token-V2-Name",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod-AbCdEf",
        "https://id.harbour.io/a1b2c3d4e5f6",
    ],
)
def test_names_are_not_random(value):
    assert not is_random(value)


@pytest.mark.parametrize("value", ["$NAME", "${a}", "{{ x }}", "<key>", "$2b$12$abcdefghijklmnopqrstuv", "get("])
def test_references(value):
    assert is_reference(value)


@pytest.mark.parametrize("text", ["A", "TOKEN=", "TOKEN:", "token='", '"', "password: a(", "Bearer ", "=", " "])
def test_a_line_of_a_megabyte_is_gone_through_once(text):
    line = (text * (1_000_000 // len(text))).encode()
    assert [*named(file("a.js", ""), [(1, line)], "x")] == []
    assert value_of(line, "0") is None
