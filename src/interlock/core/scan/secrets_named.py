"""Secrets by their name: what stands in where a variable is not set, and names of which the value is no secret.

Rules:
1. ``os.environ.get("DB_PASSWORD", "…")``, ``process.env.DB_PASSWORD || "…"``, ``${DB_PASSWORD:-…}`` and
   ``ENV DB_PASSWORD=…`` hold a secret, in whatever language: the variable's name says so, and what stands in works
   where nobody sets it.
2. What says of itself that it is to be replaced (``change-me``, ``dev-only``), a word, and what is shorter than
   ``SHORTEST`` is none.
3. ``secret_name`` and ``api_key_header`` are no secrets: their last word says what their value is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from interlock.core.scan.secrets_whole import digest
from interlock.core.scan.seen import Seen, Source

DEFAULT = "default-secret"
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
    rb"[_.-](?:names?|headers?|paths?|files?|fields?|env|var|variable|prefix|length|type)$", re.IGNORECASE
)


def defaults(source: Source, lines: Sequence[tuple[int, bytes]], tool: str) -> Iterator[Seen]:
    """What stands in for a variable with a secret's name, on these numbered lines."""
    text = b"\n".join(line for _, line in lines).decode("utf-8", "replace")
    for found in _DEFAULTS.finditer(text):
        place = found.lastgroup or ""
        value = found[f"value{place[-1]}"] if place else ""
        if _is_one(value):
            yield Seen(
                source=source,
                line=lines[text.count("\n", 0, found.start(f"value{place[-1]}"))][0],
                rule=DEFAULT,
                tool=tool,
                level="warning",
                cwes=frozenset({798}),
                identity=digest(value.encode()),
            )


def names_another(line: bytes) -> bool:
    """Whether each name on the line that sounds like a secret's says by its last word that its value is none."""
    keys = [key for key in _KEYS.findall(line) if _SECRET.search(key)]
    return bool(keys) and all(_TELLS.search(key) for key in keys)


def _is_one(value: str) -> bool:
    if len(value) < SHORTEST or value[0] in "$<{%" or _REPLACED.search(value):
        return False
    return sum(bool(kind.search(value)) for kind in _KINDS) > 1
