"""Who is calling: a principal with a kind and scopes, as a token or the local process says.

Rules:
1. An actor is not a person: only a signature by a key of the catalog speaks for one.
2. An agent's actor never holds ``approve``, ``rules`` or ``admin``, whatever its token says.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from interlock.core.change.errors import Forbidden


class Scope(StrEnum):
    """What a caller may ask for."""

    READ = "read"
    OPEN = "open"
    APPROVE = "approve"
    EVIDENCE = "evidence"
    GATE = "gate"
    RECORD = "record"
    RULES = "rules"
    ADMIN = "admin"


ActorKind = Literal["person", "pipeline", "agent"]

NEVER_FOR_AGENTS = frozenset({Scope.APPROVE, Scope.RULES, Scope.ADMIN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """``principal`` is a name of the catalog (person or agent), a pipeline's name, or ``local:<user>``."""

    principal: str
    kind: ActorKind
    scopes: frozenset[Scope]
    token: str | None = None

    def require(self, scope: Scope) -> None:
        """Pass only a caller who may.

        Raises:
            Forbidden: ``agent-never`` for what no agent may do, ``scope-missing`` otherwise.
        """
        if self.kind == "agent" and scope in NEVER_FOR_AGENTS:
            raise Forbidden(
                f"expected a person or a pipeline, got agent `{self.principal}` asking for `{scope}`",
                code="agent-never",
                hint="ask a person: agents never approve and never change the rules",
            )
        if scope not in self.scopes:
            raise Forbidden(
                f"expected a token with scope `{scope}`, got one without it for `{self.principal}`",
                code="scope-missing",
                hint=f"ask an administrator: interlock token create --scope {scope}",
            )
