"""What moved between the content on record and what is offered now, by name and not by digest alone."""

from __future__ import annotations

from typing import Any

from interlock.doors.cli.text import safe, short

Told = dict[str, Any]
MOST = 4


def drift(recorded: Told, recorded_digest: str, offered: Told, offered_digest: str) -> str:
    """One line, empty when nothing moved."""
    if recorded_digest == offered_digest:
        return ""
    differing = moved(recorded, offered)
    names = ", ".join(safe(name) for name in differing[:MOST]) or "other commits with the same content"
    more = f" and {len(differing) - MOST} more" if len(differing) > MOST else ""
    return f"digest moved: recorded {short(recorded_digest)}, offered {short(offered_digest)} ({names}{more})"


def moved(recorded: Told, offered: Told) -> list[str]:
    """Names whose content is not the same in both, sorted."""
    before, after = _contents(recorded), _contents(offered)
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def _contents(submission: Told) -> dict[str, str]:
    """What each named thing of the submission has as content."""
    found: dict[str, str] = {}
    for part in submission["parts"]:
        if part["kind"] == "git":
            found |= {file["path"]: f"{file['status']} {file['new_blob']}" for file in part["files"]}
        elif part["kind"] == "terraform-plan":
            found[part["path"]] = part["plan_digest"]
        elif part["kind"] == "artefact":
            found[part["name"]] = part["digest"]
    return found
