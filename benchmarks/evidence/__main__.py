"""All figures of evidence, as rows for the page of measurements: python -m benchmarks.evidence --json FILE.

Rules:
1. Every module beside this one that has ``rows()`` gives some, in the order of their names.
"""

from __future__ import annotations

import argparse
import importlib
import json
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("names", nargs="*", help="modules, all of them where none is named")
    given = parser.parse_args()
    known = sorted(file.stem for file in Path(__file__).parent.glob("*.py") if not file.stem.startswith("__"))
    found: list[dict[str, object]] = []
    for name in given.names or known:
        module = importlib.import_module(f"benchmarks.evidence.{name}")
        if hasattr(module, "rows"):
            found += module.rows()
    for row in found:
        print(f"{row['figure']}: {row['value']} {row.get('unit', '')} {row.get('note', '')}")
    if given.json:
        given.json.write_text(json.dumps({"title": "Evidence", "rows": found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
