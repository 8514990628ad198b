"""What is made at the first start is made whole, or nothing is."""

from datetime import UTC, datetime

import pytest

from interlock.bootstrap import build, renew_ticket_key
from interlock.config import from_environment
from interlock.core.approval.actor import Actor, Scope
from interlock.core.change.errors import Conflict, Forbidden, InvalidInput, NotFound
from interlock.core.rollout.local import LocalRecord
from interlock.core.rollout.plan import PluginPlan
from interlock.storage.keys import create_key
from interlock.storage.look import look

ANA = Actor(principal="local:ana", kind="person", scopes=frozenset(Scope))


@pytest.fixture
def root(tmp_path):
    (tmp_path / "a-file").write_text("")
    return tmp_path


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"INTERLOCK_KEYS": "/proc/nowhere/keys"}, "key-unwritable"),
        ({"INTERLOCK_KEYS": "{root}/a-file"}, "key-unreadable"),
        ({"INTERLOCK_DATABASE": "sqlite:////proc/nowhere/interlock.db"}, "database-unwritable"),
        ({"INTERLOCK_DATABASE": "sqlite:///{root}/a-file/state/interlock.db"}, "database-unwritable"),
    ],
)
def test_a_place_that_cannot_be_written_is_said_and_nothing_is_left(root, given, code):
    config = from_environment({name: value.format(root=root) for name, value in given.items()}, root)
    with pytest.raises(InvalidInput) as refusal:
        build(config)
    assert refusal.value.code == code
    assert [each.name for each in root.iterdir()] == ["a-file"]


def test_a_folder_that_was_there_before_stays(root):
    (root / ".interlock").mkdir()
    with pytest.raises(InvalidInput):
        build(from_environment({"INTERLOCK_KEYS": "/proc/nowhere/keys"}, root))
    assert (root / ".interlock").is_dir()


def test_a_first_start_makes_database_and_keys(root):
    build(from_environment({}, root)).close()
    made = {each.relative_to(root).as_posix() for each in root.rglob("*")}
    assert {".interlock/.gitignore", ".interlock/interlock.db", ".interlock/keys/ledger.key"} <= made


def local(root) -> LocalRecord:
    given = dict.fromkeys(("rollout", "change", "digest", "previous"), "x")
    router, now = PluginPlan(kind="flag", settings={}), datetime(2026, 3, 5, tzinfo=UTC)
    places = {"service": "shop", "environment": "production", "root": str(root)}
    return LocalRecord(**given, **places, router=router, rollback=(), granted=1.0, written_at=now)


@pytest.mark.parametrize("keys", [{}, {"INTERLOCK_KEYS": "{away}/keys"}])
def test_with_the_database_elsewhere_what_is_made_here_is_kept_out_of_git_too(root, tmp_path_factory, keys):
    """What was kept to go back by, and even the keys, was part of the next change: `.interlock/, not judged`."""
    away = tmp_path_factory.mktemp("away")
    given = {"INTERLOCK_DATABASE": "sqlite:///{away}/interlock.db", **keys}
    config = from_environment({name: value.format(away=away) for name, value in given.items()}, root)
    (root / ".git").mkdir()
    built = build(config)
    assert (root / ".interlock/.gitignore").exists() is not bool(keys)
    assert built.station.outside is not None
    built.station.outside.keep(local(root))
    built.close()
    assert (root / ".interlock/rollbacks/production/shop.json").is_file()
    assert (root / ".interlock/.gitignore").read_text() == "*\n"


def test_what_somebody_wrote_there_stays(root):
    config = from_environment({}, root)
    config.home.mkdir()
    (config.home / ".gitignore").write_text("keys/\n")
    built = build(config)
    assert built.station.outside is not None
    built.station.outside.keep(local(root))
    built.close()
    assert (config.home / ".gitignore").read_text() == "keys/\n"


def files(folder):
    return {each.relative_to(folder).as_posix(): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


@pytest.fixture
def begun(root):
    """The settings of a state that was begun and closed."""
    config = from_environment({}, root)
    build(config).close()
    return config


@pytest.mark.parametrize("gone", [("ledger.key",), ("ticket.key",), ("ledger.key", "ticket.key", "ledger.signed")])
def test_a_key_that_is_gone_is_named_and_no_other_is_made(begun, gone):
    """It used to be replaced in silence, so that the next one saw a key where the wrong one was."""
    for name in gone:
        (begun.keys / name).unlink(missing_ok=True)
    before = files(begun.keys)
    with pytest.raises(NotFound) as refused:
        build(begun)
    assert refused.value.code == "key-missing"
    assert str(begun.keys / gone[0]) in refused.value.message
    assert files(begun.keys) == before


def test_another_ticket_key_is_refused(begun, tmp_path):
    (begun.keys / "ticket.key").unlink()
    create_key(begun.keys / "ticket.key", f"{begun.origin}/tickets", bytes)
    with pytest.raises(InvalidInput) as refused:
        build(begun)
    assert refused.value.code == "ticket-key-mismatch"


def test_a_ticket_key_is_renewed_on_purpose_and_the_ledger_says_so(begun):
    first = look(begun.database).ticket_key
    with pytest.raises(Conflict) as refused:
        renew_ticket_key(begun, ANA, "lost")
    assert refused.value.code == "key-exists"
    assert look(begun.database).size == 0
    (begun.keys / "ticket.key").unlink()
    key, index = renew_ticket_key(begun, ANA, "the disk is gone")
    interlock = build(begun)
    [(at, entry)] = interlock.station.store.read(lambda tx: tx.log.entries("ticket-key"))
    interlock.close()
    assert (at, entry.kind, entry.body) == (
        index,
        "ticket.key-renewed",
        {"before": first, "after": key, "why": "the disk is gone"},
    )
    assert first != key == look(begun.database).ticket_key


@pytest.mark.parametrize("why", ["", " ", "two\nlines", "x" * 501])
def test_a_renewal_says_why(begun, why):
    (begun.keys / "ticket.key").unlink()
    with pytest.raises(InvalidInput) as refused:
        renew_ticket_key(begun, ANA, why)
    assert refused.value.code == "ticket-key-why"
    assert not (begun.keys / "ticket.key").exists()


def test_only_who_may_administer_renews(begun):
    (begun.keys / "ticket.key").unlink()
    reader = Actor(principal="local:ben", kind="person", scopes=frozenset({Scope.READ}))
    with pytest.raises(Forbidden):
        renew_ticket_key(begun, reader, "lost")
    assert look(begun.database).size == 0
    assert not (begun.keys / "ticket.key").exists()


def test_what_only_reads_begins_nothing(root):
    before = sorted(root.rglob("*"))
    for given in ({}, {"INTERLOCK_DATABASE": f"sqlite:///{root}/deep/folder/x.db"}):
        with pytest.raises(NotFound) as refused:
            build(from_environment(given, root), begin=False)
        assert refused.value.code == "state-missing"
    assert sorted(root.rglob("*")) == before
