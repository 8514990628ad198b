"""What of a change is sent to a reviewer from here, and where: said before anything is.

Rules:
1. By the rules in force, never by those of the checkout: a change cannot say where it is sent.
2. What is sent are lines of the change at hand, as git shows them; what stays here is named with its reason.
3. What looks like a secret stays (``review_secrets``); who could have looked for them and is not here is said.
4. The key is read from the variable that the rules name, and goes into one header of one request.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlock import registry
from interlock.core.change.canonical import Json
from interlock.core.change.errors import Conflict, InvalidInput, Unavailable
from interlock.core.change.parse import parse
from interlock.core.change.parts import GitRange
from interlock.core.review.ask import Ask, ask_about
from interlock.core.review.sendable import Kept, Sent, by_name, sort_out
from interlock.core.review.settings import ReviewerSettings, check_reviewer
from interlock.doors.cli.aside import aside
from interlock.doors.cli.at_hand import AtHand
from interlock.doors.cli.review_secrets import in_wholes, scanned, scanner
from interlock.doors.cli.text import plural, safe
from interlock.plugins.readers.gitpatch import patches
from interlock.ports.reviewer import Reviewer

Told = dict[str, Any]
MOST_FILES, NAMED = 1_000, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What goes, what stays, and who would get it; ``unscanned`` is what did not look for secrets in it."""

    settings: ReviewerSettings
    reviewer: Reviewer
    ask: Ask
    sent: tuple[Sent, ...]
    kept: tuple[Kept, ...]
    unscanned: str = ""

    @property
    def body(self) -> Mapping[str, Json]:
        """Exactly what is sent."""
        return self.reviewer.body(self.ask)

    @property
    def content(self) -> bytes:
        """The same as one text, as it is shown."""
        return json.dumps(self.body, ensure_ascii=True, indent=2).encode()

    @property
    def size(self) -> int:
        """Bytes on the wire, where nothing stands between the words."""
        return len(json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode())


def reviewer_settings(rules: Told) -> ReviewerSettings:
    """The reviewer of the rules.

    Raises:
        InvalidInput: ``reviewer-none``, or what is wrong with its settings.
    """
    told = rules["settings"].get("reviewer")
    if told is None:
        raise InvalidInput(
            "expected a `reviewer` in the rules in force, got none: nothing is ever sent without one",
            code="reviewer-none",
            hint="write `reviewer:` into interlock.yaml and bring it into force: docs/how-to/review.md",
        )
    settings = parse(ReviewerSettings, told, what="the reviewer of the rules")
    check_reviewer(settings)
    return settings


def prepared(settings: ReviewerSettings, here: AtHand, root: Path, *, key: str) -> Prepared:
    """What would be sent now. Sends nothing.

    Raises:
        InvalidInput: ``plugin-unknown``, ``review-nothing``, or what git cannot read.
        Unavailable: ``reviewer-missing`` or ``review-scan``.
    """
    makers = registry.reviewers()
    reviewer = makers[registry.known(settings.kind, [*makers], what="reviewer")](settings, key)
    sent: list[Sent] = []
    kept: list[Kept] = []
    for part in here.submission.parts:
        if isinstance(part, GitRange):
            some, others = _of_range(root, part, settings)
            sent += some
            kept += others
    looks = scanner()
    sent, others = scanned(looks, sent)
    kept += others
    if not sent:
        told = "; ".join(f"{safe(one.path)}: {one.why}" for one in kept[:NAMED])
        raise InvalidInput(
            f"expected a file of the change that may be sent, got none: {told or 'no range of git is in it'}",
            code="review-nothing",
            hint="`send` under `reviewer:` in the rules says what may be sent",
        )
    return Prepared(
        settings=settings,
        reviewer=reviewer,
        ask=ask_about(sent),
        sent=tuple(sent),
        kept=tuple(kept),
        unscanned=looks.missing(),
    )


def _of_range(root: Path, part: GitRange, settings: ReviewerSettings) -> tuple[list[Sent], list[Kept]]:
    kept = [Kept(path=file.path, why=why) for file in part.files if (why := by_name(file, settings))]
    named = {one.path for one in kept}
    free = [file for file in part.files if file.path not in named]
    kept += [Kept(path=file.path, why=f"more than {MOST_FILES} files") for file in free[MOST_FILES:]]
    free = free[:MOST_FILES]
    sent, others = sort_out(patches(root, part, free), settings, beforehand=in_wholes(root, part, free))
    return list(sent), [*kept, *others]


def key_of(settings: ReviewerSettings) -> str:
    """The key for the endpoint; empty where the rules name no variable.

    Raises:
        InvalidInput: ``reviewer-key``.
    """
    if not settings.key_env:
        return ""
    key = os.environ.get(settings.key_env, "").strip()
    if not key:
        raise InvalidInput(
            f"expected the reviewer's key in the variable `{settings.key_env}`, got none",
            code="reviewer-key",
            hint=f"export {settings.key_env}=…; the rules name the variable, never the key",
        )
    return key


def check_may_send(found: Prepared, rules: Told) -> None:
    """Pass what may be sent: by rules in force, with the library that sends it.

    Raises:
        Conflict: ``reviewer-provisional``.
        Unavailable: ``reviewer-missing``.
    """
    if rules["provisional"]:
        raise Conflict(
            "expected rules in force, got those of this working tree: a change cannot say where it is sent",
            code="reviewer-provisional",
            hint="bring the rules into force first: interlock rules genesis; --show sends nothing",
        )
    if missing := found.reviewer.missing():
        name, _, command = missing.partition(": ")
        raise Unavailable(
            f"expected {name}, got none",
            code="reviewer-missing",
            hint=command,
            plugin=found.settings.kind,
        )


def tell(found: Prepared, *, sends: bool) -> None:
    """Say what goes where, and what stays."""
    word = "sends" if sends else "would"
    files, size = plural(len(found.sent), "file"), plural(found.size, "byte")
    host, model = safe(found.settings.host), safe(found.settings.model)
    aside(word, f"{files} of the change, {size} in all, to {host} for {model}")
    for one in found.kept[:NAMED]:
        aside("stays", f"{safe(one.path)}: {one.why}")
    if len(found.kept) > NAMED:
        aside("stays", f"{plural(len(found.kept) - NAMED, 'file')} more, see --json")
    if found.unscanned:
        name, _, command = found.unscanned.partition(": ")
        aside("besides", f"{name} did not look for secrets, it is not installed: {command}")
    if sends:
        aside("waits", f"at most {found.settings.seconds:g} s for the answer")
