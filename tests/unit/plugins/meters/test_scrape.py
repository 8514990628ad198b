from __future__ import annotations

import threading
import time
from contextlib import suppress

import pytest

from interlock.core.change.errors import BadReply, Unavailable
from interlock.core.rollout.setting import InvalidSetting
from interlock.plugins.meters.scrape import ScrapeMeter
from interlock.ports.meter import GONE, Counted

ORDERS = Counted(name="orders", query={"series": "orders_total", "match": {"status": "ok"}})
PAGE = """# TYPE orders_total counter
orders_total{status="ok",shop="a"} 7
orders_total{status="ok",shop="b"} 3
orders_total{status="failed",shop="a"} 2
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1.5e+09
"""
LATENCY = """# TYPE took_seconds histogram
took_seconds_bucket{path="/",le="0.1"} 5
took_seconds_bucket{path="/",le="0.5"} 8
took_seconds_bucket{path="/",le="+Inf"} 10
took_seconds_sum{path="/"} 3
took_seconds_count{path="/"} 10
took_seconds_bucket{path="/buy",le="0.1"} 1
took_seconds_bucket{path="/buy",le="0.5"} 1
took_seconds_bucket{path="/buy",le="+Inf"} 4
took_seconds_sum{path="/buy"} 3
took_seconds_count{path="/buy"} 4
"""


@pytest.fixture
def meter():
    """Makes meters, and closes them. Without a ``timeout`` none passes because the machine stood still."""
    made = []

    def make(canary, control, *metrics, **settings):
        made.append(
            ScrapeMeter({"canary": list(canary), "control": list(control), **settings}, metrics or (ORDERS,))
        )
        if "timeout" not in settings:
            made[-1]._timeout = 30.0
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_series_that_fit_are_added_up_for_each_address(sites, meter):
    canary, first, second = sites(PAGE), sites(PAGE), sites(PAGE.replace(" 7", " 70"))
    before = time.time()
    samples = meter([canary.url], [first.url, second.url]).read()
    assert [(s.arm, s.value, s.since) for s in samples] == [
        ("canary", 10.0, "1500000000.0"),
        ("control", 10.0, "1500000000.0"),
        ("control", 73.0, "1500000000.0"),
    ]
    assert len({s.shard for s in samples}) == 3
    assert all(before <= s.at <= time.time() for s in samples)


def test_events_above_an_edge_are_all_less_those_in_the_bucket(sites, meter):
    site, other = sites(LATENCY), sites(LATENCY)
    took = Counted(name="took", edges=("0.1", "0.50"), query={"histogram": "took_seconds"})
    sample = meter([site.url], [other.url], took).read()[0]
    assert (sample.value, sample.above) == (14.0, {"0.1": 8.0, "0.50": 5.0})


def test_an_edge_that_is_no_bound_is_refused_with_the_bounds_there_are(sites, meter):
    site, other = sites(LATENCY), sites(LATENCY)
    took = Counted(name="took", edges=("0.25",), query={"histogram": "took_seconds"})
    made = meter([site.url], [other.url], took)
    with pytest.raises(InvalidSetting, match=r"up to 0.25 s at .*, got the bounds 0.1, 0.5, inf") as refused:
        made.check()
    assert (refused.value.code, refused.value.path) == ("edge-missing", ("metrics", "took", "histogram"))
    assert made.read() == []


def test_connections_are_kept(sites, meter):
    canary, control = sites(PAGE), sites(PAGE)
    made = meter([canary.url], [control.url])
    for _ in range(5):
        assert len(made.read()) == 2
    assert (canary.connections, len(canary.asked)) == (1, 5)


def test_who_refuses_the_connection_is_gone_and_counts_nothing(sites, meter, nobody):
    sample = meter([nobody], [sites(PAGE).url]).read()[0]
    assert (sample.arm, sample.value, sample.since) == ("canary", 0.0, GONE)


def test_a_refused_connection_is_missing_where_the_plan_says_so(sites, meter, nobody):
    assert [s.arm for s in meter([nobody], [sites(PAGE).url], refused="missing").read()] == ["control"]


def arms(made):
    """The arms of the first reading in which anybody was in time; on a machine that stood still nobody is."""
    for _ in range(20):
        before = time.monotonic()
        with suppress(Unavailable):
            return [sample.arm for sample in made.read()]
        assert time.monotonic() - before < 20, "what is slow takes a minute"
    pytest.fail("nobody was ever in time")


