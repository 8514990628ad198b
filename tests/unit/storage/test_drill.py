"""The drill really attacks, and tells the truth about who notices."""

from datetime import UTC, datetime
from itertools import count

import pytest

from interlock.core.change.errors import InterlockError
from interlock.core.ledger.entry import Entry
from interlock.core.ledger.note import NoteSigner
from interlock.storage import open_store
from interlock.storage.audit import audit
from interlock.storage.drill import drill

START = datetime(2026, 3, 5, tzinfo=UTC)
SIGNER = NoteSigner("ledger.example/drill", bytes(range(32)))


ON_THE_LOG = ("edit", "unsign", "delete", "reorder", "fork", "restore", "re-key")
ON_RECORDS = {
    "edit-record": "tickets/tkt-drill is not what entry 1 recorded: state is `issued`, recorded `voided`; "
    "why is none, recorded `drill`",
    "delete-record": "bars/bar-drill is gone: entry 2 recorded it",
    "un-revoke": "statements/sig-drill is not what entry 4 recorded: revoked_at is none, "
    "recorded `2026-03-05T00:00:00.000Z`",
    "widen-token": "tokens/tok-drill is not what entry 5 recorded: kind is `person`, recorded `agent`; "
    "scopes is `approve, read`, recorded `read`",
}


class FixedClock:
    def now(self):
        return START


def counting():
    numbers = count(1)
    return lambda size: bytes([next(numbers)]) * size


@pytest.fixture
def url(tmp_path):
    address = f"sqlite:///{tmp_path / 'interlock.db'}"
    store = open_store(address, signer=SIGNER, clock=FixedClock(), record_types=[])
    entry = Entry(kind="change.opened", subject="chg-1", actor="ana", at=START, body={})
    store.write(lambda tx: [tx.log.append(entry) for _ in range(3)])
    store.close()
    return address


@pytest.mark.parametrize("own", [True, False], ids=["this log", "no log yet"])
def test_each_attack_is_noticed_by_whom_it_can_be(url, own):
    done = drill(url if own else None, clock=FixedClock(), randomness=counting())
    assert done.passed
    assert (done.entries, done.copied) == (300, 3 if own else 0)
    alone = {attack.name: attack.alone for attack in done.attacks}
    assert list(alone) == [*ON_THE_LOG, *ON_RECORDS]
    assert [name for name, text in alone.items() if text is None] == ["fork", "restore"]
    assert all(attack.witness for attack in done.attacks)
    assert alone["edit"] == "entry 150 was changed after it was written"
    assert [alone[name] for name in ON_RECORDS] == list(ON_RECORDS.values())


def test_the_log_itself_is_left_alone(url, tmp_path):
    before = sorted((path.name, path.read_bytes()) for path in tmp_path.iterdir() if path.suffix == ".db")
    drill(url, clock=FixedClock(), randomness=counting())
    assert sorted((path.name, path.read_bytes()) for path in tmp_path.iterdir() if path.suffix == ".db") == before
    assert audit(url, SIGNER.verifier).holds


def test_a_database_without_a_ledger_is_refused(tmp_path):
    (tmp_path / "empty.db").write_bytes(b"")
    for address in (f"sqlite:///{tmp_path / 'empty.db'}", f"sqlite:///{tmp_path / 'none.db'}", "mysql://x"):
        with pytest.raises(InterlockError) as refusal:
            drill(address, clock=FixedClock(), randomness=counting())
        assert refusal.value.code in {"ledger-missing", "database-missing", "database-url"}
