"""Which line of a file looks like a secret, and how: never what the secret is.

Rules:
1. A secret is known by its form (a provider's token, a private key, an address with a password), or by the name
   that a text is given to: quoted in any file, bare in one that is settings and not a program. In a program, in
   prose and in a comment a bare word counts only if letters and digits are mixed in it.
2. A name can stand lines above its text: what is indented below it, the ``value`` of a ``name``, a text in
   brackets. A Kubernetes Secret is one as a whole. The old and the new side are read apart, each in its order.
3. What only points to a secret is none: a variable, a template, a path, a call; nor is what is to be filled in.
4. A line too long to be looked through counts as one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from interlock.core.change.redact import looks_secret, secret_key
from interlock.core.review.hunks import Line
from interlock.core.review.stands_for import stands_for, strictly_secret

LONGEST = 20_000
_PROGRAMS = frozenset(
    {
        "bat",
        "c",
        "cc",
        "clj",
        "cpp",
        "cs",
        "css",
        "dart",
        "erl",
        "ex",
        "exs",
        "go",
        "h",
        "hcl",
        "hpp",
        "hs",
        "html",
    }
    | {"java", "jl", "js", "jsx", "kt", "kts", "lua", "m", "md", "mjs", "ml", "php", "pl", "proto", "ps1", "py"}
    | {"pyi", "r", "rb", "rs", "rst", "scala", "sql", "svelte", "swift", "tf", "ts", "tsx", "vue", "adoc"}
)
_NAME = r"""["']?([A-Za-z_][\w.-]{0,80})["']?"""
_SEPARATED = r"[ \t]{0,20}(?::=|=>|[:=])[ \t]{0,20}"
_QUOTED = re.compile(_NAME + _SEPARATED + r"""[rbfuRBFU@]{0,2}("[^"]{1,2000}|'[^']{1,2000}|`[^`]{1,2000})""")
_BARE = re.compile(
    _NAME
    + _SEPARATED
    + r"""(?![=:"'\s])((?>\$?\{\{[^{}]{0,200}\}\}|[$#%]\{[^{}]{0,200}\}|\$\([^()]{0,200}\)"""
    + r"""|<[^<>]{1,100}>|[^\s,;&}\])"'])+)"""
)
_FIRST = re.compile(
    r"^[ \t]*(?:[-?][ \t]+){0,4}(?:(?:export|set|declare|local|readonly|ENV|ARG)[ \t]+(?:-\w+[ \t]+)?)?"
)
_SET = re.compile(r"""^[ \t]*(?:ENV|ARG)[ \t]+([A-Za-z_]\w{0,80})[ \t]+["']?([^\s"'=][^\s"']{0,500})""")
_FLAG = re.compile(r"""(?<!\S)--?([A-Za-z][\w-]{2,60})[ \t]+["']?(?![-"'])([^\s"']{1,500})""")
_TAG = re.compile(r"<([A-Za-z][\w.-]{0,80})[^<>]{0,200}>([^<]{3,500})</")
_POINTED = re.compile(
    r"://[^/\s:@]{0,200}:(?:\$\{[\w.:]{1,100}\}|\$\w{1,100}|\{[\w.]{1,100}\}|\{\{[^{}]{1,200}\}\}"
    r"|<[^<>@]{1,100}>|\*{1,20})@"
)
"""An address whose password is named, not written."""
_PASSED = re.compile(r"""[;?&](?:password|passwd|pwd|secret|token|sig)=([^;&"'\s]{3,500})""", re.IGNORECASE)
_HEADER = re.compile(r"\b(?:bearer|basic|token|apikey)[ \t]{1,4}([A-Za-z0-9._~+/=-]{12,4000})", re.IGNORECASE)
_SQL = re.compile(r"\b(?:identified[ \t]+by|password)[ \t]{1,4}(?:=[ \t]*)?'([^']{1,500})'", re.IGNORECASE)
_JOINED = re.compile(r"""["'][ \t]{0,10}[+.]?[ \t]{0,10}["']""")
_MANIFEST = re.compile(
    r"""(?:^|[{,])[ \t{-]{0,60}["']?kind["']?[ \t]*:[ \t]*["']?Secret["']?[ \t]*(?:[,#}].*)?$"""
)
_KEY_LINE = re.compile(r"""^([ \t]*(?:-[ \t]+)?)["']?([A-Za-z_][\w.-]{0,80})["']?[ \t]*(?::=|[:=])[ \t]*(.*)$""")
_OPENS = re.compile(r"(?:[|>][+-]?\d?|[(\[{\\]|[\"']{3})?[ \t]*(?:#.*)?")
_POINTS = frozenset(
    {"key", "user", "username", "login", "email", "host", "port", "optional", "external", "kind", "items"}
    | {"description", "title", "help", "label", "summary"}
)
_VALUE = frozenset({"value", "default"})
_BELOW = 200
"""Lines that are read as being below a name."""


def secret_in(path: str, lines: Sequence[Line]) -> str:
    """What looks like a secret in the file at ``path``, with its line in the new file; empty where nothing."""
    settings = path.rsplit("/", 1)[-1].lower().rsplit(".", 1)[-1] not in _PROGRAMS
    for gone in ("-", "+"):
        side = [line for line in lines if line.sign != gone]
        if any(_MANIFEST.search(line.text[:LONGEST]) for line in side):
            return "a Kubernetes Secret"
        for line, why in _on(side, settings=settings):
            return f"{why}{f': line {line.number}' if line.number else ''}"
    return ""


def _on(side: Sequence[Line], *, settings: bool) -> Iterator[tuple[Line, str]]:
    for number, line in enumerate(side):
        if len(line.text) > LONGEST:
            yield line, "a line is too long to be looked through"
        elif _in_line(line.text, settings=settings):
            yield line, "a line looks like a secret"
        elif below := _below(side[number : number + _BELOW], settings=settings):
            yield below, "a line looks like a secret"


def _in_line(text: str, *, settings: bool) -> bool:
    text = _POINTED.sub("://", text)
    if looks_secret(text) or looks_secret(_JOINED.sub("", text)):
        return True
    if any(strictly_secret(found) for found in _HEADER.findall(text)):
        return True
    if any(not stands_for(found) for found in (*_PASSED.findall(text), *_SQL.findall(text))):
        return True
    forms = (_QUOTED, _FLAG, _SET, _TAG)
    given: list[tuple[str, str]] = [one for form in forms for one in form.findall(text)]
    if any(secret_key(name) and _is_text(name, found) for name, found in given):
        return True
    return any(_bare(text, found, settings=settings) for found in _BARE.finditer(text))


def _is_text(name: str, found: str) -> bool:
    text = found.strip("\"'`")
    if text.lower() == name.lower() or stands_for(text):
        return False
    return strictly_secret(text) if _weak(name) or found[:1] == "`" else True


def _bare(text: str, found: re.Match[str], *, settings: bool) -> bool:
    name, value = found[1], found[2].lstrip("[")
    if not value or not secret_key(name) or stands_for(value):
        return False
    first = _FIRST.match(text)
    opens = found.start() == (first.end() if first else 0) or text[: found.start()].rstrip().endswith(("{", ","))
    tight = text[found.end(1) : found.start(2)].strip("\"'") == "="
    if settings and (opens or tight) and not _weak(name):
        return not (value.isdigit() and len(value) < 4)  # noqa: PLR2004  # a count, not a PIN
    return strictly_secret(value)


def _weak(name: str) -> bool:
    """Whether the name is as often that of a manner or a place as that of a secret."""
    return name.lower() in {"pass", "pwd"} or name.lower().endswith(
        ("auth", "authorization", "cookie", "salt", "pin", "webhook", "dsn", "tokens")
    )


def _below(lines: Sequence[Line], *, settings: bool) -> Line | None:
    """The line with the text that is given to the name on the first, if that has none on its own line."""
    head = _KEY_LINE.match(lines[0].text)
    if head is None:
        return None
    if head[2].lower() in {"name", "key"} and secret_key(head[3].strip("\"', ")):
        return _value_of(lines[1:4])
    if not secret_key(head[2]) or not _OPENS.fullmatch(head[3]):
        return None
    indent = len(lines[0].text) - len(lines[0].text.lstrip())
    for line in lines[1:]:
        text = line.text.strip()
        if not text:
            continue
        if len(line.text) - len(line.text.lstrip()) <= indent:
            return None
        if _given_below(text, whole=bool(re.match(r"[|>(\\\"']", head[3])), settings=settings):
            return line
    return None


def _given_below(text: str, *, whole: bool, settings: bool) -> bool:
    keyed = _KEY_LINE.match(text)
    if keyed is None:
        bare = text.lstrip("- ").rstrip(",)")
        if stands_for(bare.strip("\"'")):
            return False
        return whole or bare[:1] in {'"', "'"} or strictly_secret(bare)
    value = keyed[3].rstrip(",").strip()
    if keyed[2].lower() in _POINTS or not secret_key(f"password_{keyed[2]}"):
        return False
    if _OPENS.fullmatch(value) or stands_for(value):
        return False
    return settings or value[:1] in {'"', "'"} or strictly_secret(value)


def _value_of(lines: Sequence[Line]) -> Line | None:
    for line in lines:
        keyed = _KEY_LINE.match(line.text)
        if keyed and keyed[2].lower() in {"name", "key"}:
            return None
        if keyed and keyed[2].lower() in _VALUE:
            value = keyed[3].rstrip(", ").strip("\"'")
            return None if _OPENS.fullmatch(value) or stands_for(value) else line
    return None
