"""Pin every package with its hashes in requirements/*.lock (see docs/adr/0002-locks-without-a-host.md).

Rules:
1. One resolution for every platform and every supported Python; no file names where packages come from.
2. The runtime lock is cut from the development lock, so that what is shipped is what was tested.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMPILE = [
    *("uv", "pip", "compile", "--quiet", "pyproject.toml", "--universal", "--python-version", "3.11"),
    *("--generate-hashes", "--no-emit-index-url", "--no-annotate", "--upgrade"),
    *("--custom-compile-command", "make lock", "--group", "build"),
]


def main() -> int:
    """Write both locks; the exit code is that of the first resolution that failed, else 0."""
    extras = ("postgresql", "kubernetes", "demo", "notify", "rehearse", "review", "scan")
    dev = ["--group", "dev", *(word for extra in extras for word in ("--extra", extra))]
    # `make demo` runs from the runtime lock, on a real proxy.
    runtime = ["--extra", "demo", "--constraint", "requirements/dev.lock"]
    for name, extra in (("dev", dev), ("runtime", runtime)):
        target = f"requirements/{name}.lock"
        command = [sys.executable, "-m", *COMPILE, *extra, "--output-file", target]
        result = subprocess.run(command, cwd=ROOT, check=False)  # noqa: S603  # our own fixed command
        if result.returncode:
            return result.returncode
        print(f"  {target}: {(ROOT / target).read_text().count('==')} packages")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
