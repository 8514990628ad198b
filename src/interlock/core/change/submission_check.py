"""What no honest reader writes into a submission: refused when a change is opened or pushed, before any work.

Rules:
1. Commits and trees are git's hexadecimal ids. Names are not empty, sizes, lines and line numbers are not
   negative, and what will run is named by its SHA-256.
2. A path stays inside its repository: no NUL, no ``..``, no slash at the start, never empty. The path of a plan or
   of what a validator saw may be any name without NUL and ``..``, for those may stand beside the repository.
3. Words that people read on a terminal hold no control characters, and nothing that turns the direction of text.
4. No list is longer than its limit; that is looked at first.
5. The first thing wrong is told, by its place; nothing is repaired.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from interlock.core.change.canonical import is_digest
from interlock.core.change.change import Submission
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parts import Artefact, Configuration, GitRange, Part, TerraformPlan, Validation
from interlock.core.change.submission_limits import check_limits

MAX_ENVIRONMENT = 200
MAX_OFFERED = 300
MAX_REASON = 2_000
_OURSELVES = "describe the change with interlock itself: interlock change open"
_GIT_ID = re.compile(r"(?:worktree:)?[0-9a-f]{1,64}")
_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def check_submission(submission: Submission) -> None:
    """Pass a submission that a reader could have written.

    Raises:
        InvalidInput: ``submission-limit``, ``submission-path``, ``submission-count``, ``submission-name``,
            ``submission-commit`` or ``artefact-digest``.
    """
    check_limits(submission)
    for part in submission.parts:
        _refuse_first(_of_part(part))
    for validation in submission.validations:
        _refuse_first(_of_validation(validation))
    for recipe in submission.recipes:
        _refuse_first(_name(recipe.reader, "a recipe's reader"))


def check_environment(name: str) -> None:
    """Pass the name of an environment.

    Raises:
        InvalidInput: ``environment-name`` when it is empty, longer than 200 characters or not printable.
    """
    if not 0 < len(name) <= MAX_ENVIRONMENT or not name.isprintable():
        raise InvalidInput(
            f"expected an environment's name of 1 to {MAX_ENVIRONMENT} printable characters, got {len(name)}",
            code="environment-name",
            hint="name one of `environments:` in interlock.yaml",
        )


def check_offered(*texts: str | None) -> None:
    """Pass what a pipeline names as about to ship: a digest, an artefact.

    Raises:
        InvalidInput: ``offer-text`` when one is empty, longer than 300 characters or not printable.
    """
    for text in texts:
        if text is not None and (not 0 < len(text) <= MAX_OFFERED or not text.isprintable()):
            raise InvalidInput(
                f"expected a digest of 1 to {MAX_OFFERED} printable characters, got {len(text)}",
                code="offer-text",
                hint="name what is about to ship as `sha256:…`",
            )


def check_reason(reason: str, flag: str = "--reason") -> None:
    """Pass a reason that people will read: of an emergency, of taking a statement back, of a widening.

    Raises:
        InvalidInput: ``reason-text`` when it is blank, longer than 2,000 characters or holds control characters.
    """
    line = reason.replace("\n", " ")
    hidden = any(char in _TURNS or unicodedata.category(char) in {"Cc", "Cs"} for char in line)
    if hidden or not reason.strip() or len(reason) > MAX_REASON:
        raise InvalidInput(
            f"expected a reason of 1 to {MAX_REASON} characters without control characters, got {len(reason)}",
            code="reason-text",
            hint=f"say why in plain words: {flag} '…'",
        )


def _refuse_first(problems: Iterator[InvalidInput]) -> None:
    for problem in problems:
        raise problem


def _wrong(expected: str, got: str, *, code: str, hint: str) -> InvalidInput:
    return InvalidInput(f"expected {expected}, got `{_plain(got)}`", code=code, hint=hint)


def _of_part(part: Part) -> Iterator[InvalidInput]:
    if isinstance(part, GitRange):
        yield from _of_range(part)
    elif isinstance(part, Configuration):
        yield from _of_configuration(part)
    elif isinstance(part, TerraformPlan):
        yield from _of_plan(part)
    else:
        yield from _of_artefact(part)


def _of_range(part: GitRange) -> Iterator[InvalidInput]:
    for text in (part.base, part.head, part.head_tree):
        yield from _git_id(text)
    for commit in part.commits:
        yield from _git_id(commit.id)
    for file in part.files:
        yield from _path(file.path)
        yield from () if file.old_path is None else _path(file.old_path)
        yield from _count(file.added, "added lines")
        yield from _count(file.removed, "removed lines")
    for document in part.documents:
        yield from _path(document.path)


def _of_configuration(part: Configuration) -> Iterator[InvalidInput]:
    for file in part.files:
        yield from _path(file.path)
        yield from () if file.formerly is None else _path(file.formerly)
        yield from _count(file.before_size, "a size before")
        yield from _count(file.after_size, "a size after")
        for change in file.changes:
            yield from _count(change.line, "a line number")
        for document in file.documents:
            yield from _name(document, "an object's name")


def _of_plan(part: TerraformPlan) -> Iterator[InvalidInput]:
    yield from _beside(part.path)
    for resource in part.resources:
        yield from _name(resource.address, "a resource's address")
        yield from _name(resource.type, "a resource's type")


def _of_artefact(part: Artefact) -> Iterator[InvalidInput]:
    yield from _name(part.name, "an artefact's name")
    yield from _beside(part.name)
    yield from _count(part.size, "an artefact's size")
    yield from _count(part.previous_size, "an artefact's previous size")
    statement = None if part.provenance is None else part.provenance.statement_digest
    for text in (part.digest, part.previous_digest, statement):
        if text is not None and not is_digest(text):
            expected = f"`sha256:` and 64 lowercase hex digits for artefact `{_plain(part.name)}`"
            yield _wrong(expected, text, code="artefact-digest", hint="name what will run by digest, not by tag")


def _of_validation(validation: Validation) -> Iterator[InvalidInput]:
    yield from _name(validation.validator, "a validator's name")
    yield from _beside(validation.path)
    for finding in validation.findings:
        yield from _name(finding.rule, "a finding's rule")
        yield from _beside(finding.path)
        yield from _count(finding.line, "a line number")


def _path(path: str) -> Iterator[InvalidInput]:
    if not path or path.startswith("/"):
        yield _wrong("a path inside the repository", path, code="submission-path", hint=_OURSELVES)
    yield from _beside(path)


def _beside(path: str) -> Iterator[InvalidInput]:
    if "\0" in path or ".." in path.split("/"):
        yield _wrong("a path without NUL and `..`", path, code="submission-path", hint=_OURSELVES)


def _git_id(text: str) -> Iterator[InvalidInput]:
    if not _GIT_ID.fullmatch(text):
        expected = "the hexadecimal id of a commit or tree"
        yield _wrong(expected, text, code="submission-commit", hint=_OURSELVES)


def _count(number: int | None, what: str) -> Iterator[InvalidInput]:
    if number is not None and number < 0:
        yield _wrong(f"{what} of 0 or more", str(number), code="submission-count", hint=_OURSELVES)


def _name(name: str, what: str) -> Iterator[InvalidInput]:
    if not name.strip() or "\0" in name:
        yield _wrong(f"{what} that is not empty, no NUL", name, code="submission-name", hint=_OURSELVES)


def _plain(text: str) -> str:
    return text[:60].encode("unicode_escape").decode()
