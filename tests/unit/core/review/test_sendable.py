"""What may leave, by its name and by what is in it."""

from __future__ import annotations

import pytest

from interlock.core.change.errors import IntegrityError
from interlock.core.change.parts import FileChange
from interlock.core.review.hunks import read_hunks
from interlock.core.review.sendable import by_name, sort_out
from interlock.core.review.settings import ReviewerSettings

PATCH = b"""\
diff --git a/x b/x
--- a/x
+++ b/x
@@ -1,3 +1,4 @@ def f():
 one
-two
+zwei
+@@ -9,9 +9,9 @@ no head
 three
@@ -10 +11 @@
-ten
\\ No newline at end of file
+zehn\r
\\ No newline at end of file
"""


def settings(**more):
    given = {"send": ("**",), **more}
    return ReviewerSettings(kind="openai", endpoint="https://x.example", model="m", **given)


def file(path, **more):
    return FileChange(path=path, status="modified", **more)


def patch(*lines):
    body = "".join(f"+{line}\n" for line in lines)
    return f"@@ -0,0 +1,{len(lines)} @@\n{body}".encode()


def test_lines_carry_their_number_in_the_new_file():
    told = [(line.number, line.sign, line.text) for line in read_hunks(PATCH)]
    assert told == [
        (1, " ", "one"),
        (0, "-", "two"),
        (2, "+", "zwei"),
        (3, "+", "@@ -9,9 +9,9 @@ no head"),
        (4, " ", "three"),
        (0, "-", "ten"),
        (11, "+", "zehn"),
    ]
    assert [line.written() for line in read_hunks(PATCH)][:3] == ["     1   one", "       - two", "     2 + zwei"]


@pytest.mark.parametrize("broken", [b"@@ -1,2 +1,2 @@\n one\n", b"@@ -1 +1 @@\nxyz\n", b"@@ -1 +1 @@\n"])
def test_a_patch_that_ends_early_is_refused(broken):
    with pytest.raises(IntegrityError):
        read_hunks(broken)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("src/a.py", ""),
        ("src/environment.py", ""),
        ("src/keys.py", ""),
        ("docs/a.md", "no pattern of `send` covers it"),
        ("src/vendor/a.py", "a pattern of `never_send` covers it"),
        ("src/.env", "holds secrets, by its name"),
        ("src/.env.production", "holds secrets, by its name"),
        ("src/tls/server.key", "holds secrets, by its name"),
        ("src/id_ed25519", "holds secrets, by its name"),
        ("src/secrets/a.py", "holds secrets, by its name"),
        ("src/secrets.yaml", "holds secrets, by its name"),
        ("src/infra/terraform.tfstate.backup", "holds secrets, by its name"),
    ],
)
def test_a_name_decides_first(path, why):
    assert by_name(file(path), settings(send=("src/**",), never_send=("src/vendor/",))) == why


def test_the_name_it_had_counts_too():
    moved = FileChange(path="src/plain.txt", old_path="src/.env", status="renamed")
    assert by_name(moved, settings()) == "holds secrets, by its name"
    outside = FileChange(path="src/a.py", old_path="private/a.py", status="renamed")
    assert by_name(outside, settings(send=("src/**",))) == "no pattern of `send` covers it"


def test_what_is_no_text_stays():
    assert by_name(file("a.bin", binary=True), settings()) == "binary"
    assert by_name(file("module", submodule=True), settings()) == "a submodule"


@pytest.mark.parametrize(
    "line",
    [
        "key = 'AKIAIOSFODNN7EXAMPLE'",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        "url: postgres://app:hunter2@db/shop",
        'db_password = "correct horse"',
        "'apiKey': 'abcdef123456'",
        'client_secret := "abcdef123456"',
        "export TOKEN='abcdef123456'",
    ],
)
def test_a_line_that_looks_like_a_secret_keeps_its_file_here(line):
    sent, (kept,) = sort_out([(file("a.py"), patch("fine = 1", line))], settings())
    assert sent == ()
    assert kept.why == "a line looks like a secret: line 2"


def test_a_secret_that_goes_away_stays_here_too():
    gone = b"@@ -1,1 +0,0 @@\n-db_password = 'correct horse'\n"
    assert sort_out([(file("a.py"), gone)], settings())[1][0].why == "a line looks like a secret"


@pytest.mark.parametrize(
    "line",
    ["max_tokens = '12345678'", "password = os.environ['DB_PASSWORD']", "password = '${PASSWORD}'", "token"],
)
def test_what_only_speaks_of_one_is_sent(line):
    assert len(sort_out([(file("a.py"), patch(line))], settings())[0]) == 1


def test_what_has_no_room_stays_and_a_smaller_one_still_goes():
    files = [(file("a"), patch("x" * 50)), (file("b"), patch("x" * 60)), (file("c"), patch("x" * 40))]
    sent, kept = sort_out(files, settings(max_bytes=100))
    assert [one.path for one in sent] == ["a", "c"]
    assert [(one.path, one.why) for one in kept] == [("b", "no room: reviewer.max_bytes is used up")]


def test_a_new_mode_alone_is_nothing_to_look_at():
    sent, (kept,) = sort_out([(file("a"), b"diff --git a/a b/a\nold mode 100644\nnew mode 100755\n")], settings())
    assert (sent, kept.why) == ((), "no line of it changed")
