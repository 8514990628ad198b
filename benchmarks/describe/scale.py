"""How reading grows: a git range, a plan and configuration at 1×, 2× and 4×, with time and peak memory.

    python benchmarks/describe/scale.py [--json] [--only git|plan|configuration]

1× is a range of 1,000 files and 50,000 changed lines, a plan of 10,000 resources, and 1,000 configuration files of
20 keys. Each reading happens in a process of its own, so that its peak is its own; git's own processes are counted
by the largest of them. Times are of the reading alone, without interpreter start; on a machine that is busy the
processor time beside them is the fairer figure. Targets: 3 s, 2 s, none; 500 MB.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

TARGETS = {"git": 3.0, "plan": 2.0, "configuration": None}
MEMORY_MB = 500
FACTORS = (1, 2, 4)


def make_git(folder: Path, factor: int) -> dict[str, str]:
    subprocess.run(["git", "init", "-q", "--bare", os.fspath(folder)], check=True)
    with subprocess.Popen(["git", "-C", folder, "fast-import", "--quiet"], stdin=subprocess.PIPE) as importer:
        assert importer.stdin is not None
        for line in _history(1000 * factor):
            importer.stdin.write(line)
        importer.stdin.close()
    return {"base": "refs/heads/main~1", "head": "refs/heads/main"}


def _history(files: int) -> Iterator[bytes]:
    for turn in range(2):
        yield f"commit refs/heads/main\ncommitter A <a@example.com> {1_772_700_000 + turn} +0000\n".encode()
        yield b"data 4\nwork\n"
        for number in range(files):
            # 25 of 200 lines change: 25 removed and 25 added are 50 changed lines a file.
            lines = [f"{number}:{at}:{turn if at % 8 == 0 else 0}\n" for at in range(200)]
            content = "".join(lines).encode()
            yield f"M 100644 inline src/{number % 50}/file{number}.py\ndata {len(content)}\n".encode() + content


def make_plan(folder: Path, factor: int) -> dict[str, str]:
    folder.mkdir()
    with (folder / "plan.json").open("w", encoding="utf-8") as stream:
        stream.write('{"format_version":"1.2","terraform_version":"1.9.0","resource_changes":[')
        for number in range(10_000 * factor):
            stream.write(("," if number else "") + json.dumps(_resource(number)))
        stream.write('],"configuration":{},"timestamp":"2026-03-05T10:00:00Z"}')
    return {"path": "plan.json"}


def _resource(number: int) -> dict[str, object]:
    tags = {f"tag{at}": f"value-{number}-{at}" for at in range(8)}
    before = {"id": f"i-{number:012}", "size": number, "ratio": 0.25, "name": f"node-{number}", "tags": tags}
    before |= {"rules": [{"port": 1000 + at, "cidr": f"10.0.{at}.0/24", "open": True} for at in range(4)]}
    after = before | {"size": number + 1, "tags": tags | {"tag3": "moved"}, "rules": before["rules"]}
    actions = [["update"], ["create"], ["delete"], ["delete", "create"]][number % 4]
    change = {
        "actions": actions,
        "before": None if actions == ["create"] else before,
        "after": None if actions == ["delete"] else after,
        "after_unknown": {"id": True} if "create" in actions else {},
        "before_sensitive": {"tags": {}},
        "after_sensitive": {"tags": {}},
    }
    address = f"module.m{number % 100}.aws_instance.node[{number}]"
    return {"address": address, "mode": "managed", "type": "aws_instance", "name": "node", "change": change}


def make_configuration(folder: Path, factor: int) -> dict[str, str]:
    for number in range(1000 * factor):
        for side in ("before", "after"):
            file = folder / side / f"{number % 20}" / f"service{number}.yaml"
            file.parent.mkdir(parents=True, exist_ok=True)
            moved = side == "after"
            values = (f"  key{at}: {number + at + (at == 7 and moved)}\n" for at in range(20))
            file.write_text("settings:\n" + "".join(values))
    return {"before": "before", "after": "after"}


MAKERS = {"git": make_git, "plan": make_plan, "configuration": make_configuration}


def measure(kind: str, folder: Path, arguments: dict[str, str]) -> dict[str, float]:
    """Read once in this process and say what it took."""
    from interlock.plugins.readers.configuration import ConfigurationReader  # noqa: PLC0415  # only in the child
    from interlock.plugins.readers.git import GitReader  # noqa: PLC0415  # likewise
    from interlock.plugins.readers.terraform_plan import TerraformPlanReader  # noqa: PLC0415  # likewise
    from interlock.ports.reader import ReadRequest  # noqa: PLC0415  # likewise

    readers = {"git": GitReader, "plan": TerraformPlanReader, "configuration": ConfigurationReader}
    start, worked = time.perf_counter(), sum(os.times()[:4])
    reading = readers[kind]().read(ReadRequest(root=folder, arguments=arguments))
    seconds, cpu = time.perf_counter() - start, sum(os.times()[:4]) - worked
    assert reading is not None
    part = reading.part
    items = len(getattr(part, "files", None) or getattr(part, "resources", ()))
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {
        "seconds": round(seconds, 3),
        "cpu_seconds": round(cpu, 2),
        "items": items,
        "peak_mb": round(own),
        "git_peak_mb": round(children),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="Time and memory of reading at 1×, 2×, 4×.")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", choices=sorted(MAKERS))
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        kind, folder, arguments = given.child
        print(json.dumps(measure(kind, Path(folder), json.loads(arguments))))
        return 0
    rows = []
    with tempfile.TemporaryDirectory(prefix="interlock-bench-") as place:
        for kind in [given.only] if given.only else MAKERS:
            for factor in FACTORS:
                folder = Path(place) / f"{kind}{factor}"
                arguments = MAKERS[kind](folder, factor)
                command = [sys.executable, __file__, "--child", kind, os.fspath(folder), json.dumps(arguments)]
                told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                rows.append({"kind": kind, "factor": factor, **json.loads(told)})
                if not given.json:
                    print(_line(rows[-1], rows))
    if given.json:
        print(json.dumps(rows))
    return 0


def _line(row: dict[str, float], rows: list[dict[str, float]]) -> str:
    first = next(one for one in rows if one["kind"] == row["kind"])
    target = TARGETS[str(row["kind"])] if row["factor"] == 1 else None
    judged = (
        f"target {target:.0f} s, {MEMORY_MB} MB" if target else f"{row['seconds'] / first['seconds']:.1f} times 1×"
    )
    took = f"{row['seconds']:>7.2f} s (cpu {row['cpu_seconds']:>5.2f} s)"
    return (
        f"{row['kind']:14} {row['factor']}×  {row['items']:>7} items  {took}"
        f"  {row['peak_mb']:>5} MB  (git {row['git_peak_mb']} MB)   {judged}"
    )


if __name__ == "__main__":
    sys.exit(main())
