"""The whole description: never a crash, never a missed dependent, the same in any order."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.core.change.canonical import canonical
from interlock.core.change.catalog import Catalog
from interlock.core.change.change import Submission
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parts import (
    Artefact,
    Commit,
    Configuration,
    ConfigurationFile,
    DocumentVersion,
    FileChange,
    GitRange,
    Identity,
    KeyChange,
    Part,
    ResourceChange,
    TerraformPlan,
    Validation,
)
from interlock.core.change.settings import Settings
from interlock.core.facts.describe import describe

TEXT = st.text(max_size=40)
WORD = st.sampled_from(
    ["cart", "db", "src/cart/a.py", "change.md", "x.json", "a.yaml", "catalog/c.yaml", "é/ü", "", "/"]
)
DIGEST = st.sampled_from(["sha256:" + "a" * 64, "sha256:" + "b" * 64])
IDENTITY = st.builds(Identity, name=TEXT | WORD, email=TEXT | st.sampled_from(["noreply@anthropic.com", "a@b"]))
WHEN = st.just(datetime(2026, 1, 1, tzinfo=UTC))
KEYS = st.sampled_from(["Co-authored-by", "Assisted-by", "generated-by", "X"])
COMMIT = st.builds(
    Commit,
    id=st.sampled_from(["1" * 40, "2" * 40, "3" * 40]),
    parents=st.just(()),
    author=IDENTITY,
    committer=IDENTITY,
    authored_at=WHEN,
    committed_at=WHEN,
    message=TEXT,
    trailers=st.lists(st.tuples(KEYS, TEXT), max_size=3).map(tuple),
    note=st.none() | TEXT | st.just('a\n  s_1 1-2\n---\n{"schema_version": "authorship/3.0.0"}'),
    documents_only=st.booleans(),
)
FILE = st.builds(
    FileChange,
    path=WORD | TEXT,
    status=st.sampled_from(["added", "modified", "deleted", "renamed"]),
    old_path=st.none() | WORD,
    added=st.none() | st.integers(0, 9),
    binary=st.booleans(),
    submodule=st.booleans(),
)
DOCUMENT = st.builds(
    DocumentVersion,
    path=st.sampled_from(["change.md", "a/change.md", "t.json"]),
    commit=st.none() | st.sampled_from(["1" * 40, "2" * 40]),
    digest=DIGEST,
    text=TEXT
    | st.sampled_from(["---\nplan: [\n---", "---\nplan: {a: b}\ncites: x\n---\n## Plan\n- y", '{"files": [{}]}']),
)
RANGE = st.builds(
    GitRange,
    repository=st.just(""),
    base=st.just("0" * 40),
    head=TEXT,
    head_tree=st.just("a" * 40),
    commits=st.lists(COMMIT, max_size=3, unique_by=lambda commit: commit.id).map(tuple),
    files=st.lists(FILE, max_size=4).map(tuple),
    documents=st.lists(DOCUMENT, max_size=3).map(tuple),
)
CHANGE = st.builds(
    KeyChange,
    pointer=st.sampled_from(
        ["", "/", "/a/b", "/apps~1v1~1Deployment~1shop~1cart", "/v1~1Secret~1~1db/data", "~2"]
    ),
    op=st.sampled_from(["added", "removed", "changed"]),
    line=st.none() | st.integers(1, 9),
)
CONFIGURED = st.builds(
    ConfigurationFile,
    path=WORD,
    format=st.just("yaml"),
    before_digest=st.none() | DIGEST,
    after_digest=st.none() | DIGEST,
    changes=st.lists(CHANGE, max_size=3).map(tuple),
    documents=st.lists(st.sampled_from(["apps/v1/Deployment/shop/cart", "v1/Secret//db", "x"]), max_size=2).map(
        tuple
    ),
)
RESOURCE = st.builds(
    ResourceChange,
    address=TEXT | st.sampled_from(["aws_db_instance.cart", 'module.db.x.y["cart"]', ".", "[", ""]),
    type=st.sampled_from(["aws_db_instance", "x", ""]),
    provider=TEXT,
    actions=st.lists(st.sampled_from(["no-op", "create", "delete", "update", "read", "forget"]), max_size=2).map(
        tuple
    ),
    replaces=st.booleans(),
)
PLAN = st.builds(
    TerraformPlan,
    path=WORD,
    format_version=TEXT,
    tool_version=TEXT,
    plan_digest=DIGEST,
    resources=st.lists(RESOURCE, max_size=4).map(tuple),
    errored=st.booleans(),
)
ARTEFACT = st.builds(
    Artefact, name=WORD | TEXT, digest=DIGEST | TEXT, media=st.just("file"), previous_digest=st.none() | DIGEST
)
CONFIGURATION = st.builds(Configuration, files=st.lists(CONFIGURED, max_size=3).map(tuple))
PART: st.SearchStrategy[Part] = RANGE | CONFIGURATION | PLAN | ARTEFACT
PARTS = st.lists(PART, min_size=1, max_size=4, unique_by=lambda part: canonical(part.identity()))
VALIDATIONS = st.lists(st.builds(Validation, validator=TEXT, path=WORD), max_size=3)


@pytest.fixture(scope="session")
def shop(make: Any) -> Catalog:
    return make.catalog(
        make.service("cart", "db", tier=1, paths=("src/cart/",), order_share=0.4),
        make.service("db", owner="pay"),
        make.service("web", "cart", "api:cart"),
        make.service("api:cart", "web"),
    )


@given(parts=PARTS, validations=VALIDATIONS)
def test_arbitrary_parts_are_described_without_a_crash(
    shop: Catalog, parts: list[Part], validations: list[Validation]
) -> None:
    submission = Submission(parts=tuple(parts), validations=tuple(validations))
    found = describe(submission, catalog=shop, settings=Settings())
    assert found.digest == submission.digest
    assert canonical(found)
    assert set(found.blast.unowned).isdisjoint({"catalog/c.yaml", "change.md"})
    assert found.reversibility.kind == "irreversible" or not found.reversibility.losses


@given(parts=PARTS, validations=VALIDATIONS, seed=st.integers())
def test_the_order_of_what_was_read_does_not_matter(
    shop: Catalog, parts: list[Part], validations: list[Validation], seed: int
) -> None:
    first = describe(
        Submission(parts=tuple(parts), validations=tuple(validations)), catalog=shop, settings=Settings()
    )
    chance = random.Random(seed)
    chance.shuffle(parts)
    chance.shuffle(validations)
    mixed = Catalog(
        digest=shop.digest, services=dict(chance.sample(sorted(shop.services.items()), len(shop.services)))
    )
    again = describe(
        Submission(parts=tuple(parts), validations=tuple(validations)), catalog=mixed, settings=Settings()
    )
    assert canonical(first) == canonical(again)


def test_nothing_is_no_change(shop: Catalog) -> None:
    with pytest.raises(InvalidInput) as caught:
        describe(Submission(parts=()), catalog=shop, settings=Settings())
    assert caught.value.code == "change-empty"


def test_the_description_names_its_catalog(make: Any, shop: Catalog) -> None:
    found = describe(Submission(parts=(make.range("src/cart/a.py"),)), catalog=shop, settings=Settings())
    assert found.catalog_digest == shop.digest
    assert [item.service for item in found.blast.touched] == ["cart"]
    assert [item.path for item in found.blast.reached] == [("cart", "web"), ("cart", "web", "api:cart")]


def cost(submission: Submission, shop: Catalog) -> float:
    """Processor seconds of one description, the least of three."""
    found = []
    for _ in range(3):
        started = time.process_time()
        describe(submission, catalog=shop, settings=Settings())
        found.append(time.process_time() - started)
    return min(found)


def grows_evenly(made: Callable[[int], Submission], shop: Catalog) -> bool:
    """Twice as much takes about twice as long: what tries everything from everywhere takes four times as long."""
    return cost(made(2), shop) < 3 * cost(made(1), shop) + 0.2


@pytest.mark.parametrize(
    ("before", "again", "times", "after"),
    [
        ("Assisted-by: a:b", " ", 30_000, "!"),
        ("Assisted-by: a:b", " [", 15_000, ""),
        ("Co-authored-by: ", "x", 30_000, ""),
        ("Co-authored-by: ", "x", 30_000, " @"),
        ("Co-authored-by: ", "<", 30_000, ""),
        ("", "x (aider", 3_500, ""),
        ("", "Generated with [", 2_000, ""),
        ("", "co-authored-by: a <b>\n", 1_250, ""),
    ],
)
def test_a_hostile_message_costs_no_more_than_a_plain_one(
    make: Any, shop: Catalog, before: str, again: str, times: int, after: str
) -> None:
    def made(size: int) -> Submission:
        text = f"{before}{again * times * size}{after}"
        commit = make.commit(f"x\n\n{text}", author=Identity(name=text, email=text))
        return Submission(parts=(make.range("a.py", commits=(commit,)),))

    assert grows_evenly(made, shop)


@pytest.mark.parametrize(
    ("before", "again", "times", "after"),
    [
        ("", "<!--", 30_000, ""),
        ("# ", " ", 100_000, "x"),
        ("", "#", 100_000, ""),
        ("", "- ", 50_000, ""),
        ("", "\n \n", 30_000, ""),
        ("", "---\n", 30_000, ""),
        ("", "## Plan\n", 15_000, ""),
        ("---\nplan: ", "[", 50_000, "\n---\n"),
    ],
)
def test_a_hostile_document_costs_no_more_than_a_plain_one(
    make: Any, shop: Catalog, before: str, again: str, times: int, after: str
) -> None:
    def made(size: int) -> Submission:
        document = make.document(f"## Plan\n{before}{again * times * size}{after}")
        return Submission(parts=(make.range(make.file("change.md", "added"), documents=(document,)),))

    assert grows_evenly(made, shop)
