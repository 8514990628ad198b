"""Configuration fits its JSON Schema, one schema per glob of files.

Rules:
1. ``schemas`` says which files (``match``) fit which schema; the first entry that matches decides. A renamed file
   fits the schema of its old path as well: a new name is no way out.
2. A schema is a file of the repository (JSON or YAML) as it is after the change. It may refer to other files of
   the repository; a reference to anywhere else is refused, nothing is ever fetched.
3. A schema that is missing, unreadable or no schema is an error on every file that it should have checked.
4. A schema comes with the change that it judges: its work is bounded (``core.change.bounded_schema``), and where
   the bound is reached that is an error on the file.
5. Every document of a file is checked, changed keys or not: a file fits or it does not.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interlock.core.change.bounded_schema import Budget, Unbounded, bounded, in_one_dialect, refuse_unevaluated
from interlock.core.change.canonical import Json
from interlock.core.change.documents import Document, documents
from interlock.core.change.errors import InvalidInput
from interlock.core.change.globs import matches
from interlock.core.change.parse import parse
from interlock.core.change.parts import Finding, GitRange, Validation
from interlock.core.change.pointers import at, dotted, joined, one_line, shown
from interlock.core.change.schema_words import schema_words
from interlock.ports.reader import Material, Reading

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

MAX_FINDINGS = 20
_ROOT = "file:///"  # of the repository: whatever stands behind it is asked of the material alone


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaRule:
    """Files by glob, and the schema file they fit (a path from the repository's root)."""

    match: str
    schema: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaSettings:
    """``validators.json-schema``."""

    schemas: tuple[SchemaRule, ...] = ()


class _NoSchema(Exception):
    """The schema cannot be used; the message says why."""


class JsonSchema:
    """The validator; see the rules above."""

    name = "json-schema"

    def validate(self, readings: Sequence[Reading], settings: Mapping[str, Json]) -> tuple[Validation, ...]:
        """One ``Validation`` per changed file that a rule matches."""
        rules = parse(SchemaSettings, dict(settings), what="validators.json-schema").schemas
        for rule in rules:
            if not rule.match.strip("/") or not _inside(rule.schema):
                raise InvalidInput(
                    f"expected a glob and a path in the repository, got `{rule.match[:60]}: {rule.schema[:60]}`",
                    code="settings-range",
                    hint="correct that entry of validators.json-schema.schemas",
                )
        found: dict[str, Validation] = {}
        checkers = _Checkers(readings)
        formerly = _renamed(readings)
        for reading in readings if rules else ():
            for path in reading.material.changed():
                old = formerly.get(path, path)
                chosen = [_chosen(rules, name) for name in dict.fromkeys((path, old))]
                schemas = tuple(dict.fromkeys(schema for schema in chosen if schema is not None))
                if path in found or not schemas:
                    continue
                told = [_checked(path, old, reading.material, schema, checkers) for schema in schemas]
                findings = tuple(dict.fromkeys(finding for one in told if one is not None for finding in one))
                if None not in told:
                    found[path] = Validation(validator=self.name, path=path, findings=findings)
        return tuple(found[path] for path in sorted(found))


def _renamed(readings: Sequence[Reading]) -> dict[str, str]:
    """New path → old, of every file that the ranges renamed."""
    files = (file for reading in readings if isinstance(reading.part, GitRange) for file in reading.part.files)
    return {file.path: file.old_path for file in files if file.status == "renamed" and file.old_path}


def _chosen(rules: Sequence[SchemaRule], path: str) -> str | None:
    return next((rule.schema for rule in rules if matches(rule.match, path)), None)


def _checked(
    path: str, old: str, material: Material, schema: str, checkers: _Checkers
) -> tuple[Finding, ...] | None:
    """What is wrong with one file, which was at ``old`` before; None when it is gone."""
    try:
        content = material.after(path)
        if content is None:
            return None
        new = documents(path, content)
        found = tuple(_findings(path, new, _before(old, material), checkers.of(schema)))
    except InvalidInput as error:
        return (_refusal("json-schema/unreadable", error.message, path, error.hint),)
    except (_NoSchema, Unbounded) as error:
        return (_refusal("json-schema/schema", str(error), path, f"correct {schema}"),)
    if not new:
        return (_refusal("json-schema/empty", f"{path} holds no document", path, "write one, or remove the file"),)
    return found


def _refusal(rule: str, message: str, path: str, remedy: str) -> Finding:
    return Finding(rule=rule, level="error", message=one_line(message), path=path, remedy=remedy)


def _before(path: str, material: Material) -> tuple[Document, ...]:
    try:
        return documents(path, material.before(path))
    except InvalidInput:
        return ()  # what it was is told where it can be read


class _Checkers:
    """The checkers of one run, by their schemas; they share what the run may cost."""

    def __init__(self, readings: Sequence[Reading]) -> None:
        self._readings = readings
        self._budget = Budget()
        self._made: dict[str, Any] = {}

    def of(self, schema: str) -> Any:  # noqa: ANN401  # jsonschema's own protocol
        """The checker of the schema at a path."""
        if schema not in self._made:
            self._made[schema] = _checker(schema, self._readings, self._budget)
        return self._made[schema]


def _checker(schema: str, readings: Sequence[Reading], budget: Budget) -> Any:  # noqa: ANN401  # as above
    from jsonschema import Draft202012Validator  # noqa: PLC0415  # costs 60 ms and is needed only when files match
    from jsonschema.exceptions import SchemaError  # noqa: PLC0415  # as above
    from jsonschema.validators import validator_for  # noqa: PLC0415  # as above
    from referencing import Registry, Resource  # noqa: PLC0415  # as above
    from referencing.exceptions import NoSuchResource  # noqa: PLC0415  # as above
    from referencing.jsonschema import DRAFT202012, specification_with  # noqa: PLC0415  # as above

    loaded: list[Any] = []

    def resource(value: Any) -> Resource[Any]:  # noqa: ANN401  # as above
        loaded.append(value)
        refuse_unevaluated(loaded)
        named = value.get("$schema", "") if isinstance(value, dict) else ""
        specification = specification_with(str(named).rstrip("#"), default=DRAFT202012)
        return specification.create_resource(in_one_dialect(value))

    def retrieve(uri: str) -> Resource[Any]:
        path = uri.removeprefix(_ROOT).partition("#")[0]
        if not uri.startswith(_ROOT) or not _inside(path):
            raise NoSuchResource(ref=uri)  # type: ignore[call-arg]  # attrs makes the argument
        return resource(_schema(path, readings))

    value = _schema(schema, readings)
    kind = validator_for(value, default=Draft202012Validator)
    try:
        kind.check_schema(value)
    except SchemaError as error:
        raise _NoSchema(f"{schema} is no schema: {error.message[:120]}") from error
    registry: Registry[Any] = Registry(retrieve=retrieve)  # type: ignore[call-arg]  # attrs hides the alias
    registry = registry.with_resource(_ROOT + schema, resource(value))
    return bounded(kind, budget)({"$ref": _ROOT + schema}, registry=registry)


def _schema(path: str, readings: Sequence[Reading]) -> Any:  # noqa: ANN401  # whatever is in the file
    for reading in readings:
        if reading.material.exists(path):
            try:
                read = documents(path, reading.material.after(path))
            except InvalidInput as error:
                raise _NoSchema(f"{path} cannot be read: {error.message}") from error
            if len(read) != 1 or not isinstance(read[0].value, dict | bool):
                raise _NoSchema(f"{path} holds no schema")
            return read[0].value
    raise _NoSchema(f"the schema {path} does not exist")


def _findings(
    path: str,
    new: Sequence[Document],
    old: Sequence[Document],
    checker: Any,  # noqa: ANN401  # as above
) -> Iterator[Finding]:
    from referencing.exceptions import Unresolvable  # noqa: PLC0415  # as above

    was = {document.label: document.value for document in old}
    try:
        for document in new:
            errors = sorted(checker.iter_errors(document.value), key=lambda error: [str(s) for s in error.path])
            # One error per missing key, told once with all of them.
            told = list(dict.fromkeys(_finding(path, document, was.get(document.label), e) for e in errors))
            yield from told[:MAX_FINDINGS]
            if len(told) > MAX_FINDINGS:
                yield Finding(
                    rule="json-schema/more",
                    level="error",
                    message=one_line(f"{len(told) - MAX_FINDINGS} more places do not fit the schema"),
                    path=path,
                )
    except Unresolvable as error:
        raise _NoSchema(f"reference `{error.ref[:120]}` leads nowhere inside the repository") from error
    except RecursionError as error:
        raise _NoSchema("the schema refers to itself without end, or the file is nested too deeply") from error


def _finding(path: str, document: Document, was: Json, error: ValidationError) -> Finding:
    pointer = "".join(joined("", step) for step in error.absolute_path)
    before = at(was, pointer)
    scalar = before is not None and not isinstance(before, dict | list)
    told = f", was {shown(before)}" if scalar and before != error.instance else ""
    whole = document.pointer + pointer
    return Finding(
        rule=f"json-schema/{error.validator}",
        level="error",
        message=one_line(f"{dotted(whole)} {schema_words(error)}{told}"),
        path=path,
        line=document.line(pointer),
        pointer=whole,
        remedy="correct the value, or change the schema in a change of its own",
    )


def _inside(path: str) -> bool:
    """Whether a path is plain and stays inside of the repository."""
    normal = posixpath.normpath(path)
    return bool(path) and not normal.startswith(("/", "..")) and normal == path
