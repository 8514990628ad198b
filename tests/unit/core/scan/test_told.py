"""What a scan says while it goes on, of the product's own scanner over real sources."""

from __future__ import annotations

import pytest

from interlock.core.scan.seen import Source
from interlock.plugins.scanners.access import AccessScanner
from interlock.ports.scanner import Look
from interlock.road.scan import Ready, scan

WEAK = b"def get(c, n):\n    sql = 'SELECT '\n    sql += n\n    return c.execute(sql)\n"


@pytest.mark.parametrize(
    ("contents", "said"), [([WEAK], "1 finding on both sides"), ([WEAK, WEAK], "2 findings on both sides")]
)
def test_one_finding_is_told_as_one(contents, said):
    sources = [
        Source(side="head", path=f"{number}.py", content=content, lineage=f"{number}.py")
        for number, content in enumerate(contents)
    ]
    told = []
    scan([Ready(kind="access", scanner=AccessScanner({}))], Look(sources=sources), told=told.append)
    assert [each.partition(": ")[2] for each in told] == [said]
