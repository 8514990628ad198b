"""Whether a text is a secret itself, or only stands for one.

Rules:
1. Variables, templates, references to a store and calls stand for one. A literal that is a template's default, or
   stands beside it, does not.
2. So do words that are there to be filled in or that are a type: ``changeme``, ``<token>``, ``string``; and a
   sentence of five words or more.
"""

from __future__ import annotations

import re

_REFERENCE = re.compile(
    r"\$\{\{[^}]{0,300}\}\}"
    r"""|\{\{(?![^}]{0,300}default[^}"']{0,100}["'][^"'}])[^}]{0,300}\}\}"""
    r"|\$\{(?:env:)?[\w.!]{1,200}(?::?\?[^}]{0,200}|:?-)?\}|\$\(\(.{0,200}\)\)"
    r"|\$\([^)]{0,500}\)|`[^`]{0,500}`"
    r"|<[^<>]{0,200}>|%\(\w{1,100}\)s|%\w{1,100}%|#\{[^}]{0,200}\}|\{[\w.!:\[\]]{0,200}\}|@\w{1,100}@"
    r"|\$[A-Z_][A-Z0-9_]{0,100}(?![a-z])|\$[a-z_]{1,100}(?![A-Z0-9])|\$\d\b"
)
_CALL = re.compile(
    r"(?:os|process|var|local|data|module|env|ENV|secrets|settings|config|self|this|cls|each|random_password|System)"
    r"[.\[(][\w.\[\]()'\"/ -]{0,300}|[A-Za-z_][\w.]{0,100}[(\[].{0,300}"
    r"|[a-z_]{1,60}(?:\.[A-Za-z_]\w{0,60}){1,8}\(?"
)
_STORE = re.compile(
    r"(?:vault:|ref\+|arn:aws:|ENC\[|op://|file://|projects/|sm://|ssm:|awssm:|gcpsm:|secretref:"
    r"|!(?:Ref|Sub|GetAtt|ImportValue|Join|vault|reference|env|secret|include)\b).{0,500}"
    r"|[*&][A-Za-z_-]{1,100}|(?:\.{0,2}|~)/[a-z0-9_./-]{1,300}"
)
_FILLED_IN = re.compile(
    r"(?:null|none|nil|true|false|yes|no|on|off|undefined|inherit|required|optional|string|str|text|bytes"
    r"|int|any|object|read|write"
    r"|change[-_ ]?me|change[-_ ]?it|replace[-_ ]?me|example|placeholder|dummy|redacted|masked|hidden"
    r"|todo|fixme|tbd"
    r"|enabled|disabled|default|unset|empty|env|x{3,}|\*{3,}|\.{3,}|-{2,}|\?+|~|…|your[-_ ][\w -]{1,60})?",
    re.IGNORECASE,
)
_MIXED = re.compile(r"(?=.{0,300}[A-Za-z])(?=.{0,300}\d)\S{8,}")
_WORD = re.compile(r"[a-z]+(?:[_-][a-z]+){0,8}_?\d{0,2}|[A-Z]+(?:_[A-Z0-9]+){1,8}|[A-Za-z]+\d?")
_SENTENCE = re.compile(r"(?:[A-Za-z'’(),.:;-]{1,40}\s+){4,200}[A-Za-z'’(),.:;!?-]{1,40}")
_SHORT = 2


def stands_for(text: str) -> bool:
    """Whether ``text``, which a secret's name is given, is no secret by the rules above."""
    text = text.strip().rstrip(",;").strip("\"'")
    if any(form.fullmatch(text) for form in (_FILLED_IN, _CALL, _STORE, _SENTENCE)):
        return True
    rest = _REFERENCE.sub("", text)
    return rest != text and sum(map(str.isalnum, rest)) <= _SHORT


def strictly_secret(text: str) -> bool:
    """Whether ``text`` is no word, no name and no expression, where a bare text may well be one."""
    text = text.strip().strip("\"',;()")
    return bool(_MIXED.match(text)) and not _WORD.fullmatch(text) and not stands_for(text)
