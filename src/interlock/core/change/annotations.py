"""The annotations under ``interlock.dev/``: which there are, on which kinds they may stand, how each is read.

Rules:
1. An unknown word under our prefix is refused with the nearest known one: a misspelt ``tier`` must not read as
   "no tier". Annotations under other prefixes belong to others and are left alone.
2. A list is written as one text, its items separated by commas or line ends; ``ssh-keys`` by line ends alone.
3. A share is a fraction 0–1 (``0.41``) or a percentage (``41 %``).
4. An SSH key is one OpenSSH public key line. Options may stand before it, as in ``authorized_keys``:
   ``not-before="2026-01-01T00:00:00Z"``, ``not-after="…"`` and ``revoked``. Any other option is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from interlock.core.approval.keys import KEY_TYPES, parse_public_key
from interlock.core.change.catalog import Place, PublicKey, Role, Tier
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import closest
from interlock.core.change.yaml_nodes import Mapping, Node, Scalar, refused

PREFIX = "interlock.dev/"

_SERVICE = frozenset({"component", "api", "resource"})
_USER = frozenset({"user"})
ANNOTATIONS: dict[str, frozenset[str]] = {
    "tier": _SERVICE,
    "metric": _SERVICE,
    "alert": _SERVICE,
    "rollback": _SERVICE,
    "order-share": _SERVICE,
    "fleet-share": _SERVICE,
    "paths": _SERVICE,
    "artefacts": _SERVICE,
    "environments": _SERVICE,
    "role": _USER,
    "emails": _USER,
    "accounts": _USER | {"resource"},
    "ssh-keys": _USER,
    "on-call": _USER,
    "sponsor": frozenset({"resource"}),
}
_OPTION = re.compile(r"(?P<name>[A-Za-z-]+)(?:=\"(?P<value>[^\"]*)\")?(?P<end>,|\s+)")
_SHARE = re.compile(r"(?P<number>\d{1,3}(?:\.\d{1,6})?)\s*(?P<percent>%?)")
_MAX_ITEMS = 1_000
_MAX_KEYS = 100


@dataclass(frozen=True, slots=True)
class Annotations:
    """The annotations of one entity; every reader below names its file and line when it refuses."""

    path: str
    fields: dict[str, Scalar]

    def place(self, name: str) -> Place:
        """Where the annotation stands."""
        return Place(path=self.path, line=self.fields[name].line)

    def text(self, name: str) -> str | None:
        """The text, None where there is none."""
        field = self.fields.get(name)
        return field.text.strip() or None if field and not field.null else None

    def items(self, name: str) -> tuple[str, ...]:
        """A list of words or globs, each once, in the order written."""
        text = self.text(name)
        if text is None:
            return ()
        found = tuple(dict.fromkeys(word.strip() for word in re.split(r"[,\n]", text) if word.strip()))
        if len(found) > _MAX_ITEMS:
            raise self.refuse(name, f"at most {_MAX_ITEMS} items", str(len(found)), "use globs")
        return found

    def tier(self) -> Tier | None:
        """1, 2 or 3."""
        text = self.text("tier")
        if text is None:
            return None
        if text not in {"1", "2", "3"}:
            raise self.refuse("tier", "a tier of 1, 2 or 3", text, "1 earns money or reaches customers")
        return Tier(int(text))

    def role(self) -> Role:
        """One of the roles, engineer where none is written."""
        text = self.text("role")
        if text is None:
            return Role.ENGINEER
        if text not in set(Role):
            known = [str(role) for role in Role]
            raise self.refuse("role", f"a role of {', '.join(known)}", text + closest(text, known), "choose one")
        return Role(text)

    def flag(self, name: str) -> bool:
        """``true`` or ``false``."""
        text = self.text(name)
        if text not in {None, "true", "false"}:
            raise self.refuse(name, "`true` or `false`", str(text), "write one of the two")
        return text == "true"

    def share(self, name: str) -> float | None:
        """A fraction 0–1."""
        text = self.text(name)
        if text is None:
            return None
        match = _SHARE.fullmatch(text)
        value = float(match["number"]) / (100 if match["percent"] else 1) if match else 2.0
        if value > 1:
            raise self.refuse(name, "a fraction 0–1 or a percentage", text, "write 0.41 or 41 %")
        return value

    def keys(self) -> tuple[PublicKey, ...]:
        """The OpenSSH public keys."""
        written = [line.strip() for line in (self.text("ssh-keys") or "").splitlines()]
        lines = [line for line in written if line and not line.startswith("#")]
        if len(lines) > _MAX_KEYS:
            raise self.refuse("ssh-keys", f"at most {_MAX_KEYS} keys", str(len(lines)), "remove old ones")
        found = tuple(self._key(line) for line in lines)
        if len({key.fingerprint for key in found}) != len(found):
            raise self.refuse("ssh-keys", "each key once", "one key twice", "remove one of the two lines")
        return found

    def _key(self, line: str) -> PublicKey:
        options: dict[str, str] = {}
        rest = line
        while rest and not rest.startswith(KEY_TYPES):
            match = _OPTION.match(rest)
            if match is None or match["name"] not in {"not-before", "not-after", "revoked"}:
                raise self._bad_key(line)
            if match["name"] in options or (match["value"] is None) != (match["name"] == "revoked"):
                raise self._bad_key(line)
            options[match["name"]] = match["value"] or ""
            rest = rest[match.end() :].lstrip()
        try:
            key = parse_public_key(rest)
        except InvalidInput as error:
            place = self.place("ssh-keys")
            raise InvalidInput(
                f"{error.message} in `{PREFIX}ssh-keys` at `{place.path}:{place.line}`",
                code=error.code,
                hint=error.hint,
            ) from error
        return PublicKey(
            line=key.line,
            fingerprint=key.fingerprint,
            not_before=self._moment(options.get("not-before")),
            not_after=self._moment(options.get("not-after")),
            revoked="revoked" in options,
        )

    def _moment(self, text: str | None) -> datetime | None:
        if text is None:
            return None
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            raise self.refuse("ssh-keys", "a time with its zone", text, "write 2026-01-01T00:00:00Z")
        return moment.astimezone(UTC).replace(microsecond=0)

    def _bad_key(self, line: str) -> InvalidInput:
        hint = 'one line of a .pub file, before it at most not-before="…", not-after="…" and revoked'
        return self.refuse("ssh-keys", "an OpenSSH public key line", line, hint)

    def refuse(self, name: str, expected: str, got: str, hint: str) -> InvalidInput:
        """The refusal of this annotation's value."""
        return refused(
            self.place(name), f"{expected} in `{PREFIX}{name}`", got, code="catalog-annotation", hint=hint
        )


