"""A text that fits a regular expression, for the label of a made-up series.

Rules:
1. Of alternatives the first is taken, of repetitions the fewest but one, of a class its first character.
2. Whoever uses it asks RE2 whether it fits: what is not known here gives a text that does not.
"""

from __future__ import annotations

_CLASSES = {"d": "1", "w": "a", "s": " ", "S": "a", "D": "a", "W": "-", "b": "", "A": "", "z": ""}
_REPEATS = "*+?{"


def fitting(pattern: str) -> str:
    """The text."""
    text, _ = _alternatives(pattern, 0)
    return text


def _alternatives(pattern: str, place: int) -> tuple[str, int]:
    """The first of the alternatives that begin at ``place``, and where they end."""
    first, place = _sequence(pattern, place)
    while place < len(pattern) and pattern[place] == "|":
        _, place = _sequence(pattern, place + 1)
    return first, place


def _sequence(pattern: str, place: int) -> tuple[str, int]:
    found = ""
    while place < len(pattern) and pattern[place] not in "|)":
        text, place = _one(pattern, place)
        if place < len(pattern) and pattern[place] in _REPEATS:
            text, place = _repeated(text, pattern, place)
        found += text
    return found, place


def _one(pattern: str, place: int) -> tuple[str, int]:
    sign = pattern[place]
    if sign == "(":
        return _group(pattern, place + 1)
    if sign == "[":
        return _class(pattern, place + 1)
    if sign == "\\" and place + 1 < len(pattern):
        named = pattern[place + 1]
        return _CLASSES.get(named, named), place + 2
    return {".": "a", "^": "", "$": ""}.get(sign, sign), place + 1


def _group(pattern: str, place: int) -> tuple[str, int]:
    if pattern.startswith("?:", place):
        place += 2
    elif pattern.startswith("?P<", place):
        place = pattern.find(">", place) + 1
    elif pattern.startswith("?", place):
        place = pattern.find(":", place) + 1
    text, place = _alternatives(pattern, place)
    return text, place + 1


def _class(pattern: str, place: int) -> tuple[str, int]:
    end = pattern.find("]", place + 1)
    if end < 0:
        return "", len(pattern)
    inside = pattern[place:end]
    if not inside.startswith("^"):
        return _CLASSES.get(inside[1:2], inside[1:2]) if inside.startswith("\\") else inside[:1], end + 1
    return next((each for each in "a1-_ Z" if each not in inside), "~"), end + 1


def _repeated(text: str, pattern: str, place: int) -> tuple[str, int]:
    sign, least = pattern[place], 1
    if sign == "{":
        end = pattern.find("}", place)
        if end < 0:
            return text, len(pattern)
        digits = pattern[place + 1 : end].partition(",")[0]
        least, place = (int(digits) if digits.isdigit() else 1), end
    place += 1
    if place < len(pattern) and pattern[place] in "?+":
        place += 1
    return ("" if sign == "?" else text * max(least, 0)), place
