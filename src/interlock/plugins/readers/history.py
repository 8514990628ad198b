"""A git repository's past: what entered the main line, by whom, and what is tracked now."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from interlock.core.change.errors import InvalidInput
from interlock.core.change.parts import Identity
from interlock.core.change.paths import readable
from interlock.core.facts.survey import Author, PastChange, Survey
from interlock.plugins.readers.gitbox import Glass, Located, locate, resolve

MAX_AUTHORS = 200
_FIELDS = 6


class GitHistory:
    """The past of the repository that a folder lies in."""

    def survey(self, root: Path, *, since: datetime) -> Survey:
        """Tracked paths and authors of the head."""
        located, head = _head(root)
        glass = Glass(located)
        try:
            listed = glass.run("ls-tree", "-r", "-z", "--name-only", "--full-tree", head)
            named = glass.run("log", "--format=%an%x00%ae%x00", f"--since={since.isoformat()}", head)
        finally:
            glass.close()
        paths = tuple(readable(path) for path in listed.split(b"\x00") if path)
        return Survey(name=_name(located), head=head, paths=paths, authors=_authors(named))

    def merges(self, root: Path, *, since: datetime, limit: int) -> tuple[PastChange, ...]:
        """First-parent commits since then, newest first; a root commit has nothing before it and is left out."""
        located, head = _head(root)
        glass = Glass(located)
        try:
            raw = glass.run(
                "log",
                "--first-parent",
                "--min-parents=1",
                f"--max-count={limit}",
                f"--since={since.isoformat()}",
                "--format=%H%x00%P%x00%ct%x00%an%x00%ae%x00%s%x00",
                head,
            )
        finally:
            glass.close()
        fields = raw.split(b"\x00")[:-1]
        return tuple(_past(fields[start : start + _FIELDS]) for start in range(0, len(fields), _FIELDS))


def _head(root: Path) -> tuple[Located, str]:
    located = locate(root)
    if located is None:
        raise InvalidInput(
            f"expected a git repository at `{root}`, got none", code="git-repository", hint="git init, then commit"
        )
    head = resolve(located, ["HEAD"])[0]
    if head is None:
        raise InvalidInput(
            "expected a repository with a commit, got an empty one",
            code="git-empty",
            hint="commit something first",
        )
    return located, head


def _name(located: Located) -> str:
    origin = located.origin.rstrip("/").removesuffix(".git").rpartition("/")[2]
    folder = located.work_tree or located.git_dir
    return origin or folder.name.removesuffix(".git") or "repository"


def _authors(named: bytes) -> tuple[Author, ...]:
    fields = named.split(b"\x00")
    pairs = zip(fields[::2], fields[1::2], strict=False)
    counted = Counter((readable(name.strip()), readable(email.strip()).lower()) for name, email in pairs)
    return tuple(
        Author(identity=Identity(name=name, email=email), commits=count)
        for (name, email), count in counted.most_common(MAX_AUTHORS)
    )


def _past(fields: list[bytes]) -> PastChange:
    commit, parents, at, name, email, subject = fields
    return PastChange(
        base=parents.split()[0].decode("ascii"),
        head=commit.strip().decode("ascii"),
        at=datetime.fromtimestamp(int(at), UTC),
        subject=readable(subject),
        author=Identity(name=readable(name), email=readable(email)),
    )
