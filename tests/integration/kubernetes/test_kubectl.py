"""Going back by ``rollout undo`` in a real cluster: what it brings back, what it does not, what never comes up."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import replace

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.rehearsal.journal import Head, applying_line, head_line, noted_line, probed_line, read_journal
from interlock.core.rehearsal.plan_read import read_rehearsal_plan
from interlock.plugins.rehearsals.kubectl import KubectlRehearsal
from interlock.plugins.rehearsals.probe_kubernetes import KubernetesProbe
from interlock.plugins.world.programs import SystemPrograms
from interlock.plugins.world.rehearsal_files import RehearsalFiles
from interlock.ports.rehearsal import RehearsalScene
from interlock.road.rehearsal_stage import staged
from interlock.road.rehearse import recover, rehearse
from interlock.testing.kubernetes import CONTEXT, TOKEN, free_port, write_kubeconfig

pytestmark = pytest.mark.soak

PASSWORD = "hunter2-of-a-test"
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: harbour, annotations: {{owner: ana}}}}
spec:
  replicas: {replicas}
  revisionHistoryLimit: {limit}
  paused: {paused}
  selector: {{matchLabels: {{app: harbour}}}}
  template:
    metadata: {{labels: {{app: harbour}}}}
    spec:
      containers:
        - name: harbour
          image: "{image}"
          envFrom: [{{configMapRef: {{name: berths}}}}, {{secretRef: {{name: door}}}}]
"""
BESIDE = """\
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: berths}}
data: {{hold: "{hold}"}}
---
apiVersion: v1
kind: Secret
metadata: {{name: door}}
stringData: {{password: {password}}}
---
apiVersion: v1
kind: Service
metadata: {{name: harbour}}
spec: {{selector: {{app: harbour}}, ports: [{{port: {port}}}]}}
"""
STATEFUL = """\
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: quay}}
spec:
  replicas: 2
  serviceName: quay
  updateStrategy: {strategy}
  selector: {{matchLabels: {{app: quay}}}}
  template:
    metadata: {{labels: {{app: quay}}}}
    spec: {{containers: [{{name: quay, image: "{image}"}}]}}
"""
DAEMON = """\
apiVersion: apps/v1
kind: DaemonSet
metadata: {{name: tug}}
spec:
  selector: {{matchLabels: {{app: tug}}}}
  template:
    metadata: {{labels: {{app: tug}}}}
    spec: {{containers: [{{name: tug, image: "{image}"}}]}}
"""
WORKLOADS = {DEPLOYMENT: "deployment/harbour", STATEFUL: "statefulset/quay", DAEMON: "daemonset/tug"}
FIRST = {
    "image": "harbour:1", "replicas": 2, "limit": 10, "paused": "false", "hold": "30", "password": PASSWORD,
    "port": 80, "strategy": "{type: RollingUpdate}",
}  # fmt: skip
PLAN = """\
service: harbour
environment: staging
driver:
  kind: kubectl
  context: {context}
  namespace: {namespace}
  workloads: [{workloads}]
  {change}
  timeout: 5
"""
IMAGE = "harbour@sha256:" + "2" * 64


