"""What a change is and how far it reaches, in two paragraphs."""

from __future__ import annotations

from typing import Any

from interlock.core.rollout.phrases import percent
from interlock.doors.cli.screens.columns import told
from interlock.doors.cli.screens.unsure import unsure
from interlock.doors.cli.text import plural, safe

Told = dict[str, Any]
MOST_PATHS = 4


def subject(judgement: Told) -> list[str]:
    """What it is and how far it reaches."""
    description = judgement["description"]
    lines = told("change", " · ".join(_what(judgement, description)))
    return lines + told("reaches", " · ".join(_reach(description))) + unsure(judgement)


def _what(judgement: Told, description: Told) -> list[str]:
    blast, size = description["blast"], description["size"]
    touched = [f"{safe(item['service'])} (Tier-{item['tier']})" for item in blast["touched"]]
    amounts = [
        plural(size[key], word)
        for key, word in (("files", "file"), ("keys", "key"), ("resources", "resource"), ("commits", "commit"))
        if size[key]
    ]
    if size["added"] or size["removed"]:
        amounts.append(f"+{size['added']:,} −{size['removed']:,} lines")
    title = judgement["change"]["title"]
    named = [] if title == "draft" else [safe(title)]
    return [
        *named,
        ", ".join(touched) or "no service of the catalog",
        ", ".join(amounts),
        _provenance(description),
    ]


def _provenance(description: Told) -> str:
    found = description["provenance"]
    tools = sorted({safe(signal["tool"]) for signal in found["signals"] if signal["tool"]})
    by = f" ({', '.join(tools[:3])})" if tools else ""
    of = (
        f" in {found['marked_commits']} of {plural(found['commits'], 'commit')}" if found["marked_commits"] else ""
    )
    kind = "origin unknown" if found["kind"] == "unknown" else found["kind"]
    return f"{kind}{by}{of}"


def _reach(description: Told) -> list[str]:
    blast = description["blast"]
    paths = _longest([[safe(step) for step in reversed(item["path"])] for item in blast["reached"]])
    shown = ", ".join(paths[:MOST_PATHS]) or "no other service"
    if len(paths) > MOST_PATHS:
        shown += f" and {plural(len(paths) - MOST_PATHS, 'path')} more"
    parts = [shown]
    if blast["order_share"] is not None:
        parts.append(f"est. {percent(blast['order_share'])} of orders")
    if blast["fleet_share"] is not None:
        parts.append(f"{percent(blast['fleet_share'])} of the fleet")
    losses = description["reversibility"]["losses"]
    kind = description["reversibility"]["kind"]
    kind = "reversibility unknown" if kind == "unknown" else kind
    return [*parts, f"{kind} ({', '.join(safe(loss['what']) for loss in losses[:3])})" if losses else kind]


def _longest(paths: list[list[str]]) -> list[str]:
    """Paths that are not the end of another one."""
    kept = [
        path
        for path in paths
        if not any(len(path) < len(other) and other[-len(path) :] == path for other in paths)
    ]
    return [" → ".join(path) for path in kept]
