"""Tests that the old code's own run has and the change's has not, although they are still there.

Rules:
1. A test is *gone* where its function is no longer in its file, or its file is not there: everybody sees that in
   the change. One whose function is there must run: deselected, not collected, skipped or expected to fail it
   hides what it would say.
2. Which parameters a test has is free, unless one of them was deselected: some come from the product.
3. What was skipped before as well hides nothing. So it is with files that cannot be read: they are named as such.
4. Of another runner's tests nobody knows where they are written: only those that are skipped now are named.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from interlock.core.bite.seen import Seen
from interlock.core.bite.syntax import functions, tree_of


class _File(Protocol):
    @property
    def path(self) -> str: ...
    @property
    def after(self) -> bytes | None: ...
    @property
    def gone(self) -> bool: ...


def not_run(before: Collection[str], head: Seen, files: Mapping[str, _File]) -> tuple[str, ...]:
    """Tests of pytest that did not run on head; ``files`` are those that differ, by their path before."""
    ran = {test for test, one in head.results.items() if one.outcome != "skipped"}
    alike = {_bare(test) for test in ran}
    found = []
    for test in sorted(before):
        path, _, name = test.partition("::")
        one = files.get(path)
        now = test if one is None else f"{one.path}::{name}"
        if now in ran or now.partition("::")[0] in head.unread or (one is not None and _is_gone(one, name)):
            continue
        if now in head.left_out or _bare(now) not in alike:
            found.append(test)
    return tuple(found)


def skipped_now(before: Seen, head: Seen) -> tuple[str, ...]:
    """Tests of another runner that ran before, and are skipped on head."""
    return tuple(
        test for test in ran_in(before) if test in head.results and head.results[test].outcome == "skipped"
    )


def ran_in(seen: Seen) -> tuple[str, ...]:
    """The tests that ran, whatever they ended in."""
    return tuple(sorted(test for test, one in seen.results.items() if one.outcome != "skipped"))


def _bare(test: str) -> str:
    path, _, name = test.partition("::")
    return f"{path}::{name.partition('[')[0]}"


def _is_gone(one: _File, name: str) -> bool:
    tree = None if one.after is None else tree_of(one.after)
    if one.gone or tree is None:
        return one.gone
    wanted = name.partition("[")[0].replace("::", ".")
    return wanted not in {known for known, _ in functions(tree)}
