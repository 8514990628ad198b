"""The checkout a command stands in, beside what was shipped from it: where a range begins, and what it leaves out.

Rules:
1. The server knows what was shipped, this machine has the git: the heads are asked for, the commits compared here.
2. Where nothing was shipped yet a range is compared with the trunk, ``git.trunk`` of the rules or the usual names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlock.core.change.change import Submission
from interlock.core.change.parts import GitRange
from interlock.core.ticket.shipped import Checkout, Shipped, Tip
from interlock.doors.cli.client import Client

TRUNKS = ("origin/HEAD", "origin/main", "origin/master", "main", "master")
PRODUCTION = "production"
_COMPARED = {"core.filemode": "whether a file is executable", "core.symlinks": "what is a link"}
_OFF = frozenset({"false", "no", "off", "0", ""})


def shipped(client: Client, repository: str, environment: str) -> Shipped:
    """What went from ``repository`` to ``environment``."""
    from interlock.core.change.parse import parse  # noqa: PLC0415  # --help parses nothing

    told = client.get("/v1/shipped", repository=repository or None, environment=environment).json
    return parse(Shipped, told, what="what was shipped")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the server knows about the place of a checkout: tips of what was shipped, trunks, watched globs."""

    tips: tuple[Tip, ...]
    trunks: tuple[str, ...]
    watched: tuple[str, ...]


def checkout(client: Client, root: Path, submission: Submission, environment: str) -> Checkout | None:
    """This checkout as the gate wants it told; None outside a repository."""
    asked = ask(client, root, environment)
    return None if asked is None else look(root, submission, asked)


def ask(client: Client, root: Path, environment: str) -> Asked | None:
    """What has to be known to look at a checkout; None outside a repository."""
    from interlock.plugins.readers.gitbox import locate  # noqa: PLC0415  # --help looks at no repository

    located = locate(root)
    if located is None:
        return None
    settings: dict[str, Any] = client.get("/v1/rules").json["settings"]
    trunk = settings["git"]["trunk"]
    tips = shipped(client, located.origin, environment).tips
    return Asked(tips=tuple(tips), trunks=(trunk,) if trunk else TRUNKS, watched=tuple(watched(settings)))


def look(root: Path, submission: Submission, asked: Asked) -> Checkout | None:
    """This checkout, beside what was asked for before; no server is needed. None where it is gone."""
    from interlock.plugins.readers.checkout import survey  # noqa: PLC0415  # --help looks at no repository

    bases = [part.base for part in submission.parts if isinstance(part, GitRange)]
    return survey(root, bases, asked.tips, asked.trunks, asked.watched)


def watched(settings: dict[str, Any]) -> list[str]:
    """The globs of configuration, and of the files that a validator is told to check."""
    lists = [listed for options in settings["validators"].values() for listed in options.values()]
    named = [one for listed in lists if isinstance(listed, list) for one in listed if isinstance(one, dict)]
    return [rule["match"] for rule in (*settings["configuration"], *named) if isinstance(rule.get("match"), str)]


def begins(client: Client, root: Path, environment: str) -> str | None:
    """Where the next range begins by itself: after what was shipped last, None where nothing was."""
    from interlock.plugins.readers.checkout import beginning  # noqa: PLC0415  # --help looks at no repository
    from interlock.plugins.readers.gitbox import locate  # noqa: PLC0415  # likewise

    located = locate(root)
    tips = shipped(client, located.origin, environment).tips if located else ()
    return beginning(root, tips) if tips else None


def unseen(root: Path) -> list[str]:
    """What this clone's own settings keep git from comparing."""
    from interlock.plugins.readers.gitbox import locate  # noqa: PLC0415  # --help looks at no repository

    located = locate(root)
    pairs = (setting.partition("=") for setting in located.file_settings) if located else ()
    off = [name for name, _, value in pairs if name in _COMPARED and value.lower() in _OFF]
    return [f"{name} is off in this clone: {_COMPARED[name]} is not compared with HEAD" for name in off]


def told(found: Checkout | None, bases: Sequence[str]) -> list[str]:
    """What the gate says of it in so many lines, besides its reasons."""
    if found is None:
        return []
    lines = []
    if not bases:
        lines.append(f"no range of this repository is in the change: HEAD {found.head[:12]} itself is not judged")
    elif not found.heads and not found.left_out_count:
        lines.append(f"nothing was shipped from here before: what lies before {bases[0][:12]} is taken as given")
    if found.untracked_count:
        named = ", ".join(found.untracked[:3])
        more = f" and {found.untracked_count - 3} more" if found.untracked_count > 3 else ""  # noqa: PLR2004  # as many as fit a line
        lines.append(f"in no commit and not judged: {named}{more}")
    return lines
