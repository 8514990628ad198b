"""The checkout that ships, as git sees it: what differs from HEAD, and what lies before a range.

Rules:
1. Every tracked file is compared by its content, whatever the index claims.
2. A commit before a base is covered when a shipped head has it in its history, or when the base has the very tree
   of one: a squashed or rebased merge of what was shipped is no new content.
3. What the newest shipped head brought is taken back where HEAD has another file at a path, and no range shows it.
4. A shallow clone that ends before the answer is an error, never an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from interlock.core.change.errors import InvalidInput
from interlock.core.change.paths import path_text, readable
from interlock.core.ticket.shipped import FROM_NOTHING, MAX_NAMED, Checkout, LeftOut, Tip
from interlock.plugins.readers.differing import differing
from interlock.plugins.readers.gitbox import Glass, Located, locate, resolve

_LOOKED_BACK = 2_000
_SUBJECT = 200


def survey(
    root: Path, bases: Sequence[str], tips: Sequence[Tip], trunks: Sequence[str], watched: Sequence[str] = ()
) -> Checkout | None:
    """The checkout at ``root``; None where there is none, or no commit in it yet.

    ``bases`` are full commit ids; without any, all of HEAD must be covered. ``trunks`` are tried in their order
    where there are no ``tips``. ``watched`` are the globs of what the rules call configuration.

    Raises:
        InvalidInput: ``git-shallow``, or an error of ``Glass.run``.
    """
    located = locate(root)
    if located is None:
        return None
    head, trunk = _named(located, () if tips else trunks)
    if head is None:
        return None
    glass = Glass(located)
    try:
        known, begin = _covering(glass, head, tips, trunk)
        trees = {tip.tree for tip in tips}
        begun = [base for base in bases or (head,) if base not in FROM_NOTHING]
        asked = [base for base in begun if _tree(glass, base) not in trees]
        compared = bool(known) or bool(tips)
        left = _left_out(glass, asked, known) if compared and asked else []
        against, back = _taken_back(glass, head, bases, tips)
        edited, untracked = differing(glass, head, watched) if located.work_tree else ([], [])
    finally:
        glass.close()
    return Checkout(
        repository=located.origin,
        head=head,
        bases=tuple(bases),
        heads=tuple(tip.head for tip in tips),
        trunk=trunk[0] if trunk else None,
        left_out=tuple(left[:MAX_NAMED]),
        left_out_count=len(left),
        begin=begin,
        edited=tuple(edited[:MAX_NAMED]),
        edited_count=len(edited),
        untracked=tuple(untracked[:MAX_NAMED]),
        untracked_count=len(untracked),
        against=against,
        taken_back=tuple(back[:MAX_NAMED]),
        taken_back_count=len(back),
    )


def beginning(root: Path, tips: Sequence[Tip]) -> str | None:
    """Where a range up to HEAD begins by itself: the newest shipped head in its history, or a commit like it."""
    located = locate(root)
    head = resolve(located, ["HEAD^{commit}"])[0] if located else None
    if located is None or head is None:
        return None
    glass = Glass(located)
    try:
        found = resolve(located, [f"{tip.head}^{{commit}}" for tip in tips])
        for known in reversed(found):
            if known and _merge_base(glass, head, known) == known:
                return known
        return _alike(glass, head, tips)
    finally:
        glass.close()


def _named(located: Located, trunks: Sequence[str]) -> tuple[str | None, tuple[str, str] | None]:
    """HEAD's commit, and the first trunk that there is, with its name."""
    head, *found = resolve(located, ["HEAD^{commit}", *(f"{name}^{{commit}}" for name in trunks)])
    return head, next(((name, known) for name, known in zip(trunks, found, strict=True) if known), None)


def _covering(
    glass: Glass, head: str, tips: Sequence[Tip], trunk: tuple[str, str] | None
) -> tuple[list[str], str | None]:
    """The commits whose history is covered, and where a range to ``head`` must begin after the newest of them."""
    named = resolve(glass.located, [f"{tip.head}^{{commit}}" for tip in tips]) if tips else []
    known = [each for each in named if each] or ([trunk[1]] if trunk else [])
    begin = next((found for each in reversed(known) if (found := _merge_base(glass, head, each))), None)
    return known, begin


def _left_out(glass: Glass, bases: Sequence[str], known: Sequence[str]) -> list[LeftOut]:
    without = [f"^{each}" for each in known]
    output = glass.run("log", "-z", "--no-show-signature", "--format=%H %s", *bases, *without, "--")
    lines = [readable(line).partition(" ") for line in output.split(b"\0") if line]
    if not glass.located.shallow.isdisjoint(commit for commit, _, _ in lines):
        raise InvalidInput(
            "expected the history back to what was shipped, got a shallow clone that ends before it",
            code="git-shallow",
            hint="git fetch --unshallow (in GitHub Actions: fetch-depth: 0)",
        )
    return [LeftOut(commit=commit, subject=subject[:_SUBJECT]) for commit, _, subject in lines]


def _taken_back(
    glass: Glass, head: str, bases: Sequence[str], tips: Sequence[Tip]
) -> tuple[str | None, list[str]]:
    """The newest shipped head, None where its tree is not here, and the files of it that no range shows to go."""
    tree = resolve(glass.located, [f"{tips[-1].tree}^{{tree}}"])[0] if tips else None
    if tree is None:
        return None, []
    back = _other_files(glass, tree, head)
    for base in bases if back else ():
        back -= back if base in FROM_NOTHING else _other_files(glass, base, head)
    return tips[-1].head, sorted(map(path_text, back))


def _other_files(glass: Glass, before: str, head: str) -> set[bytes]:
    shape = ("-r", "-z", "--name-only", "--no-renames", "--no-relative", "--ignore-submodules=none")
    return {name for name in glass.run("diff-tree", *shape, before, head, "--").split(b"\0") if name}


def _merge_base(glass: Glass, one: str, other: str) -> str | None:
    found = glass.run("merge-base", one, other, none_is_empty=True).decode("ascii").strip()
    return found or None


def _tree(glass: Glass, commit: str) -> str:
    return glass.run("log", "-1", "--no-show-signature", "--format=%T", commit, "--").decode("ascii").strip()


def _alike(glass: Glass, head: str, tips: Sequence[Tip]) -> str | None:
    """The newest commit of the main line whose tree is one that was shipped."""
    trees = {tip.tree for tip in tips}
    if not trees:
        return None
    shape = ("--first-parent", f"--max-count={_LOOKED_BACK}", "--no-show-signature", "--format=%H %T")
    for line in glass.run("log", *shape, head, "--").decode("ascii").splitlines():
        commit, _, tree = line.partition(" ")
        if tree in trees:
            return commit
    return None
