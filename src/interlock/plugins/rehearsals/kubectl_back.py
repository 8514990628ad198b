"""By which commands workloads go back: ``rollout undo``, with cluster, namespace and revision to be put in.

Rules:
1. The plan's context and namespace are those in which it is rehearsed: they are in no command, and so is no
   revision of theirs. Each cluster counts its own.
2. Which revision is there is looked at before the change goes out. A note says so, with the command.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from interlock.core.rehearsal.going_back import Before, GoingBack, PutIn, Typed

_CONTEXT = PutIn(
    name="KUBE_CONTEXT", what="the context of kubectl for the cluster that goes back", before="--context="
)
_NAMESPACE = PutIn(name="KUBE_NAMESPACE", what="its namespace", before="--namespace=")
_NOT_BACK = "rollout undo brings back no ConfigMap, no Secret, no Service and no number of replicas"


def undone_by(workloads: Sequence[str], timeout: float, before: Before) -> GoingBack:
    """The commands for workloads that are applied in this order."""
    commands = [
        _kubectl("rollout", "history", name, note="before it goes out: the last is there") for name in workloads
    ]
    for name in reversed(workloads):
        revision = PutIn(name=_variable(name), what=f"the revision of {name} from before", before="--to-revision=")
        commands.append(_kubectl("rollout", "undo", name, revision, note=name))
        commands.append(_kubectl("rollout", "status", name, f"--timeout={timeout:.0f}s", note="verifies it"))
    return GoingBack(commands=tuple(commands), told=(_NOT_BACK, *_measured(before)))


def _measured(before: Before) -> Iterator[str]:
    """The revisions of the rehearsal: what the numbers look like, and that they are not these."""
    found = before.measured.get("revisions")
    for name, each in found.items() if isinstance(found, dict) else ():
        if isinstance(each, dict) and each.get("back") is not None:
            yield (
                f"rehearsed ({before.shown_by}): {name} was at {each.get('before')}, "
                f"went to {each.get('applied')} and was back as {each['back']}; elsewhere the numbers are others"
            )


def _kubectl(*words: str | PutIn, note: str) -> Typed:
    return Typed(run=("kubectl", _CONTEXT, _NAMESPACE, *words), note=note)


def _variable(workload: str) -> str:
    return "REVISION_" + re.sub(r"[^A-Z0-9]", "_", workload.partition("/")[2].upper())
