"""An answer kept for its idempotency key, so that a repeated request gets it again and works only once.

Rules:
1. A key belongs to one principal and one operation; the same key with another body is refused, not replayed.
2. The reply is stored in the transaction of the work it answers, so there is never one without the other.
3. A reply is kept for a day; then the key is as good as new.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from interlock.core.change.canonical import Json, digest
from interlock.core.change.errors import InvalidInput

KEPT_FOR = timedelta(days=1)
_KEY = re.compile(r"[\x21-\x7e]{8,128}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """``id`` is the digest of principal, operation and key; ``request`` that of everything asked."""

    id: str
    request: str
    status: int
    etag: str | None
    body: Json
    at: datetime

    def answers(self, request: str, now: datetime) -> bool:
        """Whether this is the reply to ``request``, False when it is too old to matter.

        Raises:
            InvalidInput: ``idempotency-key-reused`` for another request under the same key.
        """
        if not self.at - KEPT_FOR <= now <= self.at + KEPT_FOR:
            return False
        if self.request != request:
            raise InvalidInput(
                "expected the same request for the same idempotency key, got another one",
                code="idempotency-key-reused",
                hint="use a new key for a new request",
            )
        return True


def reply_id(*, principal: str, operation: str, key: str) -> str:
    """The name a reply is stored under.

    Raises:
        InvalidInput: ``idempotency-key`` unless 8 to 128 visible ASCII characters.
    """
    if not _KEY.fullmatch(key):
        raise InvalidInput(
            "expected an idempotency key of 8 to 128 visible ASCII characters",
            code="idempotency-key",
            hint="send a random UUID, one per request, the same when you repeat it",
        )
    return digest("interlock.dev/reply/v1", [principal, operation, key])
