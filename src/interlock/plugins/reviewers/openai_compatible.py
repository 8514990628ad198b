"""A reviewer behind any endpoint that speaks OpenAI's chat completions, through the ``openai`` library.

Rules:
1. It can answer by calling the one function it is given. A call of anything else, and whatever it says beside, is
   counted and not read.
2. An answer that ends for another reason than being complete is no answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, cast

from interlock.core.change.canonical import Json
from interlock.core.change.errors import InvalidInput
from interlock.core.evidence.strict_json import read_json
from interlock.core.review.ask import SCHEMA, TOOL, TOOL_TEXT, Ask
from interlock.core.review.settings import ReviewerSettings
from interlock.plugins.reviewers.bounded import MOST_BYTES, lacks, send, unreadable, usable_key
from interlock.ports.reviewer import Answered

NAME = "openai"
_COMPLETE = ("tool_calls", "stop", "function_call")


class OpenAiReviewer:
    """Asks ``POST {endpoint}/chat/completions``."""

    def __init__(self, settings: ReviewerSettings, key: str) -> None:
        self._settings = settings
        self._key = usable_key(key)

    def missing(self) -> str:
        """See the port."""
        return lacks("openai", "httpx2")

    def body(self, ask: Ask) -> Mapping[str, Json]:
        """See the port."""
        form: dict[str, Json] = {
            "name": TOOL,
            "description": TOOL_TEXT,
            "parameters": dict(SCHEMA),
            "strict": True,
        }
        return {
            "messages": [
                {"role": "system", "content": ask.system},
                {"role": "user", "content": ask.document},
            ],
            "model": self._settings.model,
            self._settings.limit_parameter: self._settings.max_tokens,
            "tool_choice": {"type": "function", "function": {"name": TOOL}},
            "tools": [{"type": "function", "function": form}],
        }

    def review(self, ask: Ask) -> Answered:
        """See the port."""

        async def call(http: Any) -> bytes:  # noqa: ANN401  # the library's own class
            import openai  # noqa: PLC0415  # an extra, and slow to load

            settings = self._settings
            client = openai.AsyncOpenAI(
                api_key=self._key or "none",
                base_url=settings.endpoint,
                http_client=http,
                max_retries=settings.retries,
                timeout=settings.seconds,
            )
            body = cast("dict[str, Any]", self.body(ask))
            raw = await client.chat.completions.with_raw_response.create(**body)
            content: bytes = raw.http_response.content
            return content

        headers = {"authorization": f"Bearer {self._key}"} if self._key else {}
        return _read(send(call, headers=headers, seconds=self._settings.seconds, plugin=NAME))


def _read(reply: Json) -> Answered:
    choices = reply.get("choices") if isinstance(reply, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise unreadable("no choice with a message", NAME)
    if choice.get("finish_reason") not in _COMPLETE:
        raise unreadable(f"one that ended for {str(choice.get('finish_reason'))[:40]!a}", NAME)
    if message.get("refusal"):
        raise unreadable("a refusal", NAME)
    beside = Counter({"text": 1} if message.get("content") else {})
    calls = message.get("tool_calls")
    answers: list[Json] = []
    for one in calls if isinstance(calls, list) else []:
        made = one.get("function") if isinstance(one, dict) else None
        if isinstance(made, dict) and made.get("name") == TOOL:
            answers.append(_form(made.get("arguments")))
        else:
            beside["call of another tool"] += 1
    if not answers:
        raise unreadable(f"one that does not call {TOOL}", NAME)
    return Answered(answers=answers, beside=beside)


def _form(arguments: Json) -> Json:
    try:
        text = arguments if isinstance(arguments, str) else ""
        return read_json(text.encode("utf-8", "replace"), what="the form", limit=MOST_BYTES)
    except InvalidInput as error:
        raise unreadable(error.message, NAME) from error
