"""What no honest reader writes is refused when a change is opened."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from interlock.core.change.canonical import sha256
from interlock.core.change.change import Recipe, Submission
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parts import (
    Artefact,
    ArtefactProvenance,
    Commit,
    Configuration,
    ConfigurationFile,
    DocumentVersion,
    FileChange,
    Finding,
    GitRange,
    Identity,
    KeyChange,
    Part,
    ResourceChange,
    TerraformPlan,
    Validation,
)
from interlock.core.change.submission_check import (
    check_environment,
    check_offered,
    check_reason,
    check_submission,
)
from interlock.core.change.submission_limits import LIMITS

FILE = FileChange(path="src/a b\u00e9\n.py", status="renamed", old_path="src/..b", added=0, removed=3)
GIT = GitRange(repository="", base="a", head="b", head_tree="c", commits=(), files=(FILE,))
CONFIGURED = ConfigurationFile(
    path="c.yaml", format="yaml", before_digest=None, after_digest="x", changes=(), before_size=0, after_size=9
)
IMAGE = Artefact(name="registry.example/shop", digest=sha256(b"1"), media="oci-image", size=0)
BUILT = ArtefactProvenance(commit="c", repository="r", builder="b", statement_digest=sha256(b"s"), verified=False)
DELETED = ResourceChange(address="a.b", type="a", provider="p", actions=("delete",), replaces=False)
PLAN = TerraformPlan(
    path="/tmp/plan.json",  # a name in a record, nothing is opened
    format_version="1.2",
    tool_version="1",
    plan_digest="x",
    resources=(DELETED,),
)
SEEN = Validation(validator="kubernetes-schema", path="")


def code_of(*parts: Part, seen: Validation = SEEN, reader: str = "git") -> str:
    """The refusal's code; its message is one line that shows no control character."""
    given = Submission(parts=parts, validations=(seen,), recipes=(Recipe(reader=reader, arguments={}),))
    with pytest.raises(InvalidInput) as caught:
        check_submission(given)
    assert caught.value.message.isprintable()
    return caught.value.code


def test_what_readers_write_passes() -> None:
    parts = (GIT, Configuration(files=(CONFIGURED,)), PLAN, IMAGE, replace(IMAGE, provenance=BUILT))
    check_submission(Submission(parts=parts, validations=(SEEN,)))


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../../etc/passwd", "a/../b", "..", "a\0b"])
def test_a_path_stays_inside(path: str) -> None:
    document = DocumentVersion(path=path, commit=None, digest="d", text="")
    for part in (
        replace(GIT, files=(replace(FILE, path=path),)),
        replace(GIT, files=(replace(FILE, old_path=path),)),
        replace(GIT, documents=(document,)),
        Configuration(files=(replace(CONFIGURED, path=path),)),
    ):
        assert code_of(part) == "submission-path"


@pytest.mark.parametrize("path", ["../plan.json", "a\0b"])
def test_what_may_stand_beside_the_repository_still_leads_nowhere(path: str) -> None:
    assert code_of(replace(PLAN, path=path)) == "submission-path"
    assert code_of(GIT, seen=replace(SEEN, path=path)) == "submission-path"
    finding = Finding(rule="r", level="note", message="m", path=path)
    assert code_of(GIT, seen=replace(SEEN, findings=(finding,))) == "submission-path"


@pytest.mark.parametrize(
    "part",
    [
        replace(GIT, files=(replace(FILE, added=-1),)),
        replace(GIT, files=(replace(FILE, removed=-(2**60)),)),
        Configuration(files=(replace(CONFIGURED, before_size=-1),)),
        Configuration(files=(replace(CONFIGURED, after_size=-1),)),
        Configuration(files=(replace(CONFIGURED, changes=(KeyChange(pointer="/a", op="added", line=-1),)),)),
        replace(IMAGE, size=-1),
        replace(IMAGE, previous_size=-1),
    ],
)
def test_no_count_is_negative(part: Part) -> None:
    assert code_of(part) == "submission-count"


@pytest.mark.parametrize("name", ["", "  ", "a\0"])
def test_names_are_names(name: str) -> None:
    assert code_of(replace(IMAGE, name=name)) == "submission-name"
    assert code_of(replace(PLAN, resources=(replace(DELETED, address=name),))) == "submission-name"
    assert code_of(GIT, seen=replace(SEEN, validator=name)) == "submission-name"
    assert code_of(GIT, reader=name) == "submission-name"


@pytest.mark.parametrize("digest", ["junk", "", "latest", "sha256:" + "A" * 64, "sha256:" + "a" * 63, "\x1b[31m"])
def test_an_artefact_is_named_by_a_digest(digest: str) -> None:
    assert code_of(replace(IMAGE, digest=digest)) == "artefact-digest"
    assert code_of(replace(IMAGE, previous_digest=digest)) == "artefact-digest"
    assert code_of(replace(IMAGE, provenance=replace(BUILT, statement_digest=digest))) == "artefact-digest"


