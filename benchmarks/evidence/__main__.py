"""What it takes to show things by running them: the producers of evidence, each beside a limit or a peer.

    python -m benchmarks.evidence [PART …] [--json FILE]

A part is a module of this folder with ``rows()``; what each measures stands on top of it.
"""

from __future__ import annotations

import argparse
import importlib
import json
from pathlib import Path

TITLE = "Evidence that was executed"


def main() -> int:
    """Measure every part, or those that are named."""
    known = sorted(file.stem for file in Path(__file__).parent.glob("*.py") if not file.stem.startswith("__"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"out of {', '.join(known)}; default all")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows: list[dict[str, object]] = []
    for name in options.parts or known:
        module = importlib.import_module(f"benchmarks.evidence.{name}")
        for row in module.rows() if hasattr(module, "rows") else ():
            print(f"{row['figure']}: {row['value']} {row.get('unit', '')} {row.get('note', '')}", flush=True)
            rows.append(row)
    if options.json:
        options.json.write_text(json.dumps({"title": TITLE, "rows": rows}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
