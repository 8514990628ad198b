"""What a ``Secret`` of Kubernetes holds: each value of ``data`` and ``stringData``, whatever its key.

Rules:
1. It is read by its lines, for a template of Helm is no YAML before it is filled in; a document that names no
   ``Secret`` holds none, and an object of a list is one of its own.
2. What leads to a secret (``${NAME}``, ``{{ … }}``), is encrypted (``ENC[…``) or says that it is to be replaced is
   none. A word is one: it is in a Secret.
3. A value over several lines is told by its first. Private keys are told elsewhere (see ``secrets_keys``), and
   certificates are public.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from interlock.core.scan.secrets_named import is_to_be_replaced
from interlock.core.scan.secrets_value import is_reference
from interlock.core.scan.secrets_whole import digest
from interlock.core.scan.seen import Seen, Source

RULE = "kubernetes-secret"
_DOCUMENT = re.compile(r"---(?:\s|$)")
_OBJECT = re.compile(r"\s*- +(?:apiVersion|kind|metadata|type|data|stringData):")
_KIND = re.compile(r"(?:\s*- +|\s*)kind:\s*['\"]?Secret['\"]?\s*(?:#.*)?")
_HOLDS = re.compile(r"(?P<indent>(?:\s*- +)?\s*)(?P<held>data|stringData):\s*(?P<flow>\{.*)?")
_PAIR = re.compile(r"""(?P<indent>\s*)["']?[\w.-]{1,253}+["']?:(?:\s+(?P<value>\S.*))?""")
_IN_FLOW = re.compile(r"""["']?[\w.-]{1,253}+["']?:\s*(?P<value>"[^"]*"|'[^']*'|[^,{}\s][^,}]*)""")
_BLOCK = re.compile(r"[|>][0-9+-]{0,2}")
Line = tuple[int, str]


def held(source: Source, text: bytes, tool: str) -> Iterator[Seen]:
    """The values that the Secrets in a text hold."""
    for lines in _objects(text.decode("utf-8", "replace")):
        if not any(_KIND.fullmatch(line) for _, line in lines):
            continue
        for number, value in _values(lines):
            yield Seen(
                source=source,
                line=number,
                rule=RULE,
                tool=tool,
                level="warning",
                cwes=frozenset({798}),
                identity=digest(value.encode()),
            )


def _objects(text: str) -> Iterator[list[Line]]:
    mine: list[Line] = []
    depth: int | None = None
    for number, line in enumerate(text.split("\n"), 1):
        indent = len(line) - len(line.lstrip())
        is_next = _OBJECT.match(line) is not None and (depth is None or indent <= depth)
        if _DOCUMENT.match(line) or is_next:
            yield mine
            mine, depth = [], indent if is_next else None
        mine.append((number, line.rstrip()))
    yield mine


def _values(lines: list[Line]) -> Iterator[Line]:
    """The values by line, as they say in base64 where they stand in ``data``."""
    above, encoded, inner, waiting = -1, False, -1, False
    for number, line in lines:
        indent = len(line) - len(line.lstrip())
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if found := _HOLDS.fullmatch(line):
            above, encoded, inner, waiting = len(found["indent"]), found["held"] == "data", -1, False
            for pair in _IN_FLOW.finditer(found["flow"] or "", 1):
                yield from _told(number, pair["value"], encoded=encoded)
        elif indent <= above or above < 0:
            above = -1
        elif waiting and indent > inner:
            waiting = False
            yield from _told(number, line.strip(), encoded=encoded)
        elif (one := _PAIR.fullmatch(line)) and (inner < 0 or indent == inner):
            inner, value = indent, one["value"] or ""
            waiting = bool(_BLOCK.fullmatch(value))
            yield from () if waiting else _told(number, value, encoded=encoded)


def _told(number: int, value: str, *, encoded: bool) -> Iterator[Line]:
    value = value.partition(" #")[0].strip().strip("\"'")
    if not value or is_reference(value) or value.startswith(("ENC[", "{{", "<", "!")):
        return
    plain = _plain(value) if encoded else value
    if plain.lstrip().startswith("-----BEGIN "):
        return
    if plain.strip() and not is_reference(plain.strip()) and not is_to_be_replaced(plain):
        yield number, plain.strip()


def _plain(value: str) -> str:
    """What it says in base64; as it stands where that is no text."""
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):
        return value
