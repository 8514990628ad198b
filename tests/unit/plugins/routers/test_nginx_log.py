from __future__ import annotations

import os

import pytest

from interlock.core.change.errors import BadReply, Unavailable
from interlock.plugins.routers.nginx_log import Tail
from interlock.plugins.routers.wire import Deadline


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "split.log"
    path.write_text("a\n" * 7)
    return path


@pytest.fixture
def tail(log):
    opened = Tail(log, ("a", "bb"), plugin="nginx")
    yield opened
    opened.close()


def counted(tail):
    return tail.read(Deadline())


def write(path, text):
    with path.open("a") as file:
        file.write(text)


def test_counting_begins_at_the_end_with_zero_and_goes_on(log, tail):
    assert counted(tail).lines == {"a": 0, "bb": 0}
    write(log, "a\nbb\nbb\n")
    assert counted(tail).lines == {"a": 1, "bb": 2}
    assert counted(tail).lines == {"a": 1, "bb": 2}


def test_a_line_that_is_not_complete_waits_for_its_end(log, tail):
    first = counted(tail)
    write(log, "a\nb")
    assert counted(tail).lines == {"a": 1, "bb": 0}
    write(log, "b\n")
    assert counted(tail).lines == {"a": 1, "bb": 1}
    assert counted(tail).since == first.since


def test_a_rotated_log_is_read_to_its_end_also_what_comes_after_the_rotation(log, tail):
    first = counted(tail)
    write(log, "a\n")
    old = log.rename(log.with_suffix(".1"))
    write(old, "bb\n")
    assert counted(tail).lines == {"a": 1, "bb": 1}
    write(log, "a\n")
    write(old, "bb\nb")
    assert counted(tail).lines == {"a": 2, "bb": 2}
    write(old, "b\n")
    write(log, "a\n")
    last = counted(tail)
    assert last.lines == {"a": 3, "bb": 3}
    assert last.since == first.since


def test_several_rotations_lose_nothing(log, tail):
    counted(tail)
    for number in range(4):
        write(log, "a\nbb\n")
        log.rename(log.with_suffix(f".{number}"))
        write(log, "a\n")
        counted(tail)
    assert counted(tail).lines == {"a": 8, "bb": 4}


def test_a_log_that_was_emptied_counts_anew_under_another_name(log, tail):
    first = counted(tail)
    write(log, "a\n" * 5)
    counted(tail)
    os.truncate(log, 0)
    write(log, "bb\n")
    emptied = counted(tail)
    assert emptied.lines == {"a": 0, "bb": 1}
    assert emptied.since != first.since


def test_a_line_of_somebody_else_is_a_bad_reply(log, tail):
    counted(tail)
    write(log, '127.0.0.1 - - "GET / HTTP/1.1" 200\n')
    with pytest.raises(BadReply, match="a or bb in each line"):
        counted(tail)


def test_a_line_without_end_is_a_bad_reply(log, tail):
    counted(tail)
    write(log, "a" * 5_000)
    with pytest.raises(BadReply):
        counted(tail)


def test_a_log_that_is_not_there_is_unavailable(tmp_path):
    with pytest.raises(Unavailable) as caught:
        Tail(tmp_path / "none.log", ("a",), plugin="nginx").read(Deadline())
    assert caught.value.code == "router-unreachable"


def test_a_log_that_cannot_be_read_in_time_is_unavailable(log, tail):
    counted(tail)
    write(log, "a\n" * 2_000_000)
    with pytest.raises(Unavailable):
        tail.read(Deadline(0.0))
    assert counted(tail).lines == {"a": 2_000_000, "bb": 0}


def test_two_readers_of_one_log_count_by_themselves(log, tail):
    counted(tail)
    write(log, "a\n")
    other = Tail(log, ("a", "bb"), plugin="nginx")
    assert counted(other).lines["a"] == 0
    assert counted(tail).lines["a"] == 1
    assert counted(other).since != counted(tail).since
    other.close()
