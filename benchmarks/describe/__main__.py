"""Reading at 1×, 2× and 4×, as rows for the page of measurements: python -m benchmarks.describe --json FILE."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

UNITS = {"git": "git range", "plan": "Terraform plan", "configuration": "configuration"}
TARGETS = {"git": "< 3 s", "plan": "< 2 s", "configuration": ""}


def rows() -> list[dict[str, object]]:
    """Run the scale in children of its own and shape what they told."""
    command = [sys.executable, str(Path(__file__).with_name("scale.py")), "--json"]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    first = {one["kind"]: one["seconds"] for one in told if one["factor"] == 1}
    return [
        {
            "figure": f"{UNITS[one['kind']]}, {one['items']:,} items ({one['factor']}×)",
            "value": one["seconds"],
            "unit": "s",
            "target": TARGETS[one["kind"]] if one["factor"] == 1 else "linear growth",
            "note": f"{one['seconds'] / first[one['kind']]:.1f} times 1×, {one['cpu_seconds']:.2f} s of processor "
            f"time, {max(one['peak_mb'], one['git_peak_mb'])} MB peak (limit 500)",
        }
        for one in told
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    found = rows()
    for row in found:
        print(f"{row['figure']:44} {row['value']:>8} {row['unit']:3} {row['target']:14} {row['note']}")
    if given.json:
        given.json.write_text(json.dumps({"title": "Reading a change", "rows": found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
