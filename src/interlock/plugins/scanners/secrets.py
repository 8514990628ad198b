"""The scanner ``secrets``: detect-secrets over every text that the range publishes, versions in between included.

Rules:
1. No comment hides a secret (``pragma: allowlist secret``), nor does a file's name: it is given files named by us.
   What stood there before is not new.
2. It asks nobody whether a secret is valid: nothing leaves this machine.
3. Text is looked at as UTF-8 whatever else it is; UTF-16 and UTF-32 are read by their mark.
4. It looks line by line, where the two sides differ. The library reads YAML, and whatever looks like INI to it, in
   its own way and leaves out comments: that is done besides, and a first line of ours keeps it from doing so
   otherwise.
5. A constant that Python puts together out of others is looked at as what it comes to (see ``core.scan.folded``).
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed

from interlock.core.change.canonical import Json
from interlock.core.scan.compare import once
from interlock.core.scan.differing import Numbered, differing, lines_of
from interlock.core.scan.folded import put_together
from interlock.core.scan.outline import Unparsed, parsed
from interlock.core.scan.python import as_python, is_python
from interlock.core.scan.secrets_keys import keys
from interlock.core.scan.secrets_kubernetes import held
from interlock.core.scan.secrets_named import defaults, named
from interlock.core.scan.secrets_say import GUESSED, MOST_BYTES, TOOL, read_secrets
from interlock.core.scan.secrets_whole import WHOLE, decoded, is_kubernetes, tokens
from interlock.core.scan.seen import Scanned, Source
from interlock.plugins.world.scan_folder import by_number
from interlock.plugins.world.scan_settings import absent, fault, module, programs, read
from interlock.ports.scanner import SECONDS, Look

MODULE = "detect_secrets"
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OFF = (
    "allowlist.is_line_allowlisted",
    "heuristic.is_lock_file",
    "heuristic.is_swagger_file",
    # What these leave out by its shape is judged by what the value is (core.scan.secrets_value).
    "heuristic.is_indirect_reference",
    "heuristic.is_likely_id_string",
    "heuristic.is_potential_uuid",
    "heuristic.is_prefixed_with_dollar_sign",
    "heuristic.is_templated_secret",
)
_READ_OTHERWISE = (".yaml", ".yml", ".ini", ".cfg", ".conf", ".env", ".properties", ".toml")
SHORTEST = 16
"""What is put together and shorter is no secret of a kind that is known here."""
_FIRST, _ABOVE = b"- : interlock [", 2
"""No INI and no YAML: a file that begins so is read as lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretsSettings:
    """``base64`` and ``hex`` are how random a quoted text must be, in bits a character."""

    base64: float = 4.5
    hex: float = 3.0
    seconds: float = SECONDS


