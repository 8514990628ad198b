"""The four classes of findings that block, by CWE.

Rules:
1. A finding's CWE is what the tool itself says (taxa, rule relationships, tags). Only for tools whose rules carry
   no CWE at all is there a table by rule id, kept to these classes.
2. Everything a secrets scanner finds is a secret.
3. Findings of level error and warning count. A note counts for secrets only: tools write a hard-coded password
   as a note and an ``import pickle`` too.
"""

from __future__ import annotations

import re

WEAKNESSES: dict[str, frozenset[int]] = {
    "sql-injection": frozenset({89}),
    "access-control": frozenset({287, 306, 862, 863, 639}),
    "deserialization": frozenset({502}),
    "secrets": frozenset({798, 259, 321}),
}

_CWE = re.compile(r"(?:^|[^a-z0-9])cwe[-_/ ]?0*(\d{1,5})(?![0-9a-z])", re.IGNORECASE)
_NARROWER = {564: 89}
"""Weaknesses that are one of these under a narrower name."""

_SECRET_TOOLS = re.compile(r"gitleaks|trufflehog|detect-secrets|ggshield|secretlint", re.IGNORECASE)
_RULES: dict[str, dict[str, int]] = {
    # ruff carries bandit's checks under S, without their CWE
    "ruff": {
        **dict.fromkeys(("S608", "S610", "S611"), 89),
        **dict.fromkeys(("S301", "S302", "S506"), 502),
        **dict.fromkeys(("S105", "S106", "S107"), 259),
    },
}


def cwe_in(text: str) -> frozenset[int]:
    """All CWE numbers named in a tag or an identifier (``CWE-89``, ``external/cwe/cwe-089``)."""
    numbers = (int(number) for number in _CWE.findall(text))
    return frozenset(_NARROWER.get(number, number) for number in numbers)


def known_cwes(tool: str, rule: str) -> frozenset[int]:
    """The CWE of a rule whose tool never says one."""
    found = _RULES.get(tool.lower(), {}).get(rule)
    return frozenset() if found is None else frozenset({found})


def weaknesses(*, tool: str, cwes: frozenset[int], level: str) -> tuple[str, ...]:
    """The blocking classes that one finding belongs to, sorted."""
    found = {name for name, members in WEAKNESSES.items() if cwes & members}
    if _SECRET_TOOLS.search(tool):
        found.add("secrets")
    if level not in {"error", "warning"}:
        found &= {"secrets"}
    return tuple(sorted(found))
