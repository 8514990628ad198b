"""Read, check and walk a catalog of 10,000 components at 1×, 2× and 4×: time and peak memory.

    python -m benchmarks.catalog [--components 10000] [--files 100] [--json FILE]

Each size runs in a process of its own, so that its peak memory is its own. ``read`` is ``read_catalog`` over the
bytes of all files, ``check`` is ``check_catalog``, ``blast`` is the blast radius of one changed file of a service
that most others need and of one that none needs; the catalog's indexes were made by one before, as in a server.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import time
from pathlib import Path

from interlock.core.change.catalog import Catalog
from interlock.core.change.catalog_check import check_catalog
from interlock.core.change.catalog_read import read_catalog
from interlock.core.change.parts import Commit, FileChange, GitRange
from interlock.core.change.settings import Settings
from interlock.core.facts.blast import blast_of

GOAL_READ = 2.0
GOAL_MEMORY = 500.0

COMPONENT = """apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: service-{n}
  description: Service number {n} of the organisation.
  annotations:
    interlock.dev/tier: "{tier}"
    interlock.dev/metric: orders_total
    interlock.dev/alert: OrdersDrop
    interlock.dev/rollback: interlock rollback service-{n}
    interlock.dev/order-share: "{share}"
    interlock.dev/paths: services/service-{n}/**
spec:
  type: service
  lifecycle: production
  owner: group:default/team-{team}
  system: shop
  dependsOn:
    - component:default/service-{a}
    - component:default/service-{b}
"""
GROUP = """apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {{name: team-{n}}}
spec: {{type: team, members: [person-{n}]}}
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {{name: person-{n}}}
spec: {{profile: {{email: person-{n}@example.com}}}}
"""


def made(components: int, files: int) -> dict[str, bytes]:
    """A catalog whose graph has no cycle: each service needs two of those before it."""
    chance = random.Random(20260305)
    texts: list[list[str]] = [[] for _ in range(files)]
    for n in range(components):
        a, b = chance.randrange(max(n, 1)), chance.randrange(max(n, 1))
        filled = COMPONENT.format(n=n, tier=n % 3 + 1, share=f"{1 / components:.6f}", team=n % 50, a=a, b=b)
        texts[n % files].append(filled)
    found = {f"catalog/{n}.yaml": "---\n".join(text).encode() for n, text in enumerate(texts) if text}
    found["catalog/teams.yaml"] = "---\n".join(GROUP.format(n=n) for n in range(50)).encode()
    return found


def change(number: int) -> GitRange:
    file = FileChange(path=f"services/service-{number}/main.py", status="modified", added=1, removed=1)
    return GitRange(
        repository="",
        base="0" * 40,
        head="1" * 40,
        head_tree="2" * 40,
        commits=tuple[Commit, ...](),
        files=(file,),
    )


def blast(catalog: Catalog, number: int) -> tuple[float, int]:
    started = time.perf_counter()
    found = blast_of((change(number),), catalog=catalog, settings=Settings())
    return time.perf_counter() - started, len(found.reached)


def measured(components: int, files: int) -> dict[str, float | int]:
    given = made(components, files)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    started, spent = time.perf_counter(), time.process_time()
    catalog = read_catalog(given, digest="sha256:" + "0" * 64)
    read, read_cpu = time.perf_counter() - started, time.process_time() - spent
    started = time.perf_counter()
    findings = check_catalog(catalog)
    check = time.perf_counter() - started
    blast(catalog, 7)
    wide, reached = blast(catalog, 7)
    narrow, _ = blast(catalog, components - 1)
    return {
        "components": components,
        "mib": sum(map(len, given.values())) / 2**20,
        "read_s": read,
        "read_cpu_s": read_cpu,
        "check_s": check,
        "blast_wide_s": wide,
        "blast_narrow_s": narrow,
        "reached": reached,
        "findings": len(findings),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "before_mib": before,
    }


def figures(rows: list[dict[str, float]]) -> list[dict[str, object]]:
    """The rows as figures, one for each size and question."""
    found: list[dict[str, object]] = []
    for number, row in enumerate(rows):
        size = f"{row['components']:,} components"
        goals = {"target": f"< {GOAL_READ:g} s"} if number == 0 else {}
        note = f"{row['read_cpu_s']:.2f} s of processor time"
        found.append(
            {"figure": f"read {size}", "value": round(row["read_s"], 3), "unit": "s", "note": note, **goals}
        )
        found.append({"figure": f"check {size}", "value": round(row["check_s"], 3), "unit": "s"})
        reach = f"{row['reached']:,} services reached, each with its path"
        for name, seconds, note in (
            ("wide", row["blast_wide_s"], reach),
            ("narrow", row["blast_narrow_s"], "none reached"),
        ):
            figure = f"blast radius, {name}, in {size}"
            found.append({"figure": figure, "value": round(seconds * 1000, 1), "unit": "ms", "note": note})
        memory = {"figure": f"peak memory, {size}", "value": round(row["peak_mib"]), "unit": "MiB"}
        found.append(memory | ({"target": f"< {GOAL_MEMORY:g} MiB"} if number == 0 else {}))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="read, check and walk a large catalog")
    parser.add_argument("--components", type=int, default=10_000)
    parser.add_argument("--files", type=int, default=100)
    parser.add_argument("--one", action="store_true", help="measure this size alone, print JSON")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write title and rows there as well")
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measured(given.components, given.files)))
        return 0
    rows = []
    for times in (1, 2, 4):
        arguments = ["--one", "--components", str(given.components * times), "--files", str(given.files)]
        command = [sys.executable, __file__, *arguments]
        rows.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    if given.json:
        given.json.write_text(json.dumps({"title": "Catalog", "rows": figures(rows)}))
    print("components      YAML   read (of it processor)    check   blast, wide / narrow   reached   peak memory")
    for row in rows:
        read = f"{row['read_s']:.2f} s ({row['read_cpu_s']:.2f} s)"
        blast_times = f"{row['blast_wide_s'] * 1000:.0f} / {row['blast_narrow_s'] * 1000:.0f} ms"
        print(
            f"{row['components']:>10,} {row['mib']:>5.1f} MiB {read:>24} {row['check_s']:>6.2f} s "
            f"{blast_times:>22} {row['reached']:>9,} {row['peak_mib']:>9.0f} MiB"
        )
    print(f"goal: {given.components:,} components read in < {GOAL_READ:g} s, < {GOAL_MEMORY:g} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
