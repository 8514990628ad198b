"""What a scan comes to, what of it is signed, and that no secret is in it."""

from __future__ import annotations

import json

from interlock.core.change.canonical import canonical
from interlock.core.evidence.sarif import read_sarif
from interlock.core.evidence.summary import MAX_OWN
from interlock.core.scan.compare import compared
from interlock.core.scan.outcome import Amount, outcome, predicate
from interlock.core.scan.plan import Accepted
from interlock.core.scan.sarif_written import written
from interlock.core.scan.seen import Scanned, Seen, Source
from interlock.road.scan import placed

CODE = b"".join(b"def f%d(c, n):\n    c.execute('SELECT ' + n)\n" % number for number in range(400))
FILE = Source(side="head", path="src/a b.py", content=CODE)
AMOUNT = Amount(files=1, lines=800, binary=1, left_out=2)


def seen(line=2, cwe=89, level="warning", identity="", tool="bandit", message="m", source=FILE):
    return Seen(
        source=source, line=line, rule="R", tool=tool, level=level, message=message,
        cwes=frozenset({cwe}), identity=identity,
    )  # fmt: skip


def come_to(*found, scanned=(), unread=(), accept=()):
    tools = [Scanned(tool=name, version="1") for name in sorted({one.tool for one in found})]
    return outcome(compared(placed(found), []), [*tools, *scanned], unread, accept, AMOUNT)


def test_a_finding_of_the_four_classes_blocks_and_others_are_told():
    found = come_to(seen(), seen(line=4, cwe=78), seen(line=6, cwe=89, level="note"))
    assert found.verdict == "failed"
    said = predicate(found)
    first = said["new_findings"][0]
    assert (first["class"], first["where"]) == ("CWE-89", "src/a b.py:2")
    assert (said["new"], said["blocking"], said["classes"]["sql-injection"]) == (3, 1, 1)
    assert come_to(seen(cwe=78)).verdict == "passed"


def test_what_could_not_be_read_is_no_pass_and_hides_no_finding():
    fault = Scanned(tool="x", fault="did not end in time")
    assert come_to(scanned=[fault]).verdict == "undecidable"
    assert come_to(unread=["big.py: too big"]).verdict == "undecidable"
    assert come_to(seen(), scanned=[fault]).verdict == "failed"
    broken = Source(side="base", path="a.py", content=b"")
    assert come_to(scanned=[Scanned(tool="x", unread=((broken, "syntax"),))]).verdict == "passed"


def test_what_is_accepted_is_told_with_its_reason_and_has_no_class():
    allowed = Accepted(rule="R", paths=("src/*.py",), why="from a list")
    found = come_to(seen(), accept=[allowed])
    (said,) = predicate(found)["new_findings"]
    assert (found.verdict, said["class"], said["accepted"]) == ("passed", "", "from a list")
    assert come_to(seen(), accept=[Accepted(rule="R", paths=("lib/",), why="x")]).verdict == "failed"
    assert come_to(seen(), accept=[Accepted(rule="Q", paths=("src/",), why="x")]).verdict == "failed"


def test_of_a_secret_only_its_place_is_told_whoever_speaks_of_the_line():
    secret = seen(cwe=798, identity="5ec2e7", tool="detect-secrets", message="")
    other = seen(cwe=78, message="found hunter2")
    said = predicate(come_to(secret, other))
    assert said["secrets"] == ["src/a b.py:2"]
    assert "5ec2e7" not in json.dumps(said)
    assert "hunter2" not in json.dumps(said)
    assert "hunter2" not in written(come_to(secret, other)).decode()


def test_a_finding_keeps_its_name_and_two_have_two():
    names = {one.id for one in come_to(*[seen(line=2 * n + 2) for n in range(3)]).findings}
    assert len(names) == 3
    same = [seen(cwe=798, identity=value, tool="detect-secrets") for value in ("x", "y")]
    assert len({one.id for one in come_to(*same).findings}) == 2
    (first,), (again,) = come_to(seen()).findings, come_to(seen()).findings
    assert first.id == again.id


def test_a_statement_has_room_however_much_was_found():
    found = come_to(*[seen(line=2 * number + 2, message="é" * 190) for number in range(400)])
    said = predicate(found)
    assert len(canonical(said)) < MAX_OWN
    assert (said["blocking"], said["classes"]["sql-injection"]) == (400, 400)
    assert 50 < len(said["new_findings"]) < 400


def test_what_is_written_as_sarif_is_read_back():
    log = read_sarif(written(come_to(seen(), seen(line=4, cwe=502, tool="x"))))
    assert {(one.tool, one.path, one.line, one.classes) for one in log.findings} == {
        ("bandit", "src/a%20b.py", 2, ("sql-injection",)),
        ("x", "src/a%20b.py", 4, ("deserialization",)),
    }
    assert log.complete
    assert not read_sarif(written(come_to(seen(), unread=["x"]))).complete
    allowed = Accepted(rule="R", paths=("src/",), why="x")
    assert read_sarif(written(come_to(seen(), accept=[allowed]))).suppressed == 1
