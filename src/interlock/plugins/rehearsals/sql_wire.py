"""What a program sends to its database, and how many rows each statement touched: heard between the two.

Rules:
1. A program connects to a socket here, and from here everything goes on to the server and back, letter by letter.
   Nothing is changed, held back or added.
2. The server's own word counts: what it says when a statement is over is how many rows that one touched. Which
   tool sent it, and in which language it was written, does not matter.
3. What cannot be followed is forwarded and not told. It never stops a program.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from interlock.plugins.rehearsals.sql_statements import NotSql, statements
from interlock.plugins.rehearsals.sql_words import bound

NAME = ".s.PGSQL.5432"
MOST_SENT, MOST_TEXT = 20_000, 20_000
_CHUNK = 65_536
_SECURED = frozenset({80877103, 80877104})
_CANCEL = 80877102
_WHOLE = {20: "!q", 21: "!h", 23: "!i", 26: "!I", 701: "!d", 700: "!f"}
Hearing = Callable[[bytes, bytes], None]
"""Hears one message: its letter and what is in it."""
_LETTERS = frozenset({0, 18, 19, 25, 114, 705, 1042, 1043, 3802})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One statement that was sent: what the server called it at its end, with how many rows; or its error's code.

    ``rows`` is None where the server says nothing of rows.
    """

    text: str
    tag: str = ""
    rows: int | None = None
    error: str = ""


@dataclass(slots=True)
class Heard:
    """What was sent so far, over every connection, in the order in which it was over."""

    sent: list[Sent] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def over(self, text: str, *, tag: str = "", error: str = "") -> None:
        """One statement is over."""
        word, _, counted = tag.partition(" ")
        number = counted.rpartition(" ")[2]
        one = Sent(text=text, tag=word, rows=int(number) if number.isdigit() else None, error=error)
        with self.lock:
            if len(self.sent) < MOST_SENT:
                self.sent.append(one)


@contextmanager
def listening(folder: Path, server: Path) -> Iterator[Heard]:
    """Listen in a folder for programs of the server whose socket lies in ``server``, as long as this goes on."""
    heard = Heard()
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / NAME
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(path))
        door.listen()
        thread = threading.Thread(target=_accept, args=(door, server / NAME, heard), daemon=True)
        thread.start()
        try:
            yield heard
        finally:
            # A thread that waits for a connection hears of the end by one.
            with suppress(OSError):
                door.shutdown(socket.SHUT_RDWR)
            thread.join()
            path.unlink(missing_ok=True)


def _accept(door: socket.socket, server: Path, heard: Heard) -> None:
    threads: list[threading.Thread] = []
    while True:
        try:
            program, _ = door.accept()
        except OSError:
            break
        thread = threading.Thread(target=_connected, args=(program, server, heard), daemon=True)
        thread.start()
        threads.append(thread)
    for thread in threads:
        thread.join(timeout=5)


def _connected(program: socket.socket, server: Path, heard: Heard) -> None:
    with program, socket.socket(socket.AF_UNIX) as there, suppress(OSError, EOFError):
        there.connect(str(server))
        if not _begun(program, there):
            return
        talk = _Talk(heard)
        back = threading.Thread(target=_forward, args=(there, program, talk.answered), daemon=True)
        back.start()
        _forward(program, there, talk.asked)
        back.join()


def _begun(program: socket.socket, there: socket.socket) -> bool:
    """Pass on how a connection begins; whether a conversation follows."""
    while True:
        first = _exactly(program, 8)
        length, code = struct.unpack("!ii", first)
        rest = _exactly(program, length - 8)
        if code in _SECURED:
            program.sendall(b"N")  # between two sockets of this machine
            continue
        there.sendall(first + rest)
        return bool(code != _CANCEL)


