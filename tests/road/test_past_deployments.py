"""Deployments by the record and by tags become one list; trees are read once and never beyond their limits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from interlock.core.audit.answers import Answer, Answers
from interlock.core.audit.file_look import MOST_SEARCHED
from interlock.core.audit.releases import Release, Tag
from interlock.ports.releases import Tags, Tree, TreeFile
from interlock.road.deployments import PastDeployment
from interlock.road.past_deployments import TreeReader, past

START = datetime(2026, 3, 1, tzinfo=UTC)
ROLLOUT = b"""kind: Rollout
apiVersion: argoproj.io/v1
metadata: {name: shop}
spec: {strategy: {canary: {steps: [{setWeight: 5}, {pause: {duration: 10m}}]}}}
"""
NO = Answer(said="no", why="the record has none")


class Trees:
    """Trees by hand: ``trees[commit]`` maps paths to contents. Every blob may be asked for once."""

    def __init__(self, trees: dict[str, dict[str, bytes]]) -> None:
        self.trees = trees
        self.blobs = {f"{path}={content!r}": content for tree in trees.values() for path, content in tree.items()}
        self.asked: list[str] = []

    def tags(self) -> Tags:
        return Tags(all=())

    def commit(self, revision: str) -> Tag | None:
        raise AssertionError(f"nobody names {revision}")

    def tree(self, commit: str) -> Tree | None:
        if commit not in self.trees:
            return None
        files = [
            TreeFile(path=path, blob=f"{path}={content!r}", size=len(content))
            for path, content in self.trees[commit].items()
        ]
        return Tree(files=tuple(files))

    def content(self, blob: str) -> bytes | None:
        assert blob not in self.asked, "asked for the same file twice"
        self.asked.append(blob)
        return self.blobs[blob]

    def naming(self, commit, words):
        raise AssertionError(f"no alert here is about {words}")


def deployed(
    name: str, commit: str, day: int, *, kind: str = "rollout", state: str = "completed"
) -> PastDeployment:
    return PastDeployment(
        id=name,
        kind=kind,
        change=f"chg-{name}",
        title=f"Change {name}",
        digest="sha256:1",
        service="cart",
        environment="production",
        at=START + timedelta(days=day),
        state=state,
        commit=commit,
        answers=Answers(rollback=NO, canary=NO, alert=NO),
    )


def release(name: str, commit: str, day: int, **more) -> Release:
    return Release(name=name, commit=commit, at=START + timedelta(days=day), **more)


def reader(trees: Trees) -> TreeReader:
    return TreeReader(trees, lambda _: None)


def test_what_the_record_and_a_tag_know_is_one_newest_first():
    trees = Trees({"a": {"a.yaml": ROLLOUT}, "b": {}, "c": {}})
    recorded = (deployed("rol-1", "a", 5), deployed("tkt-1", "gone", 3, kind="ticket", state="expired"))
    released = (release("v2", "a", 4, also=("v2.0",)), release("v1", "b", 1), release("v0", "c", 0, marker=True))
    found = past(reader(trees), recorded, released, last=4)
    assert [(one.name, one.by) for one in found] == [
        ("rol-1", ("rollout", "tag")),
        ("tkt-1", ("unreported",)),
        ("v1", ("tag",)),
        ("v0", ("marker",)),
    ]
    assert found[0].also == ("chg-rol-1", "v2", "v2.0")
    assert found[0].answers.canary.said == "yes"  # by its manifests, whatever the record lacks
    assert found[0].answers.rollback.said == "no"
    assert found[1].missing == ("its files: they are not in this copy of the repository",)
    assert len(past(None, recorded, released, last=2)) == 2


def test_without_a_repository_the_record_alone_answers():
    [found] = past(None, (deployed("rol-1", "a", 5),), (), last=3)
    assert (found.answers.canary, found.counts) == (NO, None)


def test_a_release_whose_files_are_gone_is_unknown():
    [found] = past(reader(Trees({})), (), (release("v1", "gone", 1),), last=3)
    assert {found.answers.rollback.said, found.answers.canary.said, found.answers.alert.said} == {"unknown"}


def test_a_file_that_several_releases_share_is_read_once_and_a_huge_one_never():
    huge = b"kind: Deployment\n" + b"#" * MOST_SEARCHED
    trees = Trees(
        {"a": {"a.yaml": ROLLOUT, "h.yaml": huge}, "b": {"a.yaml": ROLLOUT, "n.yaml": b"kind: Deployment\n"}}
    )
    found = past(reader(trees), (), (release("v2", "a", 2), release("v1", "b", 1)), last=3)
    assert [one.counts.closed for one in found] == [1, 0]
    assert sorted(each.split("=")[0] for each in trees.asked) == ["a.yaml", "n.yaml"]
    assert "could not be opened" not in found[0].answers.canary.why
    assert found[0].answers.canary.said == "yes"
