"""Rollouts on real processes: how soon harm ends at the proxy, what it cost customers, and no good one stopped.

    python -m benchmarks.rollout [--runs 20] [--good 30] [--beside 1] [--only PLACE …] [--quick]
                                [--afresh] [--rows FILE] [--json FILE] [--pictures FOLDER]

A server (``interlock serve`` on SQLite), Envoy or HAProxy, three instances of the running version, a canary and a
load of 300 orders a second are real processes; each rollout is opened, gated and started by the commands that
users type. ``cases`` lists what is run and the goals, ``play`` how it is measured.

A whole run takes about three hours on two cores. Every rollout is a line in ``rows.jsonl``, and a run goes on
where one was stopped; ``--afresh`` begins anew. ``--quick`` runs two of each at one place and four
good ones of half a minute, two of them with something frozen, and keeps no rows. ``--beside 4`` runs good ones on
four stacks at once, which share the 300 orders: thirty of them in twenty minutes. Figures are of all rows in the
file, with the machine's load beside them. A whole run writes docs/measurements/rollout.md.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from pathlib import Path

from benchmarks.rollout import figures, page
from benchmarks.rollout.cases import PLACES, Place
from benchmarks.rollout.play import faulty, good
from benchmarks.rollout.rows import Row, Rows

PAGES = Path(__file__).resolve().parents[2] / "docs" / "measurements"
ROWS = Path(__file__).with_name("rows.jsonl")
GOOD = Place(proxy="envoy", percent=5.0), Place(proxy="haproxy", percent=5.0)


def main() -> None:
    given = arguments()
    # Whoever ends it ends its servers and proxies as well: a signal alone runs no `finally`.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if given.quick:
        with tempfile.TemporaryDirectory() as folder:
            rows = Rows(Path(folder) / "rows.jsonl")
            if "good" not in given.only:
                faulty(PLACES[0], rows, 2)
            good(GOOD[0], rows, 4, beside=given.beside, seconds=30.0)
            finish(rows.read(), given.json, pictures=given.pictures)
        return
    rows = Rows(given.rows)
    if given.afresh:
        rows.forget()
    for place in PLACES:
        if not given.only or place.name in given.only:
            faulty(place, rows, given.runs)
    for place in GOOD:
        if not given.only or "good" in given.only:
            good(place, rows, given.good // len(GOOD), beside=given.beside)
    finish(rows.read(), given.json, pictures=given.pictures or (None if given.only else PAGES))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20, help="of each case")
    parser.add_argument("--good", type=int, default=30, help="good rollouts of two minutes")
    parser.add_argument("--beside", type=int, default=1, help="stacks of good rollouts at once")
    names = [*(place.name for place in PLACES), "good"]
    parser.add_argument("--only", nargs="+", default=[], choices=names, metavar="PLACE", help=", ".join(names))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--afresh", action="store_true")
    parser.add_argument("--rows", type=Path, default=ROWS)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--pictures", type=Path, help="write page and pictures there, whatever was run")
    return parser.parse_args()


def finish(found: list[Row], to: Path | None, *, pictures: Path | None) -> None:
    """Print what was found; write the page where a whole run wants one."""
    rows = [*figures.harmful(found), *figures.harmless(found)]
    for figure in rows:
        goal = f"  (goal {figure['target']})" if "target" in figure else ""
        print(f"{figure['figure']:<58} {figure['value']:>8} {figure['unit']}{goal}  {figure['note']}")
    answer: dict[str, object] = {"title": "Rollouts on real processes", "rows": rows}
    if pictures is not None and found:
        answer["page"] = f"measurements/{page.write(found, pictures)}"
    if to is not None:
        to.write_text(json.dumps(answer, indent=1))


if __name__ == "__main__":
    main()
