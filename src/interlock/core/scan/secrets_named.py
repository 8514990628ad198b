"""Secrets by their name: what stands in where a variable is not set, and names of which the value is no secret.

Rules:
1. ``os.environ.get("DB_PASSWORD", "…")``, ``process.env.DB_PASSWORD || "…"``, ``${DB_PASSWORD:-…}`` and
   ``ENV DB_PASSWORD=…`` hold a secret, in whatever language: the variable's name says so, and what stands in works
   where nobody sets it.
2. What says of itself that it is to be replaced (``change-me``, ``dev-only``), a word, and what is shorter than
   ``SHORTEST`` is none.
3. A random text is a secret by the name it is given, a token's or a key's too, whether it stands there itself or
   is handed to a call (``API_KEY = SecretStr("…")``); so is one that only a wrapper is put around, random or not.
   What looks a secret up by its name (``get_secret("…")``) is none. ``Bearer …`` is one without a name.
4. ``secret_name`` and ``api_key_header`` are no secrets: their last word says what their value is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from interlock.core.scan.secrets_value import is_random, is_reference
from interlock.core.scan.secrets_whole import digest
from interlock.core.scan.seen import Seen, Source

DEFAULT, NAMED = "default-secret", "named-secret"
SHORTEST = 8
_SOUNDS = r"(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|(?:API|PRIVATE|ACCESS|SECRET)_?KEY|CREDENTIALS?)"
_VARIABLE = rf"\b[A-Z0-9_]*{_SOUNDS}[0-9]*\b"
_FORMS = (
    # NAME is followed by what stands in for it: a second argument, or what is taken otherwise.
    _VARIABLE
    + r"""["'\])]*\s*(?:,\s*(?:default\s*[=:]\s*)?|\|\|\s*|\?\?\s*|\bor\s+)"""
    + r"""(?P<quote>["'`])(?P<value1>[^"'`\s]{1,300})(?P=quote)""",
    r"\$\{" + _VARIABLE + r":?[-=](?P<value2>[^}\s]{1,300})\}",
    r"(?m:^)[ \t]*(?:ENV|ARG|export)[ \t]++"
    + _VARIABLE
    + r"""[= ](?P<mark>["']?)(?P<value3>[^"'\s]{1,300})(?P=mark)[ \t\r]*(?m:$)""",
)
_DEFAULTS = re.compile("|".join(_FORMS))
_REPLACED = re.compile(
    r"change|replace|example|dummy|sample|placeholder|insecure|your|default|local|fake|todo|redacted|xxx"
    r"|(?:^|[^a-z])(?:dev|test|not|no|demo|none|null|here)(?:[^a-z]|$)",
    re.IGNORECASE,
)
_KINDS = (re.compile("[a-z]"), re.compile("[A-Z]"), re.compile("[0-9]"), re.compile("[^A-Za-z0-9]"))
# Words whole, each once: a line may be a megabyte of one word.
_KEYS = re.compile(rb"""(?<![\w.-])([\w.-]++)["']?\s*+[:=]""")
_SECRET = re.compile(rb"pass(?:word|wd|phrase)|secret|token|api[_-]?key|private[_-]?key|credential", re.IGNORECASE)
_TELLS = re.compile(
    rb"[_.-](?:names?|headers?|paths?|files?|fields?|env|var|variable|prefix|length|type"
    rb"|help(?:_text)?|hints?|labels?|placeholder|description|urls?|uri|arn|(?<!secret[_.-])id|pattern|regex)$",
    re.IGNORECASE,
)


_GIVEN = re.compile(
    r"""(?<![\w.-])(?P<name>[\w.-]++)["'\])]{0,3}\s{0,20}+(?::\s{0,3}[\w.\[\], |]{1,40}=|:=|=>?|:)\s{0,20}+"""
    r"""(?:(?P<call>[\w.]{1,80}+)\(\s{0,20}+)?[rRbBuU]{0,2}(?P<quote>["'`])(?P<value>[^"'`\s]{8,300})(?P=quote)"""
)
_LOOKED_UP = re.compile(
    r"(?:^|[._])(?:get|read|fetch|load|find|look|resolve|env|open|verify|check)", re.IGNORECASE
)
_WRAPPED = re.compile(
    r"(?:^|\.)(?:Secret(?:Str|Bytes)?|str|bytes|String|sensitive|(?:std_?)?b(?:ase)?64_?(?:en|de)code|fromhex)$",
    re.IGNORECASE,
)
_BEARER = re.compile(r"""["'`\s](?:Bearer|Token)[ ](?P<value>[A-Za-z0-9._~+/=-]{16,300})(?![\w.~+/=-])""")


def named(source: Source, lines: Sequence[tuple[int, bytes]], tool: str) -> Iterator[Seen]:
    """What a name or ``Bearer`` says to be a secret, on these numbered lines."""
    for number, line in lines:
        text = line.decode("utf-8", "replace")
        values = [found["value"] for found in _GIVEN.finditer(text) if _is_given(found)]
        values += [found["value"] for found in _BEARER.finditer(text) if is_random(found["value"])]
        for value in values:
            yield _seen(source, number, tool, NAMED, value)


def _is_given(found: re.Match[str]) -> bool:
    name, value, call = found["name"].encode(), found["value"], found["call"] or ""
    if not sounds(name) or _TELLS.search(name) or _LOOKED_UP.search(call) or is_reference(value):
        return False
    return is_random(value) or bool(_WRAPPED.search(call) and _is_one(value))


def defaults(source: Source, lines: Sequence[tuple[int, bytes]], tool: str) -> Iterator[Seen]:
    """What stands in for a variable with a secret's name, on these numbered lines."""
    text = b"\n".join(line for _, line in lines).decode("utf-8", "replace")
    for found in _DEFAULTS.finditer(text):
        place = found.lastgroup or ""
        value = found[f"value{place[-1]}"] if place else ""
        if _is_one(value):
            number = lines[text.count("\n", 0, found.start(f"value{place[-1]}"))][0]
            yield _seen(source, number, tool, DEFAULT, value)


def _seen(source: Source, line: int, tool: str, rule: str, value: str) -> Seen:
    return Seen(
        source=source,
        line=line,
        rule=rule,
        tool=tool,
        level="warning",
        cwes=frozenset({798}),
        identity=digest(value.encode()),
    )


def sounds(text: bytes) -> bool:
    """Whether a name in the text sounds like a secret's."""
    return _SECRET.search(text) is not None


def is_to_be_replaced(value: str) -> bool:
    """Whether a value says of itself that another is to stand there."""
    return _REPLACED.search(value) is not None


def names_another(line: bytes) -> bool:
    """Whether each name on the line that sounds like a secret's says by its last word that its value is none."""
    keys = [key for key in _KEYS.findall(line) if _SECRET.search(key)]
    return bool(keys) and all(_TELLS.search(key) for key in keys)


def _is_one(value: str) -> bool:
    if len(value) < SHORTEST or value[0] in "$<{%" or _REPLACED.search(value):
        return False
    return sum(bool(kind.search(value)) for kind in _KINDS) > 1