def test_a_slow_page_is_absent_and_does_not_hold_up_the_others(sites, meter):
    slow, over = sites(), threading.Event()
    slow.answer = lambda request: over.wait(60)
    made = meter([slow.url], [sites(PAGE).url], timeout=0.2)
    before = time.monotonic()
    assert [arms(made) for _ in range(2)] == [["control"]] * 2
    assert time.monotonic() - before < 20
    over.set()


def test_a_page_that_drips_is_cut_off_at_the_deadline(sites, meter):
    def drip(request):
        request.send_response(200)
        request.send_header("Content-Length", "100000")
        request.end_headers()
        for _ in range(3_000):
            request.wfile.write(b"# \n")
            request.wfile.flush()
            time.sleep(0.02)

    dripping = sites()
    dripping.answer = drip
    before = time.monotonic()
    assert arms(meter([dripping.url], [sites(PAGE).url], timeout=0.2)) == ["control"]
    assert time.monotonic() - before < 20


@pytest.mark.parametrize(
    "broken",
    [
        {"text": PAGE, "status": 500},
        {"text": PAGE, "status": 302, "Location": "http://127.0.0.1:1/"},
        {"text": PAGE[:-1]},
        {"text": "orders_total{ 7\n"},
        {"text": PAGE, "media": "application/openmetrics-text; version=1.0.0"},
        {"text": '# TYPE orders_total gauge\norders_total{status="ok"} 3\n'},
    ],
    ids=["error", "redirect", "cut off", "garbage", "no eof", "gauge"],
)
def test_what_is_no_page_of_counts_is_absent_and_refused_by_check(sites, meter, broken):
    made = meter([sites(**broken).url], [sites(PAGE).url])
    assert [s.arm for s in made.read()] == ["control"]
    with pytest.raises((BadReply, InvalidSetting)):
        made.check()


def test_nothing_to_read_anywhere_is_an_error(sites, meter):
    made = meter([sites(PAGE, status=500).url], [sites(PAGE, status=500).url])
    with pytest.raises(BadReply, match="got status 500"):
        made.read()


def test_a_family_without_series_yet_counts_zero(sites, meter):
    made = meter([sites("# TYPE orders_total counter\n").url], [sites(PAGE).url])
    made.check()
    assert [s.value for s in made.read()] == [0.0, 10.0]


def test_series_of_which_none_fits_are_missing_unless_the_plan_says_zero(sites, meter):
    page = '# TYPE orders_total counter\norders_total{status="failed"} 2\n'
    strict = meter([sites(page).url], [sites(PAGE).url])
    with pytest.raises(InvalidSetting, match='got status="failed"') as refused:
        strict.check()
    assert (refused.value.code, refused.value.path) == ("series-missing", ("metrics", "orders", "match"))
    assert "absent: zero" in refused.value.hint
    lenient = meter(
        [sites(page).url], [sites(PAGE).url], Counted(name="o", query={**ORDERS.query, "absent": "zero"})
    )
    lenient.check()
    assert [s.value for s in lenient.read()] == [0.0, 10.0]


def test_a_label_that_no_series_has_is_refused_even_where_absent_is_zero(sites, meter):
    wrong = Counted(name="o", query={"series": "orders_total", "match": {"stat": "ok"}, "absent": "zero"})
    with pytest.raises(InvalidSetting, match=r"label `stat`.*got labels shop, status") as refused:
        meter([sites(PAGE).url], [sites(PAGE).url], wrong).check()
    assert refused.value.code == "label-unknown"


def test_absent_is_zero_does_not_forgive_a_name_that_nobody_knows(sites, meter):
    wrong = Counted(name="o", query={"series": "order_total", "absent": "zero"})
    with pytest.raises(InvalidSetting, match="at one address at least"):
        meter([sites(PAGE).url], [sites(PAGE).url], wrong).check()


def test_one_page_can_show_both_arms_and_their_shards(sites, meter):
    page = """# TYPE up_total counter
up_total{cluster="new",server="n1"} 1
up_total{cluster="old",server="o1"} 2
up_total{cluster="old",server="o2"} 3
"""
    site = sites(page)
    query = {"series": "up_total", "canary": {"cluster": "new"}, "control": {"cluster": "~ol."}, "shard": "server"}
    made = meter([site.url], [site.url], Counted(name="served", query=query))
    made.check()
    assert [(s.arm, s.shard.split()[1], s.value) for s in made.read()] == [
        ("canary", "n1", 1.0),
        ("control", "o1", 2.0),
        ("control", "o2", 3.0),
    ]
    assert len(site.asked) == 2


