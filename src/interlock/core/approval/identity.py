"""When two written identities are the same one: addresses, logins and names as tools write them.

Rules:
1. Addresses and logins are compared in Unicode NFKC, case-folded, without surrounding blanks or brackets.
2. ``ana+anything@x`` is ``ana@x``: the mailbox decides, not the tag.
3. A forge's no-reply address is the login it was made for: ``123+ana@users.noreply.github.com`` and
   ``123-ana@users.noreply.gitlab.com`` are the account ``ana``.
4. Letters that only look alike stay different when somebody is looked up, so ``аna`` with a Cyrillic letter is
   not ``ana``; two people of one catalog whose names look alike are one principal, so that a look-alike never
   makes a second person.
5. A token's principal may carry its kind in front: ``agent:codey``, ``local:ana``.
"""

from __future__ import annotations

import re
import unicodedata

from interlock.core.approval.actor import Actor

KINDS = ("person", "user", "agent", "pipeline", "local")

MAX_IDENTITY = 320
"""Characters in an address (RFC 5321: 64 before the sign, 255 after); longer ones name nobody."""

_NO_REPLY = re.compile(
    r"(?:\d+\+)?(?P<github>[^@+]+)@users\.noreply\.github\.com"
    r"|(?:\d+-)?(?P<gitlab>[^@+]+)@users\.noreply\.gitlab\.com"
)
_LOOKS = str.maketrans(
    "авегкмнорстухѕіјԁԛԝһӏ"  # Cyrillic
    "αβεικνορτυχγ"  # Greek
    "01ı",
    "aberkmhopctyxsijdqwhlabeikvoptuxyoli",  # what a reader takes them for
)


def folded(text: str) -> str:
    """The form in which names, logins and addresses are compared; empty for what names nobody."""
    if len(text) > MAX_IDENTITY:
        return ""
    return unicodedata.normalize("NFKC", text).strip().strip("<>").strip().casefold()


def spellings(text: str) -> tuple[str, ...]:
    """All forms under which a written identity is known, the most exact first.

    ``mail:`` addresses and ``login:`` accounts never meet, except through a forge's no-reply address.
    """
    name = folded(text)
    if not name:
        return ()
    if "@" not in name:
        return (f"login:{name}",)
    forge = _NO_REPLY.fullmatch(name)
    if forge:
        return (f"login:{forge['github'] or forge['gitlab']}",)
    local, _, domain = name.rpartition("@")
    untagged = f"{local.partition('+')[0]}@{domain}"
    return tuple(dict.fromkeys((f"mail:{name}", f"mail:{untagged}")))


def likeness(name: str) -> str:
    """What a name looks like: equal for names that a reader could take for each other."""
    plain = unicodedata.normalize("NFKD", folded(name))
    return "".join(char for char in plain if not unicodedata.combining(char)).translate(_LOOKS)


def principal_of(actor: Actor) -> str:
    """How a caller is written into a record, so that a machine is never taken for a person of the same name."""
    if actor.kind == "person" or kind_of(actor.principal) is not None:
        return actor.principal
    return f"{actor.kind}:{actor.principal}"


def kind_of(written: str) -> str | None:
    """The kind that a token's principal carries in front, None for a bare name."""
    kind, sign, _ = written.partition(":")
    return kind if sign and kind in KINDS else None


def bare(written: str) -> str:
    """The name behind the kind."""
    return written.partition(":")[2] if kind_of(written) else written
