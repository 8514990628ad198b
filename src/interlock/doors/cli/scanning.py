"""From a change to its scan: the plans of the rules in force, both sides from git, what is new, and handed in.

Rules:
1. Every scanner of the plans must be here, or none is run: what one would have found is not known without it.
2. What is looked at is git's own content of the range on record; the checkout is not read.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from interlock import registry
from interlock.config import Config
from interlock.core.change.canonical import Json, plain
from interlock.core.change.errors import InvalidInput, Unavailable
from interlock.core.change.parse import parse
from interlock.core.change.parts import GitRange
from interlock.core.change.settings import Settings, is_scan_plan_file
from interlock.core.evidence.run import Ended
from interlock.core.policy.shown import SCAN
from interlock.core.scan.languages import unlooked
from interlock.core.scan.outcome import Amount, Outcome, outcome, predicate
from interlock.core.scan.plan import ScanPlan, left_out, may_stay_unread, together
from interlock.core.scan.plan_read import read_scan_plan
from interlock.core.scan.sarif_written import written
from interlock.core.scan.seen import Source
from interlock.doors.cli.aside import aside
from interlock.doors.cli.at_hand import exactly
from interlock.doors.cli.client import Client
from interlock.doors.cli.files import write_whole
from interlock.doors.cli.rehearsing import hearing
from interlock.doors.cli.run_record import begun, over
from interlock.doors.cli.runner import Handed, Runner, check_out, hand_in, runner_of, sign
from interlock.doors.cli.text import safe
from interlock.plugins.readers.scan_sources import RangeReader, RangeSources, reading
from interlock.plugins.world.system import RandomIds
from interlock.ports.scanner import Look
from interlock.road.scan import Ready, ready, scan

Told = dict[str, Any]
LONGEST = 7_200.0
TOOL = "interlock scan"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """How this repository is scanned: the plans, scanners' own files by path below them, and the scanners."""

    plans: tuple[ScanPlan, ...]
    files: dict[str, bytes]
    scanners: tuple[Ready, ...]


def scanned(
    api: Client, config: Config, name: str, *, key: str | None, out: str | None, sarif: str | None = None
) -> Told:
    """The scan of the change ``name``, handed in where it can be.

    Raises:
        InvalidInput: ``scan-none`` without a range of commits, or what is wrong with a plan or the key.
        Conflict: the checkout is not the change.
        Unavailable: ``scanner-missing``.
    """
    check_out(out)
    check_out(sarif, "--sarif")
    began, here = time.monotonic(), exactly(api, name, config)
    rules = api.get("/v1/rules").json
    book = _rulebook(api, rules)
    ranges = [part for part in here.submission.parts if isinstance(part, GitRange)]
    if not ranges:
        raise InvalidInput(
            f"expected a range of commits in `{name}`, got none: there is no code to scan",
            code="scan-none",
            hint="open the change with --base, or add another tool's scan: interlock evidence add",
        )
    runner = runner_of(key, config, rules, SCAN, tuple(here.change["services"]))
    if runner is not None and runner.doubt:
        aside("doubt", f"{safe(runner.doubt)}: this will be kept and not count")
    change, run = here.change, RandomIds().new("scn")
    about = ", ".join(one.kind for one in book.scanners)
    begun(api, change=change["id"], run=run, producer="scan", about=about, seconds=LONGEST)
    try:
        found = _looked(config, book, ranges)
    except BaseException:
        over(api, run, "cancelled")
        raise
    said: dict[str, Json] = {"run": run, "tool": TOOL, "rules": rules["digest"], **predicate(found)}
    handed = _handed(api, config, change, rules, said, runner, out)
    if sarif is not None:
        write_whole(sarif, written(found))
    if out is not None and handed is None:
        why = "it would say nothing about the change" if found.verdict == "undecidable" else "nobody signed it"
        aside("doubt", f"nothing was written to {safe(out)}: {why}")
    evidence = handed.kept["id"] if handed and handed.kept else None
    ended: Ended = found.verdict
    over(api, run, ended, evidence=evidence)
    return {
        "change": change["id"],
        "digest": change["digest"],
        **said,
        "good": found.verdict == "passed",
        "noted": len(found.findings) - len(found.blocking),
        "took_seconds": round(time.monotonic() - began, 1),
        "evidence": None if handed is None else plain(handed),
    }


def _rulebook(api: Client, rules: Told) -> Rulebook:
    settings = parse(Settings, rules["settings"], what="the settings in force")
    items = [(one["path"], base64.b64decode(one["content"])) for one in _plans(api)]
    plans = tuple(read_scan_plan(path, content) for path, content in items if is_scan_plan_file(path, settings))
    folder = settings.scan_plans.rstrip("/") + "/"
    files = {path.removeprefix(folder): content for path, content in items}
    made = ready(plans, registry.scanners())
    for one in made:
        if missing := one.scanner.missing():
            what, _, how = missing.partition(": ")
            raise Unavailable(
                f"expected {what} here for the scanner `{one.kind}`, got none",
                code="scanner-missing",
                hint=how,
                plugin=one.kind,
            )
    return Rulebook(plans=plans, files=files, scanners=made)


def _plans(api: Client) -> list[Told]:
    found: list[Told] = api.get("/v1/plans", producer="scan").json["items"]
    return found


def _looked(config: Config, book: Rulebook, ranges: Sequence[GitRange]) -> Outcome:
    told, into = hearing(), RangeSources()
    without, accept = together(book.plans)
    with reading(config.root, partial(left_out, without)) as reader:
        for part in ranges:
            reader.read(part, into)
        look = Look(sources=into.sources, near=partial(_near, reader, ranges), files=book.files)
        judged, done = scan(book.scanners, look, told=told)
    missed = unlooked(into.sources, [one.scanner.reads for one in book.scanners])
    told_of = [(one, name) for one, name in missed if not may_stay_unread(book.plans, one.path)]
    amount = Amount(
        files=into.files,
        lines=into.lines,
        binary=into.binary,
        left_out=into.left_out,
        unlooked=len(missed) - len(told_of),
    )
    unread = [f"{one.path}: {name}, which no scanner of the plans reads" for one, name in told_of]
    return outcome(judged, done, [*into.unread, *unread], accept, amount)


def _near(reader: RangeReader, ranges: Sequence[GitRange], expression: str) -> Sequence[Source]:
    return [one for part in ranges for one in reader.near(part, expression)]


def _handed(
    api: Client,
    config: Config,
    change: Told,
    rules: Told,
    said: dict[str, Json],
    runner: Runner | None,
    out: str | None,
) -> Handed | None:
    if runner is None or said["verdict"] == "undecidable":
        return None
    days = rules["settings"]["thresholds"]["evidence_days"]
    signed = sign(runner, subject=change["digest"], predicate_type=SCAN, predicate=said, days=days)
    return hand_in(api, config, change=change["id"], run=str(said["run"]), signed=signed, out=out)
