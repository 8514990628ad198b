"""Reads a range of a git repository: commits, files, documentation, AI notes.

Rules:
1. The range is merge-base to head; ``base`` may be ``ROOT`` for a history described from nothing.
   ``tree:<commit>`` is compared as it lies, descendant or not: what that commit brought and the head has not is
   then shown as taken back.
2. ``head`` may be ``WORKTREE``: what a commit of everything now would hold, uncommitted and untracked files
   included; with ``ROOT`` also before the first commit. Where that differs from HEAD the head is
   ``worktree:<tree>``, which no commit can ever be called.
3. The recipe keeps the merge-base found and the head as it was named, so that reading again sees drift.
4. An empty range, unrelated histories and a range cut off by a shallow clone are errors, never an empty part.

Arguments: ``base`` and ``head`` (default ``HEAD``), ``path`` (folder of the repository, default ``.``),
``documentation`` (file name, default ``change.md``, looked for in every folder). Without ``base`` and ``head``
there is nothing to read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from interlock.core.change.change import Recipe
from interlock.core.change.errors import InvalidInput
from interlock.core.change.gitlog import LOG_FORMAT, empty_tree, read_commits, read_files
from interlock.core.change.parts import Commit, FileChange, GitRange
from interlock.core.change.paths import readable
from interlock.plugins.readers.files import inside
from interlock.plugins.readers.gitbox import Glass, Located, locate, resolve
from interlock.plugins.readers.gitdocuments import GitDocuments
from interlock.plugins.readers.gitmaterial import GitMaterial
from interlock.plugins.readers.worktree import write_tree
from interlock.ports.reader import Reading, ReadRequest

ROOT = "ROOT"
WORKTREE = "WORKTREE"
AS_IT_LIES = "tree:"
MAX_COMMITS = 20_000
MAX_FILES = 100_000
MAX_NOTE = 1024 * 1024
_FEW = 50
_NOTES = "refs/notes/ai"
_OLD_NOTES = "refs/ai/authorship/"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Range:
    """What the request names, resolved. ``without`` are all merge bases, ``base`` the one that is shown."""

    base: str
    head: str
    tip: str
    tree: str
    without: tuple[str, ...]
    notes: str | None


class GitReader:
    """Describes ``base..head`` of the repository at ``root``."""

    name = "git"

    def read(self, request: ReadRequest) -> Reading | None:
        """The range as a ``GitRange``, None when neither base nor head is named."""
        arguments = request.arguments
        if not arguments.get("base") and not arguments.get("head"):
            return None
        folder = inside(request.root, arguments.get("path", "."), folder=True)
        located = locate(folder)
        if located is None:
            raise InvalidInput(
                f"expected a git repository at `{arguments.get('path', '.')}`, got none",
                code="git-repository",
                hint="run interlock inside a repository, or git init",
            )
        glass = Glass(located)
        try:
            found = _resolved(glass, arguments)
            part = _part(glass, found, arguments.get("documentation") or "change.md")
        except BaseException:
            glass.close()
            raise
        pinned = arguments | {
            "base": _pinned(found, arguments),
            "head": arguments.get("head", "HEAD"),
        }
        recipe = Recipe(reader=self.name, arguments=dict(sorted(pinned.items())))
        return Reading(part=part, recipe=recipe, material=GitMaterial(glass, found.base, found.tree, part.files))


def _pinned(found: _Range, arguments: dict[str, str]) -> str:
    straight = arguments.get("base", "").startswith(AS_IT_LIES)
    return f"{AS_IT_LIES if straight else ''}{found.base}" if found.without else ROOT


def _resolved(glass: Glass, arguments: dict[str, str]) -> _Range:
    located = glass.located
    base_name, head_name = arguments.get("base", ""), arguments.get("head", "") or "HEAD"
    straight, base_name = base_name.startswith(AS_IT_LIES), base_name.removeprefix(AS_IT_LIES)
    tip_name = "HEAD" if head_name == WORKTREE else head_name
    if not base_name:
        raise InvalidInput(
            "expected a base to compare with, got none",
            code="git-base-missing",
            hint="name it: --base origin/main (or ROOT for the whole history)",
        )
    wanted = [f"{tip_name}^{{commit}}", f"{tip_name}^{{tree}}", f"{_NOTES}^{{commit}}"]
    if base_name != ROOT:
        wanted.append(f"{base_name}^{{commit}}")
    tip, tree, notes, *bases = resolve(located, wanted)
    if tip is None and (base_name, head_name) == (ROOT, WORKTREE):
        tip = tree = empty_tree(located.object_format)
    if tip is None or tree is None:
        raise _unknown(tip_name, located)
    if base_name != ROOT and not bases[0]:
        raise _unknown(base_name, located)
    without: tuple[str, ...] = ()
    if bases and bases[0]:
        without = (bases[0],) if straight else _merge_bases(glass, bases[0], tip, base_name, tip_name)
    base = without[0] if without else empty_tree(located.object_format)
    head = tip
    if head_name == WORKTREE:
        shown = write_tree(glass)
        head, tree = (tip, tree) if shown == tree else (f"worktree:{shown}", shown)
    return _Range(base=base, head=head, tip=tip, tree=tree, without=without, notes=notes)


def _merge_bases(glass: Glass, base: str, tip: str, base_name: str, tip_name: str) -> tuple[str, ...]:
    if base == tip:
        return (base,)
    output = glass.run("merge-base", "--all", base, tip, none_is_empty=True)
    found = tuple(sorted(output.decode("ascii").split()))
    if glass.located.shallow and _is_cut(glass, (base, tip), found):
        raise _cut_off()
    if not found:
        raise InvalidInput(
            f"expected `{base_name[:60]}` and `{tip_name[:60]}` to share history, got unrelated ones",
            code="git-unrelated",
            hint="name a base that the head was made from, or ROOT to describe it from nothing",
        )
    return found


def _is_cut(glass: Glass, ends: tuple[str, str], found: tuple[str, ...]) -> bool:
    """Whether history is missing on either side: then what looks like the merge base may not be the best one."""
    listed = glass.run("rev-list", *ends, *(f"^{name}" for name in found), "--").decode("ascii").split()
    return not found or not glass.located.shallow.isdisjoint(listed)


def _shown(head: str) -> str:
    """The first twelve digits, and WORKTREE as the word that was given."""
    return "WORKTREE" if ":" in head else head[:12]


def _part(glass: Glass, found: _Range, documentation: str) -> GitRange:
    commits = _commits(glass, found)
    files = _files(glass, found)
    if not commits and not files:
        raise InvalidInput(
            f"expected changes between `{found.base[:12]}` and `{_shown(found.head)}`, got an empty range",
            code="git-range-empty",
            hint="commit first: a change is what is committed; or name an older --base, or --head WORKTREE",
        )
    texts = GitDocuments(glass, documentation)
    return GitRange(
        repository=glass.located.origin,
        base=found.base,
        head=found.head,
        head_tree=found.tree,
        commits=_noted(glass, found, texts.marked(commits)),
        files=files,
        documents=texts.versions(commits, found.tip, found.tree),
    )


def _commits(glass: Glass, found: _Range) -> tuple[Commit, ...]:
    if found.tip == empty_tree(glass.located.object_format):
        return ()
    selection = [found.tip, *(f"^{name}" for name in found.without)]
    count = int(glass.run("rev-list", "--count", *selection, "--"))
    if count > MAX_COMMITS:
        raise InvalidInput(
            f"expected at most {MAX_COMMITS} commits, got {count}",
            code="git-too-large",
            hint="name a nearer base",
        )
    if not count:
        return ()
    shape = ("-z", "--no-notes", "--no-mailmap", "--no-show-signature", "--encoding=UTF-8", "--no-patch")
    commits = read_commits(glass.run("log", *shape, f"--format={LOG_FORMAT}", *selection, "--"))
    if any(commit.id in glass.located.shallow for commit in commits):
        raise _cut_off()
    return commits


def _files(glass: Glass, found: _Range) -> tuple[FileChange, ...]:
    shape = ("-r", "-z", "-M", "-l1000", "--full-index", "--diff-algorithm=myers", "--ignore-submodules=none")
    plain = ("--no-ext-diff", "--no-textconv", "--no-relative", "--no-color")
    output = glass.run("diff-tree", *shape, *plain, "--raw", "--numstat", found.base, found.tree, "--")
    files = read_files(output)
    if len(files) > MAX_FILES:
        raise InvalidInput(
            f"expected at most {MAX_FILES} changed files, got {len(files)}",
            code="git-too-large",
            hint="name a nearer base",
        )
    return files


def _noted(glass: Glass, found: _Range, commits: Sequence[Commit]) -> tuple[Commit, ...]:
    """The commits with their git-ai notes; the first versions of git-ai kept one ref for each commit."""
    if not found.notes:
        olds = resolve(glass.located, [f"{_OLD_NOTES}{commit.id}" for commit in commits])
        return tuple(
            replace(c, note=_text(glass, old)) if old else c for c, old in zip(commits, olds, strict=True)
        )
    if len(commits) <= _FEW:
        return tuple(replace(commit, note=_note(glass, found.notes, commit.id)) for commit in commits)
    output = glass.run("ls-tree", "-r", "-z", "--full-tree", found.notes)
    lines = (line.partition(b"\t") for line in output.split(b"\0") if line)
    blobs = {path.replace(b"/", b""): words.split()[2].decode("ascii") for words, _, path in lines}
    named = ((commit, blobs.get(commit.id.encode("ascii"))) for commit in commits)
    return tuple(replace(commit, note=_text(glass, blob)) if blob else commit for commit, blob in named)


def _note(glass: Glass, notes: str, name: str) -> str | None:
    """A notes tree fans out over 0 to 3 folders, as it grows."""
    for cut in range(4):
        parts = [name[2 * level : 2 * level + 2] for level in range(cut)] + [name[2 * cut :]]
        text = _text(glass, f"{notes}:{'/'.join(parts)}")
        if text is not None:
            return text
    return None


def _text(glass: Glass, name: str) -> str | None:
    content = glass.blob(name)
    return None if content is None else readable(content[:MAX_NOTE])


def _unknown(name: str, located: Located) -> InvalidInput:
    shallow = " --unshallow" if located.shallow else ""
    return InvalidInput(
        f"expected a commit, got `{name[:60]}` which this repository does not know",
        code="git-revision-unknown",
        hint=f"git fetch{shallow} origin, then check the name with: git log -1 {name[:60]}",
    )


def _cut_off() -> InvalidInput:
    return InvalidInput(
        "expected the whole history of the range, got a shallow clone that ends inside it",
        code="git-shallow",
        hint="git fetch --unshallow (in GitHub Actions: fetch-depth: 0)",
    )
