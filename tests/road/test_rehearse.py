"""Going back is tried on real files by real programs: what comes back, what does not, and who cleans up."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from interlock.core.change.canonical import canonical
from interlock.core.change.errors import Conflict, InvalidInput
from interlock.core.evidence.summary import MAX_OWN
from interlock.core.rehearsal.fingerprint import Fingerprint
from interlock.core.rehearsal.journal import Head, head_line, read_journal
from interlock.core.rehearsal.outcome import Acted, Seen, outcome, predicate
from interlock.core.rehearsal.plan_read import read_rehearsal_plan
from interlock.plugins.rehearsals.command import CommandRehearsal
from interlock.plugins.rehearsals.probe_files import FilesProbe
from interlock.plugins.rehearsals.probe_run import RunProbe
from interlock.plugins.world.programs import SystemPrograms
from interlock.plugins.world.rehearsal_files import RehearsalFiles
from interlock.ports.rehearsal import RehearsalScene
from interlock.road.rehearse import Stage, recover, rehearse

PLAN = """\
service: order-service
environment: staging
objective: 2s
driver: {{kind: command}}
apply:
  - {{name: put, run: [cp, new, live/value], verify: [cmp, new, live/value]}}
  - {{name: mark, run: [{touch}, live/flag], verify: [test, -e, live/flag]}}
rollback:
  - {{name: value, run: [cp, old, live/value], verify: [cmp, old, live/value]}}
{last}probes:
  - {{name: live, kind: files, paths: ["live/*"]}}
