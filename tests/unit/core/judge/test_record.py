from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.judge.backstop import Forecast, forecast
from interlock.core.judge.course import course
from interlock.core.judge.history import measured
from interlock.core.judge.judge import LONGEST, Judge
from interlock.core.judge.record import Said, Share, Stage, read, recompute, replay, tell, word, write
from interlock.core.judge.settings import BackstopSettings
from interlock.core.judge.tick import Counts, Observed, Tick
from interlock.core.judge.verdict import Stopped

LINE = (
    '{"t": 5, "share": 0.05, "metrics": {"orders": {"kind": "good", "canary": 3, "control": [5, 4]}, '
    '"latency": {"kind": "bad", "buckets": {"0.25": {"canary": 1, "control": 9}}}}, '
    '"assigned": {"canary": 9, "control": 99}, "discard": "late"}'
)


def recorded(settings, traffic, seconds=200):
    judge, shop, lines = Judge(settings), traffic(), []
    for number in range(seconds):
        told = [Share(expect_share=0.05), Stage(margin=0.5, t=0.0)] if number == 0 else []
        told += [Stage(margin=0.25, t=100.0)] if number == 100 else []
        for entry in told:
            tell(judge, entry)
            lines.append(write(entry))
        tick = shop.tick(number + 1.0)
        tick = replace(tick, discard="late") if number % 17 == 5 else tick
        verdict = judge.step(tick)
        lines.append(write(Said(tick=tick, verdict=word(verdict), log_e=judge.log_e)))
    return lines


def test_the_line_of_the_manual_is_read():
    said = read(LINE)
    assert said.tick.t == 5.0
    assert said.tick.metrics["orders"] == Observed(kind="good", counts=Counts(canary=3, control=(5, 4)))
    assert said.tick.metrics["latency"].buckets["0.25"] == Counts(canary=1, control=(9,))
    assert said.tick.assigned.control == 99
    assert said.tick.discard == "late"


@pytest.mark.parametrize(
    "entry",
    [
        read(LINE),
        Share(expect_share=0.25),
        Stage(margin=0.9, t=12.5),
        Forecast(every=60.0, expected=(1.5, 2.0), phi=1.25),
        Said(tick=Tick(t=0.1, share=0.0, metrics={}), verdict="untrusted", log_e=-0.123456789),
    ],
)
def test_what_is_written_is_read_again(entry):
    assert read(write(entry)) == entry


def test_a_recorded_rollout_is_recomputed_to_the_last_digit(settings, traffic):
    plan = settings()
    lines = recorded(plan, traffic)
    assert not [one for one in recompute(plan, lines) if one.differs]
    assert len(replay(plan, lines)) == 200


@pytest.mark.parametrize("place", [1, 60, 150])
def test_one_edited_count_is_noticed(settings, traffic, place):
    plan = settings()
    lines = recorded(plan, traffic)
    edited = json.loads(lines[place])
    if "metrics" not in edited or edited.get("discard"):
        place += 1
        edited = json.loads(lines[place])
    edited["metrics"]["orders"]["canary"] += 1
    lines[place] = json.dumps(edited)
    with pytest.raises(InvalidInput) as refused:
        replay(plan, lines)
    assert refused.value.code == "record-differs"
    found = re.match(r"line (\d+): recorded log E", refused.value.message)
    assert found, refused.value.message
    assert place < int(found[1]) <= place + 1 + LONGEST, "noticed where evidence was weighed next"


