"""From the text of one Cedar file to its statements, each with the line it starts on.

Cedar's own parser gives no positions through its JSON form, so the text is cut at each ``;`` outside strings and
comments, and every statement is parsed alone: an error then names its file and line. What a whole file says is
validated at once, and only where that fails one by one.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache

import cedarpy

from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import closest
from interlock.core.policy.facts import FACTS, SCHEMA_TEXT

MAX_FILE = 1 << 20
MAX_STATEMENT = 64 << 10
MAX_NESTING = 100
MAX_OPERATORS = 400
MAX_DEPTH = 100
"""Bytes, bytes, brackets within brackets, operators, and levels of Cedar's JSON form.

Cedar's parser recurses over all of these, and a stack that overflows there ends the whole program.
"""

_WORD = re.compile(r'//[^\n]*|"(?:[^"\\]|\\.)*"|;|[(\[{]|[)\]}]|[^\s"/;(\[{)\]}]+|/|"|\s+', re.DOTALL)
_OPERATORS = re.compile(r"&&|\|\||[-+*!.]|\bif\b")
_SCHEMA = cedarpy.Schema.from_str(SCHEMA_TEXT)


_TOO_LARGE = "expected a shorter, flatter policy; write one policy for each condition"


@dataclass(frozen=True, slots=True)
class CedarStatement:
    """One policy as text, the 1-based line of its first word, and Cedar's JSON form of it; nobody changes it."""

    line: int
    text: str
    est: dict[str, object]


# A server reads the same files again at every question about rules; of a bundle mostly one file differs.
@lru_cache(maxsize=64)
def read_statements(path: str, content: bytes) -> tuple[CedarStatement, ...]:
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
    found = tuple(_parsed(path, line, statement) for line, statement in _cut(path, text))
    _validate(path, found)
    return found


def _cut(path: str, text: str) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    line, start = 1, 1
    words: list[str] = []
    for match in _WORD.finditer(text):
        word = match.group()
        if words or not (word.isspace() or word.startswith("//")):
            start = start if words else line
            words.append(" " if word.startswith("//") else word)
        line += word.count("\n")
        if word == ";":
            _check_size(path, start, words)
            found.append((start, "".join(words)))
            words = []
    if words:
        raise _refused(path, start, "policy-syntax", "expected `;` at the end of the policy")
    return found


def _check_size(path: str, line: int, words: list[str]) -> None:
    depth = deepest = 0
    for word in words:
        depth += (word in "([{") - (word in ")]}")
        deepest = max(deepest, depth)
    operators = len(_OPERATORS.findall(" ".join(word for word in words if not word.startswith('"'))))
    size = sum(len(word) for word in words)
    if size > MAX_STATEMENT or deepest > MAX_NESTING or operators > MAX_OPERATORS:
        raise _refused(path, line, "policy-too-large", _TOO_LARGE)


def _parsed(path: str, line: int, text: str) -> CedarStatement:
    try:
        forms = json.loads(cedarpy.policies_to_json_str(text))
    except RecursionError as error:
        raise _refused(path, line, "policy-too-large", _TOO_LARGE) from error
    except ValueError as error:
        raise _refused(path, line, "policy-syntax", _lower(str(error))) from error
    if forms["templates"] or len(forms["staticPolicies"]) != 1:
        raise _refused(path, line, "policy-template", "expected a policy without `?principal` or `?resource`")
    if _depth(forms) > MAX_DEPTH:
        raise _refused(path, line, "policy-too-large", _TOO_LARGE)
    (est,) = forms["staticPolicies"].values()
    return CedarStatement(line, text, est)


def _validate(path: str, statements: tuple[CedarStatement, ...]) -> None:
    """Every statement fits the schema; the first that does not is named."""
    together = "\n".join(each.text for each in statements)
    if cedarpy.validate_policies(together, _SCHEMA).validation_passed:
        return
    for each in statements:
        result = cedarpy.validate_policies(each.text, _SCHEMA)
        if not result.validation_passed:
            problem = result.errors[0].error if result.errors else "the policy does not fit the schema"
            raise _unfit(path, each.line, _lower(problem.removeprefix("for policy `policy0`, ")))
    raise _refused(path, 1, "policy-schema", "the policies of this file do not fit the schema together")


def _depth(value: object) -> int:
    deepest, pending = 0, [(value, 1)]
    while pending:
        item, depth = pending.pop()
        deepest = max(deepest, depth)
        inner = item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
        pending.extend((part, depth + 1) for part in inner)
    return deepest


def _lower(text: str) -> str:
    text = " ".join(text.split())[:300]
    return text[:1].lower() + text[1:]


def _unfit(path: str, line: int, problem: str) -> InvalidInput:
    """The error for what Cedar's validator refuses, in the words of facts where it is about one."""
    named = _ATTRIBUTE.search(problem)
    if named is None:
        return _refused(path, line, "policy-schema", problem)
    fact = named["fact"]
    if named["optional"]:
        problem = f"expected `context has {fact}` before `context.{fact}` is read: it is optional"
        return _refused(
            path, line, "policy-schema", problem, hint=f"write: context has {fact} && context.{fact} …"
        )
    problem = f"expected a known fact, got `context.{fact}`{closest(fact, list(FACTS))}"
    return _refused(path, line, "policy-schema", problem, hint="docs/reference/policies.md lists every fact")


_ATTRIBUTE = re.compile(r"(?P<optional>optional )?attribute `(?P<fact>[^`]+)` in context")


def _refused(path: str, line: int, code: str, problem: str, *, hint: str = "") -> InvalidInput:
    return InvalidInput(
        f"{path}:{line}: {problem}",
        code=code,
        hint=hint or "correct the policy, then: interlock policy check",
    )
