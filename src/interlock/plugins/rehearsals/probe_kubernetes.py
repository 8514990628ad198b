"""The probe ``kubernetes``: objects of a cluster, as somebody wanted them.

Rules:
1. They are asked for by ``kubectl``, in a context and a namespace that the plan names: never in whatever context
   happens to be the current one. A context that the rules call production is refused with the rules.
2. An object that is not there is seen as not there: what a change makes was not there before.
3. Only ``get`` is asked. See ``core.rehearsal.kubernetes`` for what counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from interlock.core.change.canonical import Json
from interlock.core.rehearsal.fingerprint import MAX_ITEMS, Fingerprint
from interlock.core.rehearsal.kubernetes import object_items
from interlock.plugins.rehearsals.reading import read, refuse
from interlock.ports.rehearsal import PROBE_SECONDS, RehearsalScene

NAME = "kubernetes"
INSTALL = "apt-get install kubernetes-client"
_OBJECT = re.compile(r"[a-z][a-z0-9.-]{0,99}/[a-z0-9][a-z0-9.-]{0,252}")


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesSettings:
    """``objects`` are such as ``deployment/order-service``."""

    context: str
    namespace: str
    objects: tuple[str, ...]


class KubernetesProbe:
    """The probe; see the rules above."""

    def __init__(self, settings: Mapping[str, Json], scene: RehearsalScene) -> None:
        self._settings = found = read(KubernetesSettings, settings, what=f"the probe `{NAME}`")
        self._programs = scene.programs
        for key, value in (("context", found.context), ("namespace", found.namespace)):
            if not value.strip() or value.startswith("-"):
                raise refuse(f"a {key} of kubectl", value, hint=f"write {key}: staging", path=(key,))
        if not found.objects:
            hint = 'write objects: ["deployment/order-service"]'
            raise refuse("at least one object", "none", hint=hint, path=("objects",))
        for number, each in enumerate(found.objects):
            if not _OBJECT.fullmatch(each):
                hint = "write its kind and its name, such as configmap/delivery"
                raise refuse(
                    "an object such as `deployment/order-service`", each, hint=hint, path=("objects", number)
                )

    def look(self) -> Fingerprint:
        """What is wanted of the cluster now."""
        if why := self._programs.missing("kubectl"):
            return Fingerprint(items={}, failed=f"needs kubectl ({why}): {INSTALL}")
        wanted = self._settings
        command = (
            "kubectl", f"--context={wanted.context}", f"--namespace={wanted.namespace}", "get",
            "--ignore-not-found", "--output=json", *wanted.objects,
        )  # fmt: skip
        found = self._programs.output(command, timeout=PROBE_SECONDS, environment={})
        if not found.ran.good or found.cut:
            return Fingerprint(items={}, failed=f"kubectl {'said too much' if found.cut else found.ran.told}")
        items = dict.fromkeys(wanted.objects, "not there")
        try:
            if found.out.strip():
                items |= object_items(json.loads(found.out))
        except ValueError as error:
            return Fingerprint(items={}, failed=f"kubectl answered something else: {error}"[:300])
        if len(items) > MAX_ITEMS:
            return Fingerprint(items={}, failed=f"more than {MAX_ITEMS} values; name fewer objects")
        return Fingerprint(items=items)
