"""Secrets by their name: what stands in where nobody set a variable, and names that name no secret."""

from __future__ import annotations

import pytest

from interlock.core.scan.secrets_named import defaults, names_another
from interlock.core.scan.seen import Source
from interlock.plugins.scanners.secrets import SecretsScanner
from interlock.ports.scanner import Look


def file(path, content, side="head"):
    return Source(side=side, path=path, content=content, lineage=path)


def places(found):
    assert found.fault == "", found
    return sorted((one.source.path, one.line, one.rule) for one in found.seen)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("a.py", 'KEY = os.environ.get("SECRET_KEY", "VALUE")'),
        ("a.py", 'KEY = os.getenv(\n    "SECRET_KEY",\n    "VALUE",\n)'),
        ("a.py", 'KEY = config("API_KEY", default="VALUE")'),
        ("a.py", 'KEY = os.environ["DB_PASSWORD"] or "VALUE"'),
        ("a.js", "const key = process.env.API_TOKEN ?? 'VALUE'"),
        ("a.js", 'const key = process.env["API_TOKEN"] || "VALUE"'),
        ("a.rb", 'key = ENV.fetch("DB_PASSWORD", "VALUE")'),
        ("a.sh", "export DB_PASSWORD=VALUE"),
        ("a.sh", 'psql "${DB_PASSWORD:-VALUE}"'),
        ("Dockerfile", "ENV DB_PASSWORD=VALUE"),
        ("Dockerfile", "ARG DB_PASSWORD=VALUE"),
    ],
)
def test_what_stands_in_for_a_secret_that_nobody_set_is_one(path, content):
    """`os.environ.get("DB_PASSWORD", "…")` was no secret, and works wherever nobody sets the variable."""
    text = content.replace("VALUE", "harbour-prod-2024!")
    found = SecretsScanner({}).scan(Look(sources=[file(path, text.encode())]))
    assert len(found.seen) == 1
    assert "harbour-prod" not in repr(found)
    moved = [file(path, f"\n{text}\n".encode()), file(path, text.encode(), side="base")]
    assert places(SecretsScanner({}).scan(Look(sources=moved))) == []


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("a.py", 'KEY = os.environ.get("SECRET_KEY", "change-me-2024")'),
        ("a.py", 'KEY = os.environ.get("SECRET_KEY", "django-insecure-1")'),
        ("a.py", 'KEY = os.environ.get("DB_PASSWORD", "postgres")'),
        ("a.py", 'KEY = os.environ.get("DB_PASSWORD", "")'),
        ("a.py", 'KEY = os.environ.get("TOKEN_URL", "https://id.harbour.io/1")'),
        ("a.py", 'KEY = os.environ.get("DB_PASSWORD_FILE", "/run/secrets/db-1")'),
        ("a.sh", 'export DB_PASSWORD="$(cat /run/secrets/db-1)"'),
        ("a.yaml", "auth:\n  secret_name: harbour/prod/db\n  api_key_header: X-Api-Key\n"),
        ("a.py", 'SECRET_NAME = "harbour/prod/db"\nTOKEN_HEADER = "X-Harbour-Token"'),
    ],
)
def test_what_is_to_be_replaced_and_names_of_something_else_are_no_secrets(path, content):
    assert places(SecretsScanner({}).scan(Look(sources=[file(path, content.encode())]))) == []


def test_a_name_that_says_what_it_is_hides_no_secret_beside_it():
    line = b'{"secret_name": "db", "password": "harbour-prod-2024!"}'
    assert len(places(SecretsScanner({}).scan(Look(sources=[file("a.json", line)])))) == 1


@pytest.mark.parametrize(
    "text", ["A", "TOKEN", "TOKEN_", "token", "SECRET_KEY, ", "${TOKEN", "export ", "ENV  ", "PASSWORD')", " "]
)
def test_a_line_of_a_megabyte_is_gone_through_once(text):
    """Each letter of a minified file was a beginning: that took hours."""
    for line in (text * (1_000_000 // len(text)), f"export{' ' * 1_000_000}", f"TOKEN{' ' * 1_000_000}"):
        assert not names_another(line.encode())
        assert not [*defaults(Source(side="head", path="a.js", content=b""), [(1, line.encode())], "x")]
