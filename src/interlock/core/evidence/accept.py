"""Somebody else's evidence comes in: read, verified, bound to the digest, given an end.

Rules:
1. What cannot be read, was altered after signing, or is dated in the future is an error, and nothing is kept.
2. Everything else is kept with its standing, because what was offered and did not count is history too:
   *trusted* (a trusted runner signed it about this digest), *self-attested* (nobody signed it), *untrusted*
   (somebody did whose word does not count here), *other-digest*, *expired*. Only *trusted* counts for Tier-1.
3. It ends when its issuer says so or after ``thresholds.evidence_days``, whichever is first.
4. Standing is computed again at every decision (``effective``): a new push, time and a revoked runner all
   change it, and never for the better.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from interlock.core.change.canonical import Json, canonical, sha256
from interlock.core.change.change import ChangeHeader
from interlock.core.change.errors import InvalidInput
from interlock.core.change.settings import Settings
from interlock.core.evidence import statement as in_toto
from interlock.core.evidence.model import Evidence, Runner, Standing
from interlock.core.evidence.trust import refusal, verify_envelope

Format = Literal["dsse", "sarif", "junit"]

CLOCK_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """What a format's reader made of the bytes."""

    subject: str
    predicate_type: str
    summary: dict[str, Json]
    issued_at: datetime | None = None
    expires_at: datetime | None = None
    runner: Runner | None = None
    standing: Standing = "self-attested"
    why: str = "unsigned: whoever sent it answers for it"


def accept(
    content: bytes,
    *,
    format: Format | None,  # noqa: A002  # the record's own word
    change: ChangeHeader,
    services: tuple[str, ...],
    runners: tuple[Runner, ...],
    settings: Settings,
    now: datetime,
    received_from: str,
    id: str,  # noqa: A002  # the record's own word
    subject: str | None = None,
) -> tuple[Evidence, bytes]:
    """The record and the blob to keep beside it.

    ``services`` are those the change touches. ``subject`` is the digest the sender says an unsigned report is
    about; a signed statement names its own subjects and ``subject`` is not needed.

    Raises:
        InvalidInput: ``evidence-format``, ``evidence-future``, ``signature-wrong``, or what the format's reader
            raises.
    """
    chosen = format or sniff(content)
    if chosen == "dsse":
        reading = _signed(content, change=change, services=services, runners=runners, now=now)
    else:
        reading = _unsigned(content, chosen, subject=subject)
    issued = reading.issued_at or now
    if issued > now + CLOCK_SKEW:
        raise InvalidInput(
            f"expected evidence issued by now, got one of `{issued:%Y-%m-%d %H:%M} UTC`",
            code="evidence-future",
            hint="set the clock of the machine that wrote it, and produce it again",
        )
    latest = issued + timedelta(days=settings.thresholds.evidence_days)
    evidence = Evidence(
        id=id,
        change=change.id,
        subject=reading.subject,
        predicate_type=reading.predicate_type,
        format=chosen,
        runner=reading.runner.name if reading.runner is not None and reading.standing == "trusted" else None,
        key_id=reading.runner.key_id if reading.runner is not None else None,
        standing=reading.standing,
        why=reading.why,
        summary=reading.summary,
        blob=sha256(content),
        issued_at=issued,
        expires_at=min(latest, reading.expires_at or latest),
        received_at=now,
        received_from=received_from,
    )
    canonical(evidence)  # what cannot be stored faithfully is refused here, not by the ledger
    return effective(evidence, now=now, digest=change.digest, runners=runners, services=services), content


def effective(
    evidence: Evidence,
    *,
    now: datetime,
    digest: str,
    runners: tuple[Runner, ...],
    services: tuple[str, ...],
) -> Evidence:
    """The record with the standing it has at ``now`` for ``digest``; the stored one is the best it can have."""
    if evidence.standing == "untrusted":
        return evidence
    if evidence.subject != digest:
        named = evidence.subject[:19] + "…" if evidence.subject else "no digest"
        return replace(evidence, standing="other-digest", why=f"about {named}, not about this change as it is now")
    if evidence.standing == "trusted":
        why = _lost_trust(evidence, runners=runners, services=services, now=now)
        if why is not None:
            return replace(evidence, standing="untrusted", why=why)
    if now >= evidence.expires_at:
        return replace(evidence, standing="expired", why=f"counted until {evidence.expires_at:%Y-%m-%d %H:%M} UTC")
    return evidence


def sniff(content: bytes) -> Format:
    """Which format this is, by its first bytes and keys, without a full reading.

    Raises:
        InvalidInput: ``evidence-format``.
    """
    head = content[:65_536].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"<"):
        return "junit"
    if head.startswith(b"{"):
        if b'"payloadType"' in content:
            return "dsse"
        if b'"runs"' in content:
            return "sarif"
    raise InvalidInput(
        "expected DSSE, SARIF or JUnit XML, got something else",
        code="evidence-format",
        hint="name it with --format dsse|sarif|junit to see what is wrong with it",
    )


def _signed(
    content: bytes, *, change: ChangeHeader, services: tuple[str, ...], runners: tuple[Runner, ...], now: datetime
) -> _Reading:
    from interlock.core.evidence.summary import summary_of  # noqa: PLC0415  # not for commands that add nothing

    verified = verify_envelope(content, runners, now=now, services=services)
    found = verified.statement
    issued, expires = found.times()
    named = next((f"sha256:{one.digests['sha256']}" for one in found.subjects if "sha256" in one.digests), "")
    return _Reading(
        subject=change.digest if found.speaks_of(change.digest) else named[:100],
        predicate_type=found.predicate_type,
        summary=summary_of(found),
        issued_at=issued,
        expires_at=expires,
        runner=verified.runner,
        standing="trusted" if verified.trusted else "untrusted",
        why=verified.refusal or "",
    )


def _unsigned(content: bytes, kind: Literal["sarif", "junit"], *, subject: str | None) -> _Reading:
    if kind == "sarif":
        from interlock.core.evidence.sarif import read_sarif  # noqa: PLC0415  # as above

        scan = read_sarif(content)
        return _Reading(
            subject=subject or "",
            predicate_type=in_toto.SARIF,
            summary=scan.summary(),
            issued_at=scan.finished_at,
        )
    from interlock.core.evidence.junit import read_junit  # noqa: PLC0415  # as above

    return _Reading(subject=subject or "", predicate_type=in_toto.JUNIT, summary=read_junit(content).summary())


def _lost_trust(
    evidence: Evidence, *, runners: tuple[Runner, ...], services: tuple[str, ...], now: datetime
) -> str | None:
    runner = next((one for one in runners if one.key_id == evidence.key_id), None)
    if runner is None:
        return f"runner {evidence.runner} is no longer among `trust.runners`"
    return refusal(runner, evidence.predicate_type, services, now)
