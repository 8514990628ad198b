"""Where this process finds things: local settings from the environment, never part of the rules.

Rules:
1. Every setting is one ``INTERLOCK_…`` variable; a flag of the command line overrides it.
2. An unknown ``INTERLOCK_…`` variable or an unusable value is refused: a misspelt setting must not be silent.
3. A git worktree has no state of its own: it is that of the main checkout, so that all of them speak of one
   ledger. The rule files are its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import closest
from interlock.core.change.settings import SETTINGS_FILE

SETTINGS: dict[str, str] = {
    "INTERLOCK_SERVER": "address of an interlock server; without it the same application runs in-process",
    "INTERLOCK_TOKEN": "bearer token for that server",
    "INTERLOCK_DATABASE": "state: sqlite:///path or postgresql://…; default .interlock/interlock.db",
    "INTERLOCK_KEYS": "folder of the ledger's and the ticket's private keys; default .interlock/keys",
    "INTERLOCK_ORIGIN": "name of this ledger in its checkpoints; default interlock.local/<folder>",
    "INTERLOCK_RUNNER_KEY": "file with the private key (PEM) that this runner signs evidence with",
    "INTERLOCK_CHANGE": "change id that commands use when none is given",
    "INTERLOCK_HOST": "address `interlock serve` listens on; default 127.0.0.1",
    "INTERLOCK_PORT": "port `interlock serve` listens on; default 8484",
    "INTERLOCK_WORKER": "whether `interlock serve` moves rollouts too: on or off; default on",
    "INTERLOCK_LOG": "log format of the server: json or text; default json unless on a terminal",
}

PORT_MAX = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Local settings. ``root`` is the folder with ``interlock.yaml``, else the repository's, else the current.

    ``home`` is the folder for this checkout's state, in the main checkout where ``root`` is in a worktree of it.
    ``chosen`` are the names of the settings that somebody set.
    """

    root: Path
    home: Path
    database: str
    keys: Path
    origin: str
    server: str | None = None
    token: str | None = None
    runner_key: str | None = None
    change: str | None = None
    host: str = "127.0.0.1"
    port: int = 8484
    log: str | None = None
    worker: bool = True
    chosen: frozenset[str] = frozenset()

    def at(self, database: str | None) -> Config:
        """The same with another database, where one is given."""
        return replace(self, database=database) if database else self


def from_environment(environment: Mapping[str, str], folder: Path) -> Config:
    """Local settings for a process started in ``folder``.

    Raises:
        InvalidInput: ``setting-unknown`` or ``setting-invalid``.
    """
    _refuse_unknown(environment)
    root = _root(folder.resolve())
    main = _main_checkout(root)
    home = main / ".interlock"
    given = {name: value for name, value in environment.items() if name in SETTINGS and value}
    return Config(
        root=root,
        home=home,
        database=given.get("INTERLOCK_DATABASE", f"sqlite:///{home / 'interlock.db'}"),
        keys=Path(given.get("INTERLOCK_KEYS", home / "keys")),
        origin=given.get("INTERLOCK_ORIGIN", f"interlock.local/{main.name or 'root'}"),
        server=_address(given.get("INTERLOCK_SERVER")),
        token=given.get("INTERLOCK_TOKEN"),
        runner_key=given.get("INTERLOCK_RUNNER_KEY"),
        change=given.get("INTERLOCK_CHANGE"),
        host=given.get("INTERLOCK_HOST", "127.0.0.1"),
        port=_port(given.get("INTERLOCK_PORT", "8484")),
        log=_log(given.get("INTERLOCK_LOG")),
        worker=_on(given.get("INTERLOCK_WORKER")),
        chosen=frozenset(given),
    )


def _root(folder: Path) -> Path:
    for mark in (SETTINGS_FILE, ".git"):
        for place in (folder, *folder.parents):
            if (place / mark).exists():
                return place
    return folder


def _main_checkout(root: Path) -> Path:
    """The folder that ``root`` is in the main checkout; ``root`` itself where it is in no worktree of one.

    A worktree's ``.git`` is a file that names its folder below the repository's, where ``commondir`` leads up.
    """
    top = next((place for place in (root, *root.parents) if (place / ".git").exists()), None)
    if top is None or (top / ".git").is_dir():
        return root
    with suppress(OSError, UnicodeDecodeError):
        mark, _, named = (top / ".git").read_text(encoding="utf-8").strip().partition(": ")
        folder = (top / named).resolve()
        common = (folder / (folder / "commondir").read_text(encoding="utf-8").strip()).resolve()
        if mark == "gitdir" and common.name == ".git" and common.is_dir():
            return common.parent / root.relative_to(top)
    return root


def _refuse_unknown(environment: Mapping[str, str]) -> None:
    for name in environment:
        if name.startswith("INTERLOCK_") and name not in SETTINGS:
            raise InvalidInput(
                f"expected a known setting, got `{name}`{closest(name, list(SETTINGS))}",
                code="setting-unknown",
                hint="unset it, or see docs/reference/settings.md",
            )


def _address(value: str | None) -> str | None:
    if value is not None and not value.startswith(("http://", "https://")):
        raise _invalid("INTERLOCK_SERVER", "an http:// or https:// address", value)
    return value.rstrip("/") if value else None


def _port(value: str) -> int:
    if not value.isascii() or not value.isdigit() or not 0 <= int(value) <= PORT_MAX:
        raise _invalid("INTERLOCK_PORT", f"a port from 0 to {PORT_MAX}", value)
    return int(value)


def _log(value: str | None) -> str | None:
    if value not in {None, "json", "text"}:
        raise _invalid("INTERLOCK_LOG", "json or text", str(value))
    return value


def _on(value: str | None) -> bool:
    if value not in {None, "on", "off"}:
        raise _invalid("INTERLOCK_WORKER", "on or off", str(value))
    return value != "off"


def _invalid(name: str, expected: str, value: str) -> InvalidInput:
    return InvalidInput(
        f"expected {expected} in {name}, got `{value[:80]}`", code="setting-invalid", hint=f"set {name}"
    )
