"""What it takes to show things by running them: the producers of evidence, each beside a limit or a peer.

    python -m benchmarks.evidence [--only PART] [--json FILE]

A part is a module of this folder with ``rows()``; what each measures stands on top of it.
"""

from __future__ import annotations

import argparse
import importlib
import json
from pathlib import Path

TITLE = "Evidence that was executed"
PARTS = ("alerts", "witness")


def main() -> int:
    """Measure every part, or one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows: list[dict[str, object]] = []
    for name in [options.only] if options.only else PARTS:
        for row in importlib.import_module(f"benchmarks.evidence.{name}").rows():
            print(f"{row['figure']}: {row['value']} {row.get('unit', '')} {row.get('note', '')}", flush=True)
            rows.append(row)
    if options.json:
        options.json.write_text(json.dumps({"title": TITLE, "rows": rows}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
