"""What a program or a server answered, as the items of a fingerprint.

Rules:
1. A short answer is kept line by line, so that a difference names the line. A long or binary one is its digest and
   its length.
2. Lines that the plan says to leave out (a time of day, a counter) are left out by a regular expression, in
   bounded time.
"""

from __future__ import annotations

import re2  # type: ignore[import-untyped]  # the wheel has no types

from interlock.core.change.canonical import sha256
from interlock.core.rollout.setting import InvalidSetting

MOST_LINES = 200
MOST_LETTERS = 100


def lines_of(content: bytes, without: tuple[str, ...]) -> dict[str, str]:
    """The items of an answer; ``without`` are the expressions of lines that do not count."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return _whole(content)
    lines = [line for line in text.splitlines() if not any(re2.search(each, line) for each in without)]
    if len(lines) > MOST_LINES or any(len(line) > MOST_LETTERS or not line.isprintable() for line in lines):
        return _whole("\n".join(lines).encode())
    return {f"line {number}": line for number, line in enumerate(lines, start=1)}


def check_expressions(expressions: tuple[str, ...], key: str) -> None:
    """Pass expressions that can be used.

    Raises:
        InvalidSetting: with the place of the first that cannot.
    """
    for number, each in enumerate(expressions):
        try:
            re2.compile(each)
        except re2.error as error:
            raise InvalidSetting(
                f"expected a regular expression, got `{each[:80]}`",
                code="rehearsal-setting",
                hint=f"correct it: {error}",
                path=(key, number),
            ) from error


def _whole(content: bytes) -> dict[str, str]:
    return {"content": f"{sha256(content)[:23]}…, {len(content)} bytes"}