def test_an_edited_verdict_and_other_settings_are_noticed(settings, traffic):
    plan = settings()
    lines = recorded(plan, traffic)
    with pytest.raises(InvalidInput, match="recorded verdict"):
        replay(plan, [line.replace('"not-enough-data"', '"pass"') for line in lines])
    with pytest.raises(InvalidInput, match="record"):
        replay(settings(planned_minutes=30.0, phi={}), lines)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("nonsense", "input-shape"),
        ("[]", "input-shape"),
        ("{}", "tick-shape"),
        ('{"t": 1, "share": 0.1}', "tick-shape"),
        ('{"t": 1, "share": 0.1, "metrics": {}, "expect_share": 0.1}', "tick-shape"),
        ('{"expect_share": 0.1, "stage": {"margin": 0.5, "t": 0}}', "tick-shape"),
        ('{"t": 1, "share": 0.1, "metrics": {"m": {"kind": "good", "canary": 1}}}', "tick-shape"),
        (
            '{"t": 1, "share": 0.1, "metrics": {"m": {"kind": "bad", "canary": 1, "control": 1, "buckets": {}}}}',
            "tick-shape",
        ),
        ('{"t": 1, "share": 0.1, "metrics": {"m": {"kind": "good", "canary": -1, "control": 1}}}', "tick-count"),
        (
            '{"t": 1, "share": 0.1, "metrics": {"m": {"kind": "good", "canary": 1, "control": [1, -2]}}}',
            "tick-count",
        ),
        ('{"t": 1, "share": 0.1, "metrics": {"m": {"kind": "good", "canary": 1.5, "control": 1}}}', "input-shape"),
        ('{"t": 1, "t": 2, "share": 0.1, "metrics": {}}', "json-key-twice"),
        ('{"t": 1, "share": 0.1, "metrics": {}, "assigned": {"canary": -1, "control": 1}}', "tick-count"),
        ('{"t": NaN, "share": 0.1, "metrics": {}}', "judge-time"),
        ('{"t": -1, "share": 0.1, "metrics": {}}', "judge-time"),
        ('{"t": 1e400, "share": 0.1, "metrics": {}}', "judge-time"),
        (" " * (1 << 20) + "{}", "tick-shape"),
    ],
)
def test_a_line_that_does_not_fit_is_refused_with_its_number(settings, line, code):
    with pytest.raises(InvalidInput) as refused:
        list(recompute(settings(), ["", line], where="counts.jsonl:"))
    assert refused.value.code == code
    assert refused.value.message.startswith("counts.jsonl:2: ")


def test_a_course_ends_at_the_stop(settings, traffic):
    plan, shop = settings(), traffic()
    lines = [write(Said(tick=shop.tick(number + 1.0, orders=0.0))) for number in range(60)]
    found = course(plan, lines)
    assert isinstance(found.verdict, Stopped)
    assert found.standing.ticks < 10


def test_a_course_of_nothing_is_refused(settings):
    with pytest.raises(InvalidInput) as refused:
        course(settings(), ["", write(Share(expect_share=0.1))])
    assert refused.value.code == "ticks-missing"


def test_noise_is_measured_on_the_control_alone(settings, traffic):
    shop = traffic()

    def sharded(tick):
        shards = tuple(shop.chance.poisson(5, 19).tolist())
        return replace(tick, metrics={"orders": Observed(kind="good", counts=Counts(canary=0, control=shards))})

    lines = [write(Said(tick=sharded(shop.tick(number + 1.0)))) for number in range(900)]
    found = measured(settings(phi={}), lines, where="history.jsonl:").settings
    assert set(found.phi) == {"orders"}
    assert 1.0 <= found.phi["orders"].values[0] < 1.2
    assert found.phi["orders"].source == "history.jsonl"


def test_a_forecast_is_recorded_and_told(settings, traffic):
    plan = settings(backstop=BackstopSettings(metric="orders"))
    days = [[120, 130, 110, 125], [118, 140, 108, 119], [131, 128, 115, 122]]
    expected = forecast(days, every=60.0)
    assert expected.phi >= 1
    judge = Judge(plan)
    tell(judge, read(write(expected)))
    verdict = None
    for number in range(30):
        verdict = judge.step(traffic().tick(number + 1.0))
    assert not isinstance(verdict, Stopped)


def test_days_too_few_for_a_forecast_are_refused():
    for days in ([[1, 2]], [[1, 2], [3, 4]], [[0, 0]] * 3, [1, 2, 3]):
        with pytest.raises(InvalidInput) as refused:
            forecast(days, every=60.0)
        assert refused.value.code == "backstop-history"
