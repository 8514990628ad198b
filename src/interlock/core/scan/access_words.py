"""The words by which code says that it asks who somebody is: names of decorators, dependencies, calls.

Rules:
1. A name is read word by word, however it is written. A word of authentication in it is enough.
2. Some routes are there for those who are not known yet, or for nobody in particular: these say so in their name
   or in their path, and nothing that says *admin* does.
"""

from __future__ import annotations

import re

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_GUARDS = frozenset(
    {"admin", "admins", "apikey", "auth", "authed", "authenticate", "authenticated", "authentication"}
    | {"authenticator", "authorization", "authorize", "authorized", "authorizer", "credentials", "jwt", "logged"}
    | {"login", "oauth", "oauth2", "permission", "permissions", "permitted", "principal", "protected", "rbac"}
    | {"role", "roles", "scopes", "secured", "signed", "staff", "superuser", "token"}
)
_NO_GUARDS = frozenset({"allow", "any", "anonymous", "csrf", "exempt", "optional", "public", "without"})
_DEMANDS = frozenset({"ensure", "needs", "only", "require", "required", "requires", "restrict", "restricted"})
_NO_DEMANDS = frozenset(
    {"ajax", "args", "body", "content", "cookie", "csrf", "fields", "form", "get", "http", "https", "json"}
    | {"method", "methods", "params", "post", "safe", "ssl", "time", "type", "xhr"}
)
_WHOSE = frozenset({"current", "user"})
_OPEN = frozenset(
    {"about", "callback", "csrf", "docs", "favicon", "forgot", "health", "healthcheck", "healthy", "healthz"}
    | {"home", "index", "live", "livez", "login", "logout", "metrics", "openapi", "ping", "privacy", "public"}
    | {"ready", "readyz", "register", "robots", "root", "signin", "signout", "signup", "static", "terms"}
    | {"version", "webhook", "webhooks"}
)


def words(name: str) -> frozenset[str]:
    """The words of a name, in lower case."""
    return frozenset(word.lower() for word in _WORD.findall(name))


def demands(name: str) -> bool:
    """Whether a decorator of this name lets only some through; one that asks for a method or a form does not."""
    found = words(name)
    return guards(name) or (bool(found & _DEMANDS) and not found & _NO_DEMANDS)


def demands_by_verb(name: str) -> bool:
    """Whether a name says that something is demanded (``login_required``, ``admins_only``)."""
    found = words(name)
    return bool(found & _DEMANDS) and not found & (_NO_DEMANDS | _NO_GUARDS)


def guards(name: str) -> bool:
    """Whether a decorator, a dependency or a call of this name asks who somebody is, or what they may."""
    found = words(name)
    if found & _NO_GUARDS:
        return False
    return bool(found & _GUARDS) or found >= _WHOSE or {"api", "key"} <= found or {"signed", "in"} <= found


def allows_anybody(name: str) -> bool:
    """Whether it says that nobody is asked."""
    return {"allow", "any"} <= words(name)


def is_open(name: str, path: str) -> bool:
    """Whether a route is meant for everybody by its name and its path."""
    found = words(name) | words(path)
    return "admin" not in found and (bool(found & _OPEN) or path.rstrip("/").endswith("/token") or path == "/")