class Place:
    """A namespace with something that runs, a checkout with its manifests, and a rehearsal over both."""

    def __init__(self, cluster, namespace, folder):
        self.cluster, self.namespace, self.folder = cluster, namespace, folder
        self.files = RehearsalFiles(folder / ".interlock")
        self.heard = []

    def kubectl(self, *arguments, given=""):
        return self.cluster.kubectl(f"--namespace={self.namespace}", *arguments, given=given)

    def get(self, name):
        return json.loads(self.kubectl("get", name, "-o", "json"))

    def image(self):
        """That of the only container."""
        return self.get("deployment/harbour")["spec"]["template"]["spec"]["containers"][0]["image"]

    def runs(self, *manifests, **more):
        """These run here, all of them ready."""
        self.kubectl("apply", "-f", "-", given="---\n".join(manifests).format(**FIRST | more))
        for name in (WORKLOADS[each] for each in manifests if each in WORKLOADS):
            self.kubectl("rollout", "status", name, "--timeout=30s")

    def change(self, *manifests, **more):
        """The change's own, in the checkout."""
        (self.folder / "deploy").mkdir(exist_ok=True)
        (self.folder / "deploy" / "all.yaml").write_text("---\n".join(manifests).format(**FIRST | more))

    def plan(self, *, workloads="deployment/harbour", change="manifests: [deploy/]", context=CONTEXT):
        return PLAN.format(context=context, namespace=self.namespace, workloads=workloads, change=change).encode()

    def stage(self, plan, run="reh-1", **more):
        scene = RehearsalScene(
            root=str(self.folder), run=run, change="chg-1", digest="sha256:" + "0" * 64, service="harbour",
            environment="staging", programs=SystemPrograms(str(self.folder)), **more,
        )  # fmt: skip
        return staged(
            read_rehearsal_plan("rehearsals/harbour.yaml", plan), scene, drivers={"kubectl": KubectlRehearsal},
            probes={"kubernetes": KubernetesProbe}, write=self.journal(run).write, steady=time.monotonic,
            told=self.heard.append,
        )  # fmt: skip

    def journal(self, run="reh-1"):
        with self.files.alone("staging"):
            return self.files.go_on(run)

    def begin(self, plan, run="reh-1"):
        self.journal(run).write(
            head_line(
                Head(
                    run=run,
                    change="chg-1",
                    digest="sha256:" + "0" * 64,
                    service="harbour",
                    environment="staging",
                    path="rehearsals/harbour.yaml",
                    plan=plan,
                    began="2026-03-05T10:00:00Z",
                )
            )
        )

    def rehearse(self, plan=None, run="reh-1", **more):
        plan = plan or self.plan()
        self.begin(plan, run)
        with self.stage(plan, run, **more) as stage:
            seen, found = rehearse(stage, 60.0)
        self.written = self.journal(run).place.read_bytes()
        return seen, found

    def recover(self, plan=None, run="reh-1"):
        kept = read_journal(self.journal(run).place.read_bytes(), "journal")
        with self.stage(plan or self.plan(), run, noted=kept.noted) as stage:
            return recover(stage, kept)


@pytest.fixture
def place(cluster, namespace, tmp_path):
    return Place(cluster, namespace, tmp_path)


def test_a_new_image_comes_and_goes_and_the_revision_is_a_new_number_each_time(place):
    place.runs(DEPLOYMENT, BESIDE)
    place.change(DEPLOYMENT, BESIDE, image="harbour:2")
    before = place.get("deployment/harbour")
    seen, found = place.rehearse()
    assert (found.verdict, found.reasons, found.left) == ("passed", (), ())
    assert [one.item for one in found.did] == ["deployment/harbour spec.template.spec.containers[harbour].image"]
    assert seen.measured["revisions"] == {"deployment/harbour": {"before": 1, "applied": 2, "back": 3}}
    after = place.get("deployment/harbour")
    assert after["spec"]["template"] == before["spec"]["template"]
    assert TOKEN.encode() not in place.written
    assert PASSWORD.encode() not in place.written
    assert base64.b64encode(PASSWORD.encode()) not in place.written


def test_it_goes_back_to_the_revision_that_was_there_and_not_to_the_one_before(place):
    """Between the apply and the way back somebody else rolls out: undo without a number would go to the change."""
    place.runs(DEPLOYMENT, BESIDE)
    place.change(DEPLOYMENT, BESIDE, image="harbour:2")
    plan = place.plan()
    place.begin(plan)
    with place.stage(plan) as stage:
        told = stage.told

        def meddled(text):
            told(text)
            if text.startswith("there: rollout"):
                place.kubectl("set", "image", "deployment/harbour", "harbour=harbour:3")
                place.kubectl("rollout", "status", "deployment/harbour", "--timeout=30s")

        seen, found = rehearse(replace(stage, told=meddled), 60.0)
    assert (found.verdict, found.left) == ("passed", ())
    assert seen.measured["revisions"] == {"deployment/harbour": {"before": 1, "applied": 2, "back": 4}}
    assert place.image() == "harbour:1"


