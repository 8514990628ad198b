"""What was submitted: received before the writer is taken, kept as a blob, read back only where it is needed.

Rules:
1. Everything that costs time with the size of a submission (writing it canonically, hashing, parsing, describing)
   is done before the transaction. Inside, only what is small is looked up and compared.
2. A description is a pure function of submission and rules, so a few are remembered by both digests. Should the
   rules have changed meanwhile, the digests do not match and the description is made anew inside.
3. A blob is believed when its bytes, its schema and its digest are those of the record; otherwise the record is
   damaged, which is said with what to restore.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from interlock.core.change.canonical import canonical, sha256
from interlock.core.change.change import Change, ChangeRecord, Submission
from interlock.core.change.errors import IntegrityError, InterlockError, InvalidInput, NotFound
from interlock.core.change.parse import parse_json
from interlock.core.change.submission_check import check_submission
from interlock.core.facts.describe import describe
from interlock.core.facts.model import Description
from interlock.core.policy.rules import Rules
from interlock.ports.store import Tx

MAX_SUBMISSION = 16 * 1024 * 1024
MAX_REMEMBERED = 50_000
"""Files, commits, keys, resources and findings that remembered descriptions speak of, together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A submission and what was computed from it once: ``raw`` is its canonical form, ``blob`` that one's name."""

    submission: Submission
    raw: bytes
    blob: str
    digest: str


def received(submission: Submission) -> Received:
    """``submission``, checked and written.

    Raises:
        InvalidInput: what no honest reader writes, or ``change-too-large`` above 16 MiB.
    """
    check_submission(submission)
    raw = canonical(submission)
    if len(raw) > MAX_SUBMISSION:
        raise InvalidInput(
            f"expected a description of at most {MAX_SUBMISSION >> 20} MiB, got {len(raw) >> 20} MiB",
            code="change-too-large",
            hint="split the change: nobody can review this in one piece",
        )
    return Received(submission=submission, raw=raw, blob=sha256(raw), digest=submission.digest)


def content_of(tx: Tx, record: ChangeRecord) -> bytes:
    """The canonical bytes of what was submitted.

    Raises:
        IntegrityError: ``submission-damaged`` when they are gone or were altered.
    """
    try:
        return tx.blob(record.blob)
    except (IntegrityError, NotFound) as error:
        raise _damaged(record, error.message) from error


def complete(tx: Tx, record: ChangeRecord) -> Change:
    """The recorded change with its content.

    Raises:
        IntegrityError: ``submission-damaged`` when its blob is gone, was altered, or is another change's.
    """
    raw = content_of(tx, record)
    try:
        submission = parse_json(Submission, raw, what="it")
    except InterlockError as error:
        raise _damaged(record, error.message) from error
    if submission.digest != record.digest:
        raise _damaged(record, f"the blob is of a change `{submission.digest[:19]}…`")
    return record.complete(submission)


def _damaged(record: ChangeRecord, why: str) -> IntegrityError:
    return IntegrityError(
        f"the submission of `{record.id}` is not what was recorded: {why}",
        code="submission-damaged",
        hint=f"restore blob {record.blob} from a backup, or withdraw the change and open it again",
    )


@dataclass(slots=True)
class Described:
    """The last few descriptions, bounded by how much they describe. Safe between threads."""

    _known: OrderedDict[tuple[str, str], Description] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _weight: int = 0

    def of(self, submission: Submission, rules: Rules, name: str | None) -> Description:
        """The description under ``rules`` of the submission that ``name`` identifies; made anew without a name."""
        if name is None:
            return describe(submission, catalog=rules.catalog, settings=rules.settings)
        key = (name, rules.digest)
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        made = describe(submission, catalog=rules.catalog, settings=rules.settings)
        with self._lock:
            self._keep(key, made)
        return made

    def _keep(self, key: tuple[str, str], made: Description) -> None:
        if key not in self._known:
            self._known[key] = made
            self._weight += _weight(made)
        while self._weight > MAX_REMEMBERED and len(self._known) > 1:
            _, oldest = self._known.popitem(last=False)
            self._weight -= _weight(oldest)


def _weight(made: Description) -> int:
    """About how many things this description speaks of."""
    size = made.size
    findings = sum(1 + len(validation.findings) for validation in made.checked.validations)
    return 50 + size.files + size.commits + size.keys + size.resources + len(made.artefacts.names) + findings
