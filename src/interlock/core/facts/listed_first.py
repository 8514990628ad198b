"""Which tests a person listed before there was any code.

Rules:
1. Counted is the list of a commit that touches nothing but the documentation, carries no mark of AI, and is an
   ancestor of every commit of the range that touches anything else. A list in the commit of the code, on a branch
   beside it or in a later commit was written by somebody who could see the code.
2. Of several such commits the last one's list counts: it may still change until the code begins.
3. A version without a commit proves no time; a note that cannot be read may be hiding a mark.
4. The order is that of the commits, which who holds them can rewrite: what it proves is what the range shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from interlock.core.change.catalog import Catalog
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parts import Commit, GitRange, Part
from interlock.core.facts.commit_signals import agents_by_account, signals_of_commit
from interlock.core.facts.front_matter import read_written
from interlock.core.facts.git_ai import read_note
from interlock.core.facts.model import Documentation
from interlock.core.facts.ordered import ranges_of


def tests_before(parts: Sequence[Part], documentation: Documentation, catalog: Catalog) -> tuple[str, ...]:
    """The required tests of the last list that rule 1 counts, none where there is no such list."""
    agents = agents_by_account(catalog)
    for part in ranges_of(parts):
        texts = {item.commit: item.text for item in part.documents if item.path == documentation.path}
        if documentation.present and texts:
            chosen = _last_before(part, texts.keys() - {None}, agents)
            return (
                () if chosen is None else read_written(documentation.path, texts[chosen]).items("required_tests")
            )
    return ()


def _last_before(part: GitRange, written: set[str | None], agents: Mapping[str, str]) -> str | None:
    found = None
    for number, commit in enumerate(part.commits):
        if not commit.documents_only:
            break
        if (
            commit.id in written
            and not _is_marked(commit, agents)
            and _precedes(commit, part.commits[number + 1 :])
        ):
            found = commit.id
    return found


def _precedes(first: Commit, later: Sequence[Commit]) -> bool:
    """Whether every later commit that touches something else descends from ``first``; parents come first."""
    line = {first.id}
    for commit in later:
        if line.intersection(commit.parents):
            line.add(commit.id)
        elif not commit.documents_only:
            return False
    return True


def _is_marked(commit: Commit, agents: Mapping[str, str]) -> bool:
    if any(True for _ in signals_of_commit(commit, agents)):
        return True
    if commit.note is None:
        return False
    try:
        return bool(read_note(commit.note).ai_lines)
    except InvalidInput:
        return True
