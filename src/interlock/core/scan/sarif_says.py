"""What any scanner says in SARIF, as findings in the files that it was given.

Rules:
1. What the tool suppressed, or compared with a baseline of its own, counts like the rest: a comment of the change
   must not hide anything, and what was there before is found by us.
2. A log that says that the tool did not come to its end, and a finding in a file that it was not given, are
   faults.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote_to_bytes, urlsplit

from interlock.core.change.canonical import Json
from interlock.core.change.errors import InterlockError
from interlock.core.change.paths import path_text
from interlock.core.evidence.sarif import MAX_SARIF, ScanFinding, scan_of
from interlock.core.evidence.strict_json import read_json
from interlock.core.scan.seen import Scanned, Seen, Source

_OWN = ("suppressions", "baselineState")


def read_sarif_of(said: bytes, names: Mapping[str, Source], *, root: str, tool: str) -> Scanned:
    """What a tool saw below the folder ``root``; ``names`` are its files by path, ``tool`` its name."""
    try:
        log = read_json(said, what="a SARIF log", limit=MAX_SARIF)
        scan = scan_of(_bare(log))
    except InterlockError as error:
        return Scanned(tool=tool, fault=f"what it said cannot be read: {error.message}")
    version = _version(log)
    if not scan.complete:
        return Scanned(tool=tool, version=version, fault="it says that it did not come to its end")
    seen = []
    for one in scan.findings:
        source = names.get(_path(one.path, root))
        if source is None:
            return Scanned(tool=tool, version=version, fault="it names a file that it was not given")
        seen.append(_seen(one, source, tool))
    return Scanned(tool=tool, version=version, seen=tuple(seen))


def _seen(one: ScanFinding, source: Source, tool: str) -> Seen:
    # A scanner of secrets names no weakness: that it is one was told by its name, which the plan need not repeat.
    secret = "secrets" in one.classes
    return Seen(
        source=source,
        line=max(1, one.line or 1),
        rule=one.rule,
        tool=tool,
        level=one.level,
        message="" if secret else one.message,
        cwes=frozenset(one.cwes) | (frozenset({798}) if secret else frozenset()),
    )


def _bare(log: Json) -> Json:
    """The log without what the tool says of suppressions and baselines."""
    listed = log.get("runs") if isinstance(log, dict) else None
    if not isinstance(log, dict) or not isinstance(listed, list):
        return log
    runs: list[Json] = []
    for run in listed:
        results = run.get("results") if isinstance(run, dict) else None
        if isinstance(run, dict) and isinstance(results, list):
            bare: list[Json] = [
                {key: value for key, value in one.items() if key not in _OWN} if isinstance(one, dict) else one
                for one in results
            ]
            run = {**run, "results": bare}  # noqa: PLW2901  # the same run, without them
        runs.append(run)
    return {**log, "runs": runs}


def _path(uri: str, root: str) -> str:
    parts = urlsplit(uri)
    raw = unquote_to_bytes(parts.path if parts.scheme == "file" else uri)
    prefix = root.encode("utf-8", "surrogateescape").rstrip(b"/") + b"/"
    return path_text(raw.removeprefix(prefix).removeprefix(b"./"))


def _version(log: Json) -> str:
    runs = log.get("runs") if isinstance(log, dict) else None
    for run in runs if isinstance(runs, list) else []:
        tool = run.get("tool") if isinstance(run, dict) else None
        driver = tool.get("driver") if isinstance(tool, dict) else None
        for key in ("semanticVersion", "version"):
            found = driver.get(key) if isinstance(driver, dict) else None
            if isinstance(found, str):
                return found[:80]
    return ""
