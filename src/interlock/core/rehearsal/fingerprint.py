"""What a probe saw, and what differs between two looks.

Rules:
1. A probe sees items by name (a file, a row count, a line of an answer), each as a short text: a digest where the
   content is long. Two looks are equal when they have the same items with the same texts.
2. A difference names the item and both texts, so that whoever reads it knows where to look.
3. A probe that could not look is not equal to anything, not even to itself: not seen is not restored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from interlock.core.change.canonical import Json, digest
from interlock.core.rehearsal.brief import brief

MAX_ITEMS = 20_000
MAX_TEXT = 120
_DOMAIN = "interlock.dev/fingerprint/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """One probe's look. ``failed`` says why it could not; then there are no ``items``."""

    items: Mapping[str, str]
    failed: str = ""

    @property
    def digest(self) -> str:
        """``sha256:…`` over all items."""
        seen: dict[str, Json] = {**self.items}
        return digest(_DOMAIN, {"items": seen, "failed": self.failed})


Look = Mapping[str, Fingerprint]
"""Every probe's, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One item of one probe that is not as it was; None where it is not there."""

    probe: str
    item: str
    before: str | None
    after: str | None

    @property
    def told(self) -> str:
        """For people, in one line."""
        name = f"{self.probe}: {self.item}" if self.item else self.probe
        if self.before is None:
            return f"{name} is there and was not: {_cut(self.after)}"
        if self.after is None:
            return f"{name} is gone, was {_cut(self.before)}"
        return f"{name} was {_cut(self.before)}, is {_cut(self.after)}"


def differences(before: Look, after: Look) -> tuple[Difference, ...]:
    """Every item that differs, by probe and item."""
    return tuple(_differing(before, after))


def unseen(look: Look) -> tuple[str, ...]:
    """The probes that could not look, with the reason."""
    return tuple(f"{name}: {each.failed}" for name, each in sorted(look.items()) if each.failed)


def _differing(before: Look, after: Look) -> Iterator[Difference]:
    for probe in sorted(before.keys() | after.keys()):
        was, now = before.get(probe), after.get(probe)
        if was is None or now is None or was.failed or now.failed:
            yield Difference(probe=probe, item="", before=_state(was), after=_state(now))
            continue
        for item in sorted(was.items.keys() | now.items.keys()):
            old, new = was.items.get(item), now.items.get(item)
            if old != new:
                yield Difference(probe=probe, item=item, before=old, after=new)


def _state(look: Fingerprint | None) -> str:
    if look is None:
        return "not looked at"
    return f"not seen ({look.failed})" if look.failed else f"seen ({look.digest[:19]}…)"


def _cut(text: str | None) -> str:
    return brief(text or "empty", MAX_TEXT)
