"""How a meter is let in, by a secret that the plan names and never holds, and whom it trusts.

Settings: ``auth: {bearer: {env: NAME}}`` or ``auth: {bearer: {file: PATH}}``; ``auth: {user: NAME, password: {env:
NAME}}``; ``ca: PATH``, the certificates to trust instead of the system's.
"""

from __future__ import annotations

import base64
import os
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from interlock.core.rollout.setting import InvalidSetting
from interlock.plugins.meters import reading
from interlock.plugins.meters.reading import Section, one_of

_LONGEST = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """Where a secret lies. Nothing of it is kept."""

    source: str
    name: str
    path: reading.Path

    def get(self) -> str:
        """The secret.

        Raises:
            InvalidSetting: ``secret-missing``; the message names the place, never what is in it.
        """
        try:
            if self.source == "env":
                text = os.environ.get(self.name, "")
            else:
                with Path(self.name).open(encoding="ascii") as file:
                    text = file.read(_LONGEST)
        except (OSError, ValueError) as error:
            raise self._missing() from error
        text = text.strip()
        if not text or not text.isprintable():
            raise self._missing()
        return text

    def _missing(self) -> InvalidSetting:
        what = "environment variable" if self.source == "env" else "file"
        return InvalidSetting(
            f"expected a secret in the {what} `{self.name[:120]}`, got none that can be read",
            code="secret-missing",
            hint=f"set that {what} where interlock runs",
            path=self.path,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What goes along with each request."""

    bearer: Secret | None = None
    user: str = ""
    password: Secret | None = None
    ca: str = ""
    path: reading.Path = field(default=())

    def headers(self) -> dict[str, str]:
        """The header that lets in, if any."""
        if self.bearer is not None:
            return {"Authorization": f"Bearer {self.bearer.get()}"}
        if self.password is not None:
            pair = f"{self.user}:{self.password.get()}".encode()
            return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        return {}

    def trust(self) -> ssl.SSLContext:
        """Whose certificates are believed.

        Raises:
            InvalidSetting: ``ca-unreadable``.
        """
        try:
            return ssl.create_default_context(cafile=self.ca or None)
        except (OSError, ssl.SSLError) as error:
            raise InvalidSetting(
                f"expected certificates in `{self.ca[:120]}`, got none that can be read",
                code="ca-unreadable",
                hint="name a file of PEM certificates as `ca`",
                path=self.path,
            ) from error


def read_secret(section: Section, key: str) -> Secret:
    """``{env: NAME}`` or ``{file: PATH}`` under ``key``."""
    inner = section.below(key)
    if inner is None:
        raise section.refuse(key, "`env` or `file`, which holds the secret", section.values.get(key))
    inner.only("env", "file")
    source = one_of(inner, ("env", "file"))
    return Secret(source=source, name=inner.text(source), path=inner.path)


def read_access(section: Section) -> Access:
    """The settings ``auth`` and ``ca``."""
    ca = section.text("ca", "")
    auth = section.below("auth")
    path = (*section.path, "ca")
    if auth is None:
        return Access(ca=ca, path=path)
    auth.only("bearer", "user", "password")
    if one_of(auth, ("bearer", "user")) == "bearer":
        return Access(bearer=read_secret(auth, "bearer"), ca=ca, path=path)
    return Access(user=auth.text("user"), password=read_secret(auth, "password"), ca=ca, path=path)


def read_url(section: Section, key: str, url: str) -> str:
    """An address that can be asked: http or https, with a host, without a password or a fragment."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    expected = ""
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        expected = "an address that begins with http:// or https://"
    elif "@" in parts.netloc:
        expected = "an address without user and password"
    elif parts.fragment or not url.isprintable() or " " in url:
        expected = "an address without blanks or `#`"
    if expected:
        raise section.refuse(key, expected, _shown(url), code="setting-url")
    return url


def _shown(url: str) -> str:
    scheme, mark, rest = url.partition("://")
    return f"{scheme}{mark}…@{rest.rpartition('@')[2]}" if "@" in rest else url
