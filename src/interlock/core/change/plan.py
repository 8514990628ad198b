"""A Terraform or OpenTofu plan in its JSON form (format 0.1–1.x), read into the part. Pure.

Rules:
1. Every entry of ``resource_changes`` is kept, also no-ops and data sources; an action this version does not know
   is refused, and so is one that the entry itself contradicts. Delete with create, in either order, is a replace.
   ``importing`` adds the action ``import``. What is deferred is kept as well: put off is not harmless.
2. Attributes are compared key by key. What is known only after apply is ``{"unknown": true}``; what the plan
   marks sensitive, and what looks like a secret, is replaced by its digest. Of a created or deleted resource,
   attributes that are null were never set and are left out.
3. ``plan_digest`` covers the whole document in canonical form, numbers exactly, except ``timestamp`` (when it was
   planned is not what is planned); ``relevant_attributes`` is a set and is sorted first.
4. A partial plan is read and marked with what it leaves unsaid: policy decides about it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import cast

from interlock.core.change.canonical import Json
from interlock.core.change.errors import InvalidInput
from interlock.core.change.exact_json import ExactDocument, read_exact
from interlock.core.change.keydiff import ABSENT, Absent, Path, compare, pointer
from interlock.core.change.keyed import Single
from interlock.core.change.parts import KeyChange, ResourceChange, TerraformPlan
from interlock.core.change.plan_actions import plan_actions, shape
from interlock.core.change.plan_gaps import flag, gaps_of, invocations_of
from interlock.core.change.redact import redacted, shown

MAX_RESOURCES = 200_000
MAX_CHANGES = 2_000_000
_DOMAIN = "interlock.dev/terraform-plan/v1"
_VERSION = re.compile(r"0\.[12]|1\.\d{1,3}")
_UNKNOWN = Single(unknown=True)
_MAKE = "terraform show -json plan.out > plan.json"


def read_plan(path: str, content: bytes) -> TerraformPlan:
    """The plan in ``content``; ``path`` is shown only.

    Raises:
        InvalidInput: ``plan-unreadable``, ``plan-version``, ``plan-shape``, ``plan-contradiction``,
            ``plan-too-big``, or ``json-malformed``.
    """
    document = _document(content)
    top = document.value
    if not isinstance(top, dict):
        raise shape("an object at the top", top)
    version = _version(top)
    entries, deferred = _entries(top, "resource_changes"), _entries(top, "deferred_changes")
    if len(entries) + len(deferred) > MAX_RESOURCES:
        raise _too_big(f"at most {MAX_RESOURCES} resources", len(entries) + len(deferred))
    resources = (*map(_resource, entries), *map(_deferred, deferred))
    changed = sum(len(resource.changes) for resource in resources)
    if changed > MAX_CHANGES:
        raise _too_big(f"at most {MAX_CHANGES} changed attributes", changed)
    drifted = tuple(_text(entry, "address") for entry in _entries(top, "resource_drift"))
    return TerraformPlan(
        path=path,
        format_version=version,
        tool_version=str(top.get("terraform_version") or ""),
        plan_digest=_digest(document, top),
        resources=resources,
        drifted=drifted,
        errored=flag(top, "errored") is True,
        incomplete=gaps_of(top, _told(resources), changes=any(map(_acts, resources))),
        invokes=invocations_of(top),
    )


def _document(content: bytes) -> ExactDocument:
    if content[:2] == b"PK":
        raise _unreadable("got a binary plan file")
    if not content.strip():
        raise _unreadable("got an empty file")
    try:
        return read_exact(content)
    except InvalidInput as error:
        if content.lstrip()[:10] == b'{"@level":' or b'\n{"@level":' in content[:65_536]:
            raise _unreadable("got the log of `terraform plan -json`") from error
        if content.lstrip()[:1] not in {b"{", b"\xff", b"\xfe", b"\xef"}:
            raise _unreadable("got something else") from error
        raise


def _version(top: dict[str, Json]) -> str:
    version = top.get("format_version")
    if not isinstance(version, str):
        raise _unreadable("got a document without `format_version`")
    if not _VERSION.fullmatch(version):
        raise InvalidInput(
            f"expected plan format 0.1, 0.2 or 1.x, got `{version[:20]}`",
            code="plan-version",
            hint="use a Terraform or OpenTofu that writes format 1, or update interlock",
        )
    if not top.keys() & {"resource_changes", "planned_values", "configuration"}:
        raise _unreadable("got a state, or a provider schema")
    return version


def _digest(document: ExactDocument, top: dict[str, Json]) -> str:
    relevant = top.get("relevant_attributes")
    if isinstance(relevant, list):
        top["relevant_attributes"] = sorted(relevant, key=lambda item: json.dumps(item, sort_keys=True))
    return document.digest(_DOMAIN, without=frozenset({"timestamp"}))


def _entries(top: dict[str, Json], key: str) -> list[dict[str, Json]]:
    entries = top.get(key)
    if entries is None:
        return []
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise shape(f"a list of objects at `{key}`", entries)
    return cast("list[dict[str, Json]]", entries)


def _resource(entry: dict[str, Json], *, decided: bool = True) -> ResourceChange:
    change = entry.get("change")
    if not isinstance(change, dict):
        raise shape("an object at `change`", change)
    address = _text(entry, "address")
    actions = plan_actions(entry, change, address, decided=decided)
    return ResourceChange(
        address=address,
        type=_text(entry, "type"),
        provider=str(entry.get("provider_name") or ""),
        actions=actions,
        replaces={"delete", "create"} <= set(actions),
        deposed=_optional(entry, "deposed"),
        previous_address=_optional(entry, "previous_address"),
        reason=_optional(entry, "action_reason"),
        replace_paths=tuple(_paths(change, address)),
        changes=tuple(_changes(change)),
    )


def _deferred(entry: dict[str, Json]) -> ResourceChange:
    """What is put off until later, as it is foreseen."""
    planned = entry.get("resource_change")
    if not isinstance(planned, dict):
        raise shape("an object at `resource_change` of each deferred change", planned)
    why = f"deferred: {entry.get('reason') or 'for no reason given'}"
    return replace(_resource(planned, decided=False), reason=why[:200])


def _told(resources: Iterable[ResourceChange]) -> frozenset[str]:
    """Every address that a change speaks of, its former one too."""
    return frozenset(name for one in resources for name in (one.address, one.previous_address) if name is not None)


def _acts(resource: ResourceChange) -> bool:
    return not set(resource.actions) <= {"no-op", "read"}


def _paths(change: dict[str, Json], address: str) -> Iterator[str]:
    paths = change.get("replace_paths") or []
    if not isinstance(paths, list):
        raise shape(f"a list of paths of `{address[:100]}`", paths)
    for path in paths:
        if not isinstance(path, list) or not all(isinstance(step, str | int) for step in path):
            raise shape(f"a path of keys and indexes of `{address[:100]}`", path)
        yield pointer(cast("list[str | int]", path))


def _changes(change: dict[str, Json]) -> Iterator[KeyChange]:
    before, after = change.get("before"), change.get("after")
    unknown = change.get("after_unknown")
    hidden = (change.get("before_sensitive"), change.get("after_sensitive"))
    old: Json | Absent = ABSENT if before is None else before
    new: Json | Absent = ABSENT if after is None and not unknown else _overlaid(after, unknown)
    half = isinstance(old, Absent) or isinstance(new, Absent)
    for path, op, was, becomes in compare(old, new):
        if half and was is None and becomes is None:
            continue
        yield KeyChange(
            pointer=pointer(path),
            op=op,
            before=None if was is None else _value(was, path, hidden[0]),
            after=None if becomes is None else _value(becomes, path, hidden[1]),
        )


def _overlaid(after: Json, unknown: Json) -> Json:
    """``after`` with ``{"unknown": true}`` wherever the plan knows the value only after apply."""
    if unknown is True:
        return _UNKNOWN
    if isinstance(unknown, dict) and any(unknown.values()):
        base = after if isinstance(after, dict) else {}
        merged = dict(base)
        for key, item in unknown.items():
            if item:
                merged[key] = _overlaid(base.get(key), item)
        return merged
    if isinstance(unknown, list) and any(unknown):
        items = after if isinstance(after, list) else []
        size = max(len(items), len(unknown))
        padded = [*items, *[None] * (size - len(items))]
        marks = [*unknown, *[False] * (size - len(unknown))]
        return [_overlaid(item, mark) for item, mark in zip(padded, marks, strict=True)]
    return after


def _value(value: Json, path: Path, sensitive: Json) -> Json:
    if value is _UNKNOWN:
        return value
    return redacted(value) if sensitive and _is_marked(sensitive, path) else shown(value, path)


def _is_marked(mark: Json, path: Path) -> bool:
    """Whether the value at ``path``, something around it or something inside it is marked sensitive."""
    for step in path:
        if mark is True or not mark:
            break
        mark = _step(mark, step)
    return mark is True or (bool(mark) and _holds_true(mark))


def _step(mark: Json, step: str | int) -> Json:
    if isinstance(mark, dict):
        return mark.get(str(step))
    if isinstance(mark, list) and isinstance(step, int) and step < len(mark):
        return mark[step]
    return None


def _holds_true(mark: Json) -> bool:
    """Whether something inside is sensitive: then the whole changed value is kept out."""
    if isinstance(mark, dict):
        return any(_holds_true(item) for item in mark.values())
    if isinstance(mark, list):
        return any(_holds_true(item) for item in mark)
    return mark is True


def _text(entry: dict[str, Json], key: str) -> str:
    found = entry.get(key)
    if not isinstance(found, str) or not found:
        raise shape(f"a text at `{key}` of each resource", found)
    return found


def _optional(entry: dict[str, Json], key: str) -> str | None:
    found = entry.get(key)
    return found if isinstance(found, str) and found else None


def _unreadable(got: str) -> InvalidInput:
    return InvalidInput(f"expected a Terraform plan in JSON, {got}", code="plan-unreadable", hint=_MAKE)


def _too_big(expected: str, got: int) -> InvalidInput:
    return InvalidInput(
        f"expected a plan of {expected}, got {got}", code="plan-too-big", hint="plan one module at a time"
    )
