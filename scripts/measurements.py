"""Run benchmarks and write down what was measured, each with the machine and the day (`make bench`).

    python scripts/measurements.py [NAME …]    all of them where none is named; that takes hours

Rules:
1. A benchmark is a folder ``benchmarks/<name>/`` that runs as ``python -m benchmarks.<name> --json FILE``; what it
   prints is for the person watching. The file holds ``{"title", "rows": [{"figure", "value", "unit"}]}``, and a
   row may add ``target``, ``peer`` (somebody else's value for the same work) and ``note``. A benchmark that writes
   a page of its own names it as ``page``, relative to docs/.
2. Nothing is asserted on time. A benchmark that fails is named, the others still run, and the exit code is 1.
3. docs/measurements.md has a section for each benchmark. What ran replaces its own; a section stays as it is while
   its benchmark fails or is not asked for, and goes once the benchmark is gone.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "measurements.md"
HEAD = """# Measurements

By `make bench`, or one at a time by `make bench ONLY=NAME`; each section says when, and on what.
A target is what the design asks for; a peer is another tool doing the same work on the same machine."""


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all of them, and write their sections of the page."""
    found = sorted(file.parent.name for file in ROOT.glob("benchmarks/*/__main__.py"))
    unknown = sorted(set(names) - set(found))
    if unknown:
        print(f"error: expected benchmarks out of {', '.join(found)}, got `{unknown[0]}`", file=sys.stderr)
        return 2
    results = {name: run(name) for name in names or found}
    kept = {name: section for name, section in sections(TARGET.read_text()).items() if name in found}
    made = {name: written(name, result) for name, result in results.items() if result is not None}
    TARGET.write_text("\n\n".join([HEAD, *(section for _, section in sorted((kept | made).items()))]) + "\n")
    print(f"wrote docs/{TARGET.name}: {', '.join(made) or 'nothing new'}")
    failed = [name for name, result in results.items() if result is None]
    if failed:
        print(f"error: failed, sections left as they were: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def run(name: str) -> dict[str, object] | None:
    """What one benchmark measured, None when it failed."""
    print(f"== {name}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        command = [sys.executable, "-m", f"benchmarks.{name}", "--json", str(answer)]
        status = subprocess.run(command, cwd=ROOT, check=False).returncode  # noqa: S603  # our own command
        if status or not answer.exists():
            return None
        result: dict[str, object] = json.loads(answer.read_text())
        return result


def sections(text: str) -> dict[str, str]:
    """The sections of a page by the name of their benchmark."""
    parts = [part.strip() for part in re.split(r"^(?=## )", text, flags=re.MULTILINE)]
    named = [(re.search(r"^`python -m benchmarks\.(\w+)`", part, re.MULTILINE), part) for part in parts]
    return {found[1]: part for found, part in named if found}


def written(name: str, result: dict[str, object]) -> str:
    """The section of one benchmark that ran just now."""
    lines = [f"## {result['title']}", ""]
    lines += [f"`python -m benchmarks.{name}` on {datetime.now(UTC):%Y-%m-%d}: {machine()}.", ""]
    lines += table(result["rows"])
    if "page" in result:
        lines += ["", f"In full, with pictures: [{result['page']}]({result['page']})"]
    return "\n".join(lines)


def table(rows: object) -> list[str]:
    """The rows as Markdown, without the columns that no row fills."""
    assert isinstance(rows, list), "expected `rows` to be a list"  # noqa: S101  # a benchmark's author reads this
    columns = ["figure", "value"] + [name for name in ("target", "peer", "note") if any(r.get(name) for r in rows)]
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    for row in rows:
        shown = dict(row, value=f"{number(row['value'])} {row.get('unit', '')}".strip())
        lines.append("| " + " | ".join(str(shown.get(name, "")).replace("|", "\\|") for name in columns) + " |")
    return lines


def number(value: object) -> str:
    """Three significant digits for a fraction, thousands separated for an integer."""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"  # noqa: PLR2004  # three digits
    return f"{value:,}" if isinstance(value, int) else str(value)


def machine() -> str:
    """What it ran on, in a line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores ({platform.machine()}), {memory:.0f} GiB of memory, {platform.system()}, "
        f"Python {platform.python_version()}"
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
