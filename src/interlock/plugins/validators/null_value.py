"""No null where a value was: a blank field that a program dereferences takes down everything that reads it.

Rules:
1. A key that had a value and is null now is an error; a removed key is not, its absence is what defaults are for.
2. A new record with a null where each of its siblings has a value is an error: that is how blank rows arrive.
3. A text that had content and is empty now is as bad in an env file, where nothing can be null; elsewhere it is
   a warning, unless ``blank`` says otherwise.
4. ``ignore`` names pointer globs under which null is a value of its own.
5. What did not change was not looked at, so only a file with findings is named: a difference without nulls does
   not make a file a checked one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from interlock.core.change.canonical import Json
from interlock.core.change.documents import documents
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import parse
from interlock.core.change.parts import Configuration, ConfigurationFile, Finding, KeyChange, Validation
from interlock.core.change.pointers import at, covers, dotted, joined, leaves, one_line, shown, steps
from interlock.ports.reader import Material, Reading

Level = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NullSettings:
    """``validators.null-value``."""

    blank: Literal["error", "warning", "off"] = "warning"
    ignore: tuple[str, ...] = ()


class NullValue:
    """The validator; see the rules above."""

    name = "null-value"

    def validate(self, readings: Sequence[Reading], settings: Mapping[str, Json]) -> tuple[Validation, ...]:
        """One ``Validation`` per configuration file in which something is wrong."""
        wanted = parse(NullSettings, dict(settings), what="validators.null-value")
        return tuple(
            Validation(validator=self.name, path=file.path, findings=findings)
            for reading in readings
            if isinstance(reading.part, Configuration)
            for file in reading.part.files
            if file.after_digest is not None and (findings := tuple(_findings(file, reading.material, wanted)))
        )


def _findings(file: ConfigurationFile, material: Material, settings: NullSettings) -> Iterator[Finding]:
    roots: list[Json] | None = None
    for change in file.changes:
        if change.pointer == "" and isinstance(change.before, dict) and set(change.before) == {"unreadable"}:
            continue  # nobody knows what was there
        for pointer, after in leaves(change.after, change.pointer):
            if change.op == "removed" or any(covers(pattern, pointer) for pattern in settings.ignore):
                continue
            before = at(change.before, pointer.removeprefix(change.pointer))
            if change.op == "changed" and before is not None:
                yield from _lost(file, change, pointer, before, after, settings)
            elif after is None:
                roots = _roots_before(file, material) if roots is None else roots
                yield from _blank_record(file, change, pointer, roots)


def _lost(
    file: ConfigurationFile, change: KeyChange, pointer: str, before: Json, after: Json, settings: NullSettings
) -> Iterator[Finding]:
    if after is None:
        yield _finding(file, change, pointer, "error", f"is null, was {shown(before)}", "null-value/null")
    elif after == "" and isinstance(before, str) and before.strip():
        level: Level | Literal["off"] = "error" if file.format == "env" else settings.blank
        if level != "off":
            yield _finding(file, change, pointer, level, f"is empty, was {shown(before)}", "null-value/blank")


def _blank_record(
    file: ConfigurationFile, change: KeyChange, pointer: str, roots: Sequence[Json]
) -> Iterator[Finding]:
    siblings = [value for root in roots for value in _in_siblings(root, steps(pointer))]
    if siblings and all(value is not None for value in siblings):
        words = f"is null in a new record, has a value in each of the {len(siblings)} others"
        yield _finding(file, change, pointer, "error", words, "null-value/new-record")


def _in_siblings(root: Json, path: Sequence[str]) -> list[Json]:
    """What stands at the same place in each record beside the new one; a sibling without the key gives null."""
    place = ""
    for depth, step in enumerate(path):
        around = at(root, place)
        members = around.values() if isinstance(around, dict) else around if isinstance(around, list) else ()
        if at(root, joined(place, step)) is None:
            rest = "".join(joined("", part) for part in path[depth + 1 :])
            return [at(member, rest) for member in members] if rest else []
        place = joined(place, step)
    return []


def _roots_before(file: ConfigurationFile, material: Material) -> list[Json]:
    if file.before_digest is None:
        return []
    try:
        content = material.before(file.path)
        return [document.value for document in documents(file.path, content or b"")]
    except InvalidInput:
        return []  # the reader has already said what is wrong with it


def _finding(
    file: ConfigurationFile, change: KeyChange, pointer: str, level: Level, words: str, rule: str
) -> Finding:
    return Finding(
        rule=rule,
        level=level,
        message=one_line(f"{dotted(pointer)} {words}"),
        path=file.path,
        line=change.line,
        pointer=pointer,
        remedy="give a value, or remove the key",
    )
