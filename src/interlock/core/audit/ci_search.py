"""Steps that go back, in the files that continuous integration runs.

Rules:
1. A step is a line that runs a known way back (``rollout undo``, ``helm rollback``, ``alembic downgrade``, …) or
   names a job ``rollback``. Comments do not count.
2. A file shows that a step exists, never that it ran or what came of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_NAMES = re.compile(
    r"(?:^|/)(?:\.github/workflows/[^/]+\.ya?ml|\.gitlab-ci\.ya?ml|\.gitlab/(?:ci/)?[^/]+\.ya?ml|Jenkinsfile[^/]*"
    r"|azure-pipelines[^/]*\.ya?ml|\.circleci/config\.ya?ml|cloudbuild[^/]*\.ya?ml|bitbucket-pipelines\.ya?ml"
    r"|\.buildkite/[^/]+\.ya?ml|\.tekton/[^/]+\.ya?ml|\.woodpecker/[^/]+\.ya?ml|\.drone\.ya?ml|\.travis\.ya?ml"
    r"|buildspec[^/]*\.ya?ml|appveyor\.ya?ml)$"
)
_RUNS = re.compile(
    r"\b(?:rollout\s+undo|rollouts\s+(?:undo|abort)|helm(?:\s+-\S+(?:\s+[^-\s]\S*)?)*\s+rollback"
    r"|alembic\s+downgrade"
    r"|(?:rake|rails)\s+db:rollback|migrate:(?:rollback|undo|down)|flyway\s+undo|liquibase\s+rollback\S*"
    r"|knex\s+migrate:rollback|migrate\s+\S*\s*down\b|goose\s+\S*\s*down\b|argocd\s+app\s+rollback|flux\s+rollback"
    r"|gcloud\s+deploy\s+targets\s+rollback|interlock\s+(?:rollback|evidence\s+run\s+rehearsal)"
    r"|cdk\s+rollback|(?:make|just|task|npm\s+run|yarn|pnpm)\s+\S*roll-?back\S*|\S{0,100}/roll-?back\S{0,100}\.(?:sh|py))",
    re.IGNORECASE,
)
_JOB = re.compile(
    r"^\s*(?:-\s*)?(?:[\"']?[\w.-]*roll-?back[\w.-]*[\"']?\s*:\s*(?:$|#)"
    r"|name:\s*[\"']?.*\broll(?:s|ing)?[- ]?back\b.*"
    r"|stage\s*\(?\s*[\"'][^\"']*roll-?back)",
    re.IGNORECASE,
)
_SOME = re.compile(r"roll-?back|undo|down|abort|rehears|roll(?:s|ing)? back", re.IGNORECASE)
_COMMENT = re.compile(r"^\s*(?:#|//)")
MOST_LINE = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A line of a file that goes back, shortened."""

    path: str
    line: int
    text: str

    @property
    def place(self) -> str:
        """``path:line``."""
        return f"{self.path}:{self.line}"


def is_ci(path: str) -> bool:
    """Whether a file is one that a known runner reads."""
    return _NAMES.search(path) is not None


def steps_in(path: str, text: str) -> Iterator[Step]:
    """The lines that go back, in order."""
    if not _SOME.search(text):
        return
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > MOST_LINE or _COMMENT.match(line):
            continue
        if _RUNS.search(line) or _JOB.search(line):
            yield Step(path=path, line=number, text=" ".join(line.split())[:80])