def test_an_address_of_both_arms_needs_labels_that_tell_them_apart():
    url = "http://127.0.0.1:9/metrics"
    with pytest.raises(InvalidSetting, match="tell canary from control") as refused:
        ScrapeMeter({"canary": [url], "control": [url]}, (ORDERS,))
    assert (refused.value.code, refused.value.path) == ("arms-alike", ("metrics", "orders"))


def test_the_sources_own_times_are_believed(sites, meter):
    page = '# TYPE orders_total counter\norders_total{status="ok"} 3 1500000000123\n'
    assert meter([sites(page).url], [sites(PAGE).url]).read()[0].at == 1500000000.123
    strict = '# TYPE orders counter\norders_total{status="ok"} 3 1500000000.5\n# EOF\n'
    site = sites(strict, media="application/openmetrics-text; version=1.0.0; charset=utf-8")
    assert meter([site.url], [sites(PAGE).url]).read()[0].at == 1500000000.5


def test_a_cached_page_is_as_old_as_it_says(sites, meter):
    samples = meter([sites(PAGE, Age="4000").url], [sites(PAGE).url]).read()
    assert 3_980 < samples[1].at - samples[0].at < 4_020


class Dated:
    """Answers with a page under a ``Date`` of the test's choice, or under none."""

    def __init__(self, site):
        self.page, self.second, self.url = PAGE, "00", site.url
        site.answer = self.answer

    def answer(self, request):
        date = f"Date: Thu, 05 Mar 2026 10:00:{self.second} GMT\r\n" if self.second else ""
        head = f"HTTP/1.1 200 OK\r\n{date}Content-Type: text/plain\r\nContent-Length: {len(self.page)}\r\n\r\n"
        request.wfile.write((head + self.page).encode())


def test_a_page_whose_date_stands_still_keeps_its_moment(sites, meter):
    frozen = Dated(sites())
    made = meter([frozen.url], [sites(PAGE).url])
    first = made.read()[0].at
    time.sleep(1.6)
    frozen.page = PAGE.replace(" 7", " 8")
    again = made.read()
    assert again[0].at == first
    assert again[1].at > first + 1.5


def test_a_page_that_is_said_again_keeps_its_moment_from_the_first_time_on(sites, meter):
    canary = Dated(sites())
    made = meter([canary.url], [sites(PAGE).url])
    first = made.read()[0].at
    assert made.read()[0].at > first, "within a second a page may be as it was, and new"
    time.sleep(0.95)
    again = made.read()
    assert again[0].at == first
    assert again[1].at > first
    canary.page = PAGE.replace(" 7", " 8")
    counted = made.read()[0]
    assert (counted.value, counted.at > first) == (11.0, True), "another page within the same second is of its own"
    canary.second = "01"
    assert made.read()[0].at > counted.at, "the same counts under another Date: nothing happened meanwhile"


def test_counts_that_stay_as_they_are_without_any_date_are_believed(sites, meter):
    canary = Dated(sites())
    canary.second = ""
    made = meter([canary.url], [sites(PAGE).url])
    first = made.read()[0].at
    assert made.read()[0].at > first


def test_a_kept_connection_that_was_closed_is_opened_again(sites, meter):
    site, count = sites(), []

    def answer(request):
        count.append(1)
        request.close_connection = True
        site.send(request, PAGE.encode())

    site.answer = answer
    made = meter([site.url], [sites(PAGE).url])
    for _ in range(3):
        assert len(made.read()) == 2
        time.sleep(0.02)
    assert len(count) == 3


def test_the_token_goes_along_and_is_in_no_message(sites, meter, monkeypatch, tmp_path):
    canary, control = sites(PAGE), sites(PAGE, status=403)
    monkeypatch.setenv("SHOP_TOKEN", "s3cret")
    made = meter([canary.url], [control.url], auth={"bearer": {"env": "SHOP_TOKEN"}})
    with pytest.raises(Unavailable, match="let in") as refused:
        made.check()
    assert canary.seen[0]["Authorization"] == "Bearer s3cret"
    assert refused.value.code == "meter-forbidden"
    assert "s3cret" not in str(refused.value) + refused.value.hint
    file = tmp_path / "password"
    file.write_text("pass\n")
    meter([canary.url], [control.url], auth={"user": "u", "password": {"file": str(file)}}).read()
    assert canary.seen[1]["Authorization"] == "Basic dTpwYXNz"


