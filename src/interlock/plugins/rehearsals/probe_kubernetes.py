"""The probe ``kubernetes``: objects of a cluster, as somebody wanted them.

Rules:
1. They are asked for by ``kubectl``, in a context and a namespace that the plan names: never in whatever context
   happens to be the current one. What the rules call production is refused with the rules.
2. An object that is not there is seen as not there: what a change makes was not there before.
3. Only ``get`` is asked. See ``core.rehearsal.kubernetes`` for what counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from interlock.core.change.canonical import Json
from interlock.core.rehearsal.fingerprint import MAX_ITEMS, Fingerprint
from interlock.core.rehearsal.kubernetes import Object, object_items
from interlock.plugins.rehearsals.kubectl_asking import Kubectl, UnaskedError
from interlock.plugins.rehearsals.reading import read, refuse
from interlock.ports.rehearsal import RehearsalScene

NAME = "kubernetes"
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
        self._kubectl = Kubectl(scene.programs, context=found.context, namespace=found.namespace)
        if not found.objects:
            hint = 'write objects: ["deployment/order-service"]'
            raise refuse("at least one object", "none", hint=hint, path=("objects",))
        check_objects(found.objects)

    def look(self) -> Fingerprint:
        """What is wanted of the cluster now."""
        if missing := self._kubectl.missing():
            return Fingerprint(items={}, failed=f"needs {missing}")
        try:
            return seen_objects(self._settings.objects, self._kubectl.objects(self._settings.objects))
        except UnaskedError as error:
            return Fingerprint(items={}, failed=str(error))


def check_objects(objects: Sequence[str]) -> None:
    """Pass names of objects that kubectl takes for nothing else.

    Raises:
        InvalidSetting: at ``objects``.
    """
    for number, each in enumerate(objects):
        if not _OBJECT.fullmatch(each):
            hint = "write its kind and its name, such as configmap/delivery"
            expected = "an object such as `deployment/order-service`"
            raise refuse(expected, each, hint=hint, path=("objects", number))


def seen_objects(asked: Sequence[str], found: Sequence[Object]) -> Fingerprint:
    """What is wanted of the objects that are there, of those that were asked for."""
    items = {_item(each): "not there" for each in asked}
    for one in found:
        items |= object_items(one)
    if len(items) > MAX_ITEMS:
        return Fingerprint(items={}, failed=f"more than {MAX_ITEMS} values; name fewer objects")
    return Fingerprint(items=items)


def _item(name: str) -> str:
    """An object without its group, which is how it is called once it is there."""
    kind, _, rest = name.partition("/")
    return f"{kind.partition('.')[0]}/{rest}"
