"""A reviewer behind Anthropic's messages, or whatever speaks them, through the ``anthropic`` library.

Rules:
1. It can answer by using the one tool it is given. The use of anything else, and whatever it says beside, is
   counted and not read.
2. An answer that ends for another reason than being complete is no answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, cast

from interlock.core.change.canonical import Json
from interlock.core.review.ask import SCHEMA, TOOL, TOOL_TEXT, Ask
from interlock.core.review.settings import ReviewerSettings
from interlock.plugins.reviewers.bounded import lacks, send, unreadable, usable_key
from interlock.ports.reviewer import Answered

NAME = "anthropic"
_COMPLETE = ("tool_use", "end_turn")


class AnthropicReviewer:
    """Asks ``POST {endpoint}/v1/messages``."""

    def __init__(self, settings: ReviewerSettings, key: str) -> None:
        self._settings = settings
        self._key = usable_key(key)

    def missing(self) -> str:
        """See the port."""
        return lacks("anthropic", "httpx2")

    def body(self, ask: Ask) -> Mapping[str, Json]:
        """See the port."""
        return {
            "max_tokens": self._settings.max_tokens,
            "messages": [{"role": "user", "content": ask.document}],
            "model": self._settings.model,
            "system": ask.system,
            "tool_choice": {"type": "tool", "name": TOOL},
            "tools": [{"name": TOOL, "description": TOOL_TEXT, "input_schema": dict(SCHEMA)}],
        }

    def review(self, ask: Ask) -> Answered:
        """See the port."""

        async def call(http: Any) -> bytes:  # noqa: ANN401  # the library's own class
            import anthropic  # noqa: PLC0415  # an extra, and slow to load

            settings = self._settings
            client = anthropic.AsyncAnthropic(
                api_key=self._key or "none",
                base_url=settings.endpoint,
                http_client=http,
                max_retries=settings.retries,
                timeout=settings.seconds,
            )
            body = cast("dict[str, Any]", self.body(ask))
            raw = await client.messages.with_raw_response.create(**body)
            content: bytes = raw.http_response.content
            return content

        headers = {"x-api-key": self._key} if self._key else {}
        return _read(send(call, headers=headers, seconds=self._settings.seconds, plugin=NAME))


def _read(reply: Json) -> Answered:
    blocks = reply.get("content") if isinstance(reply, dict) else None
    if not isinstance(reply, dict) or not isinstance(blocks, list):
        raise unreadable("no message with content", NAME)
    if reply.get("stop_reason") not in _COMPLETE:
        raise unreadable(f"one that ended for {str(reply.get('stop_reason'))[:40]!a}", NAME)
    beside: Counter[str] = Counter()
    answers: list[Json] = []
    for block in blocks:
        kind = block.get("type") if isinstance(block, dict) else None
        if isinstance(block, dict) and kind == "tool_use" and block.get("name") == TOOL:
            answers.append(block.get("input"))
        else:
            beside["call of another tool" if kind == "tool_use" else "text"] += 1
    if not answers:
        raise unreadable(f"one that does not use {TOOL}", NAME)
    return Answered(answers=answers, beside=beside)
