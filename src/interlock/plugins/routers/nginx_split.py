"""The file that splits traffic in nginx, and what its workers say of the one they have loaded.

Rules:
1. Split and answer stand in one file, so a worker that answers ``5.00`` splits by 5 %: it has loaded both or
   neither.
2. At 0 and 100 % there is no split at all: one arm gets everything.
3. Names go into the file as they are, so they are of letters, digits and few signs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from interlock.plugins.routers.reading import refuse
from interlock.plugins.routers.wire import Reply, bad

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_VARIABLE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_KEY = re.compile(r"(?:\$[a-z0-9_]{1,64}){1,8}")
_TOLD = re.compile(r"interlock ([a-z0-9_]+) ([0-9]{1,3}\.[0-9]{2})\n?")
_OK = 200
_ALL = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """What does not change with the weight; see the settings of the router."""

    variable: str
    key: str
    canary: str
    control: str
    status: str

    def __post_init__(self) -> None:
        """Refuse what cannot stand in the file."""
        kinds = {"variable": _VARIABLE, "key": _KEY, "canary": _NAME, "control": _NAME}
        for name, kind in kinds.items():
            if not kind.fullmatch(getattr(self, name)):
                raise refuse(
                    "variables such as `$request_id`" if name == "key" else "a name of letters, digits and `_`",
                    getattr(self, name),
                    hint="correct that setting",
                    path=(name,),
                    code="router-name",
                )


def split_text(split: Split, percent: float) -> str:
    """The whole file for a weight of two decimals."""
    lines = [f"    {percent:.2f}% {split.canary};"] if 0 < percent < _ALL else []
    rest = split.canary if percent >= _ALL else split.control
    return "\n".join(
        (
            "# Written by interlock and replaced with each weight. Include it in `http`.",
            f'split_clients "{split.key}" ${split.variable} {{',
            *lines,
            f"    * {rest};",
            "}",
            f'log_format {split.variable} "${split.variable}";',
            "server {",
            f"    listen {split.status};",
            "    access_log off;",
            "    default_type text/plain;",
            "    keepalive_timeout 0;",
            f'    location / {{ return 200 "interlock {split.variable} {percent:.2f}\\n"; }}',
            "}",
            "",
        )
    )


def read_status(reply: Reply, split: Split, *, plugin: str) -> float:
    """The percent that the worker which answered splits by.

    Raises:
        BadReply: ``router-reply`` for an answer that is not of this split.
    """
    told = _TOLD.fullmatch(reply.body[:200].decode("latin-1"))
    if reply.status != _OK or told is None or told[1] != split.variable or float(told[2]) > _ALL:
        got = f"status {reply.status}: {reply.body[:60].decode('latin-1')}"
        raise bad(f"the status of the split `{split.variable}`", got, plugin=plugin)
    return float(told[2])
