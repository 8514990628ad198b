"""Every error as an RFC 9457 problem: one shape for a person, a pipeline and an agent.

Rules:
1. ``code`` and ``hint`` are the same as on the command line; ``type`` is an address under which ``code`` is
   documented; ``instance`` names the request, as the log does.
2. Nothing of the inside gets out: an unexpected exception is ``internal`` and its trace goes to the log alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from interlock.core.change.errors import InterlockError, PluginError

MEDIA = "application/problem+json"
PRECONDITION_FAILED = 412


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """The body of every reply that is an error. ``plugin`` names what failed outside interlock."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str
    instance: str
    plugin: str | None = None


def problem(error: InterlockError, request_id: str, *, status: int | None = None) -> Problem:
    """The problem that tells ``error``."""
    number = status or error.status
    return Problem(
        type=f"https://interlock.dev/problems/{error.code}",
        title=HTTPStatus(number).phrase,
        status=number,
        detail=error.message,
        code=error.code,
        hint=error.hint,
        instance=f"urn:interlock:request:{request_id}",
        plugin=error.plugin if isinstance(error, PluginError) else None,
    )


def refused(status: int, code: str, detail: str, hint: str, request_id: str) -> Problem:
    """A problem of the door itself (no such path, wrong method, too large, internal)."""
    return Problem(
        type=f"https://interlock.dev/problems/{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        hint=hint,
        instance=f"urn:interlock:request:{request_id}",
    )


def internal(request_id: str) -> Problem:
    """What an unexpected exception looks like from outside."""
    return refused(
        500,
        "internal",
        "expected to answer this request, got a fault of interlock itself",
        "report it with the request's id; the server's log has the rest",
        request_id,
    )
