"""What ships is at most twice as large as what shipped last: a doubled feature file has taken down a fleet.

Rules:
1. Looked at: artefacts with a known size, files under the globs of ``match``, and configuration files. The last
   are named only when something is wrong: a size alone makes no configuration a checked one.
2. More than ``growth`` times the last size is an error, above ``floor`` bytes; so is more than ``maximum`` bytes.
3. A file that had content and is empty now is an error: it is the other way to lose everything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from interlock.core.change.canonical import Json
from interlock.core.change.errors import InvalidInput
from interlock.core.change.globs import matches
from interlock.core.change.parse import parse
from interlock.core.change.parts import Artefact, Configuration, Finding, GitRange, Validation
from interlock.core.change.pointers import one_line
from interlock.ports.reader import Material, Reading

_UNITS = ("bytes", "kB", "MB", "GB", "TB")
_STEP = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeSettings:
    """``validators.artefact-size``. Sizes are bytes; ``growth`` is a factor above 1."""

    growth: float = 2.0
    floor: int = 4096
    maximum: int | None = None
    match: tuple[str, ...] = ("data/**",)


class ArtefactSize:
    """The validator; see the rules above."""

    name = "artefact-size"

    def validate(self, readings: Sequence[Reading], settings: Mapping[str, Json]) -> tuple[Validation, ...]:
        """One ``Validation`` per artefact (by its name) and file looked at."""
        wanted = parse(SizeSettings, dict(settings), what="validators.artefact-size")
        if wanted.growth <= 1 or wanted.floor < 0 or (wanted.maximum is not None and wanted.maximum < 1):
            raise InvalidInput(
                "expected a growth above 1 and sizes of at least 1 byte in validators.artefact-size",
                code="settings-range",
                hint="correct `growth`, `floor` or `maximum`",
            )
        found: dict[str, Validation] = {}
        for reading in readings:
            for path, before, after in _sizes(reading, wanted):
                findings = tuple(_findings(path, before, after, wanted))
                if findings or not isinstance(reading.part, Configuration):
                    found.setdefault(path, Validation(validator=self.name, path=path, findings=findings))
        return tuple(found[path] for path in sorted(found))


def _sizes(reading: Reading, settings: SizeSettings) -> Iterator[tuple[str, int | None, int]]:
    """Path, size before (None for a new one) and size after of everything looked at."""
    part = reading.part
    if isinstance(part, Artefact) and part.size is not None:
        yield part.name, part.previous_size, part.size
    elif isinstance(part, Configuration):
        for file in part.files:
            if file.after_size is not None:
                yield file.path, file.before_size, file.after_size
    elif isinstance(part, GitRange):
        yield from _matched_files(part, reading.material, settings)


def _matched_files(
    part: GitRange, material: Material, settings: SizeSettings
) -> Iterator[tuple[str, int | None, int]]:
    for file in part.files:
        if file.status == "deleted" or file.submodule or not any(matches(g, file.path) for g in settings.match):
            continue
        after = _length(material, file.path, new=True)
        if after is not None:
            yield file.path, _length(material, file.old_path or file.path, new=False), after


def _length(material: Material, path: str, *, new: bool) -> int | None:
    content = material.after(path) if new else material.before(path)
    return None if content is None else len(content)


def _findings(path: str, before: int | None, after: int, settings: SizeSettings) -> Iterator[Finding]:
    was = f", was {_size(before)}" if before is not None else ""
    if settings.maximum is not None and after > settings.maximum:
        words = f"is {_size(after)}{was}: at most {_size(settings.maximum)} is permitted"
        yield _finding(path, "artefact-size/maximum", words, "make it smaller, or raise `maximum`")
    if before is None or before == 0:
        return
    if after == 0:
        yield _finding(path, "artefact-size/empty", f"is empty{was}", "restore the content, or remove the file")
    elif after > settings.floor and after > before * settings.growth:
        ratio = f"{after / before:.3g}"
        times = "a little more" if float(ratio) <= settings.growth else f"{ratio} times"
        words = f"is {_size(after)}{was}: {times}, at most {settings.growth:g} times is permitted"
        yield _finding(path, "artefact-size/growth", words, "find out what grew; if it must, raise `growth` first")


def _size(count: int) -> str:
    size, unit = float(count), 0
    while size >= _STEP and unit < len(_UNITS) - 1:
        size, unit = size / _STEP, unit + 1
    return f"{size:.3g} {_UNITS[unit]}"


def _finding(path: str, rule: str, words: str, remedy: str) -> Finding:
    return Finding(rule=rule, level="error", message=one_line(f"{path} {words}"), path=path, remedy=remedy)
