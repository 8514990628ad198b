"""What a tool or a server says when something is missing here: then nothing is decided, and nothing irreversible.

Rules:
1. Only what this machine lacks and another may have: an extension, a role, a locale, a library, a Python package,
   a program. That a table or a column is missing is the migration's own fault.
2. The server speaks English: it was started so.
3. A migration that refuses rows which were made up says nothing of those that are really there: it needs a seed,
   or the plan's word for what holds of them. What the base lets be NULL is so somewhere: there it fails.
"""

from __future__ import annotations

import re

from interlock.core.rehearsal.brief import brief

_EXTENSION = (
    "the PostgreSQL extension {} (install it beside a PostgreSQL here and name the folder of that one's programs "
    "under programs:)"
)
_SAID = (
    (r'extension "([^"\n]+)" is not available', _EXTENSION),
    (r'could not open extension control file "[^"\n]*?([^/"\n]+)\.control"', _EXTENSION),
    (r'could not access file "([^"\n]+)"', "the PostgreSQL library {}"),
    (r"(\S+) must be loaded via .?shared_preload_libraries", "{} in shared_preload_libraries"),
    (r'role "([^"\n]+)" does not exist', "the role {} (name it under roles:)"),
    (r'collation "([^"\n]+)" for encoding "[^"\n]+" does not exist', "the collation {}"),
    (r"(?:ICU|icu) is not supported in this build", "a PostgreSQL that is built with ICU"),
    (r'could not (?:create locale|open collator for locale) "([^"\n]+)"', "the locale {}"),
    (r'(?:locale|language) "([^"\n]+)" (?:has unknown language|does not exist)', "the locale {}"),
    (r'access method "([^"\n]+)" does not exist', "the PostgreSQL access method {}"),
    (r"ModuleNotFoundError: No module named '([^'\n]+)'", "the Python package {}"),
    (r"No module named '?([A-Za-z0-9_.]+)'?", "the Python package {}"),
    (
        r"server closed the connection unexpectedly|the database system is (?:shutting down|in recovery)",
        "a server",
    ),
)


def lacking(said: str) -> str:
    """What is missing by what was said; empty where nothing is."""
    for pattern, told in _SAID:
        found = re.search(pattern, said)
        if found:
            return told.format(*found.groups())
    return ""


_UNSET = re.compile(r"contains null values")
_MADE_UP = re.compile(
    r"(?:invalid input (?:value|syntax) for|violates (?:check|foreign key|exclusion) constraint"
    r"|could not create (?:unique index|exclusion constraint)|duplicate key value violates"
    r"|is violated by some row|value too long for type|out of range|invalid regular expression)[^\n]*"
)


def refusing(said: str) -> str:
    """What a migration has against rows that were made up; empty where it is against none."""
    found = _MADE_UP.search(said)
    return f"rows that this migration takes (holds: or seed:): {brief(found[0], 150)}" if found else ""


def unset(said: str) -> str:
    """What is said besides where a migration fails at a row in which nothing is set: it may do so there too."""
    return " (no such row in truth? say so: holds:)" if _UNSET.search(said) else ""