def test_a_secret_that_is_not_there_is_named_by_its_place(sites, meter):
    made = meter([sites(PAGE).url], [sites(PAGE).url], auth={"bearer": {"env": "NO_SUCH_TOKEN"}})
    with pytest.raises(InvalidSetting, match="environment variable `NO_SUCH_TOKEN`") as refused:
        made.check()
    assert refused.value.path == ("auth", "bearer")


@pytest.mark.parametrize(
    ("settings", "path", "code", "message"),
    [
        ({"timout": 1}, ("timout",), "setting-unknown", "did you mean `timeout`"),
        ({"canary": []}, ("canary",), "setting-shape", "list of texts"),
        ({"canary": ["http://a/", "http://a/"]}, ("canary",), "setting-shape", "without repetitions"),
        ({"canary": ["ftp://a/"]}, ("canary",), "setting-url", "got `ftp://a/`"),
        ({"canary": ["http://u:p@a/"]}, ("canary",), "setting-url", "got `http://…@a/`"),
        ({"canary": ["http://a:x/"]}, ("canary",), "setting-url", "http"),
        ({"canary": ["file:///etc/passwd"]}, ("canary",), "setting-url", "http"),
        ({"timeout": 5}, ("timeout",), "setting-range", "0.05 to 2"),
        ({"timeout": True}, ("timeout",), "setting-shape", "a number"),
        ({"refused": "gon"}, ("refused",), "setting-shape", "did you mean `gone`"),
        ({"auth": {"bearer": "x"}}, ("auth", "bearer"), "setting-shape", "a map"),
        (
            {"auth": {"bearer": {"env": "A", "file": "b"}}},
            ("auth", "bearer", "env"),
            "setting-shape",
            "exactly one",
        ),
    ],
)
def test_an_unusable_setting_is_refused_with_its_path(settings, path, code, message):
    given = {"canary": ["http://a/"], "control": ["http://b/"], **settings}
    with pytest.raises(InvalidSetting, match=message) as refused:
        ScrapeMeter(given, (ORDERS,))
    assert (refused.value.path, refused.value.code) == (path, code)


@pytest.mark.parametrize(
    ("query", "edges", "path", "message"),
    [
        ({}, (), ("series",), "exactly one of series, histogram"),
        ({"series": "a", "histogram": "b"}, (), ("series",), "got `series and histogram`"),
        ({"serie": "a"}, (), ("serie",), "did you mean `series`"),
        ({"series": "a b"}, (), ("series",), "name of a series"),
        ({"histogram": "a"}, (), ("histogram",), "else `series`"),
        ({"series": "a"}, ("1",), ("series",), "has edges"),
        ({"histogram": "a"}, ("slow",), ("histogram",), "edges above 0"),
        ({"series": "a", "match": {"b": "~("}}, (), ("match",), "regular expression"),
        ({"series": "a", "match": {"b c": "d"}}, (), ("match",), "names of labels"),
        ({"series": "a", "absent": "0"}, (), ("absent",), "one of zero, missing"),
    ],
)
def test_an_unusable_query_is_refused_with_its_path(query, edges, path, message):
    settings = {"canary": ["http://a/"], "control": ["http://b/"]}
    with pytest.raises(InvalidSetting, match=message) as refused:
        ScrapeMeter(settings, (Counted(name="m", edges=edges, query=query),))
    assert refused.value.path == ("metrics", "m", *path)


def test_a_wrong_query_is_refused_even_where_the_canary_is_not_up_yet(sites, meter, nobody):
    wrong = Counted(name="o", query={"series": "order_total"})
    with pytest.raises(InvalidSetting, match="order_total"):
        meter([nobody], [sites(PAGE).url], wrong).check()
    with pytest.raises(Unavailable, match="connection refused"):
        meter([nobody], [sites(PAGE).url]).check()


def test_where_nobody_listens_is_named_as_it_is_typed(sites, meter, nobody):
    """A refused connection counts nothing; that it was one is told, so that nobody looks for lost orders."""
    page = sites(PAGE)
    made = meter([nobody], [page.url])
    assert list(made.refused("canary")) == []
    assert {sample.since for sample in made.read() if sample.arm == "canary"} == {GONE}
    assert (list(made.refused("canary")), list(made.refused("control"))) == ([nobody], [])
    with pytest.raises(Unavailable) as refused:
        made.check()
    assert refused.value.message == f"expected an answer from {nobody}, got connection refused"
    well = meter([page.url], [sites(PAGE).url])
    well.read()
    assert list(well.refused("canary")) == []
