"""Workloads in a cluster, asked by kubectl: what they run, when they are all there, and back to a revision.

Rules:
1. A revision's number is looked up at the moment at which it is needed: each way back changes it.
2. Waiting ends when every pod is of the version that is wanted, and ready; what stands against it is told.
"""

from __future__ import annotations

from collections.abc import Sequence

from interlock.core.change.pointers import at
from interlock.core.rehearsal.kubernetes import Object
from interlock.core.rehearsal.workloads import (
    KEEPERS,
    Revision,
    current,
    number_now,
    template_digest,
    unrest,
    workload_name,
)
from interlock.plugins.rehearsals.kubectl_asking import Kubectl, UnaskedError

_SPARE = 15.0
"""What kubectl gets beyond the time that it is told itself, in seconds."""


class Workloads:
    """Those of one namespace; each wait takes ``limit`` seconds at most."""

    def __init__(self, kubectl: Kubectl, limit: float) -> None:
        self._kubectl, self._limit = kubectl, limit

    def live(self, names: Sequence[str]) -> dict[str, Object]:
        """Those that are there, by name."""
        return {workload_name(each): each for each in self._kubectl.objects(names)}

    def one(self, name: str) -> Object:
        """One that must be there.

        Raises:
            UnaskedError: it is not.
        """
        found = self.live([name])
        if name not in found:
            raise UnaskedError(f"{name} is not there any more")
        return found[name]

    def current(self, live: Object) -> Revision | None:
        """At which revision one is; None where nobody keeps its pod template."""
        return current(live, self._keepers(live))

    def wait(self, name: str) -> None:
        """Until it is all there.

        Raises:
            UnaskedError: it is not, in time.
        """
        told = f"--timeout={self._limit:.0f}s"
        try:
            self._kubectl.done("rollout", "status", name, told, seconds=self._limit + _SPARE)
        except UnaskedError as error:
            stuck = unrest(self.one(name))
            raise UnaskedError(f"not ready in {self._limit:g} s: {stuck}" if stuck else str(error)) from error

    def back(self, name: str, before: Revision) -> Revision | None:
        """To this very revision, and wait; at which one it is then. Twice changes nothing more.

        Raises:
            UnaskedError: there is no way back to it, or it is not all there in time.
        """
        live = self.one(name)
        if at(live, "/metadata/uid") != before.workload:
            raise UnaskedError("it was deleted and made anew: what is there now never had that revision")
        if template_digest(live) != before.template:
            number = number_now(before, live, self._keepers(live))
            if not number:
                raise UnaskedError(f"{before.keeper} is not kept any more: there is no revision to go back to")
            self._kubectl.done("rollout", "undo", name, f"--to-revision={number}")
        self.wait(name)
        live = self.one(name)
        if template_digest(live) != before.template:
            raise UnaskedError("it was undone, and the pod template is another than before")
        return self.current(live)

    def _keepers(self, live: Object) -> list[Object]:
        return self._kubectl.listed("get", KEEPERS[str(live["kind"]).lower()])
