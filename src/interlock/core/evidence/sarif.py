"""SARIF 2.1.0 from any scanner: how many findings, how bad, of which class.

Rules:
1. The level of a result is its own, else its rule's, else ``warning``; a result whose kind is not ``fail`` is
   ``none``. So says SARIF, and many tools write neither.
2. Suppressed results and those the tool's own baseline calls ``unchanged`` or ``absent`` are counted apart.
3. A run that says it did not succeed, or has an error notification, makes the log *incomplete*: no findings in
   a scan that crashed is no evidence, and its verdict is failed. A log without runs is refused.
4. The verdict says that the scan took place; whether what it found may pass is policy's question.
5. What a scanner says about a secret often repeats it: such a message is not kept in the summary.
6. Limits: 16 MiB, 50 runs, 100,000 results; the summary keeps 200 findings, those that block first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from interlock.core.change.canonical import Json
from interlock.core.change.errors import InvalidInput
from interlock.core.evidence.statement import read_time
from interlock.core.evidence.strict_json import read_json
from interlock.core.evidence.weakness import WEAKNESSES, cwe_in, known_cwes, weaknesses

MAX_SARIF = 16 * 1024 * 1024
MAX_RUNS = 50
MAX_RESULTS = 100_000
SHOWN = 200
LEVELS = ("error", "warning", "note", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanFinding:
    """One result that counts. ``line`` is None where the tool names no place."""

    tool: str
    rule: str
    level: str
    message: str
    path: str
    line: int | None
    cwes: tuple[int, ...]
    classes: tuple[str, ...]

    @property
    def where(self) -> str:
        """``path:line``, as far as the tool says."""
        return self.path if self.line is None else f"{self.path}:{self.line}"

    def shown(self) -> dict[str, Json]:
        """As policy and people read it; ``class`` is the CWE that makes it block, else the first, else empty."""
        blocking = [one for one in self.cwes if self.classes and any(one in WEAKNESSES[c] for c in self.classes)]
        cwe = next(iter([*blocking, *self.cwes]), None) if self.classes else None
        return {
            "class": "" if cwe is None else f"CWE-{cwe}",
            "where": self.where,
            "rule": self.rule,
            "level": self.level,
            "message": "a secret, not repeated here" if "secrets" in self.classes else self.message,
            "tool": self.tool,
            "classes": [*self.classes],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """A whole log. ``finished_at`` is the latest end any run names."""

    tools: tuple[str, ...]
    findings: tuple[ScanFinding, ...]
    suppressed: int
    unchanged: int
    complete: bool
    finished_at: datetime | None

    def summary(self) -> dict[str, Json]:
        """What policy reads: counts per level and per class, and the worst findings."""
        levels = Counter(one.level for one in self.findings)
        classes = Counter(name for one in self.findings for name in one.classes)
        worst = sorted(self.findings, key=lambda one: (not one.classes, LEVELS.index(one.level), one.path))
        secrets = sorted({one.where for one in self.findings if "secrets" in one.classes})
        return {
            "kind": "scan",
            "verdict": "passed" if self.complete else "failed",
            "tool": ", ".join(self.tools),
            "levels": {name: levels[name] for name in LEVELS},
            "classes": {name: classes[name] for name in WEAKNESSES},
            "suppressed": self.suppressed,
            "unchanged": self.unchanged,
            "total": len(self.findings),
            "new_findings": [one.shown() for one in worst[:SHOWN]],
            "secrets": [*secrets[:SHOWN]],
        }


def read_sarif(content: bytes) -> Scan:
    """The scan in a SARIF file.

    Raises:
        InvalidInput: ``sarif-shape``, ``sarif-empty``, ``sarif-too-large`` or a code of ``read_json``.
    """
    return scan_of(read_json(content, what="a SARIF log", limit=MAX_SARIF))


def scan_of(log: Json) -> Scan:
    """The scan in a SARIF log that is already JSON; raises as ``read_sarif``."""
    top = _object(log, "the log")
    if top.get("version") != "2.1.0":
        raise _shape(f"version `2.1.0`, got `{str(top.get('version'))[:20]}`")
    runs = [_object(run, "each run") for run in _list(top.get("runs"), "`runs`")]
    if not runs:
        raise InvalidInput(
            "expected a SARIF log with at least one run, got none",
            code="sarif-empty",
            hint="the scanner did not run; look at its own output",
        )
    results = sum(len(_list(run.get("results"), "`results`")) for run in runs)
    if len(runs) > MAX_RUNS or results > MAX_RESULTS:
        raise InvalidInput(
            f"expected at most {MAX_RUNS} runs and {MAX_RESULTS} results, got {len(runs)} and {results}",
            code="sarif-too-large",
            hint="scan what the change touches, or fix the rule that fires everywhere",
        )
    read = [_run(run) for run in runs]
    ends = [moment for run in runs for moment in _ends(run)]
    return Scan(
        tools=tuple(sorted({tool for tool, _, _ in read})),
        findings=tuple(one for _, found, _ in read for one in found),
        suppressed=sum(apart["suppressed"] for _, _, apart in read),
        unchanged=sum(apart["unchanged"] for _, _, apart in read),
        complete=all(_succeeded(run) for run in runs),
        finished_at=max(ends, default=None),
    )


def _run(run: dict[str, Json]) -> tuple[str, list[ScanFinding], Counter[str]]:
    driver = _object(_object(run.get("tool"), "`tool`").get("driver"), "`tool.driver`")
    tool = _text(driver.get("name")) or "unknown"
    rules = _rules(driver, _some(_maybe(run.get("tool")).get("extensions")))
    found: list[ScanFinding] = []
    apart: Counter[str] = Counter()
    for value in _list(run.get("results"), "`results`"):
        result = _object(value, "each result")
        if _is_suppressed(result):
            apart["suppressed"] += 1
        elif result.get("baselineState") in ("unchanged", "absent"):
            apart["unchanged"] += 1
        else:
            found.append(_finding(tool, result, rules))
    return tool, found, apart


def _finding(tool: str, result: dict[str, Json], rules: dict[str | int, dict[str, Json]]) -> ScanFinding:
    reference = _maybe(result.get("rule"))
    rule_id = _text(result.get("ruleId")) or _text(reference.get("id"))
    index = result.get("ruleIndex", reference.get("index"))
    # A hierarchical id (``CA1000/1``) names its rule up to the slash.
    rule = rules.get(rule_id) or (rules.get(index) if isinstance(index, int) else None)
    rule = rule or rules.get(rule_id.rpartition("/")[0]) or {}
    rule_id = rule_id or _text(rule.get("id")) or "unknown"
    level = _level(result, rule)
    named = frozenset(number for text in _tags(result, rule) for number in cwe_in(text))
    cwes = named or known_cwes(tool, rule_id)
    path, line = _place(result)
    return ScanFinding(
        tool=tool,
        rule=rule_id[:200],
        level=level,
        message=_text(_maybe(result.get("message")).get("text"))[:300],
        path=path,
        line=line,
        cwes=tuple(sorted(cwes)),
        classes=weaknesses(tool=tool, cwes=cwes, level=level),
    )


def _level(result: dict[str, Json], rule: dict[str, Json]) -> str:
    if result.get("kind", "fail") != "fail":
        return "none"
    level = result.get("level") or _maybe(rule.get("defaultConfiguration")).get("level") or "warning"
    if level not in LEVELS:
        raise _shape(f"levels among {', '.join(LEVELS)}, got `{str(level)[:40]}`")
    return str(level)


def _tags(result: dict[str, Json], rule: dict[str, Json]) -> Iterator[str]:
    """Every text in which a tool may name a CWE."""
    for holder in (result, rule):
        properties = _maybe(holder.get("properties"))
        for key in ("tags", "cwe", "cwes"):
            value = properties.get(key)
            yield from (_text(one) for one in (value if isinstance(value, list) else [value]))
    for taxon in _some(result.get("taxa")):
        yield _taxon(taxon)
    for relation in _some(rule.get("relationships")):
        yield _taxon(_maybe(relation.get("target")))


def _taxon(value: dict[str, Json]) -> str:
    name, found = _text(_maybe(value.get("toolComponent")).get("name")), _text(value.get("id"))
    return f"cwe-{found}" if name.upper() == "CWE" and found.isdecimal() else found


def _place(result: dict[str, Json]) -> tuple[str, int | None]:
    for location in _some(result.get("locations")):
        physical = _maybe(location.get("physicalLocation"))
        path = _text(_maybe(physical.get("artifactLocation")).get("uri"))
        line = _maybe(physical.get("region")).get("startLine")
        return path[:500], line if isinstance(line, int) else None
    return "", None


def _rules(driver: dict[str, Json], extensions: list[dict[str, Json]]) -> dict[str | int, dict[str, Json]]:
    """Rules by id, of driver and extensions; by index those of the driver."""
    found: dict[str | int, dict[str, Json]] = dict(enumerate(_some(driver.get("rules"))))
    for component in (driver, *extensions):
        for rule in _some(component.get("rules")):
            found.setdefault(_text(rule.get("id")), rule)
    return found


def _is_suppressed(result: dict[str, Json]) -> bool:
    suppressions = _some(result.get("suppressions"))
    return bool(suppressions) and all(one.get("status", "accepted") == "accepted" for one in suppressions)


def _succeeded(run: dict[str, Json]) -> bool:
    invocations = _some(run.get("invocations"))
    # SARIF: absent results mean that no scan took place. Bandit leaves them out when it found nothing, and says
    # that it succeeded.
    if run.get("results") is None and not any(one.get("executionSuccessful") is True for one in invocations):
        return False
    for invocation in invocations:
        notes = [
            *_some(invocation.get("toolExecutionNotifications")),
            *_some(invocation.get("toolConfigurationNotifications")),
        ]
        if invocation.get("executionSuccessful") is False or any(note.get("level") == "error" for note in notes):
            return False
    return True


def _ends(run: dict[str, Json]) -> list[datetime]:
    ends = [_text(one.get("endTimeUtc")) for one in _some(run.get("invocations"))]
    return [read_time(text) for text in ends if text]


def _object(value: Json, where: str) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise _shape(f"{where} as an object")
    return value


def _list(value: Json, where: str) -> list[Json]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise _shape(f"{where} as a list")
    return value


def _maybe(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _some(value: Json) -> list[dict[str, Json]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _shape(expected: str) -> InvalidInput:
    return InvalidInput(
        f"expected a SARIF 2.1.0 log with {expected}",
        code="sarif-shape",
        hint="write it with the scanner's own SARIF output; older versions are not read",
    )
