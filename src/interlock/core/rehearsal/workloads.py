"""Workloads of Kubernetes as ``rollout undo`` sees them: what they run now, which revisions they keep, what rests.

Rules:
1. A revision's number says little: going back to it gives the same template a new one. A revision is known by who
   keeps it, a ReplicaSet or a ControllerRevision, whose number is looked up when it is needed.
2. Whether a workload is back is said by its pod template, never by a number: a template is there as soon as it was
   asked for, while numbers follow.
3. What ``rollout undo`` could not take back, or would take back to nothing, is told before anything is touched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from interlock.core.change.canonical import Json, digest
from interlock.core.change.manifest_references import of_pod
from interlock.core.change.pointers import at
from interlock.core.rehearsal.kubernetes import Object

KEEPERS = {
    "deployment": "replicasets.apps",
    "statefulset": "controllerrevisions.apps",
    "daemonset": "controllerrevisions.apps",
}
"""Who keeps the revisions of which kind, as kubectl calls it."""
REVISION = "deployment.kubernetes.io/revision"
_HASH = "pod-template-hash"
_DOMAIN = "interlock.dev/pod-template/v1"
_NEVER = "OnDelete"
_REFERRED = frozenset({"ConfigMap", "Secret"})

_COUNTS = {
    "Deployment": (
        ("are of this version", "updatedReplicas"),
        ("are there", "replicas"),
        ("are available", "availableReplicas"),
    ),
    "StatefulSet": (
        ("are of this version", "updatedReplicas"),
        ("are there", "replicas"),
        ("are ready", "readyReplicas"),
    ),
    "DaemonSet": (("are of this version", "updatedNumberScheduled"), ("are available", "numberAvailable")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A revision of a workload: who keeps it, its number, and the digest of its pod template.

    ``workload`` is the uid of whose it is: another workload of the same name has none of its revisions.
    """

    workload: str
    keeper: str
    number: int
    template: str

    def noted(self) -> dict[str, Json]:
        """As a note in a journal."""
        return {
            "workload": self.workload,
            "keeper": self.keeper,
            "number": self.number,
            "template": self.template,
        }


def noted_revision(value: Json) -> Revision | None:
    """The revision of a note; None where it is none."""
    if not isinstance(value, dict) or not isinstance(number := value.get("number"), int):
        return None
    texts = [value.get(key) for key in ("workload", "keeper", "template")]
    if not all(isinstance(text, str) and text for text in texts):
        return None
    workload, keeper, template = (str(text) for text in texts)
    return Revision(workload=workload, keeper=keeper, number=number, template=template)


def object_name(value: Object) -> str:
    """What kubectl calls an object: ``configmap/berths``, ``deployment.apps/harbour``."""
    group = str(value.get("apiVersion", "")).rpartition("/")[0]
    kind = str(value.get("kind", "")).lower() + (f".{group}" if group else "")
    return f"{kind}/{at(value, '/metadata/name')}"


def workload_name(value: Object) -> str:
    """The same without its group, as a plan writes it: ``deployment/harbour``."""
    kind, _, name = object_name(value).partition("/")
    return f"{kind.partition('.')[0]}/{name}"


def template_digest(workload: Json) -> str:
    """The digest of the pod template of a workload, or of who keeps a revision of it.

    What a keeper adds to the template it keeps, and what is there without a value, does not count.
    """
    kept = at(workload, "/data/spec/template")
    template = _plain(kept if isinstance(kept, dict) else at(workload, "/spec/template"))
    if not isinstance(template, dict):
        return ""
    template.pop("$patch", None)
    labels = at(template, "/metadata/labels")
    if isinstance(labels, dict):
        labels.pop(_HASH, None)
    return digest(_DOMAIN, template)


def current(workload: Object, keepers: Sequence[Object]) -> Revision | None:
    """The revision that a workload wants now; None where nobody keeps its template."""
    wanted = template_digest(workload)
    kept = [(number, one) for one, number in _own(workload, keepers) if template_digest(one) == wanted]
    if not kept:
        return None
    number, keeper = max(kept, key=lambda each: each[0])
    uid, name = str(at(workload, "/metadata/uid")), str(at(keeper, "/metadata/name"))
    return Revision(workload=uid, keeper=name, number=number, template=wanted)


