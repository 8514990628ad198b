"""What a piece of evidence says, in the one word that every screen and page has of it.

Rules:
1. The word is the verdict, but for tests: those that pass with or without the change passed and show nothing of
   it, so they *do not bite*, and nothing that shows the word ticks them.
2. What nobody asked is not answered: tests that were only run neither bite nor do not.
"""

from __future__ import annotations

from collections.abc import Mapping

NO_BITE = "does not bite"
_NAMED = 2


def bites(summary: Mapping[str, object]) -> bool | None:
    """Whether its tests fail without the change; None where nobody asked."""
    said = summary.get("bites")
    if not isinstance(said, bool):
        return None
    return said and not summary.get("idle_tests")


def word(summary: Mapping[str, object]) -> str:
    """The word; empty where it says nothing."""
    verdict = summary.get("verdict")
    if verdict == "passed" and bites(summary) is False:
        return NO_BITE
    return verdict if isinstance(verdict, str) else ""


def shows(summary: Mapping[str, object]) -> bool:
    """Whether it is a yes."""
    return word(summary) == "passed"


def toothless(summary: Mapping[str, object]) -> str:
    """Why tests that passed do not bite, for people; empty where they do."""
    if word(summary) != NO_BITE:
        return ""
    listed = summary.get("idle_tests")
    idle = [str(each) for each in listed] if isinstance(listed, list | tuple) else []
    if not idle:
        return "every test passes, and none that was asked for fails without the change"
    more = f" and {len(idle) - _NAMED} more" if len(idle) > _NAMED else ""
    verb, them = ("is new and shows", "it") if len(idle) == 1 else ("are new and show", "them")
    return f"{', '.join(idle[:_NAMED])}{more} {verb} nothing of the change: make {them} fail without the change"
