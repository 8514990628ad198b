"""What can go wrong, as few kinds as a caller can tell apart.

Rules:
1. A refusal is a value (a decision, a finding, a verdict); only a fault is an exception.
2. A message is one lowercase line, user input in backticks, "expected X, got `y`"; advice goes into ``hint``.
3. ``code`` is stable, kebab-case and documented; programs branch on it, people read the message.
4. Third-party exceptions are translated where the third party is called, with ``raise … from``.
"""

from __future__ import annotations


class InterlockError(Exception):
    """Base of every error interlock raises on purpose."""

    status = 500

    def __init__(self, message: str, *, code: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.hint = hint


class InvalidInput(InterlockError):
    """What was given cannot be used; nothing was changed. CLI exit 2, HTTP 422."""

    status = 422


class NotFound(InterlockError):
    """What was named does not exist. CLI exit 2, HTTP 404."""

    status = 404


class Conflict(InterlockError):
    """The state moved under the caller, who must look again before repeating. CLI exit 2, HTTP 409."""

    status = 409


class IllegalTransition(InterlockError):
    """The record's state does not permit this step. CLI exit 2, HTTP 409."""

    status = 409


class Forbidden(InterlockError):
    """The caller is known and may not do this. CLI exit 2, HTTP 403."""

    status = 403


class Unauthenticated(InterlockError):
    """The caller is not known. CLI exit 2, HTTP 401."""

    status = 401


class PluginError(InterlockError):
    """Something outside interlock failed; carries the plug-in's name. CLI exit 3, HTTP 502."""

    status = 502

    def __init__(self, message: str, *, code: str, hint: str, plugin: str) -> None:
        super().__init__(message, code=code, hint=hint)
        self.plugin = plugin


class Unavailable(PluginError):
    """No answer in time; the call may be repeated. CLI exit 3, HTTP 503."""

    status = 503


class Rejected(PluginError):
    """The other side understood and refused; repeating does not help."""


class BadReply(PluginError):
    """The other side answered with something that cannot be understood."""


class IntegrityError(InterlockError):
    """Stored state contradicts its own proof: fatal, the writer stops. CLI exit 3, HTTP 500."""
