"""What a driver's error means to whoever reads it."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from interlock.storage.engine import translate


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ('connection failed: FATAL:  database "shop" does not exist', "correct name, role and password"),
        ('connection failed: FATAL:  role "ana" does not exist', "correct name, role and password"),
        ("FATAL:  password authentication failed for user", "correct name, role and password"),
        ("connection refused", "check that the database runs"),
    ],
)
def test_a_server_that_runs_and_knows_no_such_name_is_not_said_to_be_down(said, hint):
    told = translate(sa.exc.OperationalError("connect", {}, Exception(said)))
    assert told.code == "database-unavailable"
    assert hint in told.hint
