"""How much one submission may hold: far more than anybody reviews, little enough that a server stays small.

Rules:
1. Every list of a submission has a limit over all parts together; the first one that is exceeded is named.
2. The limits leave room for what is real: a merge of ten thousand commits, a plan of forty thousand resources.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from interlock.core.change.change import Submission
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parts import Artefact, Configuration, GitRange, TerraformPlan

LIMITS: Mapping[str, int] = {
    "artefacts": 500,
    "ranges, plans and sets of configuration files": 100,
    "recipes": 1_000,
    "commits": 20_000,
    "trailers of commits": 100_000,
    "changed files": 50_000,
    "documents": 1_000,
    "configuration files": 5_000,
    "configuration keys": 100_000,
    "plan resources": 50_000,
    "plan attributes": 200_000,
    "validations": 50_000,
    "findings": 50_000,
}


def check_limits(submission: Submission) -> None:
    """Pass a submission within ``LIMITS``.

    Raises:
        InvalidInput: ``submission-limit``.
    """
    counted = _counted(submission)
    for what, most in LIMITS.items():
        if counted[what] > most:
            raise InvalidInput(
                f"expected a change of at most {most} {what}, got {counted[what]}",
                code="submission-limit",
                hint="split the change: nobody can review this in one piece",
            )


def _counted(submission: Submission) -> Counter[str]:
    found = Counter({"recipes": len(submission.recipes), "validations": len(submission.validations)})
    found["findings"] = sum(len(validation.findings) for validation in submission.validations)
    for part in submission.parts:
        found["artefacts" if isinstance(part, Artefact) else "ranges, plans and sets of configuration files"] += 1
        if isinstance(part, GitRange):
            found["commits"] += len(part.commits)
            found["trailers of commits"] += sum(len(commit.trailers) for commit in part.commits)
            found["changed files"] += len(part.files)
            found["documents"] += len(part.documents)
        elif isinstance(part, Configuration):
            found["configuration files"] += len(part.files)
            found["configuration keys"] += sum(len(file.changes) for file in part.files)
        elif isinstance(part, TerraformPlan):
            found["plan resources"] += len(part.resources)
            found["plan attributes"] += sum(len(resource.changes) for resource in part.resources)
    return found