def test_an_old_template_that_comes_again_is_no_trap(place):
    """A template that ran before has its ReplicaSet renumbered; so has the one that is gone back to."""
    place.runs(DEPLOYMENT, BESIDE)
    place.runs(DEPLOYMENT, BESIDE, image="harbour:2")
    place.change(DEPLOYMENT, BESIDE, image="harbour:1")
    seen, found = place.rehearse()
    assert (found.verdict, found.left) == ("passed", ())
    assert seen.measured["revisions"] == {"deployment/harbour": {"before": 2, "applied": 3, "back": 4}}


def test_what_undo_does_not_bring_back_is_named(place):
    place.runs(DEPLOYMENT, BESIDE)
    place.change(DEPLOYMENT, BESIDE, image="harbour:2", hold="45", password="another", port=81, replicas=3)
    _, found = place.rehearse()
    assert found.verdict == "failed"
    left = {one.item for one in found.left}
    assert left >= {"configmap/berths data.hold", "secret/door data.password", "deployment/harbour spec.replicas"}
    assert any(each.startswith("service/harbour spec.ports") for each in left)
    assert not any("image" in each for each in left)
    assert b"another" not in place.written
    assert found.dirty


def test_a_change_without_a_new_template_is_not_begun(place):
    place.runs(DEPLOYMENT, BESIDE)
    place.change(DEPLOYMENT, BESIDE, hold="45")
    _, found = place.rehearse()
    assert found.verdict == "failed"
    assert "no pod template changes" in " ".join(found.reasons)
    assert place.get("configmap/berths")["data"] == {"hold": "30"}
    assert not found.dirty


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"limit": 0}, "deployment/harbour by this change: revisionHistoryLimit is 0"),
        ({"paused": "true"}, "deployment/harbour by this change: it is paused"),
    ],
)
def test_what_takes_the_way_back_away_is_not_begun(place, more, why):
    place.runs(DEPLOYMENT, BESIDE)
    place.change(DEPLOYMENT, BESIDE, image="harbour:2", **more)
    _, found = place.rehearse()
    assert (found.verdict, found.dirty) == ("failed", False)
    assert why in " ".join(found.reasons)
    assert place.get("deployment/harbour")["metadata"]["generation"] == 1


def test_without_a_history_nothing_is_begun(place):
    place.runs(DEPLOYMENT, BESIDE, limit=0)
    place.change(DEPLOYMENT, BESIDE, image="harbour:2", limit=0)
    _, found = place.rehearse()
    assert found.verdict == "failed"
    assert "deployment/harbour: revisionHistoryLimit is 0" in " ".join(found.reasons)


def test_a_version_that_never_comes_up_is_undone_and_said(place):
    place.runs(DEPLOYMENT, BESIDE)
    place.change(DEPLOYMENT, BESIDE, image="never:2")
    _, found = place.rehearse()
    assert (found.verdict, found.left) == ("failed", ())
    assert "apply step rollout deployment/harbour: not ready in 5 s: " in " ".join(found.reasons)
    assert place.get("deployment/harbour")["status"]["readyReplicas"] == 2


def test_statefulsets_and_daemonsets_go_back_too(place, cluster):
    cluster.node("one")
    place.runs(STATEFUL, DAEMON)
    place.change(STATEFUL, DAEMON, image="harbour:2")
    seen, found = place.rehearse(place.plan(workloads="statefulset/quay, daemonset/tug"))
    assert (found.verdict, found.reasons, found.left) == ("passed", (), ())
    numbers = {"before": 1, "applied": 2, "back": 3}
    assert seen.measured["revisions"] == {"statefulset/quay": numbers, "daemonset/tug": numbers}


