"""Which files are Python.

Rules:
1. The name says so (``.py``, ``.pyw``), or a first line that names it as what runs the file.
"""

from __future__ import annotations

import re

from interlock.core.scan.seen import Source

_ENDINGS = (".py", ".pyw")
_RUNS = re.compile(rb"#!.*\bpython[0-9.]*\b")


def is_python(source: Source) -> bool:
    """Whether a file is Python; a link never is."""
    if source.link:
        return False
    return source.path.lower().endswith(_ENDINGS) or _RUNS.match(source.content[:200]) is not None
