"""Whether a selector looks at production: by the label that names an environment, where it has one.

Rules:
1. A selector without such a label looks at whatever is there, production too.
2. *Elsewhere* is one that can only be of a place that is known to be none (``staging``, ``dev``, ``pre-prod``), or
   that leaves production out. A name that says neither is *doubtful*.
"""

from __future__ import annotations

import re
from typing import Literal

LABELS = frozenset({"deployment_environment", "env", "environment", "stage"})
PRODUCTION = frozenset({"live", "prd", "prod", "production"})
OTHER = frozenset(
    {
        "acceptance", "alpha", "beta", "ci", "demo", "dev", "devel", "development", "e2e", "int", "integration",
        "lab", "load", "local", "non", "nonprod", "perf", "pre", "preprod", "preproduction", "preview", "qa",
        "sandbox", "sit", "stage", "staging", "stg", "test", "testing", "tst", "uat",
    }
)  # fmt: skip
MOST_PATTERN = 200
_WORDS = re.compile(r"[a-z]+\d*[a-z]*")
Where = Literal["", "elsewhere", "doubtful"]


def where(label: str, op: str, value: str) -> Where:
    """What one matcher says; ``op`` is ``=``, ``!=``, ``=~`` or ``!~``."""
    if label not in LABELS or not value:
        return ""
    if op == "=":
        return _named(value)
    if op == "!=":
        return "elsewhere" if _named(value) == "" else ""
    parts = value.strip("^$()").split("|")
    if op == "!~":
        return "elsewhere" if any(_meets(part) for part in parts) else ""
    if any(_meets(part) for part in parts):
        return ""
    return "elsewhere" if all(_named(part) == "elsewhere" for part in parts) else "doubtful"


def _named(value: str) -> Where:
    words = {*_WORDS.findall(value.lower())}
    bare = words | {word.rstrip("0123456789") for word in words}
    if not bare.isdisjoint(OTHER):
        return "elsewhere"
    return "" if not bare.isdisjoint(PRODUCTION) else "doubtful"


def _meets(pattern: str) -> bool:
    """Whether one alternative lets production through: by its words, or as anything does."""
    return _named(pattern) == "" or (len(pattern) <= MOST_PATTERN and pattern in {".*", ".+"})
