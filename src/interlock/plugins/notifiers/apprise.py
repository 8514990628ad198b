"""Slack, Teams, e-mail, webhooks and a hundred more, by the addresses (URLs) of Apprise.

Rules:
1. Addresses hold secrets, so a plan never has them: it names an environment variable or a file of the server
   (``environment: OPS_ADDRESSES`` or ``file: /etc/interlock/addresses``). In a file there is one address a line,
   and ``#`` begins a comment; in a variable they are divided by white space. Both are read anew each time.
2. No message of ours repeats more of an address than its form (``slack://``) and its number in the list. What a
   server answered is told in one short line, without any part of the address in it.
3. All addresses are told at once, each in a thread of its own; who has not taken it after 10 s did not take it. A
   thread that still hangs then is left to die with its connection and keeps no program from ending.
4. Apprise is an optional part and is imported when it is first needed.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from interlock.core.change.errors import Unavailable
from interlock.core.rollout.setting import InvalidSetting
from interlock.ports.notifier import Notice

DEADLINE_SECONDS = 10.0
MOST_ADDRESSES = 20
MAX_FILE = 65_536
MAX_SAID = 120
SOURCES = ("environment", "file")
_FORM = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,30})://")
_SHORT = 3
"""Parts of an address of at most so many characters are no secret, and taken out they would garble the line."""


class AppriseNotifier:
    """All addresses of one variable or file."""

    name = "apprise"

    def __init__(self, settings: Mapping[str, object], *, deadline: float = DEADLINE_SECONDS) -> None:
        self._source, self._named = _source(settings)
        self._deadline = deadline

    def check(self) -> None:
        """Whether every address can be understood; nothing is sent and no name is looked up.

        Raises:
            InvalidSetting: ``notify-source``, ``notify-address``; ``notify-missing`` without Apprise.
        """
        for _ in self._understood():
            pass

    def send(self, notice: Notice) -> None:
        """Send to all addresses at once.

        Raises:
            InvalidSetting: as in ``check``.
            Unavailable: ``notify-failed``: at least one address did not take it in time.
        """
        sent = [_Sending(address, told, notice) for address, told in self._understood()]
        end = time.monotonic() + self._deadline
        for one in sent:
            one.start()
        for one in sent:
            one.join(max(end - time.monotonic(), 0.0))
        wrong = [f"{number} ({one.form}): {one.outcome()}" for number, one in enumerate(sent, 1) if one.outcome()]
        if wrong:
            raise Unavailable(
                f"expected {len(sent)} of {len(sent)} addresses to take it, got {len(sent) - len(wrong)}; "
                + "; ".join(f"number {text}" for text in wrong[:3]),
                code="notify-failed",
                hint=f"look at these addresses of {self._shown()}; the rollout does not wait for them",
                plugin=self.name,
            )

    def _understood(self) -> list[tuple[str, Any]]:
        """Each address with what Apprise made of it."""
        apprise = _apprise()
        # Its own deadline would leave threads behind that a program waits for at its end; ours does not.
        asset = apprise.AppriseAsset(async_mode=False, secure_logging=True, service_timeout=0)
        found = []
        for number, address in enumerate(self._addresses(), 1):
            one = apprise.Apprise(asset=asset)
            with _quiet():
                understood = one.add(address)
            if not understood:
                raise InvalidSetting(
                    f"expected an address that Apprise understands as number {number} of {self._shown()}, "
                    f"got one beginning with `{_form(address)}`",
                    code="notify-address",
                    hint="see docs/how-to/notify.md for the usual ones; the rest of it is not repeated here",
                    path=(self._source,),
                )
            found.append((address, one))
        return found

    def _addresses(self) -> list[str]:
        text = os.environ.get(self._named, "") if self._source == "environment" else self._read()
        found = _divided(text, lines=self._source == "file")
        if not 1 <= len(found) <= MOST_ADDRESSES:
            raise InvalidSetting(
                f"expected 1 to {MOST_ADDRESSES} addresses in {self._shown()}, got {len(found)}",
                code="notify-source",
                hint="put them there on the machine of the server: they hold secrets and belong in no plan",
                path=(self._source,),
            )
        return found

    def _read(self) -> str:
        path = Path(self._named)
        try:
            content = path.read_bytes() if path.is_file() else None
        except OSError as error:
            raise self._unreadable((error.strerror or "an error").lower()) from error
        if content is None and not path.exists():
            raise InvalidSetting(
                f"expected addresses in {self._shown()}, which is not there",
                code="notify-source",
                hint="write it on the machine that interlock serve runs on, or correct `file`",
                path=("file",),
            )
        if content is None or len(content) > MAX_FILE:
            raise self._unreadable("no regular file of at most 64 KiB")
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise self._unreadable("bytes that are no UTF-8 text") from error

    def _unreadable(self, got: str) -> InvalidSetting:
        return InvalidSetting(
            f"expected addresses in {self._shown()}, got {got}",
            code="notify-source",
            hint="make it readable for the user that interlock serve runs as, and for nobody else",
            path=("file",),
        )

    def _shown(self) -> str:
        return f"`{'$' if self._source == 'environment' else ''}{self._named}`"


class _Sending(threading.Thread):
    """One address being told. Daemonic: a server that never answers keeps no program from ending."""

    def __init__(self, address: str, told: Any, notice: Notice) -> None:  # noqa: ANN401  # an Apprise object
        super().__init__(name="notice", daemon=True)
        self.form = _form(address)
        self._told, self._notice = told, notice
        self._parts = _parts(address)
        self._said: str | None = None

    def run(self) -> None:
        """Send, and keep what went wrong in one line; whatever is raised is told, too."""
        apprise = _apprise()
        body = self._notice.text + (f"\n{self._notice.link}" if self._notice.link else "")
        with _quiet() as heard:
            try:
                done = self._told.notify(
                    body=body,
                    title=self._notice.title,
                    notify_type=apprise.NotifyType(self._notice.level),
                    body_format=apprise.NotifyFormat.TEXT,
                )
            except Exception as error:  # noqa: BLE001  # a hundred plug-ins of others: none may end a rollout
                done = False
                heard.insert(0, type(error).__name__)
        self._said = "" if done else self._without_secrets(heard[0] if heard else "it was refused")

    def outcome(self) -> str:
        """Empty when it was taken, else why not."""
        return "no answer in time" if self._said is None else self._said

    def _without_secrets(self, text: str) -> str:
        for part in self._parts:
            text = text.replace(part, "…")
        return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:MAX_SAID]


class _Heard(logging.Handler):
    """Keeps what Apprise complains about, a thread each, and lets nothing of it onto the terminal."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.of = threading.local()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it for whoever listens in this thread."""
        lines = getattr(self.of, "lines", None)
        if lines is not None:
            lines.append(record.getMessage())


