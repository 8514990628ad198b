"""What the gate said, for people, programs, GitHub and GitLab.

Rules:
1. Each format carries the same: the outcome, every reason with its remedy, the ticket's name and expiry.
2. What came from outside is escaped for the format it goes into; no text can forge a workflow command. For GitHub
   the screen stands between ``::stop-commands::`` and its token, which nobody can guess.
"""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import click

from interlock.doors.cli.desk import show_json
from interlock.doors.cli.files import write_whole
from interlock.doors.cli.screens.columns import Row, told
from interlock.doors.cli.screens.signatures import beside, glass_lines, void_lines
from interlock.doors.cli.screens.verdict import answer, missing_rows, verdict
from interlock.doors.cli.text import safe, short

Told = dict[str, Any]
_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def show(
    result: Told,
    *,
    form: str,
    everything: bool,
    ticket_file: str | None,
    moved: str,
    notes: Sequence[str],
    report_file: str,
) -> None:
    """Print ``result`` in one of the four formats."""
    if form == "json":
        show_json(result)
        return
    lines = _text(result, everything=everything, ticket_file=ticket_file, moved=moved)
    lines += [line for note in notes for line in told("note", safe(note))]
    if form == "github":
        token = secrets.token_hex(16)
        lines = [f"::stop-commands::{token}", *lines, f"::{token}::"]
    click.echo("\n".join(lines))
    if form == "github":
        _github(result, ticket_file)
    if form == "gitlab":
        write_whole(report_file, junit(result))


def _text(result: Told, *, everything: bool, ticket_file: str | None, moved: str) -> list[str]:
    if result["outcome"] != "allow":
        first, *rest = verdict(result["judgement"], everything=everything, reasons=result["reasons"])
        judgement = result["judgement"]
        signed = [*void_lines(judgement, everything=everything), *glass_lines(judgement)]
        return [first, *(told("", moved) if moved else []), *rest, *signed]
    judgement = result["judgement"]
    change = judgement["change"]
    place = f"{change['id']} {short(change['digest'])} → {safe(judgement['environment'])}"
    first = f"{place} · ticket {result['ticket_id']}"
    limits = _limits(result["ticket"])
    where = f"written to {ticket_file}" if ticket_file else "not written: --ticket-file FILE keeps it"
    return [
        *answer("allow", " · ".join([first, *limits])),
        *glass_lines(judgement),
        *told("ticket", f"{where} · verify it offline: interlock ticket verify FILE"),
    ]


def _limits(ticket: str) -> list[str]:
    """Until when and for how much the ticket is good, as it says itself."""
    payload = json.loads(ticket).get("payload")
    if payload is None:
        return []
    said = json.loads(base64.b64decode(payload))["predicate"]
    return [f"until {said['expires_at'][11:19]} UTC", f"at most {said['max_weight']:g} % of traffic"]


def _github(result: Told, ticket_file: str | None) -> None:
    for row in _missing(result):
        click.echo(f"::error title=interlock::{_command_text(f'{row.text} → {row.remedy}')}")
    for text in beside(result["judgement"], refused=result["outcome"] != "allow"):
        click.echo(f"::warning title=interlock::{_command_text(text)}")
    for reason in _watched(result["judgement"]):
        click.echo(f"::notice title=interlock (watched only)::{_command_text(safe(reason['text']))}")
    _append("GITHUB_STEP_SUMMARY", markdown(result))
    outputs = {"outcome": result["outcome"], "ticket-id": result["ticket_id"] or "", "ticket": ticket_file or ""}
    _append("GITHUB_OUTPUT", "".join(f"{key}={safe(value)}\n" for key, value in outputs.items()))


def markdown(result: Told) -> str:
    """The step summary."""
    judgement = result["judgement"]
    change = judgement["change"]
    word = "allowed" if result["outcome"] == "allow" else "refused"
    lines = [
        f"## interlock: {word}",
        "",
        f"`{change['id']}` {short(change['digest'])} → {_cell(judgement['environment'])}",
    ]
    rows = _missing(result)
    if rows:
        lines += ["", "| missing | so far | what to do |", "|---|---|---|"]
        lines += [f"| {_cell(row.text)} | {_cell(row.progress)} | {_cell(row.remedy)} |" for row in rows]
    signed = beside(judgement, refused=result["outcome"] != "allow")
    lines += ["", *(f"- **{_cell(text)}**" for text in signed)] if signed else []
    met = [item for item in judgement["decision"]["obligations"] if item["met"]]
    lines += ["", *(f"- ✓ {_cell(item['text'])}" for item in met)]
    watched = _watched(judgement)
    lines += (
        ["", f"{len(watched)} more watched only: {_cell(', '.join(one['id'] for one in watched))}"]
        if watched
        else []
    )
    lines += ["", f"ticket `{result['ticket_id']}`"] if result["ticket_id"] else []
    return "\n".join(lines) + "\n\n"


def junit(result: Told) -> bytes:
    """A JUnit report: one test case for each obligation and reason."""
    decision = result["judgement"]["decision"]
    missing = _missing(result)
    met = [item["text"] for item in decision["obligations"] if item["met"]]
    total, failed = str(len(missing) + len(met)), str(len(missing))
    root = ET.Element("testsuites", tests=total, failures=failed)
    suite = ET.SubElement(root, "testsuite", name="interlock gate", tests=total, failures=failed, errors="0")
    for row in missing:
        case = ET.SubElement(suite, "testcase", name=_xml(row.text), classname="interlock.gate", time="0")
        ET.SubElement(case, "failure", message=_xml(row.remedy)).text = _xml(
            f"{row.progress} {row.remedy}".strip()
        )
    for text in met:
        ET.SubElement(suite, "testcase", name=_xml(text), classname="interlock.gate", time="0")
    signed = beside(result["judgement"], refused=result["outcome"] != "allow")
    if signed:
        ET.SubElement(suite, "system-out").text = _xml("\n".join(signed))
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _watched(judgement: Told) -> list[Told]:
    """Rules that would refuse, were they enforced; what was lifted is told beside them."""
    return [one for one in judgement["decision"]["observed"] if not one["lifted_by"]]


def _missing(result: Told) -> list[Row]:
    judgement = result["judgement"]
    lights = judgement.get("lights", ())
    return missing_rows(judgement["decision"], result["reasons"], judgement["change"]["id"], lights)


def _append(variable: str, text: str) -> None:
    named = os.environ.get(variable)
    if named:
        with Path(named).open("a", encoding="utf-8", errors="replace") as file:
            file.write(text)


def _command_text(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _cell(text: str) -> str:
    shown = safe(text)
    for sign in "\\`*_{}[]<>()#+!|~&":
        shown = shown.replace(sign, f"\\{sign}")
    return shown


def _xml(text: str) -> str:
    return _NOT_XML.sub("?", text)
