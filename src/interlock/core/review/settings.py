"""Who may be asked to look at a change, and what may leave the house for it: ``reviewer`` in ``interlock.yaml``.

Rules:
1. It is off unless it is written. Then kind, endpoint, model and the paths that may be sent are all named: nothing
   goes to an address, or leaves a folder, that nobody wrote down.
2. What is on the way is encrypted, except on this machine itself.
3. The key is never in here: only the name of the environment variable that holds it where the reviewer is asked.
4. What ``NEVER`` names is never sent, whatever ``send`` says; ``never_send`` adds to it.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from interlock.core.change.errors import InvalidInput
from interlock.core.change.paths import glob_matcher

NEVER = (
    ".env", ".env.*", "*.env", ".envrc", ".envrc.*",
    "*.pem", "*.key", "*.p8", "*.p12", "*.pfx", "*.ppk", "*.jks", "*.keystore", "*.kdbx", "*.ovpn",
    "*.tfstate", "*.tfstate.*", "*.tfvars", "*.tfvars.json",
    "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", ".ssh", ".gnupg",
    ".netrc", "_netrc", ".npmrc", ".yarnrc", ".yarnrc.yml", ".pypirc", ".pgpass", ".my.cnf", ".htpasswd",
    ".git-credentials", ".vault-token", ".vault_pass*",
    ".dockercfg", ".dockerconfigjson", "**/.docker/config.json",
    ".aws", ".azure", ".kube", "kube/config", "**/kube/config", "kubeconfig", "kubeconfig.*", "*.kubeconfig",
    "credential", "credential.*", "credentials*", "*_credentials.*", "*-credentials.*",
    "*service-account*.json", "*service_account*.json", "*serviceaccount*.json",
    "secret", "secret.*", "secrets", "secrets.*", "*-secret.*", "*-secrets.*", "*_secret.*", "*_secrets.*",
    "*.secret", "*.secrets", "*.secret.*", "*.secrets.*",
)  # fmt: skip
"""Globs, in small letters, of files that hold secrets by their name; by its content a file is found apart."""

MOST_SECONDS, MOST_TOKENS, MOST_BYTES, MOST_RETRIES = 900.0, 64_000, 2_000_000, 5
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_KIND = re.compile(r"[a-z][a-z0-9-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewerSettings:
    """``seconds`` is for the whole answer with all retries, ``max_bytes`` for the lines of the change.

    ``limit_parameter`` is the one by which the endpoint takes ``max_tokens``.
    """

    kind: str
    endpoint: str
    model: str
    send: tuple[str, ...]
    never_send: tuple[str, ...] = ()
    key_env: str = ""
    max_tokens: int = 8_000
    max_bytes: int = 200_000
    seconds: float = 180.0
    retries: int = 1
    limit_parameter: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"

    @property
    def host(self) -> str:
        """Where it goes, as people read it: host, and port where one is named."""
        return urlsplit(self.endpoint).netloc


def check_reviewer(found: ReviewerSettings) -> None:
    """Pass settings by which a reviewer can be asked.

    Raises:
        InvalidInput: ``settings-range``, or ``pattern-invalid``.
    """
    if not _KIND.fullmatch(found.kind):
        raise _range("kind", "the name of a reviewer plug-in, such as openai or anthropic", found.kind)
    if not _reachable(found.endpoint):
        raise _range("endpoint", "an https:// address (http:// on this machine alone)", found.endpoint)
    if not 1 <= len(found.model) <= 200 or not found.model.isprintable():  # noqa: PLR2004  # longer is no name
        raise _range("model", "a model's name", found.model)
    if found.key_env and not _VARIABLE.fullmatch(found.key_env):
        raise _range("key_env", "the name of an environment variable, never the key itself", "something else")
    glob_matcher(found.send)
    if found.never_send:
        glob_matcher(found.never_send)
    for name, most in (("max_tokens", MOST_TOKENS), ("max_bytes", MOST_BYTES), ("seconds", MOST_SECONDS)):
        if not 1 <= getattr(found, name) <= most:
            raise _range(name, f"1 to {most:g}", str(getattr(found, name)))
    if not 0 <= found.retries <= MOST_RETRIES:
        raise _range("retries", f"0 to {MOST_RETRIES}", str(found.retries))


def _reachable(endpoint: str) -> bool:
    try:
        parts = urlsplit(endpoint)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    plain = endpoint.isascii() and endpoint.isprintable() and " " not in endpoint
    if not plain or not host or parts.username or parts.password or parts.query or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _here(host))


def _here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _range(place: str, expected: str, got: str) -> InvalidInput:
    return InvalidInput(
        f"expected {expected} at `reviewer.{place}` in interlock.yaml, got `{got[:80]!a}`",
        code="settings-range",
        hint=f"correct `reviewer.{place}`; docs/how-to/review.md shows a whole one",
    )