class SecretsScanner:
    """See the rules above; the contract is in ``ports.scanner``."""

    def __init__(self, settings: Mapping[str, Json]) -> None:
        self._settings = read(SecretsSettings, settings, what="the scanner `secrets`")

    def missing(self) -> str:
        """See ``ports.scanner``."""
        return absent(MODULE, TOOL)

    def reads(self, source: Source) -> bool:
        """None: it looks at texts, not at what they do."""
        del source
        return False

    def scan(self, look: Look) -> Scanned:
        """See ``ports.scanner``."""
        texts = [(one, as_text(one)) for one in look.sources]
        sides = lines_of(texts)
        changed = {id(one): differing(one, text, sides) for one, text in texts}
        found = self._ran(
            [one for one in look.sources if changed[id(one)]],
            lambda one: b"\n".join([_FIRST, *(line for _, line in changed[id(one)])]),
            lambda one, line: changed[id(one)][line - _ABOVE][0] if line >= _ABOVE else 1,
        )
        whole = [seen for one in look.sources for seen in tokens(one, changed[id(one)], TOOL)]
        whole += [seen for one in look.sources for seen in defaults(one, changed[id(one)], TOOL)]
        by_name = [seen for one in look.sources for seen in named(one, changed[id(one)], TOOL)]
        whole += [
            seen for one, text in texts for seen in keys(one, text, TOOL, kubernetes=is_kubernetes(one, text))
        ]
        found = replace(found, seen=(*whole, *found.seen))
        found = self._folded(look.sources, found)
        # Read whole, a file of which one side was changed is read on both: what stood there is not new.
        touched = {one.lineage or one.path for one in look.sources if changed[id(one)]}
        again = [one for one in look.sources if (one.lineage or one.path) in touched and _is_read_otherwise(one)]
        if again and not found.fault:
            other = self._ran(again, as_text, lambda _, line: line)
            found = replace(found, seen=(*found.seen, *other.seen), fault=other.fault)
        found = self._encoded(texts, changed, found)
        # Last, so that what the tool knows by its kind is told by that and not by its name.
        found = replace(found, seen=(*found.seen, *by_name))
        return replace(found, seen=once(found.seen))

    def _folded(self, sources: Sequence[Source], found: Scanned) -> Scanned:
        """With what Python puts together out of constants: such a text stands on no line as it is."""
        lines = {id(one): _put_together(one) for one in sources if is_python(one)}
        sides = lines_of([(one, _all(lines[id(one)])) for one in sources if id(one) in lines])
        changed: dict[int, Numbered] = {}
        for one in sources:
            mine = lines.get(id(one), ())
            kept = differing(one, _all(mine), sides) if mine else ()
            if kept:
                changed[id(one)] = [(mine[number - 1][0], line) for number, line in kept]
        more = self._ran(
            [one for one in sources if id(one) in changed],
            lambda one: b"\n".join([_FIRST, *(line for _, line in changed[id(one)])]),
            lambda one, line: changed[id(one)][line - _ABOVE][0] if line >= _ABOVE else 1,
        )
        whole = [seen for one in sources for seen in tokens(one, changed.get(id(one), ()), TOOL)]
        return replace(found, seen=(*found.seen, *whole, *more.seen), fault=found.fault or more.fault)

    def _encoded(
        self, texts: Sequence[tuple[Source, bytes]], changed: Mapping[int, Numbered], found: Scanned
    ) -> Scanned:
        """With what stands encoded in Secrets of Kubernetes, in the place of what was seen of the same value."""
        lines: dict[int, list[tuple[int, bytes]]] = {}
        values: set[tuple[int, int, str]] = set()
        for one, text in texts:
            mine = {number for number, _ in changed[id(one)]}
            for number, line in enumerate(text.split(b"\n"), 1) if is_kubernetes(one, text) else ():
                plain, value = decoded(line)
                values.add((id(one), number, value))
                if plain and number in mine:
                    lines.setdefault(id(one), []).append((number, plain))
        more = self._ran(
            [one for one, _ in texts if id(one) in lines],
            lambda one: b"\n".join([_FIRST, *(line for _, line in lines[id(one)])]),
            lambda one, line: lines[id(one)][line - _ABOVE][0] if line >= _ABOVE else 1,
        )
        inner = [seen for one, _ in texts for seen in tokens(one, lines.get(id(one), ()), TOOL)]
        kept = [seen for one, text in texts if is_kubernetes(one, text) for seen in held(one, text, TOOL)]
        whole = [one for one in found.seen if one.rule in WHOLE]
        told = {(id(one.source), one.line) for one in (*inner, *more.seen, *whole, *kept)}
        lines_kept = {(id(one.source), one.line) for one in kept}
        left = [
            one
            for one in found.seen
            if ((id(one.source), one.line, one.identity) not in values or (id(one.source), one.line) not in told)
            and (one.rule not in GUESSED or (id(one.source), one.line) not in lines_kept)
        ]
        return replace(found, seen=(*inner, *more.seen, *left, *kept), fault=found.fault or more.fault)

    def _ran(
        self, sources: Sequence[Source], content: Callable[[Source], bytes], number: Callable[[Source, int], int]
    ) -> Scanned:
        if not sources:
            return Scanned(tool=TOOL, version=_version())
        limits = (f"--base64-limit={self._settings.base64:g}", f"--hex-limit={self._settings.hex:g}")
        off = [word for name in _OFF for word in ("--disable-filter", f"detect_secrets.filters.{name}")]
        with by_number(sources, content=content) as folder:
            place = str(folder.root)
            command = (*module(MODULE), "scan", "--all-files", "--no-verify", *limits, *off, ".")
            done = programs(place).output(command, timeout=self._settings.seconds, environment={}, most=MOST_BYTES)
        if why := fault(done, TOOL, frozenset({0})):
            return Scanned(tool=TOOL, fault=why)
        return read_secrets(done.out, folder.names, number=number)


def _put_together(source: Source) -> Numbered:
    """The constants of a Python file that are put together, quoted, by line; a notebook counts from its cells."""
    try:
        own = as_python(source)
        texts = put_together(parsed(own.content))
    except (Unparsed, RecursionError):
        # What no parser reads is told by the scanners of Python.
        return ()
    known = own.content
    quoted = ((line, text.encode("utf-8", "replace")) for line, text in texts if len(text) >= SHORTEST)
    return [(line, b'"' + text + b'"') for line, text in quoted if text not in known]


def _all(lines: Numbered) -> bytes:
    return b"\n".join(line for _, line in lines)


def _is_read_otherwise(source: Source) -> bool:
    return source.path.lower().endswith(_READ_OTHERWISE)


def as_text(source: Source) -> bytes:
    """The content as UTF-8; what is none is written as it could be typed."""
    for mark, encoding in _MARKS:
        if source.content.startswith(mark):
            return source.content.decode(encoding, "replace").encode("utf-8", "replace")
    return source.content.decode("utf-8", "backslashreplace").encode("utf-8", "replace")


def _version() -> str:
    try:
        return installed(TOOL)
    except PackageNotFoundError:
        return ""