def read_annotations(path: str, kind: str, node: Node | None) -> tuple[Annotations, dict[str, str]]:
    """Ours, checked for spelling and kind, and everybody else's as plain text.

    Raises:
        InvalidInput: ``catalog-annotation``.
    """
    ours: dict[str, Scalar] = {}
    others: dict[str, str] = {}
    if node is not None and not (isinstance(node, Mapping) or (isinstance(node, Scalar) and node.null)):
        place = Place(path=path, line=node.line)
        raise refused(
            place, "annotations as a mapping", "something else", code="catalog-annotation", hint="fix it"
        )
    for key, value in (node.fields if isinstance(node, Mapping) else {}).items():
        if key.startswith(PREFIX):
            ours[key.removeprefix(PREFIX)] = _known(path, kind, key, value)
        elif isinstance(value, Scalar):
            others[key] = value.text
    return Annotations(path, ours), others


def _known(path: str, kind: str, key: str, value: Node) -> Scalar:
    name = key.removeprefix(PREFIX)
    place = Place(path=path, line=value.line)
    if name not in ANNOTATIONS:
        near = closest(name, list(ANNOTATIONS))
        hint = f"known are {', '.join(ANNOTATIONS)}"
        raise refused(place, f"a known annotation{near}", key, code="catalog-annotation", hint=hint)
    if kind not in ANNOTATIONS[name]:
        hint = f"it stands on {', '.join(sorted(ANNOTATIONS[name]))}"
        raise refused(place, f"`{key}` on another kind", kind, code="catalog-annotation", hint=hint)
    if not isinstance(value, Scalar):
        hint = "write one text, its items separated by commas or line ends"
        raise refused(place, f"a text in `{key}`", "a collection", code="catalog-annotation", hint=hint)
    return value
