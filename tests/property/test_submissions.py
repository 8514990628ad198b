"""What is kept of a submission is the submission, and who meets whom is what reading everything would say."""

from __future__ import annotations

import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.core.change.canonical import canonical
from interlock.core.change.change import ChangeRecord, ChangeState, Recipe, Submission
from interlock.core.change.parse import parse_json
from interlock.core.change.parts import (
    Artefact,
    Commit,
    Configuration,
    ConfigurationFile,
    DocumentVersion,
    FileChange,
    Finding,
    GitRange,
    Identity,
    KeyChange,
    ResourceChange,
    TerraformPlan,
    Validation,
)
from interlock.core.ledger.entry import Entry
from interlock.road.decide import conflicts_of
from interlock.testing.road import START, Road

text = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
number = st.none() | st.integers(0, 2**53 - 1)
moment = st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
value = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | text | st.floats(-1e9, 1e9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
digest = st.binary(min_size=32, max_size=32).map(lambda raw: f"sha256:{raw.hex()}")


def several(items, most=3):
    return st.lists(items, max_size=most).map(tuple)


identity = st.builds(Identity, name=text, email=text)
commit = st.builds(
    Commit,
    id=text,
    parents=several(text),
    author=identity,
    committer=identity,
    authored_at=moment,
    committed_at=moment,
    message=text,
    trailers=several(st.tuples(text, text)),
    note=st.none() | text,
)
file = st.builds(
    FileChange,
    path=text,
    status=st.sampled_from(["added", "modified", "deleted", "renamed"]),
    old_path=st.none() | text,
    added=number,
    removed=number,
    binary=st.booleans(),
)
document = st.builds(DocumentVersion, path=text, commit=st.none() | text, digest=digest, text=text)
key = st.builds(
    KeyChange,
    pointer=text,
    op=st.sampled_from(["added", "removed", "changed"]),
    before=value,
    after=value,
    line=number,
)
part = st.one_of(
    st.builds(
        GitRange,
        repository=text,
        base=text,
        head=text,
        head_tree=text,
        commits=several(commit),
        files=several(file),
        documents=several(document),
    ),
    st.builds(
        Configuration,
        files=several(
            st.builds(
                ConfigurationFile,
                path=text,
                format=st.sampled_from(["yaml", "json", "toml", "env"]),
                before_digest=st.none() | digest,
                after_digest=st.none() | digest,
                changes=several(key),
                before_size=number,
                documents=several(text),
            )
        ),
    ),
    st.builds(
        TerraformPlan,
        path=text,
        format_version=text,
        tool_version=text,
        plan_digest=digest,
        resources=several(
            st.builds(
                ResourceChange,
                address=text,
                type=text,
                provider=text,
                actions=several(st.sampled_from(["create", "delete", "update"])),
                replaces=st.booleans(),
                changes=several(key),
            )
        ),
        drifted=several(text),
    ),
    st.builds(Artefact, name=text, digest=digest, media=st.sampled_from(["file", "oci-image"]), size=number),
)
finding = st.builds(
    Finding, rule=text, level=st.sampled_from(["error", "warning", "note"]), message=text, path=text, line=number
)
given_submission = st.builds(
    Submission,
    parts=several(part),
    recipes=several(st.builds(Recipe, reader=text, arguments=st.dictionaries(text, text, max_size=3))),
    validations=several(st.builds(Validation, validator=text, path=text, findings=several(finding))),
)


@given(given_submission)
def test_what_is_read_back_is_what_was_submitted(given):
    """The blob's bytes lead to the same submission, and that one to the same bytes."""
    raw = canonical(given)
    again = parse_json(Submission, raw, what="it")
    assert again == given
    assert canonical(again) == raw


SERVICES = ("order-service", "cart", "checkout", "pay")
PEOPLE = ("ana", "ben", "cleo")
changes = st.lists(
    st.tuples(
        st.sampled_from(list(ChangeState)),
        st.sets(st.sampled_from(SERVICES)).map(sorted).map(tuple),
        st.sets(st.sampled_from(PEOPLE)).map(sorted).map(tuple),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=20)
@given(changes)
def test_conflicts_and_load_are_what_reading_every_change_says(given):
    with tempfile.TemporaryDirectory() as folder:
        road = Road(folder=Path(folder), enforced=())
        made = [
            ChangeRecord(
                id=f"chg-{at:02d}",
                title="One",
                change_class="normal",
                services=services,
                digest=f"sha256:{at:064d}",
                opened_by="omar",
                opened_at=START,
                state=state,
                reviewers=reviewers,
                blob=f"sha256:{0:064d}",
                parts=("git",),
            )
            for at, (state, services, reviewers) in enumerate(given)
        ]

        def keep(tx):
            for record in made:
                tx.records(ChangeRecord).add(record)
                tx.log.append(Entry(kind="change.opened", subject=record.id, actor="omar", at=START, body={}))

        road.station.store.write(keep)
        found = road.station.store.read(lambda tx: [conflicts_of(tx, record, "production") for record in made])
        load = road.station.store.read(
            lambda tx: [tx.index(ChangeRecord).counts("asked", besides=record.id) for record in made]
        )
        road.close()
    met = {ChangeState.OPEN, ChangeState.PERMITTED}
    for record, conflicts, counted in zip(made, found, load, strict=True):
        others = [other for other in made if other.id != record.id]
        naive = {o.id for o in others if o.state in met and set(o.services) & set(record.services)}
        assert set(conflicts) == naive
        assert len(conflicts) == len(naive)
        assert counted == Counter(person for o in others if o.state is ChangeState.OPEN for person in o.reviewers)
