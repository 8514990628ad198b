"""Read, check and walk a catalog of 10,000 components at 1×, 2× and 4×: time and peak memory.

    python -m benchmarks.catalog [--components 10000] [--files 100] [--json]

Each size runs in a process of its own, so that its peak memory is its own. ``read`` is ``read_catalog`` over the
bytes of all files, ``check`` is ``check_catalog``, ``blast`` is the blast radius of one changed file, first with
nothing computed before and then again, as a server that keeps the catalog does it.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import time

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


def change() -> GitRange:
    file = FileChange(path="services/service-7/main.py", status="modified", added=1, removed=1)
    return GitRange(
        repository="",
        base="0" * 40,
        head="1" * 40,
        head_tree="2" * 40,
        commits=tuple[Commit, ...](),
        files=(file,),
    )


def blast(catalog: Catalog) -> tuple[float, int]:
    started = time.perf_counter()
    found = blast_of((change(),), catalog=catalog, settings=Settings())
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
    first, reached = blast(catalog)
    again, _ = blast(catalog)
    return {
        "components": components,
        "mib": sum(map(len, given.values())) / 2**20,
        "read_s": read,
        "read_cpu_s": read_cpu,
        "check_s": check,
        "blast_first_s": first,
        "blast_again_s": again,
        "reached": reached,
        "findings": len(findings),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "before_mib": before,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="read, check and walk a large catalog")
    parser.add_argument("--components", type=int, default=10_000)
    parser.add_argument("--files", type=int, default=100)
    parser.add_argument("--one", action="store_true", help="measure this size alone, print JSON")
    parser.add_argument("--json", action="store_true")
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
        print(json.dumps({"goal": {"read_s": GOAL_READ, "peak_mib": GOAL_MEMORY}, "rows": rows}))
        return 0
    print("components      YAML   read (of it processor)    check   blast, first / again   reached   peak memory")
    for row in rows:
        read = f"{row['read_s']:.2f} s ({row['read_cpu_s']:.2f} s)"
        blast_times = f"{row['blast_first_s'] * 1000:.0f} / {row['blast_again_s'] * 1000:.0f} ms"
        print(
            f"{row['components']:>10,} {row['mib']:>5.1f} MiB {read:>24} {row['check_s']:>6.2f} s "
            f"{blast_times:>22} {row['reached']:>9,} {row['peak_mib']:>9.0f} MiB"
        )
    print(f"goal: {given.components:,} components read in < {GOAL_READ:g} s, < {GOAL_MEMORY:g} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
