"""The driver ``kubectl``: manifests are applied, or an image is set, and ``rollout undo`` takes them back.

Rules:
1. Before anything is touched, the cluster says what the change would do, by a dry run of its own. What could not
   go back by ``rollout undo`` is refused by then, see ``core.rehearsal.undo``.
2. It goes back to the revision that was there, never to "the one before", and only where the pod template is not
   that one's already. It is done when all pods are of that version and ready.
3. Everything that the change touches, and all that the workloads' pods take, is looked at by this driver's own
   probe: ``rollout undo`` brings back no ConfigMap, no Secret, no number of replicas.
4. The revisions, the objects and the server are noted before. Whoever recovers goes back by these, and never on
   another server.
5. A context, a namespace or a server that is production's is refused.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from interlock.core.change.canonical import Json
from interlock.core.rehearsal.brief import brief
from interlock.core.rehearsal.cluster import Cluster, production_mark
from interlock.core.rehearsal.fingerprint import Fingerprint
from interlock.core.rehearsal.going_back import Before, GoingBack
from interlock.core.rehearsal.outcome import Acted
from interlock.core.rehearsal.plan import OWN_STEPS, RehearsalPlan
from interlock.core.rehearsal.undo import Noted, changing, lacking, no_way_back, noted_of, objects_of
from interlock.core.rehearsal.workloads import KEEPERS, Revision, template_digest, unrest, workload_name
from interlock.plugins.rehearsals.kubectl_asking import Kubectl, UnaskedError
from interlock.plugins.rehearsals.kubectl_back import undone_by
from interlock.plugins.rehearsals.kubectl_workloads import Workloads
from interlock.plugins.rehearsals.probe_kubernetes import check_objects, seen_objects
from interlock.plugins.rehearsals.reading import read, refuse
from interlock.ports.rehearsal import Probe, RehearsalScene

NAME = "kubectl"
_WAYS = 3
"""There, back, and back once more."""
_WORKLOAD = re.compile(rf"(?:{'|'.join(KEEPERS)})/[a-z0-9][a-z0-9.-]{{0,252}}")
_CONTAINER = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_PINNED = re.compile(r"[^\s@=-][^\s@=]{0,500}@sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class KubectlSettings:
    """``manifests`` are files or folders of the checkout, or ``image_env`` names the variable with the image.

    ``objects`` must come back besides. A rollout takes ``timeout`` seconds at most.
    """

    context: str
    namespace: str
    workloads: tuple[str, ...]
    manifests: tuple[str, ...] = ()
    image_env: str = ""
    container: str = ""
    objects: tuple[str, ...] = ()
    timeout: float = 120.0


class KubectlRehearsal:
    """The driver; see the rules above."""

    def __init__(self, plan: RehearsalPlan, scene: RehearsalScene) -> None:
        self._settings = found = read(KubectlSettings, plan.driver.settings, what=f"the driver `{NAME}`")
        self._scene = scene
        self._kubectl = Kubectl(scene.programs, context=found.context, namespace=found.namespace)
        _check(found)
        if plan.apply or plan.rollback:
            hint = "what `rollout undo` does not bring back is another member of a set, with steps of its own"
            raise refuse(f"no steps beside the driver `{NAME}`", "some", hint=hint, path=())
        self._workloads = Workloads(self._kubectl, found.timeout)
        self._noted = noted_of(scene.noted)
        self._refused: tuple[str, ...] = ()
        self._changing: tuple[str, ...] = ()
        self._numbers: dict[str, dict[str, Json]] = {}

    @staticmethod
    def going_back(plan: RehearsalPlan, before: Before) -> GoingBack:
        """``rollout undo``, in whichever cluster it is."""
        found = read(KubectlSettings, plan.driver.settings, what=f"the driver `{NAME}`")
        _check(found)
        return undone_by(found.workloads, found.timeout, before)

    def needs(self) -> str:
        """kubectl, a cluster that is not production and answers, and workloads at rest."""
        if lacks := self._kubectl.missing() or self._lacks():
            return lacks
        try:
            cluster = self._kubectl.cluster()
            if mark := production_mark(cluster, self._scene.production):
                return f"another cluster: {cluster.server} is production's by its mark `{mark}`"
            return self._prepared(cluster)
        except UnaskedError as error:
            return f"another answer: {error}"

    def looks(self) -> Mapping[str, Probe]:
        """One look at everything that was noted."""
        return {"cluster": _Look(self)}

    def notes(self) -> Mapping[str, Json]:
        """Revisions, objects and the server."""
        return {} if self._noted is None else self._noted.noted()

    def apply(self) -> Iterator[Acted]:
        """Once it is known that there is a way back."""
        steps = [("revisions", self._known), ("apply", self._put)]
        steps += [(f"rollout {name}", partial(self._rolled, name)) for name in self._changing]
        return _went(steps)

    def roll_back(self) -> Iterator[Acted]:
        """Every workload that is not as it was, the last one first."""
        steps = [("same cluster", self._same)]
        steps += [(f"undo {name}", partial(self._undone, name)) for name in reversed(self._settings.workloads)]
        return _went(steps)

    def measured(self) -> Mapping[str, Json]:
        """Where it was, and the revisions of each workload on the way."""
        found = self._settings
        told: dict[str, Json] = {"context": found.context, "namespace": found.namespace}
        if self._noted is not None:
            told["server"] = self._noted.server
        if found.image_env:
            told["image"] = self._image
        return {**told, "revisions": {name: {**each} for name, each in self._numbers.items()}}

    def close(self) -> None:
        """Nothing is open."""

    def seen(self) -> Fingerprint:
        """What is wanted of all that was noted, and whether the workloads are all there."""
        if self._noted is None:
            return Fingerprint(items={}, failed="nobody noted what to look at")
        try:
            found = self._kubectl.objects(self._noted.objects)
        except UnaskedError as error:
            return Fingerprint(items={}, failed=str(error))
        seen, mine = seen_objects(self._noted.objects, found), self._noted.before
        rest = {
            f"{name} rollout": unrest(each) or "complete"
            for each in found
            if (name := workload_name(each)) in mine
        }
        return seen if seen.failed else Fingerprint(items={**seen.items, **rest})

    @property
    def _image(self) -> str:
        return os.environ.get(self._settings.image_env, "")

    def _lacks(self) -> str:
        """What is missing of what the plan names, in the checkout and in the environment."""
        found, root = self._settings, Path(self._scene.root).resolve()
        for path in found.manifests:
            place = (root / path).resolve()
            if not place.exists() or not place.is_relative_to(root):
                return f"`{path}` in this checkout"
        if found.image_env and not _PINNED.fullmatch(self._image):
            return f"an image by its digest, NAME@sha256:…, in the environment variable {found.image_env}"
        return ""

    def _change(self, *more: str) -> tuple[str, ...]:
        found = self._settings
        if found.image_env:
            return ("set", "image", found.workloads[0], f"{found.container}={self._image}", *more)
        return ("apply", *(f"--filename={path}" for path in found.manifests), *more)

    def _prepared(self, cluster: Cluster) -> str:
        """What is missing in the cluster, empty where nothing is; then it is noted what is there."""
        names, before = self._settings.workloads, dict[str, Revision]()
        live, asked = self._workloads.live(names), self._kubectl.listed(*self._change("--dry-run=server"))
        if lacks := lacking(names, live, asked):
            return lacks
        for name in names:
            kept = self._workloads.current(live[name])
            if kept is None:
                return f"the revision at which {name} is: nobody keeps its pod template"
            before[name] = kept
        self._refused, self._changing = tuple(no_way_back(names, live, asked)), changing(names, live, asked)
        objects = objects_of(live.values(), asked, self._settings.objects)
        self._noted = Noted(server=cluster.server, before=before, objects=objects)
        return ""

    def _known(self) -> str:
        if self._noted is None or self._refused:
            raise UnaskedError("; ".join(self._refused) or "nobody noted what is there")
        self._numbers = {name: {"before": kept.number} for name, kept in self._noted.before.items()}
        return ", ".join(f"{name} is at {kept.number}" for name, kept in self._noted.before.items())

    def _put(self) -> str:
        self._kubectl.done(*self._change(), seconds=self._settings.timeout)
        return self._image if self._settings.image_env else ", ".join(self._settings.manifests)

    def _rolled(self, name: str) -> str:
        self._workloads.wait(name)
        live, before = self._workloads.one(name), self._before(name)
        now = self._workloads.current(live)
        if now is None or template_digest(live) == before.template:
            raise UnaskedError("no new revision: somebody else put another pod template there meanwhile")
        self._numbers[name]["applied"] = now.number
        return f"at {now.number}"

    def _same(self) -> str:
        if self._noted is None:
            raise UnaskedError("nobody noted at which revision it was: look at that place by hand")
        server = self._kubectl.cluster().server
        if server != self._noted.server:
            raise UnaskedError(f"the context led to {self._noted.server}, and leads to {server} by now")
        return server

    def _undone(self, name: str) -> str:
        before = self._before(name)
        now = self._workloads.back(name, before)
        self._numbers.setdefault(name, {"before": before.number})["back"] = now.number if now else None
        return (
            f"at {now.number}, the revision that was {before.number}" if now else "at the pod template from before"
        )

    def _before(self, name: str) -> Revision:
        kept = None if self._noted is None else self._noted.before.get(name)
        if kept is None:
            raise UnaskedError(f"nobody noted at which revision {name} was")
        return kept


class _Look:
    """The driver's probe."""

    def __init__(self, driver: KubectlRehearsal) -> None:
        self._driver = driver

    def look(self) -> Fingerprint:
        """What is there now."""
        return self._driver.seen()


