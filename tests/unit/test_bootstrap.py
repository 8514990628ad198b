"""What is made at the first start is made whole, or nothing is."""

import pytest

from interlock.bootstrap import build
from interlock.config import from_environment
from interlock.core.change.errors import InvalidInput


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
