"""Keeps secrets out of parts: what looks like one is replaced by its digest before it is kept or shown.

Rules:
1. A key is secret-looking by the words in it (``password``, ``api_key``, ``dbToken`` …), unless it only speaks
   about one (``token_url``, ``secretName``, ``max_tokens``). What lies below such a key is secret too. Under a
   plural (``secrets``, ``credentials``) and in a Kubernetes Secret's ``data`` everything is.
2. A text is secret-looking by its form: a private key, a well-known token prefix, an address with a password.
3. Null, true and false are never replaced: they are not secrets, and validators need to see them.
4. The same secret gives the same digest, so that a reader sees whether it changed. A short secret can be found
   by trying; the digest is not for publishing.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from functools import lru_cache

from interlock.core.change.canonical import Json, digest
from interlock.core.change.keyed import MAX_EXACT, Single

_DOMAIN = "interlock.dev/redacted/v1"
_MAX_TEXT = 8 * 1024
_SHORTEST = 16
_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_SECRET = {
    "password", "passwd", "passphrase", "pwd", "secret", "token", "apikey", "credential",
    "privatekey", "accesskey", "secretkey", "dsn", "connectionstring", "webhook", "bearer", "jwt",
}  # fmt: skip
_SECRET_LAST = {"authorization", "cookie", "pass", "pin", "salt", "auth"}
_SECRET_PAIRS = {
    ("api", "key"), ("private", "key"), ("access", "key"), ("secret", "key"), ("signing", "key"),
    ("encryption", "key"), ("connection", "string"), ("account", "key"), ("shared", "key"), ("storage", "key"),
    ("master", "key"), ("client", "key"),
}  # fmt: skip
_CONTAINERS = {"secrets", "passwords", "credentials", "tokens", "stringdata"}
_ABOUT = {
    "name", "names", "ref", "refs", "url", "uri", "path", "file", "policy", "length", "ttl", "expiry", "expires",
    "expiration", "timeout", "count", "size", "limit", "enabled", "type", "algorithm", "version", "arn", "id",
    "days", "hours", "minutes", "seconds", "rotation", "duration", "issuer", "audience", "field", "header",
    "endpoint", "min", "max", "minimum", "maximum", "required", "age", "source", "provider", "mode", "format",
    "class", "namespace", "scope", "scopes", "role", "roles", "group", "groups", "status", "config", "profile",
    "method", "strategy", "store", "manager", "prefix", "suffix",
}  # fmt: skip
_ABOUT_FIRST = {"max", "min", "num", "enable", "disable", "has", "use"}
_TOKEN_FORM = re.compile(
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30}"
    r"|\bglpat-[\w-]{20}|\bxox[abposr]-[\w-]{10}|\bsk-[A-Za-z0-9_-]{20}|\bnpm_[A-Za-z0-9]{36}|\beyJ[\w-]{10,300}+\.eyJ[\w-]{10}"
    r"|://[^/\s:@]{0,200}+:[^/\s@]{1,500}+@|\b(?:AccountKey|SharedAccessKey)="
    r"|\b[rs]k_(?:live|test)_[A-Za-z0-9]{16}|\bwhsec_[A-Za-z0-9+/]{24}|\bgithub_pat_\w{30}|\bgl(?:dt|ptt|rt|cbt|soat)-[\w-]{20}"
    r"|\bxapp-\d-[\w-]{10}|hooks\.slack\.com/(?:services|workflows)/\w{5}|\bAIza[\w-]{35}|\bya29\.[\w-]{20}"
    r"|\bGOCSPX-[\w-]{20}|\bSG\.[\w-]{16,32}\.[\w-]{30}|\bSK[0-9a-f]{32}\b|\bpypi-AgE[\w-]{30}|\bdop_v1_[0-9a-f]{32}"
    r"|\bhv[sbr]\.[\w-]{20}|\b[\w~.-]{3}\dQ~[\w~.-]{31}|\bsig=[\w%]{40}|\bAGE-SECRET-KEY-1|\bPuTTY-User-Key-File"
    r"|\bdapi[0-9a-f]{32}\b|\bshp(?:at|ss|ca)_[0-9a-fA-F]{32}|_authToken\s{0,4}=\s{0,4}[^\s$]"
)


def redacted(value: Json) -> Single:
    """What stands in a part for a secret."""
    return Single(redacted=digest(_DOMAIN, _hashable(value)))


def shown(value: Json, path: Sequence[str | int]) -> Json:
    """``value`` at ``path`` as a part may hold it: secrets and long texts by digest, numbers exactly."""
    if value is None or isinstance(value, bool):
        return value
    secret = _is_secret(tuple([step for step in path if isinstance(step, str)]))
    return _shown(value, secret=secret)


@lru_cache(maxsize=65_536)
def _is_secret(names: tuple[str, ...]) -> bool:
    if any(_is_container(name) for name in names):
        return True
    return bool(names) and not _is_about(names[-1]) and any(secret_key(name) for name in names)


def _shown(value: Json, *, secret: bool) -> Json:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        if secret and value:
            return redacted(value)
        if len(value) > _MAX_TEXT:
            return Single(long=digest(_DOMAIN, value), length=len(value))
        return redacted(value) if len(value) >= _SHORTEST and _TOKEN_FORM.search(value) else value
    if isinstance(value, dict) and not isinstance(value, Single):
        return {
            key: _shown(item, secret=secret or _is_container(key) or secret_key(key))
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_shown(item, secret=secret) for item in value]
    if secret and "redacted" not in (value if isinstance(value, Single) else ()):
        return redacted(value)
    return exact(value)


def exact(value: Json) -> Json:
    """A whole number that not every reader can hold, by its digits."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= MAX_EXACT:
        return Single(number=str(value))
    return value


def _hashable(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _hashable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_hashable(item) for item in value]
    return exact(value)


@lru_cache(maxsize=65_536)
def secret_key(key: str) -> bool:
    """Whether a value under this key counts as a secret, by rule 1."""
    words = _words(key)
    if _is_about(key):
        return False
    pairs = itertools.pairwise(words)
    if words[-1] in _SECRET_LAST:
        return True
    return not _SECRET.isdisjoint(words) or not _SECRET_PAIRS.isdisjoint(pairs) or _is_container(key)


@lru_cache(maxsize=65_536)
def _is_about(key: str) -> bool:
    words = _words(key)
    return not words or words[-1] in _ABOUT or words[0] in _ABOUT_FIRST


def _words(key: str) -> list[str]:
    return [word.lower() for word in _WORDS.findall(key[:200])]


@lru_cache(maxsize=65_536)
def _is_container(key: str) -> bool:
    return key.replace("_", "").replace("-", "").lower() in _CONTAINERS


def looks_secret(text: str) -> bool:
    """Whether ``text`` holds something that is a secret by its form, by rule 2; of a long one its first 64 KiB."""
    return _TOKEN_FORM.search(text[:65_536]) is not None