def number_now(revision: Revision, workload: Object, keepers: Sequence[Object]) -> int:
    """The number under which a revision is kept now; 0 where it is not any more."""
    for one, number in _own(workload, keepers):
        if at(one, "/metadata/name") == revision.keeper and template_digest(one) == revision.template:
            return number
    return 0


def unrest(workload: Object) -> str:
    """What keeps a workload from being all there, in a few words; empty where it is at rest."""
    if _number(workload, "/status/observedGeneration") < _number(workload, "/metadata/generation"):
        return "its controller has not seen what is wanted of it"
    wanted, counts = _counts(workload)
    for told, count in counts:
        if count != wanted:
            return f"{count} of {wanted} pods {told}"
    return ""


def no_pods(workload: Object) -> bool:
    """Whether it wants no pod at all, so that nothing would ever be started by it."""
    return _counts(workload)[0] == 0


def beyond_undo(workload: Object) -> str:
    """Why ``rollout undo`` and ``rollout status`` cannot serve a workload; empty where they can."""
    if at(workload, "/spec/revisionHistoryLimit") == 0:
        return "revisionHistoryLimit is 0, so no revision is kept to go back to"
    if at(workload, "/spec/paused") is True:
        return "it is paused, and a paused rollout neither goes on nor back"
    if at(workload, "/spec/updateStrategy/type") == _NEVER:
        return f"it is updated {_NEVER}, so neither way makes a pod anew"
    if _number(workload, "/spec/updateStrategy/rollingUpdate/partition") > 0:
        return "updateStrategy has a partition, so some pods keep the version they have"
    return ""


def referred(workload: Object) -> set[str]:
    """The ConfigMaps and Secrets that a workload's pods take, as kubectl calls them."""
    pods = at(workload, "/spec/template/spec")
    found = of_pod("/spec/template/spec", pods) if isinstance(pods, dict) else ()
    return {f"{each.kind.lower()}/{each.name}" for each in found if each.kind in _REFERRED}


def of_whole_cluster(objects: Sequence[Object]) -> list[str]:
    """Those that are in no namespace: they are everybody's."""
    return sorted(object_name(each) for each in objects if not at(each, "/metadata/namespace"))


def _own(workload: Object, keepers: Sequence[Object]) -> Iterator[tuple[Object, int]]:
    """Who keeps revisions of this very workload, each with the number."""
    uid = at(workload, "/metadata/uid")
    for one in keepers:
        owners = at(one, "/metadata/ownerReferences")
        mine = [each for each in owners if isinstance(each, dict)] if isinstance(owners, list) else []
        if uid and any(each.get("uid") == uid and each.get("controller") is True for each in mine):
            yield one, _revision_number(one)


def _revision_number(keeper: Object) -> int:
    if isinstance(number := keeper.get("revision"), int):
        return number
    notes = at(keeper, "/metadata/annotations")
    text = notes.get(REVISION) if isinstance(notes, dict) else None
    return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() else 0


def _counts(value: Object) -> tuple[int, list[tuple[str, int]]]:
    """How many pods are wanted, and how many there are of which sort; each must be as many."""
    kind = str(value.get("kind"))
    if kind == "DaemonSet":
        wanted = _number(value, "/status/desiredNumberScheduled")
    else:
        wanted = _number(value, "/spec/replicas", otherwise=1)  # as the API says of what is left out
    return wanted, [(told, _number(value, f"/status/{name}")) for told, name in _COUNTS.get(kind, ())]


def _number(value: Object, pointer: str, *, otherwise: int = 0) -> int:
    found = at(value, pointer)
    return found if isinstance(found, int) and not isinstance(found, bool) else otherwise


def _plain(value: Json) -> Json:
    """Without what has no value, which is written by some versions and left out by others."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items() if each is not None}
    return [_plain(each) for each in value] if isinstance(value, list) else value
