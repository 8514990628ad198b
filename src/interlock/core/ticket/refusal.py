"""Why a ticket is not accepted: a value, so that all reasons are told at once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One reason: a stable code, what is wrong, and what to do about it."""

    code: str
    text: str
    remedy: str


ASK_AGAIN = "ask for a ticket of its own: interlock gate"
DISTRUST = "do not deploy, and tell whoever runs interlock: this was altered or issued against the rules"
NAME_SERVICE = "name the service about to change (--service), or ask again: interlock gate"
