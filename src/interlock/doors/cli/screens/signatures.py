"""What people signed, beside a verdict: what waits for others, what does not count, and that the glass is broken.

Rules:
1. Each line says who, how far, until when and who may still do something about it.
2. A signature that does not count is never silent: one ``void`` line says whose it is and why.
3. What went through because somebody broke the glass looks like nothing else.
"""

from __future__ import annotations

from typing import Any

from interlock.doors.cli.screens.columns import Row, table, told
from interlock.doors.cli.text import paint, plural, safe

Told = dict[str, Any]
MOST_VOID, MOST_NAMES = 6, 5


def pending_rows(judgement: Told) -> list[Row]:
    """Exceptions and broken glass that have not their quorum yet, and who would complete it."""
    name = judgement["change"]["id"]
    return [
        Row(met=None, text=_half(one), progress=_far(one), remedy=_who(one, name))
        for one in judgement["pending"]
        if one["people"]
    ]


def pending_lines(judgement: Told) -> list[str]:
    """The same, drawn."""
    return table("pending", pending_rows(judgement))


def void_texts(judgement: Told) -> list[str]:
    """Every signature on record that does not count, and why; who counts with another one is left out."""
    counts = {one["person"] for one in judgement["tally"]["counted"]}
    found = [
        f"{one['approver']}: {one['reason']}"
        for one in judgement["tally"]["rejected"]
        if one["approver"] not in counts
    ]
    for pending in judgement["pending"]:
        found += [
            f"{one['approver']}'s {lifting(pending)}: {one['reason']}"
            for one in pending["void"]
            if one["approver"] not in pending["people"]
        ]
    return [safe(text) for text in dict.fromkeys(found)]


def counts(judgement: Told, person: str) -> bool:
    """Whether an approval of theirs counts."""
    return any(one["person"] == person for one in judgement["tally"]["counted"])


def void_of(judgement: Told, statement: str) -> str:
    """Why this statement does not count, empty when it does."""
    voids = [
        *judgement["tally"]["rejected"],
        *(one for pending in judgement["pending"] for one in pending["void"]),
        *(one for concern in judgement.get("concerns", ()) for one in concern["void"]),
    ]
    return next((str(one["reason"]) for one in voids if one["id"] == statement), "")


def void_lines(judgement: Told, *, everything: bool) -> list[str]:
    """The same, drawn; without ``everything`` the first few."""
    texts = void_texts(judgement)
    shown = texts if everything or len(texts) <= MOST_VOID else texts[:MOST_VOID]
    more = len(texts) - len(shown)
    shown = [*shown, f"and {plural(more, 'signature')} more: --all"] if more else shown
    return [line for place, text in enumerate(shown) for line in told("" if place else "void", text)]


def glass_texts(judgement: Told) -> list[str]:
    """Who broke the glass, why, until when, what it lifts and that an audit is due; empty when nobody did."""
    grant = next((one for one in judgement["grants"] if one["kind"] == "break-glass"), None)
    if grant is None:
        return []
    lifted = [one["id"] for one in judgement["decision"]["observed"] if one["lifted_by"] == grant["id"]]
    until = grant["expires_at"][:16].replace("T", " ")
    people = ", ".join(grant["people"])
    what = f"{plural(len(lifted), 'rule')}: {', '.join(lifted)}" if lifted else "no rule: none was in the way"
    return [
        safe(f"broken by {people} until {until} UTC: {grant['reason']}"),
        safe(f"lifts {what}"),
        safe(f"an audit is due: somebody other than {people} looks back at it (`audit.due` in the ledger)"),
    ]


def glass_lines(judgement: Told) -> list[str]:
    """The same, drawn so that nobody overlooks it."""
    texts = enumerate(glass_texts(judgement))
    lines = [line for place, text in texts for line in told("" if place else "GLASS", text)]
    return [paint(line, fg="red") for line in lines]


def beside(judgement: Told, *, refused: bool) -> list[str]:
    """All of this as sentences, for reports: what waits and what does not count only where that matters."""
    found = [f"the glass: {text}" for text in glass_texts(judgement)]
    found += [
        safe(f"lifted: {one['rule']} by {', '.join(one['people'])}: {one['reason']}")
        for one in judgement["grants"]
        if one["kind"] == "exception"
    ]
    if refused:
        found += [f"pending: {row.text} {row.progress} · {row.remedy}" for row in pending_rows(judgement)]
        found += [f"void: {text}" for text in void_texts(judgement)]
    return found


def away_text(judgement: Told) -> str:
    """Who could help and is away; empty when enough are there."""
    return safe(", ".join(f"{one['person']} until {one['until'][:10]}" for one in judgement["away"]))


def lifting(one: Told) -> str:
    """What a pending grant is, in two words."""
    return "break-glass" if one["kind"] == "break-glass" else f"exception {one['rule']}"


def _half(one: Told) -> str:
    return safe(f"{lifting(one)} ({', '.join(one['people'])})")


def _far(one: Told) -> str:
    return f"{len(one['people'])} of {one['needed']}"


def _who(one: Told, change: str) -> str:
    """Until when, and who may sign next with which command."""
    until = f"until {one['expires_at'][11:16]} UTC" if one["expires_at"] else ""
    names = one["may_sign"][:MOST_NAMES]
    more = f" and {len(one['may_sign']) - len(names)} more" if len(one["may_sign"]) > len(names) else ""
    rank = f" ({one['role']} or above)" if one["role"] else ""
    if not names:
        return safe(f"{until} · nobody is left in the catalog whose signature would count{rank}")
    command = f"break-glass {change}" if one["kind"] == "break-glass" else f"exception grant {change}"
    rule = "" if one["kind"] == "break-glass" else f" --rule {one['rule']}"
    return safe(f"{until} · {', '.join(names)}{more} may sign: interlock {command}{rule} --reason '…'")
