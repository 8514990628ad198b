"""A namespace with something that runs, and a rehearsal over it, for the tests in this folder."""

from __future__ import annotations

import json
import time

import pytest

from interlock.core.rehearsal.journal import Head, applying_line, head_line, noted_line, probed_line, read_journal
from interlock.core.rehearsal.plan_read import read_rehearsal_plan
from interlock.plugins.rehearsals.kubectl import KubectlRehearsal
from interlock.plugins.rehearsals.probe_kubernetes import KubernetesProbe
from interlock.plugins.world.programs import SystemPrograms
from interlock.plugins.world.rehearsal_files import RehearsalFiles
from interlock.ports.rehearsal import RehearsalScene
from interlock.road.rehearsal_stage import staged
from interlock.road.rehearse import recover, rehearse
from interlock.testing.kubernetes import CONTEXT

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
MANIFESTS = {"deployment": DEPLOYMENT, "beside": BESIDE, "stateful": STATEFUL, "daemon": DAEMON}
WORKLOADS = {"deployment": "deployment/harbour", "stateful": "statefulset/quay", "daemon": "daemonset/tug"}
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
        self.kubectl("apply", "-f", "-", given=written(manifests, more))
        for name in (WORKLOADS[each] for each in manifests if each in WORKLOADS):
            self.kubectl("rollout", "status", name, "--timeout=30s")

    def change(self, *manifests, **more):
        """The change's own, in the checkout."""
        (self.folder / "deploy").mkdir(exist_ok=True)
        (self.folder / "deploy" / "all.yaml").write_text(written(manifests, more))

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

    def stopped_at(self, until, plan):
        """As a process that is killed there: nothing of it runs on, and nothing of it tidies up."""
        self.begin(plan)
        with self.stage(plan) as stage:
            driver = stage.driver
            assert driver.needs() == ""
            before = {name: probe.look() for name, probe in stage.probes.items()}
            for line in (probed_line(before), noted_line(driver.notes()), applying_line()):
                stage.write(line)
            for acted in driver.apply():
                if acted.name == until:
                    return


def written(manifests, more):
    """Manifests by name, or as they are."""
    return "---\n".join(MANIFESTS.get(each, each) for each in manifests).format(**FIRST | more)


@pytest.fixture
def place(cluster, namespace, tmp_path):
    return Place(cluster, namespace, tmp_path)
