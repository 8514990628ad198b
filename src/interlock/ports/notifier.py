"""The port to people's attention: chat, mail, a webhook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What happened, the answer first. ``link`` leads to more, where there is a server."""

    title: str
    text: str
    level: Literal["info", "success", "warning", "failure"]
    link: str = ""


class Notifier(Protocol):
    """One or more addresses. Not idempotent: the caller keeps what was sent. Deadline 10 s; thread-safe."""

    def check(self) -> None:
        """Whether every address can be understood; nothing is sent.

        Raises:
            InvalidSetting: an address of no known form; secrets in it are not repeated.
        """

    def send(self, notice: Notice) -> None:
        """Send to all addresses.

        Raises:
            Unavailable: at least one address did not take it.
        """