def _exactly(source: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        part = source.recv(count - len(found))
        if not part:
            raise EOFError
        found += part
    return found


def _forward(source: socket.socket, sink: socket.socket, hear: Hearing) -> None:
    """Pass on everything, and let every message be heard before it is."""
    held = bytearray()
    with suppress(OSError):
        while part := source.recv(_CHUNK):
            held += part
            _messages(held, hear)
            sink.sendall(part)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def _messages(held: bytearray, hear: Hearing) -> None:
    while len(held) > 4:  # noqa: PLR2004  # a letter and four bytes of length
        (length,) = struct.unpack_from("!i", held, 1)
        if len(held) <= length:
            return
        with suppress(Exception):  # what cannot be read is passed on all the same
            hear(bytes(held[:1]), bytes(held[5 : length + 1]))
        del held[: length + 1]


class _Talk:
    """One connection: what was asked and is not over. Rounds end where the server is ready again."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard
        self._parsed: dict[bytes, tuple[str, tuple[int, ...]]] = {}
        self._bound: dict[bytes, str] = {}
        self._rounds: deque[deque[str]] = deque([deque()])
        self._lock = threading.Lock()

    def asked(self, kind: bytes, body: bytes) -> None:
        """A message of the program."""
        with self._lock:
            if kind == b"Q":
                self._rounds[-1].extend(_each(body[:-1].decode("utf-8", errors="replace")))
                self._rounds.append(deque())
            elif kind == b"P":
                name, text, rest = body.split(b"\0", 2)
                (count,) = struct.unpack_from("!h", rest)
                self._parsed[name] = (_text(text), struct.unpack_from(f"!{count}i", rest, 2))
            elif kind == b"B":
                portal, name, rest = body.split(b"\0", 2)
                parsed, kinds = self._parsed.get(name, ("", ()))
                self._bound[portal] = bound(parsed, _values(rest, kinds))
            elif kind == b"E":
                self._rounds[-1].append(self._bound.get(body.split(b"\0", 1)[0], ""))
            elif kind == b"S":
                self._rounds.append(deque())

    def answered(self, kind: bytes, body: bytes) -> None:
        """A message of the server."""
        with self._lock:
            now = self._rounds[0]
            if kind == b"Z" and len(self._rounds) > 1:
                self._rounds.popleft()
            elif kind in {b"C", b"I", b"s"} and now:
                self._heard.over(now.popleft(), tag=_text(body[:-1]) if kind == b"C" else "")
            elif kind == b"E" and now:
                codes = [part[1:] for part in body.split(b"\0") if part[:1] == b"C"]
                self._heard.over(now[0], error=_text(codes[0]) if codes else "XX000")
                now.clear()


def _each(text: str) -> Iterator[str]:
    """The statements of one message, of each of which the beginning is kept."""
    try:
        yield from [one.text.strip()[:MOST_TEXT] for one in statements(text) if one.text.strip()]
    except NotSql:
        yield text[:MOST_TEXT]


def _text(content: bytes) -> str:
    return content.decode("utf-8", errors="replace")[:MOST_TEXT]


def _values(rest: bytes, kinds: Sequence[int]) -> list[str | None]:
    """The values of one Bind, as literals."""
    (count,) = struct.unpack_from("!h", rest)
    formats = struct.unpack_from(f"!{count}h", rest, 2)
    place = 2 + 2 * count
    (total,) = struct.unpack_from("!h", rest, place)
    place += 2
    found: list[str | None] = []
    for number in range(total):
        (length,) = struct.unpack_from("!i", rest, place)
        place += 4
        value = None if length < 0 else rest[place : place + length]
        place += max(length, 0)
        binary = formats[number if len(formats) > 1 else 0] if formats else 0
        found.append(_value(value, binary == 1, kinds[number] if number < len(kinds) else 0))
    return found


def _value(value: bytes | None, binary: bool, kind: int) -> str | None:  # noqa: FBT001  # as the wire has it
    if value is None:
        return None
    if binary and kind in _WHOLE:
        return str(struct.unpack(_WHOLE[kind], value)[0])
    if binary and kind == 16:  # noqa: PLR2004  # a boolean's number
        return "true" if value != b"\0" else "false"
    if binary and kind not in _LETTERS:
        return "?"
    text = _text(value)
    return text if kind in _WHOLE else "'" + text.replace("'", "''") + "'"
