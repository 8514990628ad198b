"""The scanner ``bandit``: the changed Python files, with every rule it has, whatever is written beside a line.

Rules:
1. ``# nosec`` hides nothing: the change could have added it. What one hid before is at the base too, and not new.
2. bandit reads no settings: the files are named by us, in a folder of ours, and nothing else is in it.
3. A text of SQL into which nothing is put (an f-string without a field) is no injection, whatever bandit says, nor
   is one that is only logged, printed or raised.
4. What is Python is said by ``core.scan.python``; of a notebook it is the code cells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed

from interlock.core.change.canonical import Json
from interlock.core.scan.bandit_says import MOST_BYTES, TOOL, read_bandit
from interlock.core.scan.interpolated import is_only_shown, takes_in
from interlock.core.scan.outline import Unparsed, parsed
from interlock.core.scan.python import as_python, is_python
from interlock.core.scan.seen import Scanned, Seen, Source
from interlock.plugins.world.scan_folder import by_number
from interlock.plugins.world.scan_settings import absent, fault, module, programs, read
from interlock.ports.scanner import SECONDS, Look

MODULE = "bandit"
_ENDED = frozenset({0, 1})
_SQL = frozenset({"B608"})


@dataclass(frozen=True, slots=True, kw_only=True)
class BanditSettings:
    """``passwords``: what it says of passwords counts too, where no scanner of secrets is wanted."""

    passwords: bool = False
    seconds: float = SECONDS


class BanditScanner:
    """See the rules above; the contract is in ``ports.scanner``."""

    def __init__(self, settings: Mapping[str, Json]) -> None:
        self._settings = read(BanditSettings, settings, what=f"the scanner `{TOOL}`")

    def missing(self) -> str:
        """See ``ports.scanner``."""
        return absent(MODULE, TOOL)

    def reads(self, source: Source) -> bool:
        """Python."""
        return is_python(source)

    def scan(self, look: Look) -> Scanned:
        """See ``ports.scanner``."""
        wanted, unread = _python(look.sources)
        if not wanted:
            return Scanned(tool=TOOL, version=_version(), unread=unread)
        with by_number(wanted, ending=".py") as folder:
            place = str(folder.root)
            command = (*module(MODULE), "-q", "-f", "json", "--ignore-nosec", "-r", place)
            done = programs(place).output(command, timeout=self._settings.seconds, environment={}, most=MOST_BYTES)
        if why := fault(done, TOOL, _ENDED):
            return Scanned(tool=TOOL, version=_version(), fault=why)
        names = {f"{place}/{name}": source for name, source in folder.names.items()}
        found = read_bandit(done.out, names, version=_version(), passwords=self._settings.passwords)
        seen = tuple(one for one in found.seen if one.rule not in _SQL or _takes_in(one))
        told = (*found.unread, *unread)
        return replace(found, seen=seen, unread=told, fault=found.fault.replace(place, "the folder"))


def _python(sources: Sequence[Source]) -> tuple[list[Source], tuple[tuple[Source, str], ...]]:
    wanted, unread = [], []
    for one in sources:
        if one.side == "past" or not is_python(one):
            continue
        try:
            wanted.append(as_python(one))
        except Unparsed as error:
            unread.append((one, str(error)))
    return wanted, tuple(unread)


def _takes_in(one: Seen) -> bool:
    try:
        tree = parsed(one.source.content)
        return takes_in(tree, one.lines) and not is_only_shown(tree, one.lines)
    except Unparsed:
        return True


def _version() -> str:
    try:
        return installed(TOOL)
    except PackageNotFoundError:
        return ""