@pytest.mark.parametrize("name", ["", "x" * 201, "prod\n", "a\0b", "\x1b[2J"])
def test_an_environment_has_a_short_plain_name(name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_environment(name)
    assert caught.value.code == "environment-name"
    check_environment("x" * 200)


@pytest.mark.parametrize("text", ["", "x" * 301, "sha256:\n", "a\0b", "\u202egnp"])
def test_what_is_offered_is_named_in_short_plain_words(text: str) -> None:
    check_offered(None, "order-service@" + sha256(b"1"))
    with pytest.raises(InvalidInput) as caught:
        check_offered(None, text)
    assert caught.value.code == "offer-text"


@pytest.mark.parametrize("text", ["", "HEAD", "a" * 65, "a\0", "\x1b[31m", "A" * 40])
@pytest.mark.parametrize("place", ["base", "head", "head_tree"])
def test_commits_and_trees_are_hexadecimal(place: str, text: str) -> None:
    assert code_of(replace(GIT, **{place: text})) == "submission-commit"


@pytest.mark.parametrize("text", ["", "main", "a\0"])
def test_a_commit_in_the_range_is_hexadecimal(text: str) -> None:
    moment = datetime(2026, 3, 5, tzinfo=UTC)
    who = Identity(name="Omar", email="omar@shop.example")
    commit = Commit(
        id=text, parents=(), author=who, committer=who, authored_at=moment, committed_at=moment, message=""
    )
    assert code_of(replace(GIT, commits=(commit,))) == "submission-commit"


@pytest.mark.parametrize("name", ["", "\0"])
def test_an_object_in_a_manifest_has_a_name(name: str) -> None:
    assert code_of(Configuration(files=(replace(CONFIGURED, documents=(name,)),))) == "submission-name"


@pytest.mark.parametrize("reason", ["", " \n", "x" * 2001, "a\x1b[2Jb", "a\rb", "a\0", "\u202egnp.exe", "\x9b"])
def test_a_reason_is_plain_text(reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_reason(reason)
    assert caught.value.code == "reason-text"
    check_reason("checkout is down\nsince 09:00, caf\u00e9 Berlin \U0001f525")


COMMIT = Commit(
    id="c",
    parents=(),
    author=Identity(name="", email=""),
    committer=Identity(name="", email=""),
    authored_at=datetime(2026, 3, 5, tzinfo=UTC),
    committed_at=datetime(2026, 3, 5, tzinfo=UTC),
    message="",
)
KEY = KeyChange(pointer="/a", op="added")
WORD = ("Signed-off-by", "omar")
OVER = {
    "artefacts": lambda most: Submission(parts=(IMAGE,) * most),
    "ranges, plans and sets of configuration files": lambda most: Submission(parts=(GIT,) * most),
    "recipes": lambda most: Submission(parts=(), recipes=(Recipe(reader="git", arguments={}),) * most),
    "commits": lambda most: Submission(parts=(replace(GIT, commits=(COMMIT,) * most),)),
    "trailers of commits": lambda most: Submission(
        parts=(replace(GIT, commits=(replace(COMMIT, trailers=(WORD,) * most),)),)
    ),
    "changed files": lambda most: Submission(parts=(replace(GIT, files=(FILE,) * most),)),
    "documents": lambda most: Submission(
        parts=(replace(GIT, documents=(DocumentVersion(path="c.md", commit=None, digest="d", text=""),) * most),)
    ),
    "configuration files": lambda most: Submission(parts=(Configuration(files=(CONFIGURED,) * most),)),
    "configuration keys": lambda most: Submission(
        parts=(Configuration(files=(replace(CONFIGURED, changes=(KEY,) * most),)),)
    ),
    "plan resources": lambda most: Submission(parts=(replace(PLAN, resources=(DELETED,) * most),)),
    "plan attributes": lambda most: Submission(
        parts=(replace(PLAN, resources=(replace(DELETED, changes=(KEY,) * most),)),)
    ),
    "validations": lambda most: Submission(parts=(), validations=(SEEN,) * most),
    "findings": lambda most: Submission(
        parts=(),
        validations=(
            replace(SEEN, findings=(Finding(rule="r", level="note", message="", path="c.yaml"),) * most),
        ),
    ),
}


@pytest.mark.parametrize("what", LIMITS)
def test_every_list_has_a_limit_that_passes_and_one_more_that_does_not(what: str) -> None:
    check_submission(OVER[what](LIMITS[what]))
    with pytest.raises(InvalidInput, match=f"at most {LIMITS[what]} {what}, got {LIMITS[what] + 1}") as caught:
        check_submission(OVER[what](LIMITS[what] + 1))
    assert caught.value.code == "submission-limit"


def test_limits_are_over_all_parts_together() -> None:
    half = replace(GIT, commits=(COMMIT,) * (LIMITS["commits"] // 2))
    check_submission(Submission(parts=(half, replace(half, repository="other"))))
    with pytest.raises(InvalidInput, match="commits"):
        check_submission(
            Submission(parts=(half, replace(half, repository="other", commits=(*half.commits, COMMIT))))
        )
