"""How kubectl is asked: in a context and a namespace that somebody named, within a time, as JSON where it answers.

Rules:
1. Whatever context is the current one, it is never used: each call names its own, and so its namespace.
2. What kubectl answers may hold secrets: it is kept in memory. Of what goes wrong the line that says so is told,
   and the last one: what stands between may be a whole patch, with a Secret in it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from interlock.core.change.canonical import Json
from interlock.core.rehearsal.cluster import Cluster, cluster_of
from interlock.core.rehearsal.kubernetes import Object, listed
from interlock.plugins.rehearsals.reading import refuse
from interlock.ports.programs import Output, Programs
from interlock.ports.rehearsal import PROBE_SECONDS

INSTALL = "apt-get install kubernetes-client"


class UnaskedError(Exception):
    """kubectl did not do what it was asked; the text says why, in one line."""


class Kubectl:
    """kubectl, in one context and one namespace."""

    def __init__(self, programs: Programs, *, context: str, namespace: str) -> None:
        """Refuse what would not be taken for a name.

        Raises:
            InvalidSetting: at ``context`` or ``namespace``.
        """
        for key, value in (("context", context), ("namespace", namespace)):
            if not value.strip() or value.startswith("-"):
                raise refuse(f"a {key} of kubectl", value, hint=f"write {key}: staging", path=(key,))
        self._programs = programs
        self._where = ("kubectl", f"--context={context}", f"--namespace={namespace}")

    def missing(self) -> str:
        """What is missing where kubectl is; empty where it is here."""
        why = self._programs.missing("kubectl")
        return f"kubectl ({why}): {INSTALL}" if why else ""

    def done(self, *arguments: str, seconds: float = PROBE_SECONDS) -> bytes:
        """What it says.

        Raises:
            UnaskedError: it ended badly, or said too much.
        """
        found = self._programs.output((*self._where, *arguments), timeout=seconds, environment={})
        if not found.ran.good or found.cut:
            raise UnaskedError(f"kubectl {'said too much' if found.cut else _told(found)}"[:300])
        return found.out

    def answer(self, *arguments: str, seconds: float = PROBE_SECONDS) -> Json:
        """What it answers, None where that is nothing.

        Raises:
            UnaskedError: as ``done``, or it is no JSON.
        """
        out = self.done(*arguments, "--output=json", seconds=seconds)
        try:
            value: Json = json.loads(out) if out.strip() else None
        except ValueError as error:
            raise UnaskedError(f"kubectl answered something else: {error}"[:300]) from error
        return value

    def objects(self, names: Sequence[str]) -> list[Object]:
        """Those of these objects that are there.

        Raises:
            UnaskedError: as ``answer``, or it is no object.
        """
        return self.listed("get", "--ignore-not-found", *names)

    def listed(self, *arguments: str, seconds: float = PROBE_SECONDS) -> list[Object]:
        """The objects that it answers; none where it answers nothing.

        Raises:
            UnaskedError: as ``answer``, or it is no object.
        """
        answer = self.answer(*arguments, seconds=seconds)
        try:
            return [] if answer is None else listed(answer)
        except ValueError as error:
            raise UnaskedError(f"kubectl answered something else: {error}") from error

    def cluster(self) -> Cluster:
        """Where the context leads to.

        Raises:
            UnaskedError: as ``answer``, or there is no such context.
        """
        try:
            return cluster_of(self.answer("config", "view", "--minify"))
        except ValueError as error:
            raise UnaskedError(f"kubectl knows {error}") from error


def _told(found: Output) -> str:
    """How it ended, with the line that begins with the error where that is not the last one."""
    lines = (line.strip() for line in found.error.decode(errors="replace").splitlines())
    error = next((line for line in lines if line.lower().startswith("error")), "")
    if found.ran.code is None or not error or error == found.ran.said:
        return found.ran.told
    return f"ended with {found.ran.code}: {error} … {found.ran.said}"
