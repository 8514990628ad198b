"""Which rollout is meant: an id, or a service of which one is under way.

Rules:
1. What acts on a rollout takes a service only where one rollout of it is under way; of several it names the ids.
2. What only looks takes the newest where none is under way any more.
"""

from __future__ import annotations

import re
from typing import Any

from interlock.core.change.errors import InvalidInput, NotFound

Told = dict[str, Any]
PAGE = 50
_ID = re.compile(r"rol-[a-z0-9-]+")


def is_id(given: str) -> bool:
    """Whether it is written as the id of a rollout is."""
    return _ID.fullmatch(given) is not None


def named_rollout(client: Any, given: str, *, ended: bool = False) -> str:  # noqa: ANN401  # a Client
    """The id of the rollout that ``given`` means; ``ended`` where one that is over will do.

    Raises:
        NotFound: ``rollout-missing``.
        InvalidInput: ``rollout-several``.
    """
    if is_id(given):
        return given
    items: list[Told] = client.get("/v1/rollouts", service=given, limit=PAGE).json["items"]
    found = [one for one in items if not one["ended_at"]] or (items[:1] if ended else [])
    if not found:
        raise _none(client, given, items, ended=ended)
    if len(found) > 1:
        each = ", ".join(f"`{one['id']}` in {one['environment']}" for one in found)
        raise InvalidInput(
            f"expected one rollout of `{given[:80]}` under way, got {each}",
            code="rollout-several",
            hint="name one by its id",
        )
    return str(found[0]["id"])


def _none(client: Any, given: str, items: list[Told], *, ended: bool) -> NotFound:  # noqa: ANN401  # a Client
    from interlock.doors.cli.rollout_watch import meant  # noqa: PLC0415  # only where nothing is found

    last = f"; the last one, `{items[0]['id']}`, is {items[0]['state']}" if items else meant(client, given)
    which = "that had one" if ended else "with one under way"
    return NotFound(
        f"expected the id of a rollout, or a service {which}, got `{given[:80]}`{last}",
        code="rollout-missing",
        hint="interlock rollout list shows all; one begins with interlock rollout start",
    )
