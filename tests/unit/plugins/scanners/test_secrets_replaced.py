"""A secret that takes the place of another is new, and one that is moved is not; nothing of either is kept."""

from __future__ import annotations

import base64
import hashlib
from functools import partial

import pytest

from interlock.core.scan.compare import compared
from interlock.core.scan.seen import Source
from interlock.plugins.scanners.secrets import SecretsScanner
from interlock.ports.scanner import Look
from interlock.road.scan import placed


def random(name, size):
    return hashlib.shake_256(name.encode()).digest(size)


def private(name, kind="RSA ", between="\n", above=""):
    body = [base64.b64encode(random(f"{name}{number}", 48)).decode() for number in range(8)]
    return between.join(
        [
            f"-----BEGIN {kind}PRIVATE KEY-----",
            *([above] if above else []),
            *body,
            f"-----END {kind}PRIVATE KEY-----",
        ]
    )


def aws(name):
    return "AKIA" + base64.b32encode(random(name, 10)).decode()


def token(name):
    parts = ['{"alg":"HS256","typ":"JWT"}', '{"sub":"harbour"}', random(name, 24)]
    return ".".join(
        base64.urlsafe_b64encode(p.encode() if isinstance(p, str) else p).decode().rstrip("=") for p in parts
    )


def states(base, head, past=()):
    """What the change from these files to those adds, moves and keeps."""
    make = partial(Source, commit="")
    sources = [make(side="base", path=path, content=text.encode(), lineage=path) for path, text in base.items()]
    sources += [make(side="head", path=path, content=text.encode(), lineage=path) for path, text in head.items()]
    sources += [Source(side="past", path=p, content=t.encode(), lineage=p, commit="c" * 40) for p, t in past]
    found = SecretsScanner({}).scan(Look(sources=sources))
    assert found.fault == ""
    sides = {
        side: placed([one for one in found.seen if one.source.side == side]) for side in ("head", "base", "past")
    }
    judged = compared(sides["head"], sides["base"], sides["past"])
    for one in judged:
        assert len(one.placed.seen.identity) == 40
    return sorted(_told(one) for one in judged)


def _told(one):
    seen = one.placed.seen
    return (one.state, seen.source.path, seen.line, seen.rule)


REPLACED = (
    ("id.pem", private("one"), private("two")),
    ("id.pem", private("one", above="Proc-Type: 4,ENCRYPTED"), private("two", above="Proc-Type: 4,ENCRYPTED")),
    ("id.pem", private("one", "OPENSSH "), private("two", "OPENSSH ")),
    (
        "key.json",
        f'{{"key": "{private("one", "", chr(92) + "n")}"}}',
        f'{{"key": "{private("two", "", chr(92) + "n")}"}}',
    ),
    ("key.env", f"KEY={private('one', '', ' ')}", f"KEY={private('two', '', ' ')}"),
    ("a.py", f'KEY = "{aws("one")}"', f'KEY = "{aws("two")}"'),
    ("a.py", 'password = "tr0ub4dor-and-3"', 'password = "c0rrect-h0rse-4"'),
    ("a.yaml", "password: tr0ub4dor-and-3", "password: c0rrect-h0rse-4"),
    ("a.txt", f"bearer {token('one')}", f"bearer {token('two')}"),
    ("a.ini", "url = postgresql://ana:tr0ub4dor@harbour/db", "url = postgresql://ana:c0rrecth0rse@harbour/db"),
)


@pytest.mark.parametrize(("path", "old", "new"), REPLACED)
def test_a_secret_in_the_place_of_another_is_new(path, old, new):
    found = states({path: old + "\n"}, {path: new + "\n"})
    assert [state for state, *_ in found] == ["new"]


@pytest.mark.parametrize(("path", "old", "_new"), REPLACED)
def test_a_secret_that_is_moved_within_its_file_or_to_another_is_not_new(path, old, _new):
    within = states({path: f"{old}\n"}, {path: f"# moved\n\n{old}\n"})
    assert "new" not in {state for state, *_ in within}
    away = states({path: f"{old}\n"}, {path: "# gone\n", f"sub/{path}": f"{old}\n"})
    assert {state for state, *_ in away} == {"moved"}


def test_each_key_at_the_base_accounts_for_one_at_the_head():
    one, two = private("one") + "\n", private("two") + "\n"
    assert states({"id.pem": one}, {"id.pem": two + one}) == [
        ("existing", "id.pem", 11, "Private Key"),
        ("new", "id.pem", 1, "Private Key"),
    ]
    assert [state for state, *_ in states({"id.pem": one}, {"id.pem": one + one})] == ["existing", "new"]
    assert [state for state, *_ in states({"id.pem": one + two}, {"id.pem": one})] == ["existing"]


def test_a_key_that_is_indented_or_quoted_anew_is_the_same():
    indented = "key: |\n" + "".join(f"  {line}\n" for line in private("one").splitlines())
    quoted = "KEY = (\n" + "".join(f'    "{line}\\n"\n' for line in private("one").splitlines()) + ")\n"
    for other in (indented, quoted):
        found = states({"id.pem": private("one")}, {"id.pem": "gone\n", "other": other})
        assert [state for state, *_, rule in found if rule == "Private Key"] == ["moved"]


def test_a_key_that_only_stood_in_between_is_published_and_the_same_one_is_not_twice():
    past = [("id.pem", private("two"))]
    assert states({"id.pem": private("one")}, {"id.pem": private("one")}, past) == [
        ("existing", "id.pem", 1, "Private Key"),
        ("new", "id.pem", 1, "Private Key"),
    ]
    assert states({"id.pem": private("one")}, {"id.pem": "gone\n"}, [("id.pem", private("one") + "\n")]) == []


def test_code_that_looks_for_keys_may_be_edited_below():
    code = 'if "BEGIN RSA PRIVATE KEY" in text:\n    return found\nelse:\n    return None\n'
    found = states({"a.py": code}, {"a.py": code.replace("None", "nothing")})
    assert "new" not in {state for state, *_ in found}


def test_a_key_in_base64_in_a_secret_of_kubernetes_is_one_and_its_replacement_another():
    def secret(name):
        held = base64.b64encode(private(name).encode()).decode()
        return f"apiVersion: v1\nkind: Secret\nmetadata: {{name: tls}}\ndata:\n  tls.key: {held}\n"

    assert states({"s.yaml": secret("one")}, {"s.yaml": secret("two")}) == [("new", "s.yaml", 5, "Private Key")]
    assert states({"s.yaml": secret("one")}, {"s.yaml": "# moved\n" + secret("one")}) == [
        ("existing", "s.yaml", 6, "Private Key")
    ]
    plain = states({"s.yaml": secret("one")}, {"s.yaml": "gone: 1\n", "id.pem": private("one")})
    assert [state for state, *_ in plain] == ["moved"]
