"""The envelope of a Backstage entity, and the fields of its ``spec`` that interlock reads.

Rules:
1. ``apiVersion``, ``kind`` and ``metadata.name`` must be there and well formed; what interlock does not know in
   ``metadata`` and ``spec`` is left alone, for Backstage and its plug-ins own it.
2. A field that interlock does read must have the right shape, or the entity is refused by file and line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from interlock.core.change.annotations import Annotations, read_annotations
from interlock.core.change.catalog import Place
from interlock.core.change.entity_ref import Ref, is_name, parse_ref
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import closest
from interlock.core.change.yaml_nodes import Mapping, Node, Scalar, Sequence, documents, refused

VERSIONS = ("backstage.io/v1alpha1", "backstage.io/v1beta1")
READ_KINDS = ("Component", "API", "Resource", "Group", "User")
PASSED_KINDS = ("System", "Domain", "Location", "Template")
_KINDS = {kind.lower(): kind for kind in READ_KINDS + PASSED_KINDS}
_SCAFFOLDER = "scaffolder.backstage.io/"


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity as written. ``kind`` is Backstage's spelling, ``spec`` is empty where none was written."""

    kind: str
    ref: Ref
    place: Place
    title: str
    annotations: Annotations
    others: dict[str, str]
    spec: Mapping

    def text(self, field: str, within: Mapping | None = None) -> str | None:
        """A text of ``spec``, None where nothing is written."""
        node = (within or self.spec).fields.get(field)
        if node is None or (isinstance(node, Scalar) and node.null):
            return None
        if not isinstance(node, Scalar):
            raise self.refuse(f"a text in `{field}`", "a collection", node.line)
        return node.text.strip()

    def profile(self, field: str) -> str:
        """A text of ``spec.profile``."""
        node = self.spec.fields.get("profile")
        return (self.text(field, node) or "") if isinstance(node, Mapping) else ""

    def ref_of(self, field: str, kind: str) -> Ref | None:
        """The reference in a field of ``spec``."""
        text = self.text(field)
        return self.parse(text, kind, self.spec.fields[field].line) if text else None

    def refs(self, field: str, kind: str) -> tuple[Ref, ...]:
        """The references in a list of ``spec``, each once, in the order written."""
        node = self.spec.fields.get(field)
        if node is None or (isinstance(node, Scalar) and node.null):
            return ()
        if not isinstance(node, Sequence):
            raise self.refuse(f"a list in `{field}`", "something else", node.line)
        return tuple(dict.fromkeys(self._item(item, field, kind) for item in node.items))

    def parse(self, text: str, kind: str, line: int) -> Ref:
        """``text`` as a reference that this entity writes."""
        ref = parse_ref(text, kind=kind, namespace=self.ref.namespace)
        if ref is None:
            raise self.refuse("an entity reference such as `kind:namespace/name`", text, line)
        return ref

    def refuse(self, expected: str, got: str, line: int, hint: str = "correct that line") -> InvalidInput:
        """The refusal of something in this entity."""
        return refused(Place(path=self.place.path, line=line), expected, got, code="catalog-entity", hint=hint)

    def _item(self, item: Node, field: str, kind: str) -> Ref:
        if not isinstance(item, Scalar):
            raise self.refuse(f"entity references in `{field}`", "a collection", item.line)
        return self.parse(item.text, kind, item.line)


def entities(path: str, content: bytes) -> Iterator[Entity]:
    """The entities of one file that interlock reads, in the order written.

    Raises:
        InvalidInput: ``yaml-…``, ``catalog-entity`` or ``catalog-annotation``, naming file and line.
    """
    for document in documents(path, content):
        if isinstance(document, Scalar) and document.null:
            continue
        if not isinstance(document, Mapping):
            raise _bad(path, document.line, "a Backstage entity", "something else")
        entity = _entity(path, document)
        if entity is not None:
            yield entity


def _entity(path: str, document: Mapping) -> Entity | None:
    version, kind_line = _word(path, document, "apiVersion", document.line), document.line
    if version.startswith(_SCAFFOLDER):
        return None
    if version not in VERSIONS:
        raise _bad(path, document.fields["apiVersion"].line, f"apiVersion `{VERSIONS[0]}`", version)
    written = _word(path, document, "kind", kind_line)
    kind = _KINDS.get(written.lower())
    if kind is None:
        near = closest(written, list(_KINDS.values()))
        raise _bad(path, document.fields["kind"].line, f"a Backstage kind{near}", written)
    metadata = document.fields.get("metadata")
    if not isinstance(metadata, Mapping):
        raise _bad(path, document.line, "`metadata` with a name", "none")
    spec = document.fields.get("spec")
    if not isinstance(spec, Mapping):
        spec = Mapping({}, document.line)
    return _checked(path, kind, metadata, spec) if kind in READ_KINDS else None


def _checked(path: str, kind: str, metadata: Mapping, spec: Mapping) -> Entity:
    name = _word(path, metadata, "name", metadata.line)
    namespace = _word(path, metadata, "namespace", metadata.line, default="default")
    line = metadata.fields["name"].line
    for word in (name, namespace):
        if not is_name(word):
            raise _bad(path, line, "a name of up to 63 characters A-Za-z0-9_.-", word)
    annotations, others = read_annotations(path, kind.lower(), metadata.fields.get("annotations"))
    return Entity(
        kind=kind,
        ref=Ref(kind.lower(), namespace.lower(), name),
        place=Place(path=path, line=line),
        title=_word(path, metadata, "title", line, default=""),
        annotations=annotations,
        others=others,
        spec=spec,
    )


def _word(path: str, node: Mapping, field: str, line: int, default: str | None = None) -> str:
    value = node.fields.get(field)
    if value is None or (isinstance(value, Scalar) and value.null):
        if default is not None:
            return default
        raise _bad(path, line, f"`{field}`", "none")
    if not isinstance(value, Scalar):
        raise _bad(path, value.line, f"a text in `{field}`", "a collection")
    return value.text.strip()


def _bad(path: str, line: int, expected: str, got: str) -> InvalidInput:
    hint = "a catalog file holds Backstage entities: apiVersion, kind, metadata.name, spec"
    return refused(Place(path=path, line=line), expected, got, code="catalog-entity", hint=hint)
