"""Going back by ``rollout undo``: by whoever finds it half-way, and where it may not be."""

from __future__ import annotations

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.testing.kubernetes import CONTEXT, free_port, write_kubeconfig

pytestmark = pytest.mark.soak

# killed half-way: what the journal notes is all there is


@pytest.mark.parametrize("until", ["revisions", "apply", "rollout deployment/harbour"])
@pytest.mark.parametrize("image", ["harbour:2", "never:2"])
def test_whoever_recovers_goes_back_by_the_notes_and_twice_changes_nothing_more(place, until, image):
    place.runs("deployment", "beside")
    place.change("deployment", "beside", image=image)
    place.stopped_at(until, place.plan())
    (place.folder / "deploy" / "all.yaml").unlink()
    assert place.recover() == ()
    once = place.get("deployment/harbour")["metadata"]["generation"]
    assert place.recover() == ()
    assert place.get("deployment/harbour")["metadata"]["generation"] == once
    assert place.image() == "harbour:1"


def test_on_another_server_nothing_is_taken_back(place, cluster, tmp_path, monkeypatch):
    place.runs("deployment", "beside")
    place.change("deployment", "beside", image="harbour:2")
    place.stopped_at("rollout deployment/harbour", place.plan())
    write_kubeconfig(tmp_path / "other", {CONTEXT: f"https://localhost:{cluster.address.rpartition(':')[2]}"})
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "other"))
    assert place.recover()
    assert "the context led to https://127.0.0.1:" in " ".join(place.heard)
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    assert place.recover() == ()


def test_a_workload_that_was_made_anew_is_left_alone(place):
    place.runs("deployment", "beside")
    place.change("deployment", "beside", image="harbour:2")
    place.stopped_at("rollout deployment/harbour", place.plan())
    place.kubectl("delete", "deployment/harbour")
    place.runs("deployment", "beside", image="harbour:2")
    assert place.recover()
    assert "it was deleted and made anew" in " ".join(place.heard)


# where it may not be


def test_a_server_of_production_is_refused_whatever_its_context_is_called(place, cluster):
    place.runs("deployment", "beside")
    place.change("deployment", "beside", image="harbour:2")
    _, found = place.rehearse(production=("production", "127.0.*"))
    assert found.verdict == "undecidable"
    assert f"{cluster.address} is production's by its mark `127.0.*`" in found.reasons[0]
    assert place.get("deployment/harbour")["metadata"]["generation"] == 1


def test_a_context_that_is_not_there_is_said_and_the_current_one_is_not_taken(
    place, cluster, tmp_path, monkeypatch
):
    place.runs("deployment", "beside")
    place.change("deployment", "beside", image="harbour:2")
    write_kubeconfig(tmp_path / "current", {CONTEXT: cluster.address}, current=CONTEXT)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "current"))
    _, found = place.rehearse(place.plan(context="another"))
    assert found.verdict == "undecidable"
    assert "another" in found.reasons[0]
    assert place.get("deployment/harbour")["metadata"]["generation"] == 1


def test_a_server_that_does_not_answer_leaves_it_undecided(place, tmp_path, monkeypatch):
    place.change("deployment", "beside", image="harbour:2")
    write_kubeconfig(tmp_path / "gone", {CONTEXT: f"https://127.0.0.1:{free_port()}"})
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "gone"))
    _, found = place.rehearse()
    assert (found.verdict, "refused" in found.reasons[0]) == ("undecidable", True)


def test_a_plan_with_steps_is_refused(place):
    plan = place.plan() + b'rollback: [{name: a, run: ["true"], verify: ["true"]}]\n'
    with pytest.raises(InvalidInput) as refused, place.stage(plan):
        pass
    assert refused.value.message.startswith("expected no steps beside the driver `kubectl`")