"""
UNMARK = "  - {name: flag, run: [rm, -f, live/flag], verify: [test, '!', -e, live/flag]}\n"


class Place:
    """A folder with a value that is live, and a rehearsal over it."""

    def __init__(self, folder, *, last=UNMARK, touch="touch"):
        for name, content in (("old", "7\n"), ("new", "5\n")):
            (folder / name).write_text(content)
        (folder / "live").mkdir()
        (folder / "live" / "value").write_text("7\n")
        self.plan = PLAN.format(last=last, touch=touch).encode()
        plan = read_rehearsal_plan("rehearsals/orders.yaml", self.plan)
        scene = RehearsalScene(
            root=str(folder),
            run="reh-1",
            change="chg-1",
            digest="sha256:" + "0" * 64,
            service=plan.service,
            environment=plan.environment,
            programs=SystemPrograms(str(folder)),
        )
        self.scene = scene
        self.live, self.heard, self.files = folder / "live", [], RehearsalFiles(folder / ".interlock")
        with self.files.alone("staging"):
            self.journal = self.files.begin("reh-1")
        head = Head(
            run="reh-1", change="chg-1", digest=scene.digest, service=plan.service, environment="staging",
            path=plan.path, plan=self.plan, began="2026-03-05T10:00:00Z",
        )  # fmt: skip
        self.journal.write(head_line(head))
        self.stage = Stage(
            driver=CommandRehearsal(plan, scene),
            probes={each.name: FilesProbe(each.settings, scene) for each in plan.probes},
            write=self.journal.write,
            steady=time.monotonic,
            told=self.hear,
        )

    def hear(self, told):
        self.heard.append(told)

    def kept(self):
        return read_journal(self.journal.place.read_bytes(), "journal")


def test_what_comes_back_whole_passes_with_its_time(tmp_path):
    place = Place(tmp_path)
    seen, found = rehearse(place.stage, 2.0)
    assert (found.verdict, found.reasons, found.left, found.late) == ("passed", (), (), 0.0)
    assert [one.item for one in found.did] == ["live/flag", "live/value"]
    assert 0 < seen.seconds < 2
    assert (place.kept().ended, place.files.unfinished("staging")) == ("passed", [])


def test_a_file_that_is_forgotten_is_named(tmp_path):
    place = Place(tmp_path, last="")
    _, found = rehearse(place.stage, 2.0)
    assert found.verdict == "failed"
    assert "live: live/flag is there and was not" in found.reasons[0]
    assert place.files.unfinished("staging")[0].left == tuple(one.told for one in found.left)


def test_a_slow_way_back_says_by_how_much(tmp_path):
    slow = "  - {name: wait, run: [sleep, '0.3'], verify: [test, -d, live]}\n"
    seen, found = rehearse(Place(tmp_path, last=UNMARK + slow).stage, 0.2)
    assert (found.verdict, found.good) == ("passed", False)
    assert found.late == pytest.approx(seen.seconds - 0.2)


def test_a_step_that_fails_is_followed_by_the_way_back(tmp_path):
    place = Place(tmp_path, touch="false")
    _, found = rehearse(place.stage, 2.0)
    assert found.verdict == "failed"
    assert "apply step mark" in found.reasons[0]
    assert (found.left, (place.live / "value").read_text()) == ((), "7\n")


def test_a_change_that_no_probe_sees_shows_nothing(tmp_path):
    place = Place(tmp_path)
    (tmp_path / "new").write_text("7\n")
    looks = {"live": FilesProbe({"paths": ["live/value"]}, place.scene)}
    _, found = rehearse(replace(place.stage, probes=looks), 2.0)
    assert found.verdict == "failed"
    assert found.reasons == ("no probe sees the change, so going back from it shows nothing",)


def test_of_a_change_that_was_not_put_there_it_is_no_news_that_nobody_sees_it(tmp_path):
    place = Place(tmp_path, touch="false")
    (tmp_path / "new").write_text("7\n")
    _, found = rehearse(place.stage, 2.0)
    assert found.verdict == "failed"
    assert found.reasons == ("apply step mark: false ended with 1",)


def test_one_that_is_stopped_before_it_touches_anything_is_over(tmp_path):
    """It was found half-way, and stood as running on record."""
    place = Place(tmp_path)

    def interrupted(told):
        if told.startswith("probing what is there before"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rehearse(replace(place.stage, told=interrupted), 2.0)
    assert (place.kept().ended, place.kept().touched) == ("cancelled", False)
    assert place.files.unfinished("staging") == []


def test_the_first_thing_is_told_before_anything_is_looked_for(tmp_path):
    """Making a database with rows in it took ten seconds without a word."""
    place, told_by_then = Place(tmp_path), []
    place.stage.driver.needs = lambda: told_by_then.extend(place.heard) or ""
    rehearse(place.stage, 2.0)
    assert told_by_then == ["making ready"]


def test_a_program_that_is_missing_is_undecidable_and_nothing_is_touched(tmp_path):
    place = Place(tmp_path, touch="no-such-program")
    _, found = rehearse(place.stage, 2.0)
    assert found.verdict == "undecidable"
    assert "`no-such-program` for step mark" in found.reasons[0]
    assert (place.kept().touched, sorted(each.name for each in place.live.iterdir())) == (False, ["value"])


@pytest.mark.parametrize("last", [UNMARK, ""], ids=["whole", "forgetful"])
def test_whoever_finds_it_half_way_brings_it_back_or_says_what_is_left(tmp_path, last):
    place = Place(tmp_path, last=last)

    def interrupted(told):
        if told.startswith("there: mark"):
            raise MemoryError

    class Died(BaseException):
        """The process ends here: nothing after it runs."""

    def dies():
        raise Died

    place.stage = replace(place.stage, told=interrupted)
    place.stage.driver.roll_back = dies
    with pytest.raises(Died):
        rehearse(place.stage, 2.0)
    del place.stage.driver.roll_back
    [found] = place.files.unfinished("staging")
    assert (found.touched, found.head.plan) == (True, place.plan)
    stage = replace(place.stage, told=place.hear)
    left = recover(stage, found)
    assert [one.item for one in left] == ([] if last else ["live/flag"])
    assert place.kept().ended == ("recovered" if last else "dirty")
    assert bool(place.files.unfinished("staging")) == (not last)


def test_an_interrupted_one_goes_back_before_it_ends(tmp_path):
    place = Place(tmp_path)

    def interrupted(told):
        if told.startswith("there: mark"):
            raise KeyboardInterrupt

    stage = replace(place.stage, told=interrupted)
    with pytest.raises(KeyboardInterrupt):
        rehearse(stage, 2.0)
    assert (place.kept().ended, sorted(each.name for each in place.live.iterdir())) == ("cancelled", ["value"])


def test_a_probe_that_cannot_look_stops_it_before_anything_is_touched(tmp_path):
    place = Place(tmp_path)
    blind = RunProbe({"run": ["no-such-program"]}, place.scene)
    _, found = rehearse(replace(place.stage, probes={**place.stage.probes, "blind": blind}), 2.0)
    assert (found.verdict, found.left, place.kept().touched, place.kept().ended) == ("failed", (), False, "failed")
    assert found.reasons == (
        "a probe could not look: blind: no-such-program could not be started: no such file or directory",
    )


def test_a_line_that_was_cut_off_is_left_out_and_the_next_one_is_whole(tmp_path):
    place = Place(tmp_path)
    with place.journal.place.open("ab") as file:
        file.write(b'{"what":"appl')
    [found] = place.files.unfinished("staging")
    assert (found.touched, found.before) == (False, None)
    assert recover(place.stage, found) == ()
    assert (place.kept().ended, place.files.unfinished("staging")) == ("recovered", [])


def test_a_journal_whose_first_line_was_cut_off_tells_of_nothing(tmp_path):
    files = Place(tmp_path).files
    files.begin("reh-2").place.write_bytes(b'{"what":"beg')
    assert [one.head.run for one in files.unfinished("staging")] == ["reh-1"]
    assert files.unfinished("elsewhere") == []


def test_nobody_rehearses_where_somebody_does(tmp_path):
    files = Place(tmp_path).files
    with files.alone("staging"), files.alone("elsewhere"), pytest.raises(Conflict) as refused:
        files.alone("staging").__enter__()
    assert refused.value.code == "rehearsal-running"


def test_what_is_signed_is_small_whatever_was_seen(tmp_path):
    long = "x" * 4_000
    was = {"p": Fingerprint(items={f"{n}{long}": long for n in range(500)})}
    acted = tuple(Acted(name=f"step {n}", ok=False, said=long) for n in range(50))
    seen = Seen(
        before=was, changed={"p": Fingerprint(items={})}, after={"p": Fingerprint(items={})},
        applied=acted, rolled_back=acted, seconds=1.0, objective=2.0,
    )  # fmt: skip
    found = outcome(seen)
    said = predicate(seen, found)
    assert (said["verdict"], said["left_count"]) == ("failed", 500)
    assert len(canonical(said)) < MAX_OWN


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ("objective: 2s", "objective: soon", "rehearsal-plan", 3),
        ("objective: 2s", "objective: 0", "rehearsal-range", 3),
        ("objective: 2s", "objectiv: 2s", "rehearsal-plan", 3),
        ("kind: files", "knd: files", "rehearsal-plan", 11),
    ],
)
def test_a_plan_that_cannot_be_is_refused_with_its_line(old, new, code, line):
    content = PLAN.format(last="", touch="touch").replace(old, new).encode()
    with pytest.raises(InvalidInput) as refused:
        read_rehearsal_plan("rehearsals/orders.yaml", content)
    assert (refused.value.code, f":{line}`" in refused.value.message) == (code, True), refused.value.message


class Elsewhere:
    """A driver with a place of its own, in which nothing ever comes back."""

    def __init__(self, *, fails=False):
        self.value, self.fails, self.went_back = "7", fails, 0

    def needs(self):
        return ""

    def probes(self):
        return {"own": self}

    def look(self):
        return Fingerprint(items={"value": self.value})

    def apply(self):
        self.value = "5"
        if self.fails:
            raise KeyboardInterrupt
        yield Acted(name="up", ok=True)

    def roll_back(self):
        self.went_back += 1
        yield Acted(name="down", ok=True)

    def measured(self):
        return {}

    def close(self):
        """Nothing is open."""


def test_what_is_left_in_a_drivers_own_place_fails_it_and_leaves_nothing_dirty(tmp_path):
    place, driver = Place(tmp_path), Elsewhere()
    _, found = rehearse(replace(place.stage, driver=driver, probes=driver.probes()), 2.0)
    journal = read_journal(place.journal.place.read_bytes(), "j")
    assert (found.verdict, found.dirty, len(found.left)) == ("failed", False, 1)
    assert (journal.ended, journal.unfinished) == ("failed", False)


def test_in_a_drivers_own_place_nothing_is_brought_back(tmp_path):
    place, driver = Place(tmp_path), Elsewhere(fails=True)
    stage = replace(place.stage, driver=driver, probes=driver.probes())
    with pytest.raises(KeyboardInterrupt):
        rehearse(stage, 2.0)
    journal = read_journal(place.journal.place.read_bytes(), "j")
    assert (journal.ended, driver.went_back) == ("cancelled", 0)
    assert recover(stage, journal) == ()
    assert driver.went_back == 0


def test_a_step_that_lacks_something_is_undecidable_however_much_is_left():
    looks = [{"own": Fingerprint(items={"value": value})} for value in ("7", "5", "5")]
    lacks = Acted(name="up", ok=False, said="no", needs="the extension x")
    seen = Seen(
        before=looks[0],
        changed=looks[1],
        after=looks[2],
        applied=(lacks,),
        rolled_back=(),
        seconds=0.1,
        objective=1.0,
    )
    found = outcome(seen)
    assert (found.verdict, found.reasons[0]) == (
        "undecidable",
        "could not be decided here: needs the extension x",
    )


def test_a_note_that_is_none_makes_a_journal_unreadable(tmp_path):
    place = Place(tmp_path)
    place.journal.write(canonical({"what": "noted", "noted": [1]}) + b"\n")
    with pytest.raises(InvalidInput) as refused:
        place.kept()
    assert refused.value.code == "rehearsal-journal"
