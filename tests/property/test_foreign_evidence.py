"""Whatever is offered as evidence or as a ticket: a record or one refusal in one line, never anything else."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.core.change.canonical import canonical, sha256
from interlock.core.change.change import Change, Submission
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parts import Artefact
from interlock.core.change.settings import Settings
from interlock.core.evidence.accept import accept
from interlock.core.evidence.dsse import read_envelope
from interlock.core.evidence.junit import read_junit
from interlock.core.evidence.sarif import read_sarif
from interlock.core.evidence.statement import STATEMENT_V1, TEST_RESULT, VSA, VULNS
from interlock.core.ticket.pins import read_pins
from interlock.core.ticket.read import read_ticket

NOW = datetime(2027, 1, 1, tzinfo=UTC)
DATA = Path(__file__).parents[1] / "data"
SUBMISSION = Submission(parts=(Artefact(name="shop", digest=sha256(b"image"), media="oci-image"),))
CHANGE = Change(
    id="chg-1",
    title="t",
    change_class="normal",
    services=(),
    submission=SUBMISSION,
    digest=SUBMISSION.digest,
    opened_by="eve",
    opened_at=NOW,
)
SAMPLES = [
    *sorted(DATA.glob("sarif/*.sarif")),
    *sorted(DATA.glob("junit/*.xml")),
    *sorted(DATA.glob("intoto/*.json*")),
]

quick = settings(max_examples=150, deadline=None)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)


def _offer(content: bytes, **changed: Any) -> None:
    """Accepted whole and storable, or refused in one line."""
    usual: dict[str, Any] = {
        "format": None,
        "change": CHANGE,
        "services": (),
        "runners": (),
        "settings": Settings(),
    }
    given = {**usual, "now": NOW, "received_from": "x", "id": "evd-1", "subject": CHANGE.digest, **changed}
    try:
        evidence, _ = accept(content, **given)
    except InvalidInput as error:
        _one_line(error)
        return
    assert canonical(evidence)
    assert evidence.standing != "trusted"


def _one_line(error: InvalidInput) -> None:
    told = (error.message, error.hint, error.code)
    if not all(told) or "\n" in error.message:
        pytest.fail(f"not one line with a hint and a code: {told}")


def test_there_are_samples() -> None:
    assert len(SAMPLES) >= 14


@quick
@given(content=st.binary(max_size=300), form=st.sampled_from([None, "dsse", "sarif", "junit"]))
def test_noise(content: bytes, form: str | None) -> None:
    _offer(content, format=form)


@quick
@given(sample=st.sampled_from(SAMPLES), place=st.floats(0, 1, exclude_max=True), by=st.binary(max_size=6))
def test_damaged_samples(sample: Path, place: float, by: bytes) -> None:
    content = sample.read_bytes()
    at = int(place * len(content))
    _offer(content[:at] + by + content[at + len(by) :])
    _offer(content[:at])


@quick
@given(
    data=st.fixed_dictionaries(
        {},
        optional={
            "tool": values | st.fixed_dictionaries({"driver": values}),
            "results": values
            | st.lists(
                st.fixed_dictionaries(
                    {},
                    optional=dict.fromkeys(
                        [
                            "ruleId",
                            "ruleIndex",
                            "rule",
                            "level",
                            "kind",
                            "locations",
                            "message",
                            "taxa",
                            "suppressions",
                            "properties",
                            "baselineState",
                        ],
                        values,
                    ),
                ),
                max_size=3,
            ),
            "invocations": values,
        },
    )
)
def test_sarif_of_any_shape(data: dict[str, Any]) -> None:
    run = {"tool": {"driver": {"name": "x", "rules": [data.get("tool")]}}, **data}
    _offer(json.dumps({"version": "2.1.0", "runs": [run]}).encode(), format="sarif")


@quick
@given(kind=st.sampled_from([TEST_RESULT, VSA, *VULNS, "https://interlock.dev/predicates/x/v1"]), predicate=values)
def test_statements_of_any_shape(kind: str, predicate: Any) -> None:
    try:
        payload = canonical(
            {
                "_type": STATEMENT_V1,
                "subject": [{"digest": {"sha256": CHANGE.digest[7:]}}],
                "predicateType": kind,
                "predicate": predicate,
            }
        )
    except InvalidInput:
        return
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": "application/vnd.in-toto+json",
        "signatures": [{"sig": "AAAA"}],
    }
    _offer(json.dumps(envelope).encode())


@quick
@given(value=values)
@pytest.mark.parametrize("read", [read_envelope, read_sarif, read_junit, read_pins, read_ticket])
def test_every_reader_refuses_in_one_line(read: Any, value: Any) -> None:
    try:
        read(json.dumps(value).encode())
    except InvalidInput as error:
        _one_line(error)
    else:
        pytest.fail(f"read {value!r}")
