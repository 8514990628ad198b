"""A record that is not there is told with the command that lists its kind."""

from __future__ import annotations

import pytest

from interlock.core.approval.tokens import Token
from interlock.core.change.change import ChangeRecord
from interlock.core.change.errors import NotFound
from interlock.core.rollout.record import RolloutRecord
from interlock.core.ticket.record import TicketRecord
from interlock.doors.cli.main import COMMANDS
from interlock.storage.empty import EmptyStore
from interlock.storage.records import LISTED


@pytest.mark.parametrize(
    ("kind", "command"),
    [
        (ChangeRecord, "interlock change list"),
        (RolloutRecord, "interlock rollout list"),
        (Token, "interlock token list"),
        (TicketRecord, "interlock ledger log"),
    ],
)
def test_who_names_what_is_not_there_learns_what_to_type(road, kind, command):
    """ "list what there is" named no command."""
    with pytest.raises(NotFound) as refused:
        road.station.store.read(lambda tx: tx.records(kind).get("none"))
    assert refused.value.hint == f"{command} shows what there is; or correct the id"


def test_before_anything_is_kept_it_says_how_to_begin():
    with pytest.raises(NotFound) as refused:
        EmptyStore().read(lambda tx: tx.records(ChangeRecord).get("none"))
    assert "interlock change open" in refused.value.hint


def test_the_commands_are_there():
    assert all(command.split()[1] in COMMANDS for command in LISTED.values())
