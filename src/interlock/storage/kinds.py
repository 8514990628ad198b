"""Every class of record that is kept, with the columns it is found by."""

from __future__ import annotations

from typing import Any

from interlock.core.approval.model import SignedStatement
from interlock.core.approval.reply import Reply
from interlock.core.approval.tokens import Token
from interlock.core.change.change import ChangeRecord
from interlock.core.evidence.model import Evidence
from interlock.core.evidence.run import EvidenceRun
from interlock.core.policy.activation import Activation
from interlock.core.rollout.flags import FlagCount, FlagRecord
from interlock.core.rollout.record import Effect, Observation, RolloutRecord
from interlock.core.ticket.record import Bar, TicketRecord
from interlock.core.ticket.shipped import Shipped
from interlock.storage.records import RecordType

RECORD_TYPES: tuple[RecordType[Any], ...] = (
    RecordType(
        kind=ChangeRecord,
        table="changes",
        columns=("state", "digest"),
        many=("in_flight", "asked"),
        version="version",
    ),
    RecordType(
        kind=SignedStatement,
        table="statements",
        columns=(
            "statement.purpose",
            "statement.subject",
            "statement.digest",
            "statement.nonce",
            "statement.approver",
        ),
        unique=("nonce",),
        version="version",
    ),
    RecordType(
        kind=EvidenceRun, table="evidence_runs", columns=("change", "producer", "ended"), version="version"
    ),
    RecordType(kind=Evidence, table="evidence", columns=("change", "subject", "predicate_type")),
    RecordType(kind=TicketRecord, table="tickets", columns=("change", "digest", "environment"), version="version"),
    RecordType(kind=Shipped, table="shipped", columns=("environment", "latest"), version="version"),
    RecordType(kind=Bar, table="bars", columns=("digest", "environment"), version="version"),
    RecordType(kind=Activation, table="activations", columns=("digest",)),
    RecordType(kind=Token, table="tokens", columns=("hash", "principal"), unique=("hash",), version="version"),
    RecordType(kind=Reply, table="replies"),
    RecordType(
        kind=RolloutRecord,
        table="rollouts",
        columns=("service", "environment", "state", "change", "digest"),
        version="version",
    ),
    RecordType(kind=Effect, table="effects", columns=("rollout", "state"), version="version"),
    RecordType(kind=Observation, table="observations", columns=("rollout",)),
    RecordType(kind=FlagRecord, table="flags", columns=("flag",), unique=("flag",), version="version"),
    RecordType(kind=FlagCount, table="flag_counts", columns=("flag", "server"), version="version"),
)
"""All of them; a later station adds its own here."""
