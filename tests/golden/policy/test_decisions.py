"""Facts → decision, whole and in words: whoever changes a rule sees here what people will read.

To write the files anew after a wanted change: ``python tests/golden/policy/test_decisions.py``.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from interlock.core.change.canonical import plain
from interlock.core.policy.bundle import load_bundle
from interlock.core.policy.evaluate import Standing, decide_facts
from interlock.core.policy.explain import read_facts
from interlock.core.policy.request import facts_of
from interlock.testing.cases import build, question, read_cases

HERE = Path(__file__).parent
ROOT = resources.files("interlock.core.policy.bundled")
BUNDLE = load_bundle(
    {
        f"{folder}/{item.name}": item.read_bytes()
        for folder in ("base", "tests")
        for item in (ROOT / folder).iterdir()
        if item.name.endswith((".cedar", ".yaml"))
    }
)
NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
CHOSEN = {
    "ready": "two people who did not write it",
    "one-approval": "one person who did not write it",
    "agent-destroys": "an agent would delete and recreate an environment",
    "fast-lane": "small and safe takes the fast lane",
    "injection": "a new SQL injection",
}


def told(facts: dict[str, Any]) -> dict[str, Any]:
    decision = plain(decide_facts(read_facts(facts), BUNDLE, Standing(now=NOW)))
    return {key: decision[key] for key in ("outcome", "reasons", "observed", "obligations", "marks", "expires")}


@pytest.mark.parametrize("name", [*CHOSEN, "nothing-shown"])
def test_these_facts_give_this_decision(name: str) -> None:
    golden = json.loads((HERE / f"{name}.json").read_text())
    assert golden["decision"] == told(golden["facts"])


def write() -> None:
    cases, bases = read_cases(BUNDLE.tests)
    by_name = {case.name: case for case in cases}
    facts = {name: facts_of(question(build(by_name[case], bases)), ()) for name, case in CHOSEN.items()}
    shown = set(read_facts(facts["ready"])) - {name for name in facts["ready"] if name in _given()}
    facts["nothing-shown"] = {name: value for name, value in facts["ready"].items() if name not in shown}
    for name, record in facts.items():
        text = json.dumps(
            {"facts": record, "decision": told(record)}, indent=1, sort_keys=True, ensure_ascii=False
        )
        (HERE / f"{name}.json").write_text(text + "\n")


def _given() -> set[str]:
    from interlock.core.policy.facts import FACTS  # noqa: PLC0415  # only when the files are written

    return {name for name, fact in FACTS.items() if not fact.shown}


if __name__ == "__main__":
    write()
