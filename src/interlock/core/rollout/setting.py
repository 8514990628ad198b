"""Settings of routers and meters: refused with the key that is wrong, so that the plan's reader can name its line.

Rules:
1. Whoever checks a setting knows its key, not the file: it raises ``InvalidSetting`` with the path of keys, and
   whoever read the file adds file and line.
"""

from __future__ import annotations

from collections.abc import Sequence

from interlock.core.change.errors import InvalidInput


class InvalidSetting(InvalidInput):
    """``path`` leads from the plug-in's own settings to the wrong key, such as ``("metrics", "orders")``."""

    def __init__(self, message: str, *, code: str, hint: str, path: Sequence[str | int] = ()) -> None:
        super().__init__(message, code=code, hint=hint)
        self.path = tuple(path)

    def below(self, *keys: str | int) -> InvalidSetting:
        """The same error, seen from further up."""
        return InvalidSetting(self.message, code=self.code, hint=self.hint, path=(*keys, *self.path))
