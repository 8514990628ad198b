"""Station 7, report: what past deployments had, by the tags of a repository and the files each tag leads to.

Rules:
1. Each release is looked at as it was then: its manifests, its alert rules, its CI files, its catalog.
2. A file that several releases share is read once. Files that nobody could read are counted for each.
3. A metric that is the business by its name alone must be named by more than alert rules there: it is looked up
   once an alert on it would count.
4. At most 100,000 files and 64 MiB of what is worth reading are looked at for a release; what is left out is told.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from interlock.core.audit.alert_judged import spellings, tells_of
from interlock.core.audit.answers import Answer, Answers, all_together
from interlock.core.audit.file_look import MOST_SEARCHED, FileLook, look, unopened, wanted
from interlock.core.audit.releases import Release
from interlock.core.audit.tree_alerts import Known
from interlock.core.audit.tree_look import Counts, TreeLook, answered
from interlock.ports.releases import ReleasedTrees, TreeFile
from interlock.road.deployments import PastDeployment

MOST_FILES, MOST_READ = 100_000, 64 * 1024 * 1024
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One deployment, by the record, by a tag, or by both. ``by`` says by which of these it is known.

    ``counts`` are what was looked at in the repository, None where its commit is not in this copy; ``missing`` is
    what could not be read or found, in words.
    """

    name: str
    by: tuple[str, ...]
    at: datetime
    commit: str
    title: str = ""
    also: tuple[str, ...] = ()
    answers: Answers
    counts: Counts | None = None
    missing: tuple[str, ...] = ()


class TreeReader:
    """Looks at commits of one repository; ``told`` hears what is being looked at."""

    def __init__(self, trees: ReleasedTrees, told: Progress, service: str | None = None) -> None:
        self._trees, self._told, self._service = trees, told, service
        self._looks: dict[tuple[str, str], FileLook] = {}
        self._known = Known()

    def look(self, commit: str, name: str) -> TreeLook | None:
        """What the files of a commit answer; ``name`` is how people call it."""
        tree = self._trees.tree(commit)
        if tree is None:
            return None
        files = [each for each in tree.files[:MOST_FILES] if wanted(each.path)]
        counts = Counts(files=len(tree.files), links=tree.links, submodules=tree.submodules)
        looks = self._read(files, name)
        rules = {each.path for each in looks if each.rules or any(hint.of == "alert" for hint in each.hints)}
        found = answered(
            looks, counts, self._service, known=self._known, mentioned=partial(self._mentioned, commit, rules)
        )
        left = len(tree.files) - MOST_FILES
        return found if left <= 0 else replace(found, missing=(*found.missing, f"{left:,} files beyond the limit"))

    def _mentioned(self, commit: str, rules: Collection[str], metric: str) -> bool | None:
        """Whether more than an alert rule names a metric there; None where not all can be looked through."""
        paths = self._trees.naming(commit, spellings(metric))
        return None if paths is None else any(tells_of(path, rules) for path in paths)

    def _read(self, files: Sequence[TreeFile], name: str) -> list[FileLook]:
        looks, read = [], 0
        for count, each in enumerate(files, 1):
            key = (each.path, each.blob)
            if key not in self._looks:
                read += each.size if each.size <= MOST_SEARCHED else 0
                self._looks[key] = self._one(each) if read <= MOST_READ else unopened(each.path)
            looks.append(self._looks[key])
            self._told(f"{name}: {count:,} of {len(files):,} file{'' if len(files) == 1 else 's'}")
        return looks

    def _one(self, each: TreeFile) -> FileLook:
        if each.size > MOST_SEARCHED:
            return unopened(each.path)
        content = self._trees.content(each.blob)
        return unopened(each.path, "gone") if content is None else look(each.path, content)


def past(
    reader: TreeReader | None, recorded: Sequence[PastDeployment], released: Sequence[Release], *, last: int
) -> tuple[Past, ...]:
    """The ``last`` newest deployments that either knows of; a release that the record has too is one with it."""
    shipped = {one.commit for one in recorded if one.commit}
    tagged = {one.commit: one for one in released}
    known: list[tuple[datetime, PastDeployment | None, Release | None]]
    known = [(one.at, one, tagged.get(one.commit)) for one in recorded]
    known += [(one.at, None, one) for one in released if one.commit not in shipped]
    newest = sorted(known, key=lambda one: one[0], reverse=True)[:last]
    return tuple(_past(reader, record, release) for _, record, release in newest)


def _past(reader: TreeReader | None, record: PastDeployment | None, release: Release | None) -> Past:
    commit = record.commit if record else release.commit if release else ""
    name = release.name if release else record.id if record else ""
    found = reader.look(commit, name) if reader and commit else None
    answers = [*([record.answers] if record else []), *([found.answers] if found else [])]
    gone = () if found else ("its files: they are not in this copy of the repository",)
    also = (*((record.id, record.change) if record else ()), *((release.name, *release.also) if release else ()))
    by = [_known_by(record)] if record else []
    by += [("marker" if release.marker else "tag") if release.tag else "revision"] if release else []
    return Past(
        name=record.id if record else name,
        by=tuple(by),
        at=record.at if record else release.at if release else datetime.min.replace(tzinfo=UTC),
        commit=commit,
        title=record.title if record else "",
        also=tuple(each for each in also if each != (record.id if record else name)),
        answers=all_together(answers) if answers else _NOTHING,
        counts=found.counts if found else None,
        missing=found.missing if found else gone,
    )


def _known_by(record: PastDeployment) -> str:
    """A rollout, a ticket that was used, or one of which nobody reported that it was."""
    return "unreported" if record.kind == "ticket" and record.state != "redeemed" else record.kind


_UNSEEN = Answer(said="unknown", why="its files are not in this copy of the repository")
_NOTHING = Answers(rollback=_UNSEEN, canary=_UNSEEN, alert=_UNSEEN)
