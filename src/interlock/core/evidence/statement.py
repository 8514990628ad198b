"""The in-toto Statement: which subjects, which kind of claim, what is claimed, since when and until when.

Rules:
1. Statement v1 and v0.1 are read; extra keys are allowed where in-toto allows them and ignored.
2. A statement speaks of a change when one subject carries the change's digest as ``{"sha256": hex}``.
3. Predicate types of in-toto are reused where one fits; ours live under ``https://interlock.dev/predicates/``.
4. The time of issue is whatever the predicate says (see ``_TIMES``); one that says none was issued on receipt.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from interlock.core.change.canonical import Json
from interlock.core.change.errors import InvalidInput
from interlock.core.evidence.dsse import IN_TOTO, MAX_ENVELOPE, Envelope
from interlock.core.evidence.strict_json import read_json

STATEMENT_V1 = "https://in-toto.io/Statement/v1"
STATEMENT_V01 = "https://in-toto.io/Statement/v0.1"

TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
VULNS = (
    "https://in-toto.io/attestation/vulns/v0.1",
    "https://in-toto.io/attestation/vulns/v0.2",
    "https://cosign.sigstore.dev/attestation/vuln/v1",
)
SLSA_V1 = "https://slsa.dev/provenance/v1"
SLSA_V02 = "https://slsa.dev/provenance/v0.2"
VSA = "https://slsa.dev/verification_summary/v1"
OURS = "https://interlock.dev/predicates/"
SARIF = OURS + "sarif/v1"
"""Predicate ``{"sarif": <SARIF 2.1.0 log>}``: how a trusted runner signs any scanner's output."""
JUNIT = OURS + "junit/v1"
"""Predicate ``{"junit": "<JUnit XML>"}``."""

MAX_SUBJECTS = 1_000

_TIMES: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    # where an issuer writes the time of issue, and where the time of expiry, if anywhere
    (("issued_at",), ("expires_at",)),
    (("metadata", "scanFinishedOn"), ()),
    (("runDetails", "metadata", "finishedOn"), ()),
    (("metadata", "buildFinishedOn"), ()),
    (("timeVerified",), ()),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is spoken of: a name and its digests by algorithm, in lowercase hex."""

    name: str
    digests: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class InTotoStatement:
    """A statement; ``predicate`` is as the issuer wrote it."""

    subjects: tuple[Subject, ...]
    predicate_type: str
    predicate: dict[str, Json]

    def speaks_of(self, digest: str) -> bool:
        """Whether a subject carries ``digest`` (``sha256:…``)."""
        return any(f"sha256:{one.digests.get('sha256')}" == digest for one in self.subjects)

    def times(self) -> tuple[datetime | None, datetime | None]:
        """When the issuer says it was issued and when it expires, in UTC milliseconds.

        Raises:
            InvalidInput: ``statement-time`` for a time that is none.
        """
        for issued, expires in _TIMES:
            found = _at(self.predicate, issued)
            if found is not None:
                return _time(found), _time(_at(self.predicate, expires) if expires else None)
        return None, _time(_at(self.predicate, ("expires_at",)))


def read_statement(envelope: Envelope) -> InTotoStatement:
    """The statement inside an envelope, whose signatures are somebody else's business.

    Raises:
        InvalidInput: ``statement-type`` for another payload, ``statement-shape``, or a code of ``read_json``.
    """
    if envelope.payload_type != IN_TOTO:
        raise InvalidInput(
            f"expected a payload of type `{IN_TOTO}`, got `{envelope.payload_type[:80]}`",
            code="statement-type",
            hint="evidence is an in-toto statement; other DSSE payloads say nothing about a change",
        )
    value = read_json(envelope.payload, what="an in-toto statement", limit=MAX_ENVELOPE)
    if not isinstance(value, dict) or value.get("_type") not in (STATEMENT_V1, STATEMENT_V01):
        raise _shape("`_type` Statement v1 or v0.1")
    kind, predicate, subjects = value.get("predicateType"), value.get("predicate"), value.get("subject")
    if not isinstance(kind, str) or not 1 <= len(kind) <= 300:  # noqa: PLR2004  # a URI
        raise _shape("`predicateType` as a URI")
    if not isinstance(predicate, dict):
        raise _shape("`predicate` as an object")
    if not isinstance(subjects, list) or not 1 <= len(subjects) <= MAX_SUBJECTS:
        raise _shape(f"1 to {MAX_SUBJECTS} subjects")
    return InTotoStatement(
        subjects=tuple(_subject(one) for one in subjects), predicate_type=kind, predicate=predicate
    )


def statement(
    *, subject: str, predicate_type: str, predicate: dict[str, Json], name: str = "change"
) -> dict[str, Json]:
    """A Statement v1 about the digest ``subject`` (``sha256:…``), ready for ``sign_envelope``."""
    return {
        "_type": STATEMENT_V1,
        "subject": [{"name": name, "digest": {"sha256": subject.removeprefix("sha256:")}}],
        "predicateType": predicate_type,
        "predicate": predicate,
    }


def read_time(text: str) -> datetime:
    """An RFC 3339 time as UTC, cut to milliseconds.

    Raises:
        InvalidInput: ``statement-time``.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise _no_time(text) from error
    if moment.tzinfo is None or len(text) < len("2026-01-01T00:00:00Z"):
        raise _no_time(text)
    try:
        return moment.astimezone(UTC).replace(microsecond=moment.microsecond // 1000 * 1000)
    except OverflowError as error:
        raise _no_time(text) from error


def _subject(value: Json) -> Subject:
    if not isinstance(value, dict):
        raise _shape("each subject as an object")
    name, digests = value.get("name", ""), value.get("digest")
    if not isinstance(name, str) or not isinstance(digests, dict) or not digests:
        raise _shape("each subject with a `digest`")
    read: dict[str, str] = {}
    for algorithm, found in digests.items():
        if not isinstance(found, str):
            raise _shape("digests as text")
        read[algorithm] = found
    return Subject(name=name, digests=read)


def _at(value: Json, steps: tuple[str, ...]) -> Json:
    for step in steps:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _time(value: Json) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise _no_time(str(value))
    return read_time(value)


def _shape(expected: str) -> InvalidInput:
    return InvalidInput(
        f"expected an in-toto statement with {expected}",
        code="statement-shape",
        hint="see https://in-toto.io/Statement/v1; the signer wrote something else",
    )


def _no_time(text: str) -> InvalidInput:
    return InvalidInput(
        f"expected a time such as `2026-01-31T12:00:00Z`, got `{text[:40]}`",
        code="statement-time",
        hint="the issuer must write RFC 3339 with a zone",
    )