_HEARD = _Heard()
_LOADING = threading.Lock()


class _quiet:  # noqa: N801  # used as a function
    """Listens to Apprise in this thread for a while."""

    def __enter__(self) -> list[str]:
        _HEARD.of.lines = lines = list[str]()
        return lines

    def __exit__(self, *_: object) -> None:
        del _HEARD.of.lines


def _source(settings: Mapping[str, object]) -> tuple[str, str]:
    for key in settings:
        if key not in SOURCES:
            raise InvalidSetting(
                f"expected one of {', '.join(SOURCES)}, got `{str(key)[:40]}`",
                code="notify-setting",
                hint="addresses hold secrets: name the variable or the file that has them",
                path=(str(key),),
            )
    if len(settings) != 1:
        raise InvalidSetting(
            f"expected either `environment` or `file`, got {'both' if settings else 'neither'}",
            code="notify-setting",
            hint="name one: where the addresses are on the machine of the server",
        )
    (source, named), *_ = settings.items()
    if not isinstance(named, str) or not named.strip() or "://" in named or not named.isprintable():
        raise InvalidSetting(
            f"expected the name of {'a variable' if source == 'environment' else 'a file'} as `{source}`, "
            + ("got an address" if isinstance(named, str) and "://" in named else "got something else"),
            code="notify-setting",
            hint="an address holds secrets and does not belong here: name what holds it",
            path=(source,),
        )
    return source, named.strip()


def _divided(text: str, *, lines: bool) -> list[str]:
    if not lines:
        return text.split()
    stripped = (line.strip() for line in text.splitlines())
    return [line for line in stripped if line and not line.startswith("#")]


def _form(address: str) -> str:
    found = _FORM.match(address)
    return f"{found[1].lower()}://" if found else "no form at all"


def _parts(address: str) -> Sequence[str]:
    """Everything of an address that could be a secret, longest first."""
    return sorted(set(_pieces(address)), key=len, reverse=True)


def _pieces(address: str) -> Iterator[str]:
    try:
        split = urlsplit(address)
    except ValueError:
        yield address
        return
    places = [split.netloc, split.username or "", split.password or "", *split.path.split("/")]
    places += [word for pair in split.query.split("&") for word in pair.partition("=")[2].split(",")]
    for place in [*places, split.netloc.rpartition("@")[2].partition(":")[0]]:
        for form in (place, unquote(place)):
            if len(form) > _SHORT:
                yield form


def _apprise() -> Any:  # noqa: ANN401  # a module that may not be there
    with _LOADING:
        if "apprise" not in sys.modules:
            _load()
        return sys.modules["apprise"]


def _load() -> None:
    with warnings.catch_warnings():
        # Apprise imports a module that Python 3.13 no longer has, and knows what to do without it.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            import apprise  # noqa: PLC0415  # optional, and slow to import
        except ImportError as error:
            raise InvalidSetting(
                "expected Apprise for notices, got an installation without it",
                code="notify-missing",
                hint="install it where interlock serve runs: pip install '.[notify]' in its checkout",
            ) from error
        apprise.Apprise.instantiate("json://localhost")  # it loads its hundred plug-ins with the first address
    log = logging.getLogger("apprise")
    log.addHandler(_HEARD)
    log.propagate = False
