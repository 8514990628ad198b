r"""Environment files: ``KEY=value`` a line, as Docker, systemd and the dotenv libraries agree on.

Rules:
1. ``export`` before a key is dropped, a line that starts with ``#`` is a comment, blank lines are nothing.
2. A value in single quotes is taken as it is; in double quotes ``\n``, ``\r``, ``\t``, ``\"``, ``\$`` and ``\\``
   are resolved; without quotes `` #`` starts a comment and outer blanks go. Quoted values may span lines.
3. Variables are not expanded. A key may appear once. A key without ``=`` is refused.
"""

from __future__ import annotations

import re

from interlock.core.change.keyed import Node, duplicate, malformed, mapping

_KEY = re.compile(r"(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_SINGLE = re.compile(r"'([^']*)'")
_REST = re.compile(r"[ \t]*(?:#[^\n]*)?(?=\n|\Z)")
_BARE = re.compile(r"[^\n]*")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$"}


def read_env(text: str) -> Node:
    """The tree of an environment file: one level of texts.

    Raises:
        InvalidInput: ``configuration-malformed`` or ``key-twice``.
    """
    children: dict[str, Node] = {}
    at, line = 0, 1
    text = text.replace("\r\n", "\n")
    while at < len(text):
        rest = _BARE.match(text, at)
        bare = rest.group().strip() if rest else ""
        if not bare or bare.startswith("#"):
            at = (rest.end() if rest else at) + 1
            line += 1
            continue
        at += len(rest.group()) - len(rest.group().lstrip()) if rest else 0
        key, value, end = _entry(text, at, line)
        if key in children:
            raise duplicate(key, line)
        children[key] = Node(value, line)
        line += text.count("\n", at, end) + 1
        at = end + 1
    return mapping(children, 1)


def _entry(text: str, at: int, line: int) -> tuple[str, str, int]:
    match = _KEY.match(text, at)
    if not match:
        raise malformed("KEY=value", "something else", line)
    at = match.end()
    mark = text[at : at + 1]
    if mark not in {'"', "'"}:
        found = _BARE.match(text, at)
        raw = found.group() if found else ""
        return match[1], re.split(r"(?:^|[ \t])#", raw, maxsplit=1)[0].strip(), at + len(raw)
    quoted = (_DOUBLE if mark == '"' else _SINGLE).match(text, at)
    rest = _REST.match(text, quoted.end()) if quoted else None
    if not quoted or not rest:
        raise malformed("KEY=value", "a quote that does not end, or text after it", line)
    value = quoted[1] if mark == "'" else _ESCAPE.sub(_unescaped, quoted[1])
    return match[1], value, rest.end()


def _unescaped(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[1], match[0])
