"""A real Kubernetes API on this machine: etcd, the API server and its controllers; nobody runs containers.

Rules:
1. Everything that a rollout is made of is real: Deployments, ReplicaSets, StatefulSets, DaemonSets, their
   revisions and their status are the controllers' own. No container is ever started.
2. Instead of kubelets somebody here says of each pod that it is ready, as long as its image is not called
   ``never…``. Only that is played.
3. It listens on 127.0.0.1, and ends with whoever made it.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

TOKEN = "unsafe-token-of-a-test"  # noqa: S105  # of a cluster that lives for a test
CONTEXT = "staging"
_PATIENCE = 60.0
_TYPES = {"GET": "", "POST": "application/json", "PATCH": "application/merge-patch+json"}
_CONTROLLERS = "deployment,replicaset,statefulset,daemonset,garbagecollector,namespace"


class Cluster:
    """The cluster; ``programs`` is the folder that ``scripts/kubernetes`` names."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self._folder = programs, folder
        self._running: list[subprocess.Popen[bytes]] = []
        self._over = threading.Event()
        self._trust = ssl.create_default_context()
        self._trust.check_hostname, self._trust.verify_mode = False, ssl.CERT_NONE
        self._port = free_port()
        self.address = f"https://127.0.0.1:{self._port}"
        self.kubeconfig = folder / "kubeconfig"

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Everything ends."""
        self._over.set()
        for one in reversed(self._running):
            one.kill()
            one.wait(30)

    def ask(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401  # whatever JSON is answered
        """One request to the API."""
        request = urllib.request.Request(  # noqa: S310  # an address of this machine
            self.address + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": _TYPES[method]},
        )
        with urllib.request.urlopen(request, context=self._trust, timeout=10) as answer:  # noqa: S310  # likewise
            return json.load(answer)

    def node(self, name: str) -> None:
        """One more node, on which a DaemonSet puts a pod."""
        self.ask("POST", "/api/v1/nodes", {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}})
        self.ask("PATCH", f"/api/v1/nodes/{name}", {"spec": {"taints": None}})

    def kubectl(self, *arguments: str, given: str = "") -> str:
        """What kubectl says, in the context of staging."""
        done = subprocess.run(  # noqa: S603  # arguments of a test
            [self._programs / "kubectl", f"--kubeconfig={self.kubeconfig}", f"--context={CONTEXT}", *arguments],
            input=given.encode(), capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"kubectl {' '.join(arguments)}: {done.stderr.decode()}")
        return done.stdout.decode()

    def _start(self) -> None:
        (self._folder / "tokens.csv").write_text(f"{TOKEN},admin,admin,system:masters\n")
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        (self._folder / "accounts.pem").write_bytes(pem)
        write_kubeconfig(self.kubeconfig, {CONTEXT: self.address})
        write_kubeconfig(self._folder / "controllers.kubeconfig", {CONTEXT: self.address}, current=CONTEXT)
        client, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        self._run(
            "etcd", "--data-dir=etcd", f"--listen-client-urls={client}", f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}", "--unsafe-no-fsync",
        )  # fmt: skip
        self._run(
            "kube-apiserver", f"--etcd-servers={client}", "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1", f"--secure-port={self._port}", "--insecure-port=0",
            "--cert-dir=certs", "--token-auth-file=tokens.csv", "--authorization-mode=RBAC",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--service-account-issuer=https://tests.invalid", "--service-account-key-file=accounts.pem",
            "--service-account-signing-key-file=accounts.pem", "--endpoint-reconciler-type=none",
            "--disable-admission-plugins=ServiceAccount",
        )  # fmt: skip
        self._until_ready()
        self._run(
            "kube-controller-manager", "--kubeconfig=controllers.kubeconfig", f"--controllers={_CONTROLLERS}",
            "--leader-elect=false", "--port=0", "--bind-address=127.0.0.1", f"--secure-port={free_port()}",
            "--cert-dir=controller-certs",
        )  # fmt: skip
        threading.Thread(target=self._play_kubelets, daemon=True).start()

    def _run(self, program: str, *arguments: str) -> None:
        with (self._folder / f"{program}.log").open("wb") as log:
            started = subprocess.Popen(  # noqa: S603  # built by this repository's script
                [self._programs / program, *arguments],
                cwd=self._folder,
                stdout=log,
                stderr=log,
                env={"PATH": os.environ["PATH"], "HOME": str(self._folder)},
            )
        self._running.append(started)

    def _until_ready(self) -> None:
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                self.ask("GET", "/api/v1/namespaces/default")
            except (OSError, ValueError):
                if time.monotonic() > end or any(one.poll() is not None for one in self._running):
                    log = (self._folder / "kube-apiserver.log").read_text(errors="replace")
                    raise RuntimeError(f"the API is not there: {log[-2000:]}") from None
                time.sleep(0.1)
            else:
                return

    def _play_kubelets(self) -> None:
        while not self._over.wait(0.1):
            with suppress(OSError, ValueError):
                for pod in self.ask("GET", "/api/v1/pods")["items"]:
                    self._play(pod)

    def _play(self, pod: dict[str, Any]) -> None:
        about, images = pod["metadata"], [each["image"] for each in pod["spec"]["containers"]]
        known = any(each["type"] == "Ready" for each in pod["status"].get("conditions", ()))
        if known or "deletionTimestamp" in about or any(image.startswith("never") for image in images):
            return
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        ready = {"type": "Ready", "status": "True", "lastTransitionTime": now}
        path = f"/api/v1/namespaces/{about['namespace']}/pods/{about['name']}/status"
        with suppress(urllib.error.HTTPError):  # it may be gone by now
            self.ask("PATCH", path, {"status": {"phase": "Running", "conditions": [ready]}})


def free_port() -> int:
    """A port that nobody listens on right now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def write_kubeconfig(place: Path, contexts: dict[str, str], current: str = "") -> None:
    """A kubeconfig with one cluster for each context; the current one is none unless it is named."""
    clusters = [
        {"name": f"{name}-cluster", "cluster": {"server": server, "insecure-skip-tls-verify": True}}
        for name, server in contexts.items()
    ]
    told = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": clusters,
        "users": [{"name": "admin", "user": {"token": TOKEN}}],
        "contexts": [
            {"name": name, "context": {"cluster": f"{name}-cluster", "user": "admin"}} for name in contexts
        ],
        "current-context": current,
    }
    place.write_text(json.dumps(told))
