"""Why a ticket is not accepted: a value, so that all reasons are told at once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One reason: a stable code, what is wrong, and what to do about it."""

    code: str
    text: str
    remedy: str


ASK_AGAIN = "ask for a new one: interlock gate CHANGE --environment ENVIRONMENT"
DISTRUST = "do not deploy; tell the people who run interlock: a ticket was altered or issued against the rules"