def test_a_statefulset_that_hangs_at_a_broken_pod_is_left_and_named(place):
    """Known of StatefulSets: they wait for the broken pod for ever, whatever is wanted of them by then."""
    place.runs(STATEFUL)
    place.change(STATEFUL, image="never:2")
    _, found = place.rehearse(place.plan(workloads="statefulset/quay"))
    assert found.verdict == "failed"
    assert "rollback step undo statefulset/quay: not ready in 5 s" in " ".join(found.reasons)
    assert [one.item for one in found.left] == ["statefulset/quay rollout"]
    assert found.dirty
    place.kubectl("delete", "pod", "quay-1")
    place.kubectl("rollout", "status", "statefulset/quay", "--timeout=30s")
    assert place.recover(place.plan(workloads="statefulset/quay")) == ()


@pytest.mark.parametrize(
    ("strategy", "why"),
    [
        ("{type: OnDelete}", "it is updated OnDelete"),
        ("{type: RollingUpdate, rollingUpdate: {partition: 1}}", "updateStrategy has a partition"),
    ],
)
def test_a_strategy_that_makes_no_pods_anew_is_not_begun(place, strategy, why):
    place.runs(STATEFUL)
    place.change(STATEFUL, image="harbour:2", strategy=strategy)
    _, found = place.rehearse(place.plan(workloads="statefulset/quay"))
    assert found.verdict == "failed"
    assert why in " ".join(found.reasons)
    assert place.get("statefulset/quay")["metadata"]["generation"] == 1


def test_an_image_by_its_digest_is_set_and_taken_back(place, monkeypatch):
    place.runs(DEPLOYMENT, BESIDE)
    plan = place.plan(change="image_env: HARBOUR_IMAGE\n  container: harbour")
    for wrong in ("", "harbour:2", "-x@sha256:" + "2" * 64):
        monkeypatch.setenv("HARBOUR_IMAGE", wrong)
        _, found = place.rehearse(plan, run=f"reh-{len(wrong)}")
        assert (found.verdict, "HARBOUR_IMAGE" in found.reasons[0]) == ("undecidable", True)
    monkeypatch.setenv("HARBOUR_IMAGE", IMAGE)
    seen, found = place.rehearse(plan)
    assert (found.verdict, found.left, seen.measured["image"]) == ("passed", (), IMAGE)


def test_two_changes_at_once_are_not_looked_at(place):
    """A workload that is not at rest shows nothing: whose pods would be seen?"""
    place.runs(DEPLOYMENT, BESIDE)
    place.kubectl("set", "image", "deployment/harbour", "harbour=never:3")
    place.change(DEPLOYMENT, BESIDE, image="harbour:2")
    _, found = place.rehearse()
    assert found.verdict == "undecidable"
    assert "deployment/harbour at rest before the change" in found.reasons[0]


@pytest.mark.parametrize(
    ("runs", "replicas", "needs"),
    [
        (False, 2, "deployment/harbour in the cluster before the change"),
        (True, 0, "deployment/harbour with a pod at least"),
    ],
)
def test_what_would_show_nothing_is_undecided(place, runs, replicas, needs):
    if runs:
        place.runs(DEPLOYMENT, BESIDE)
    place.change(DEPLOYMENT, BESIDE, image="harbour:2", replicas=replicas)
    _, found = place.rehearse()
    assert found.verdict == "undecidable"
    assert needs in found.reasons[0]


ROLE = "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: all}}\nrules: []\n"
ELSEWHERE = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: x, namespace: default}}\n"


@pytest.mark.parametrize(
    ("more", "needs"),
    [
        (ROLE, "clusterrole.rbac.authorization.k8s.io/all is of the whole cluster"),
        (ELSEWHERE, "does not match the namespace"),
        ("---\nkind: Nothing\napiVersion: v1\nmetadata: {{name: x}}\n", "no matches for kind"),
    ],
)
def test_what_is_not_of_this_namespace_is_not_touched(place, more, needs):
    place.runs(DEPLOYMENT, BESIDE)
    place.change(DEPLOYMENT, BESIDE, more, image="harbour:2")
    _, found = place.rehearse()
    assert found.verdict == "undecidable"
    assert needs in found.reasons[0]
    assert place.get("deployment/harbour")["metadata"]["generation"] == 1


# killed half-way: what the journal notes is all there is


