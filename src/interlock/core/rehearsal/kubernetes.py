"""Objects of Kubernetes as the items of a fingerprint: what somebody wanted, without what the cluster notes down.

Rules:
1. What the cluster writes by itself does not count: the status, versions, times, who manages which field, and the
   annotations in which it and kubectl keep their own accounts. Going back makes a new revision of an old template.
2. All else counts, value by value, with the path that leads to it. Members of a list that have names go by them,
   so that an order which means nothing shows nothing.
3. Of a Secret only digests are seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from interlock.core.change.canonical import Json, canonical, sha256

Object = dict[str, Json]
"""One object, as kubectl answers it."""

MOST_LETTERS = 100
_META = frozenset(
    {"creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid", "ownerReferences"}
)
_ACCOUNTS = frozenset(
    {
        "deployment.kubernetes.io/revision",
        "deprecated.daemonset.template.generation",
        "kubectl.kubernetes.io/last-applied-configuration",
        "kubernetes.io/change-cause",
    }
)


def object_items(answer: Json) -> dict[str, str]:
    """The items of what ``kubectl get --output=json`` answers: one object, or a list of them.

    Raises:
        ValueError: it is neither.
    """
    return {name: text for each in listed(answer) for name, text in _of_object(each)}


def listed(answer: Json) -> list[Object]:
    """The objects of what kubectl answers: of a list, or one alone.

    Raises:
        ValueError: it is neither.
    """
    if not isinstance(answer, dict) or not isinstance(answer.get("kind"), str):
        raise ValueError("no object of Kubernetes")  # noqa: TRY004  # a value of somebody else's, of a wrong shape
    found = answer.get("items") if answer["kind"] == "List" else [answer]
    if not isinstance(found, list):
        raise ValueError("a list without items")  # noqa: TRY004  # as above
    objects = [each for each in found if isinstance(each, dict) and isinstance(each.get("metadata"), dict)]
    if len(objects) < len(found):
        raise ValueError("an object without metadata")
    return objects


def _of_object(value: Object) -> Iterator[tuple[str, str]]:
    metadata = value["metadata"]
    assert isinstance(metadata, dict)  # noqa: S101  # so it was listed
    kind, name = str(value.get("kind")), str(metadata.get("name"))
    about = f"{kind.lower()}/{name}"
    yield about, "there"
    for key, each in value.items():
        if key in {"apiVersion", "kind", "status"}:
            continue
        wanted = _metadata(metadata) if key == "metadata" else each
        for path, text in _leaves(wanted, key):
            yield f"{about} {path}", _digest(text) if kind == "Secret" and key != "metadata" else text


def _metadata(metadata: Mapping[str, Json]) -> Json:
    kept = {key: each for key, each in metadata.items() if key not in {*_META, "name"}}
    notes = kept.get("annotations")
    if isinstance(notes, dict):
        kept["annotations"] = {key: each for key, each in notes.items() if key not in _ACCOUNTS}
    return kept


def _leaves(value: Json, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _leaves(each, f"{path}.{key}")
    elif isinstance(value, list):
        for name, each in zip(_names(value), value, strict=True):
            yield from _leaves(each, f"{path}[{name}]")
    else:
        text = value if isinstance(value, str) else canonical(value).decode()
        yield path, text if len(text) <= MOST_LETTERS and text.isprintable() else _digest(text)


def _names(members: Sequence[Json]) -> list[str]:
    """What members of a list are called: by their names where each has one of its own, else by their places."""
    names = [str(each.get("name", "")) if isinstance(each, dict) else "" for each in members]
    return names if all(names) and len(set(names)) == len(names) else [str(n) for n, _ in enumerate(members)]


def _digest(text: str) -> str:
    return f"{sha256(text.encode())[:23]}…, {len(text)} letters"
