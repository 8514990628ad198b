from __future__ import annotations

import json

from interlock.testing.stack.customers import harm


def written(folder, *lines):
    log = folder / "load.jsonl"
    log.write_text("".join(json.dumps(dict(zip("tsv", line, strict=True), ms=5.0)) + "\n" for line in lines))
    return log


def test_harm_is_what_the_canary_or_nobody_in_its_place_did_not_deliver(tmp_path):
    log = written(
        tmp_path,
        (10.0, 201, "a"),
        (10.1, 500, "a"),
        (11.0, 201, "b"),
        (11.5, 202, "b"),
        (12.0, 500, "b"),
        (12.5, 503, ""),
        (13.0, 0, ""),
    )
    found = harm(log, "b")
    assert (found.requests, found.met, found.served, found.lost, found.errors) == (5, 5, 3, 4, 3)
    assert (found.first, found.last, found.seconds) == (11.0, 13.0, 2.0)


def test_what_came_before_does_not_count_and_a_half_written_line_waits(tmp_path):
    log = written(tmp_path, (10.0, 503, ""), (11.0, 202, "b"))
    with log.open("a") as more:
        more.write('{"t": 12.0, "s": 202')
    assert harm(log, "b", since=10.5).lost == 1


def test_nobody_met_the_canary(tmp_path):
    found = harm(written(tmp_path, (10.0, 201, "a")), "b")
    assert (found.lost, found.first, found.seconds) == (0, None, 0.0)
    assert harm(tmp_path / "none.jsonl", "b").requests == 0
    between = harm(written(tmp_path, (10.0, 201, "a"), (11.0, 202, "b"), (12.0, 201, "a"), (13.0, 201, "b")), "b")
    assert (between.requests, between.met, between.lost) == (3, 2, 1)


def test_everybody_is_counted_over_the_seconds_that_are_told(tmp_path):
    """10 of 952 customers at 292 a second stood beside 3.6 s, which are 1,051."""
    log = written(
        tmp_path, (11.0, 202, "b"), (12.0, 201, "a"), (13.0, 503, ""), (13.5, 201, "a"), (14.5, 201, "a")
    )
    assert harm(log, "b").requests == 3
    assert harm(log, "b", until=14.0).requests == 4
    assert harm(log, "b", until=12.5).requests == 3
