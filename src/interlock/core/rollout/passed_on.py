"""Variables of the runner that a plan's programs get: a few that every program needs, and those that it names.

Rules:
1. What a plan names are names alone; values are the runner's. None is interlock's own: no program of a plan gets
   its keys and tokens.
2. What else the runner has set is withheld: a token of a pipeline is nobody's that the plan does not name it for.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from interlock.core.rollout.plan_source import Part

NEEDED = frozenset(
    {"PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "HOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH"}
)
"""What every program gets."""
OWN = "INTERLOCK_"
"""What variables of interlock's own begin with."""
MOST = 100
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_WORD = re.compile(r"\b[A-Za-z_][A-Za-z0-9_]{2,99}\b")
_SHELLS = frozenset({"PWD", "OLDPWD", "SHLVL"})
"""What each shell sets for itself."""


def read_variables(part: Part) -> tuple[str, ...]:
    """The names that a plan lists.

    Raises:
        InvalidInput: one is no name, or is interlock's own.
    """
    parts = part.items()
    if len(parts) > MOST:
        raise part.refuse(f"at most {MOST} names", str(len(parts)), hint="name those that are read")
    return tuple(_variable(each) for each in parts)


def _variable(part: Part) -> str:
    word = part.word()
    if not _VARIABLE.fullmatch(word):
        raise part.refuse("the name of a variable", word, hint="the names alone; values come from the runner")
    if word.upper().startswith(OWN):
        hint = "what runs there may be the change's own code: it gets neither keys nor tokens of interlock"
        raise part.refuse("a variable that is not interlock's own", word, hint=hint)
    return word


def lacks(text: str, there: Collection[str], passed_on: Collection[str]) -> str:
    """What to say of a program that ended badly, by its words and arguments; empty where they name no variable.

    ``there`` are the variables of the runner, ``passed_on`` those that the program got if they are there.
    """
    named = {word for word in _WORD.findall(text) if not word.upper().startswith(OWN)} - _SHELLS
    withheld, unset = (
        sorted(named & set(there) - set(passed_on)),
        sorted(named & set(passed_on) - set(there) - NEEDED),
    )
    said = f"; {', '.join(unset)}: passed on and not set here" if unset else ""
    if withheld:
        names = ", ".join(withheld)
        said += f"; {names}: set here and not passed on, so the plan needs passed_on: [{names}]"
    return said
