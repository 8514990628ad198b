"""From the text of one Cedar file to its statements, each with the line it starts on.

Cedar's own parser gives no positions through its JSON form, so the text is cut at each ``;`` outside strings and
comments, and every statement is parsed and validated alone: an error then names its file and line.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import cedarpy

from interlock.core.change.errors import InvalidInput
from interlock.core.policy.facts import SCHEMA_TEXT

MAX_FILE = 1 << 20
MAX_STATEMENT = 64 << 10
MAX_NESTING = 100
"""Bytes, bytes, and brackets within brackets; Cedar's own parser recurses."""

_WORD = re.compile(r'//[^\n]*|"(?:[^"\\]|\\.)*"|;|[(\[{]|[)\]}]|[^\s"/;(\[{)\]}]+|/|"|\s+', re.DOTALL)
_SCHEMA = cedarpy.Schema.from_str(SCHEMA_TEXT)


@dataclass(frozen=True, slots=True)
class CedarStatement:
    """One policy as text, the 1-based line of its first word, and Cedar's JSON form of it."""

    line: int
    text: str
    est: dict[str, object]


def read_statements(path: str, content: bytes) -> list[CedarStatement]:
    """Every policy in the file, parsed and strictly validated against the product's schema.

    Raises:
        InvalidInput: ``policy-unreadable``, ``policy-syntax``, ``policy-template`` or ``policy-schema``.
    """
    if len(content) > MAX_FILE:
        raise _refused(path, 1, "policy-unreadable", f"expected at most {MAX_FILE} bytes, got {len(content)}")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refused(path, 1, "policy-unreadable", "expected UTF-8 text") from error
    return [_parsed(path, line, statement) for line, statement in _cut(path, text)]


def _cut(path: str, text: str) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    line, start, size, depth = 1, 1, 0, 0
    words: list[str] = []
    for match in _WORD.finditer(text):
        word = match.group()
        if words or not (word.isspace() or word.startswith("//")):
            start = start if words else line
            words.append(" " if word.startswith("//") else word)
            size += len(word)
            depth += (word in "([{") - (word in ")]}")
        line += word.count("\n")
        if depth > MAX_NESTING or size > MAX_STATEMENT:
            raise _refused(path, start, "policy-syntax", "expected a shorter, flatter policy")
        if word == ";":
            found.append((start, "".join(words)))
            words, size, depth = [], 0, 0
    if words:
        raise _refused(path, start, "policy-syntax", "expected `;` at the end of the policy")
    return found


def _parsed(path: str, line: int, text: str) -> CedarStatement:
    try:
        forms = json.loads(cedarpy.policies_to_json_str(text))
    except ValueError as error:
        raise _refused(path, line, "policy-syntax", _lower(str(error))) from error
    if forms["templates"] or len(forms["staticPolicies"]) != 1:
        raise _refused(path, line, "policy-template", "expected a policy without `?principal` or `?resource`")
    result = cedarpy.validate_policies(text, _SCHEMA)
    if not result.validation_passed:
        problem = result.errors[0].error if result.errors else "the policy does not fit the schema"
        raise _refused(path, line, "policy-schema", _lower(problem.removeprefix("for policy `policy0`, ")))
    (est,) = forms["staticPolicies"].values()
    return CedarStatement(line, text, est)


def _lower(text: str) -> str:
    text = " ".join(text.split())[:300]
    return text[:1].lower() + text[1:]


def _refused(path: str, line: int, code: str, problem: str) -> InvalidInput:
    return InvalidInput(
        f"{path}:{line}: {problem}",
        code=code,
        hint="correct the policy, then: interlock policy check",
    )
