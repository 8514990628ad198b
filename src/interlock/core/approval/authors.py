"""Who wrote a change: everybody who may have, so that nobody approves their own work.

Rules:
1. Authors are the union of git author, committer, co-author and prompter (trailers and git-ai notes),
   authenticated pushers, the opener, the agent's sponsor, and whoever ran self-attested evidence.
2. A name can only add an author, never take one away: whatever is written beside it, each of them stays. A
   trailer that names two people names both.
3. A pipeline is nobody by itself: it acts for those who pushed, and names them. A push for which it names nobody
   was made by somebody unknown: whoever writes commits writes the names in them. A forge's own committer stamp
   (``GitHub <noreply@github.com>``) stands for the author beside it. A coding tool named as co-author stands for
   whoever used it; one that signs as author or committer is an agent, and the catalog must say whose.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from interlock.core.approval.identity import folded, kind_of, spellings
from interlock.core.change.change import Change
from interlock.core.change.parts import Commit, GitRange, Identity
from interlock.core.evidence.model import Evidence
from interlock.core.facts.authors import read_identities
from interlock.core.facts.model import Description

CO_AUTHOR_TRAILERS = frozenset({"co-authored-by", "co-developed-by", "prompted-by", "on-behalf-of"})
FORGE_STAMPS = frozenset({("github", "noreply@github.com"), ("gitlab", "noreply@gitlab.com")})
TOOLS = frozenset(
    {
        "mail:noreply@anthropic.com",
        "mail:cursoragent@cursor.com",
        "mail:copilot@github.com",
        "mail:codex@openai.com",
        "mail:noreply@openai.com",
        "mail:noreply@aider.chat",
        "mail:aider@aider.chat",
        "login:copilot",
        "login:copilot-swe-agent[bot]",
        "login:devin-ai-integration[bot]",
        "login:gemini-code-assist[bot]",
        "login:google-labs-jules[bot]",
    }
)

_PROMPTER = re.compile(r'"human_author"\s{0,8}:\s{0,8}"([^"\\]{1,400})"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Authors:
    """People by name, each with all that are one principal with them; and identities that are nobody's."""

    people: frozenset[str]
    unmapped: tuple[Identity, ...] = ()


def written_by(
    change: Change, description: Description | None, evidence: Iterable[Evidence] = ()
) -> Iterator[Identity]:
    """Every identity that had a hand in ``change``, as written; principals of tokens as names alone."""
    yield from _people(description.authors if description else ())
    for part in change.submission.parts:
        if isinstance(part, GitRange):
            yield from _of_commits(part.commits)
    principals = [change.opened_by, change.sponsor, change.agent, *change.pushed_by]
    principals += [item.received_from for item in evidence if item.standing == "self-attested"]
    for principal in principals:
        if principal and kind_of(principal) != "pipeline":
            yield Identity(name=principal, email="")
    for account in change.pushed_for:
        unnamed = kind_of(account) == "pipeline"
        yield Identity(name=f"an unnamed person behind {account}" if unnamed else account, email="")


def _of_commits(commits: tuple[Commit, ...]) -> Iterator[Identity]:
    """Everybody named in ``commits``, each spelling once: a range of thousands has few people in it."""
    yield from dict.fromkeys(commit.author for commit in commits)
    for committer in dict.fromkeys(commit.committer for commit in commits):
        if not _is_stamp(committer):
            yield committer
    named: dict[str, None] = {}
    for commit in commits:
        if commit.trailers:
            named.update((text, None) for key, text in commit.trailers if key.casefold() in CO_AUTHOR_TRAILERS)
        if commit.note:
            named.update(dict.fromkeys(_PROMPTER.findall(commit.note)))
    yield from _people(identity for text in named for identity in read_identities(text))


def _people(identities: Iterable[Identity]) -> Iterator[Identity]:
    for identity in identities:
        if not _is_stamp(identity) and not TOOLS & set(spellings(identity.email)):
            yield identity


def _is_stamp(identity: Identity) -> bool:
    return (folded(identity.name), folded(identity.email)) in FORGE_STAMPS
