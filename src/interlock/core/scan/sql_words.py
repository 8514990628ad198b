"""The words by which SQL, what executes it, and what makes a value harmless in it are known.

Rules:
1. Whatever has *execute* in its name is given SQL where its text has any words of it. What is only called *query*
   or *sql* is given SQL where its text is a statement: other things are queried too.
2. A number, a date and an identifier made by the program cannot end a text. Nor can what a library quotes, or
   keeps apart from the text as a value of its own.
3. A name in capitals that the file does not give a value is a constant of somewhere else.
"""

from __future__ import annotations

import re

from interlock.core.scan.access_words import words

EXECUTES = frozenset({"execute", "executemany", "executescript", "exec"})
_ASKS = frozenset(
    {"fetch", "fetchrow", "fetchval", "fetchone", "fetchall", "prepare", "queries", "query", "querydb", "queryone"}
    | {"raw", "rawsql", "run", "sql", "sqltext", "text"}
)
NUMBERS = frozenset(
    {"abs", "bool", "date", "datetime", "Decimal", "float", "hash", "id", "int", "len", "monotonic", "now", "ord"}
    | {"range", "round", "time", "timedelta", "today", "token_hex", "utcnow", "UUID", "uuid1", "uuid4", "uuid5"}
)
"""What gives numbers, dates, and identifiers in letters and digits; as annotations they are believed."""
QUOTES = frozenset(
    {"escape_identifier", "escape_literal", "Identifier", "Literal", "literal", "mogrify", "Placeholder"}
    | {"quote_ident", "quote_identifier", "quote_literal", "quote_name", "quoted_name"}
)
COMPOSES = frozenset({"SQL"})
"""What makes a text into which only quoted parts can be put afterwards."""
PLAIN = frozenset({"isalnum", "isalpha", "isascii_letters", "isdecimal", "isdigit", "isidentifier", "isnumeric"})
SAME = frozenset(
    {"bindparams", "capitalize", "casefold", "copy", "decode", "dedent", "encode", "expandtabs", "lower", "lstrip"}
    | {"removeprefix", "removesuffix", "rstrip", "splitlines", "strip", "strftime", "isoformat", "swapcase"}
    | {"title", "upper", "values"}
)
"""Methods that give what they are called on, in another form."""

_NAME = r"[\w.\"`\[\]]+"
_STATEMENT = re.compile(
    rf"""
    \bselect\s+(?:distinct\s+|all\s+|top\s+\S+\s+)?(?:\*|{_NAME}\s*(?:,|(?:as\s+)?{_NAME}\s*,|(?=from\b))
        |{_NAME}\s+(?:as\s+)?{_NAME}\s+(?=from\b)|\w*\().*?\bfrom\s
    | \b(?:insert|replace)\s+(?:or\s+\w+\s+)?into\s+{_NAME} .*? (?:\bvalues\b|\bselect\b|\()
    | \bupdate\s+(?:only\s+)?{_NAME}(?:\s+(?:as\s+)?{_NAME})?\s+set\s
    | \bdelete\s+from\s+{_NAME}
    | \b(?:create|drop|alter|truncate)\s+(?:or\s+replace\s+|temp(?:orary)?\s+|unique\s+)*
        (?:table|index|view|database|schema|user|role|function|trigger|sequence)\s
    | \bmerge\s+into\s+{_NAME}
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_WORDS = re.compile(
    r"""
    \bwhere\s.*?(?:=|<|>|\bin\b|\blike\b|\bilike\b|\bis\b|\bbetween\b)
    | \b(?:and|or)\s+\(?\s*[\w."`]+\s*(?:=|<|>|!=|in\b|like\b|ilike\b|is\b|between\b)
    | \border\s+by\s | \bgroup\s+by\s | \blimit\s+\d | \bunion\s+(?:all\s+)?select\b | \breturning\s
    | \bjoin\s+[\w."`]+\s+(?:as\s+)?(?:[\w."`]+\s+)?(?:on|using)\b | \bvalues\s*\( | \bselect\s.*?\bfrom\s
    | ^\s*(?:pragma|grant|revoke|call|copy|vacuum|analyze|truncate|attach|savepoint|notify|listen|use|set|lock)\s
    | ^\s*(?:exec(?:ute)?|explain|show|describe|comment\s+on|kill|select|reindex|rollback|release|declare)\s
    | ^\s*(?:create|alter|drop)\s+\w+\s
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_HINT = re.compile(
    r"""
    \b(?:select|insert|replace\s+into|update|delete|where|values|order\s+by|group\s+by|join|union)\b
    | \b(?:returning|merge)\b
    | \b(?:create|drop|alter|truncate)\s | \blimit\s
    | \b(?:and|or)\s+\(?\s*[\w."`]+\s*(?:[=<>!]|like\b|ilike\b|in\b|is\b)
    | ^\s*(?:pragma|grant|revoke|call|copy|vacuum|analyze|attach|savepoint|notify|listen|use|set|lock)\b
    | ^\s*(?:exec(?:ute)?|explain|show|describe|comment|kill|reindex|rollback|release|declare)\b
    """,
    re.VERBOSE | re.IGNORECASE,
)


def hints_at_sql(text: str | bytes) -> bool:
    """Whether a constant may be of SQL; where none of a file does, nothing in it is."""
    return _HINT.search(text if isinstance(text, str) else text.decode("latin-1")) is not None


def is_statement(text: str) -> bool:
    """Whether a text is a statement of SQL, or has one in it."""
    return _STATEMENT.search(text) is not None


def is_sql(text: str) -> bool:
    """Whether a text has words of SQL as something that is executed would have them."""
    return is_statement(text) or _WORDS.search(text) is not None


def takes_sql(name: str) -> bool:
    """Whether what is called by this name may be given SQL."""
    return bool(words(name) & (EXECUTES | _ASKS)) or name.lower() in _ASKS


def is_given_sql(name: str, text: str, *, first: bool) -> bool:
    """Whether what is called by this name takes the text for SQL; ``first``: it is its first argument."""
    if words(name) & EXECUTES and first:
        return is_sql(text)
    return takes_sql(name) and is_statement(text)


def is_constant_name(name: str) -> bool:
    """Whether a name is written as those of constants are."""
    return name.isupper()
