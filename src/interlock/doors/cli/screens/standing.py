"""What is in use here: state, keys, ledger and rules, as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from interlock.doors.cli.text import cut, mark, plural, safe, width, wrap

Told = Mapping[str, Any]


def in_force(found: Told) -> Iterator[str]:
    """The rules as ``GET /v1/rules`` tells them."""
    activation = found["activation"]
    yield f"rules    {found['digest']}"
    if activation is None:
        yield "         of this working tree; none are in force yet: interlock rules genesis"
    else:
        how = f"ticket {activation['ticket']}" if activation["ticket"] else "genesis"
        mode = " · one-person mode" if activation["one_person"] else ""
        who = ", ".join(safe(name) for name in activation["signed_by"])
        yield f"         since {minute(activation['activated_at'])} by {how}: {who}{mode}"
    people = ", ".join(safe(name) for name in found["people"]) or "nobody"
    files, services = plural(len(found["files"]), "file"), plural(found["services"], "service")
    yield f"         {files}, {services}, people: {people}"


def lines(found: Told) -> Iterator[str]:
    """``interlock status``, one screen; ``found`` is what its ``--json`` prints."""
    yield from _server(found) if found["server"] else _local(found)
    yield from _ledger(found["ledger"])
    if found["rules"]:
        yield from _cut(in_force(found["rules"]))
    elif not found["wrong"]:
        yield "rules    none in force yet: interlock rules genesis"
    yield f"you      {safe(found['you'])}"
    yield f"folder   {safe(found['root'])} · interlock {found['version']}"
    for wrong in found["wrong"]:
        told = wrap(safe(f"{wrong['message']} · {wrong['hint']}"), width() - 2)
        yield from (f"{mark(met=False) if not at else ' '} {line}" for at, line in enumerate(told))


def minute(moment: str) -> str:
    """A time as people read it, in UTC."""
    return f"{moment[:16].replace('T', ' ')} UTC"


def _server(found: Told) -> Iterator[str]:
    server = found["server"]
    version = f"interlock {safe(server['version'])}" if server["version"] else "no answer"
    token = "INTERLOCK_TOKEN is set" if server["token"] else "no token: set INTERLOCK_TOKEN"
    yield f"server   {safe(server['address'])} · {version} · {token}"


def _local(found: Told) -> Iterator[str]:
    state, keys = found["state"], found["keys"]
    yield f"state    {safe(state['database'])}"
    begun = (
        f"schema {state['schema']}" if state["begun"] else "nothing there yet: interlock rules genesis begins it"
    )
    yield f"         {begun} · {_chosen(state)}"
    shown = " · ".join(f"{mark(each['fits'])} {name}" for name, each in sorted(keys["files"].items()))
    yield f"keys     {safe(keys['folder'])} · {shown}"


def _chosen(state: Told) -> str:
    if state["chosen"]:
        return "by INTERLOCK_DATABASE"
    return "of the main checkout, shared by its worktrees" if state["worktree"] else "the default here"


def _ledger(ledger: Told) -> Iterator[str]:
    if not ledger["key"]:
        if ledger["origin"]:
            yield f"ledger   {safe(ledger['origin'])} · not begun"
        return
    signed = f", the last checkpoint at {minute(ledger['signed_at'])}" if ledger["signed_at"] else ""
    count = plural(ledger["size"], "entry").replace("entrys", "entries")
    root = f" · root {ledger['root'][:12]}…" if ledger["root"] else ""
    yield f"ledger   {safe(ledger['key'])}"
    yield f"         {count}{signed}{root}"


def _cut(given: Iterator[str]) -> Iterator[str]:
    for line in given:
        yield cut(line, width())
