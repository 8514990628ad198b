"""The checklist of a change. Records nothing."""

from __future__ import annotations

from dataclasses import dataclass

from interlock.core.approval.actor import Scope
from interlock.core.audit.checklist import Checklist
from interlock.core.audit.checklist_form import form_of
from interlock.core.audit.checklist_text import rendered
from interlock.doors.api.surface import Answer, Call, Operation, Query
from interlock.road.checklist import checklist


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecklistShown:
    """A checklist, and the same as a Markdown page. ``form`` is a change.md to fill in."""

    checklist: Checklist
    text: str
    form: str


def _show(call: Call) -> Answer:
    found = checklist(call.station, call.actor, call.path["change"], call.text("environment") or "production")
    form = form_of(found)
    return Answer(body=ChecklistShown(checklist=found, text=rendered(found, form), form=form))


OPERATIONS = (
    Operation(
        name="showChecklist",
        method="GET",
        path="/v1/changes/{change}/checklist",
        scope=Scope.READ,
        summary="What is to be done before, while and after a change goes out, with the exact way back.",
        run=_show,
        reply=ChecklistShown,
        query=(Query(name="environment", text="default production"),),
    ),
)
