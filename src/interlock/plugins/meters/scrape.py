"""Counts straight from what the services expose, without a metrics server in between: the embedded default.

Settings: ``canary`` and ``control``, lists of addresses, each a shard; ``timeout`` (0.5 s); ``refused`` (``gone``
or ``missing``); ``auth`` and ``ca`` as in ``access``. Each metric: ``series`` or, for latency, ``histogram``;
``match`` and, where one page shows both arms, ``canary`` and ``control``: labels; ``absent: zero``; ``shard``: a
label whose values are shards.

Rules:
1. All addresses are asked at once, so that both arms are of one moment; each sample's time is that of its own
   page. What is not there within ``timeout`` is absent: a slow page says nothing certain about when it counted.
2. Where the connection is refused nobody listens: the shard is gone and counts nothing. Where the counts are
   served by another program than the service, say ``refused: missing``. An address of both arms is never gone,
   but missing.
3. A page from a cache keeps the age it says. One that is said again to the letter under the same ``Date`` keeps
   the moment it was first seen after ``_AGAIN`` seconds: a tick in which nothing seems to have been counted is
   harm, and a server that answers anew has another ``Date`` by then; sooner nothing may have happened. Where only
   the ``Date`` stands still, that is a cache after ``_STANDS_STILL`` seconds: it is written in whole ones.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from hashlib import blake2b

from interlock.core.change.errors import BadReply, PluginError, Unavailable
from interlock.core.rollout.setting import InvalidSetting
from interlock.plugins.meters.access import read_access, read_url
from interlock.plugins.meters.counting import ARMS, Missing, Query, Tally, read_query, tallies
from interlock.plugins.meters.exposition import ACCEPT, Page, read_page
from interlock.plugins.meters.fetch import Endpoint, Fetched, Refused
from interlock.plugins.meters.reading import Section
from interlock.ports.meter import GONE, Arm, Counted, Sample

NAME = "scrape"
_MOST = 64
_AGAIN, _STANDS_STILL = 0.9, 1.5

Answer = tuple[Page, float] | PluginError


class ScrapeMeter:
    """See the rules above; the contract is in ``ports.meter``."""

    def __init__(self, settings: Mapping[str, object], metrics: Sequence[Counted]) -> None:
        section = Section(values=settings, what="meter `scrape`")
        section.only("canary", "control", "timeout", "refused", "auth", "ca")
        self._urls = {arm: _addresses(section, arm) for arm in ARMS}
        self._timeout = section.number("timeout", 0.5, least=0.05, most=2.0)
        self._refused_is_gone = section.choice("refused", ("gone", "missing"), "gone") == "gone"
        access = read_access(section)
        self._queries = tuple(read_query(counted, "meter `scrape`") for counted in metrics)
        self._names = tuple({query.name for query in self._queries})
        every = dict.fromkeys(url for arm in ARMS for url in self._urls[arm])
        self._sources = {url: _Source(Endpoint(url, access, plugin=NAME), url) for url in every}
        self._shared = set(self._urls["canary"]) & set(self._urls["control"])
        for query in self._queries:
            if self._shared and query.labels["canary"] == query.labels["control"]:
                raise _alike(query)
        self._refused: frozenset[str] = frozenset()
        self._threads: ThreadPoolExecutor | None = None
        self._starting = threading.Lock()

    def check(self) -> None:
        """See ``ports.meter``. What a page says wrong is refused before an address that does not answer."""
        answers = self._ask()
        for query in self._queries:
            for arm in ARMS:
                for url in self._urls[arm]:
                    answer = answers[url]
                    found = None if isinstance(answer, PluginError) else tallies(answer[0], query, arm)
                    if isinstance(found, Missing):
                        raise _refusal(found, query, self._sources[url].shard)
        for answer in answers.values():
            if isinstance(answer, PluginError):
                raise answer
        for query in self._queries:
            self._known_somewhere(query, answers)

    def read(self) -> Sequence[Sample]:
        """See ``ports.meter``."""
        answers = self._ask()
        self._refused = frozenset(url for url, answer in answers.items() if isinstance(answer, Refused))
        samples: list[Sample] = []
        for arm in ARMS:
            for url in self._urls[arm]:
                samples += self._samples(arm, url, answers[url])
        faults = [answer for answer in answers.values() if isinstance(answer, PluginError)]
        if len(faults) == len(answers) and not samples:
            raise faults[0]
        return samples

    def refused(self, arm: Arm) -> Sequence[str]:
        """See ``ports.meter.Refusing``."""
        return [self._sources[url].endpoint.url for url in self._urls[arm] if url in self._refused]

    def close(self) -> None:
        """See ``ports.meter``."""
        with self._starting:
            threads, self._threads = self._threads, None
        if threads is not None:
            for source in self._sources.values():
                source.endpoint.abort()
            threads.shutdown(wait=True, cancel_futures=True)
        for source in self._sources.values():
            source.endpoint.close()

    def _ask(self) -> dict[str, Answer]:
        """Every address at once; what is not there in time is cut off."""
        deadline = time.monotonic() + self._timeout
        with self._starting:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(max_workers=2 * len(self._sources), thread_name_prefix="scrape")
            threads = self._threads
            asked: dict[str, Future[tuple[Page, float]]] = {
                url: threads.submit(source.page, self._names, deadline) for url, source in self._sources.items()
            }
        wait(asked.values(), timeout=self._timeout)
        return {url: self._answer(self._sources[url], future) for url, future in asked.items()}

    def _answer(self, source: _Source, future: Future[tuple[Page, float]]) -> Answer:
        if not future.done():
            future.cancel()
            source.endpoint.abort()
            return Unavailable(
                f"expected an answer from {source.endpoint.url} within {self._timeout:g} s, got none",
                code="meter-unreachable",
                hint="look whether it runs and answers",
                plugin=NAME,
            )
        try:
            return future.result()
        except PluginError as error:
            return error

    def _samples(self, arm: Arm, url: str, answer: Answer) -> list[Sample]:
        shard = self._sources[url].shard
        if isinstance(answer, Refused) and self._refused_is_gone and url not in self._shared:
            now = time.time()
            return [_gone(query, arm, shard, now) for query in self._queries if not query.shard]
        if isinstance(answer, PluginError):
            return []
        page, at = answer
        samples: list[Sample] = []
        for query in self._queries:
            found = tallies(page, query, arm)
            if not isinstance(found, Missing):
                samples += [_sample(query, arm, shard, inner, tally, at) for inner, tally in found.items()]
        return samples

    def _known_somewhere(self, query: Query, answers: Mapping[str, Answer]) -> None:
        """``absent: zero`` forgives a series that is not there yet, but not one that nobody has ever heard of."""
        pages = [answer[0] for answer in answers.values() if not isinstance(answer, PluginError)]
        if not any(query.name in page.types or page.points.get(query.name) for page in pages):
            raise InvalidSetting(
                f"expected the series `{query.name}` at one address at least, got none of that name",
                code="series-missing",
                hint="correct the name: `absent: zero` is for a series that other shards have",
                path=("metrics", query.metric, query.key),
            )


class _Source:
    """One address, and how old its pages are."""

    def __init__(self, endpoint: Endpoint, url: str) -> None:
        self.endpoint, self.shard = endpoint, endpoint.name
        query = url.partition("?")[2]
        self._path = f"{endpoint.path}?{query}" if query else endpoint.path
        self._date, self._first = "", 0.0
        self._said, self._since = b"", 0.0

    def page(self, names: Sequence[str], deadline: float) -> tuple[Page, float]:
        """What is there now, and the moment it is of."""
        got = self.endpoint.get(self._path, deadline=deadline, accept=ACCEPT)
        if got.status != 200:  # noqa: PLR2004  # HTTP's OK
            raise self._bad(f"status {got.status}")
        try:
            page = read_page(got.body, got.media, names)
        except (ValueError, KeyError, IndexError) as error:
            raise self._bad(str(error).replace("\n", " ")[:160]) from error
        return page, self._moment(got)

    def _moment(self, got: Fetched) -> float:
        fields = {name.lower(): text.strip() for name, text in got.headers.items()}
        age = fields.get("age", "")
        at = got.at - (float(age) if age.isascii() and age.isdigit() else 0.0)
        date, shown = self._date, fields.get("date", "")
        before, said = self._said, blake2b(got.body, digest_size=16).digest()
        if not shown or shown != date:
            self._date, self._first, self._said, self._since = shown, at, said, at
        elif said != before:
            self._said = said
            self._since = self._first if at - self._first > _STANDS_STILL else at
        elif at - self._since < _AGAIN:
            return at
        return self._since

    def _bad(self, got: str) -> BadReply:
        return BadReply(
            f"expected counts in Prometheus' text format from {self.shard}, got {got}",
            code="meter-reply",
            hint="look at what the address serves",
            plugin=NAME,
        )


def _addresses(section: Section, arm: Arm) -> tuple[str, ...]:
    urls = section.lines(arm)
    if len(urls) > _MOST:
        raise section.refuse(arm, f"at most {_MOST} addresses", len(urls), code="setting-range")
    return tuple(read_url(section, arm, url) for url in urls)


def _alike(query: Query) -> InvalidSetting:
    return InvalidSetting(
        f"expected labels that tell canary from control for metric `{query.metric}`, got the same for both",
        code="arms-alike",
        hint="an address of both arms needs `canary` and `control` labels in each metric",
        path=("metrics", query.metric),
    )


def _gone(query: Query, arm: Arm, shard: str, now: float) -> Sample:
    above = dict.fromkeys(query.edges, 0.0)
    return Sample(metric=query.metric, arm=arm, shard=shard, value=0.0, at=now, above=above, since=GONE)


def _sample(query: Query, arm: Arm, shard: str, inner: str, tally: Tally, at: float) -> Sample:
    return Sample(
        metric=query.metric,
        arm=arm,
        shard=f"{shard} {inner}" if inner else shard,
        value=tally.value,
        at=at if tally.at is None else min(tally.at, at),
        above=tally.above,
        since=tally.since,
    )


def _refusal(missing: Missing, query: Query, shard: str) -> InvalidSetting:
    return InvalidSetting(
        f"expected {missing.expected} at {shard}, got {missing.got}",
        code=missing.code,
        hint=missing.hint,
        path=("metrics", query.metric, missing.key),
    )