def _went(steps: list[tuple[str, Callable[[], str]]]) -> Iterator[Acted]:
    """Each step when it is over; the first that fails is the last."""
    for name, do in steps:
        began = time.monotonic()
        try:
            said, ok = do(), True
        except UnaskedError as error:
            said, ok = brief(str(error), 300), False
        yield Acted(name=name, ok=ok, said=said, seconds=time.monotonic() - began)
        if not ok:
            return


def _check(found: KubectlSettings) -> None:
    if not found.workloads or len(set(found.workloads)) < len(found.workloads):
        hint = "write workloads: [deployment/order-service]"
        raise refuse(
            "each workload once, and one at least",
            ", ".join(found.workloads) or "none",
            hint=hint,
            path=("workloads",),
        )
    for number, each in enumerate(found.workloads):
        if not _WORKLOAD.fullmatch(each):
            hint = f"write one of {', '.join(KEEPERS)}, and its name"
            raise refuse("a workload such as `deployment/orders`", each, hint=hint, path=("workloads", number))
    if bool(found.manifests) == bool(found.image_env):
        hint = "write manifests: [deploy/], or image_env: ORDERS_IMAGE with container: orders"
        raise refuse(
            "one of manifests and image_env", "both" if found.manifests else "neither", hint=hint, path=()
        )
    for number, each in enumerate(found.manifests):
        _check_path(each, number)
    if bool(found.image_env) != bool(_CONTAINER.fullmatch(found.container)) or (
        found.image_env and found.workloads[1:]
    ):
        hint = "an image is set in one container of one workload: container: orders"
        raise refuse("a container beside image_env", found.container or "none", hint=hint, path=("container",))
    check_objects(found.objects)
    longest = OWN_STEPS / _WAYS / len(found.workloads)
    if not 1 <= found.timeout <= longest:
        hint = "it is for one rollout of one workload, which is waited for three times"
        raise refuse(f"a timeout from 1 to {longest:.0f} seconds", found.timeout, hint=hint, path=("timeout",))


def _check_path(path: str, number: int) -> None:
    inside = bool(path.strip()) and "://" not in path and not path.startswith(("/", "-", "~"))
    if not inside or ".." in Path(path).parts or not path.isprintable():
        hint = "write a file or a folder of this repository, such as deploy/: only that is part of the change"
        raise refuse("a path in the checkout", path, hint=hint, path=("manifests", number))