def stopped_at(place, until, plan):
    """As a process that is killed there: nothing of it runs on, and nothing of it tidies up."""
    place.begin(plan)
    with place.stage(plan) as stage:
        driver = stage.driver
        assert driver.needs() == ""
        before = {name: probe.look() for name, probe in stage.probes.items()}
        for line in (probed_line(before), noted_line(driver.notes()), applying_line()):
            stage.write(line)
        for acted in driver.apply():
            if acted.name == until:
                return


@pytest.mark.parametrize("until", ["revisions", "apply", "rollout deployment/harbour"])
@pytest.mark.parametrize("image", ["harbour:2", "never:2"])
def test_whoever_recovers_goes_back_by_the_notes_and_twice_changes_nothing_more(place, until, image):
    place.runs(DEPLOYMENT, BESIDE)
    place.change(DEPLOYMENT, BESIDE, image=image)
    stopped_at(place, until, place.plan())
    (place.folder / "deploy" / "all.yaml").unlink()
    assert place.recover() == ()
    once = place.get("deployment/harbour")["metadata"]["generation"]
    assert place.recover() == ()
    assert place.get("deployment/harbour")["metadata"]["generation"] == once
    assert place.image() == "harbour:1"


def test_on_another_server_nothing_is_taken_back(place, cluster, tmp_path, monkeypatch):
    place.runs(DEPLOYMENT, BESIDE)
    place.change(DEPLOYMENT, BESIDE, image="harbour:2")
    stopped_at(place, "rollout deployment/harbour", place.plan())
    write_kubeconfig(tmp_path / "other", {CONTEXT: f"https://localhost:{cluster.address.rpartition(':')[2]}"})
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "other"))
    assert place.recover()
    assert "the context led to https://127.0.0.1:" in " ".join(place.heard)
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    assert place.recover() == ()


def test_a_workload_that_was_made_anew_is_left_alone(place):
    place.runs(DEPLOYMENT, BESIDE)
    place.change(DEPLOYMENT, BESIDE, image="harbour:2")
    stopped_at(place, "rollout deployment/harbour", place.plan())
    place.kubectl("delete", "deployment/harbour")
    place.runs(DEPLOYMENT, BESIDE, image="harbour:2")
    assert place.recover()
    assert "it was deleted and made anew" in " ".join(place.heard)


# where it may not be


def test_a_server_of_production_is_refused_whatever_its_context_is_called(place, cluster):
    place.runs(DEPLOYMENT, BESIDE)
    place.change(DEPLOYMENT, BESIDE, image="harbour:2")
    _, found = place.rehearse(production=("production", "127.0.*"))
    assert found.verdict == "undecidable"
    assert f"{cluster.address} is production's by its mark `127.0.*`" in found.reasons[0]
    assert place.get("deployment/harbour")["metadata"]["generation"] == 1


def test_a_context_that_is_not_there_is_said_and_the_current_one_is_not_taken(
    place, cluster, tmp_path, monkeypatch
):
    place.runs(DEPLOYMENT, BESIDE)
    place.change(DEPLOYMENT, BESIDE, image="harbour:2")
    write_kubeconfig(tmp_path / "current", {CONTEXT: cluster.address}, current=CONTEXT)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "current"))
    _, found = place.rehearse(place.plan(context="another"))
    assert found.verdict == "undecidable"
    assert "another" in found.reasons[0]
    assert place.get("deployment/harbour")["metadata"]["generation"] == 1


def test_a_server_that_does_not_answer_leaves_it_undecided(place, tmp_path, monkeypatch):
    place.change(DEPLOYMENT, BESIDE, image="harbour:2")
    write_kubeconfig(tmp_path / "gone", {CONTEXT: f"https://127.0.0.1:{free_port()}"})
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "gone"))
    _, found = place.rehearse()
    assert (found.verdict, "refused" in found.reasons[0]) == ("undecidable", True)


def test_a_plan_with_steps_is_refused(place):
    plan = place.plan() + b'rollback: [{name: a, run: ["true"], verify: ["true"]}]\n'
    with pytest.raises(InvalidInput) as refused, place.stage(plan):
        pass
    assert refused.value.message.startswith("expected no steps beside the driver `kubectl`")
