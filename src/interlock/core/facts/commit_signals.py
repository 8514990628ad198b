"""The signals of provenance that one commit carries in its author, its message and its trailers.

Rules:
1. An author that is a tool's own account or address, or an agent of the catalog, is an autonomous agent. As a
   committer or co-author it is assistance: a person is the author.
2. ``Generated-by`` says that the tool wrote it; ``Assisted-by``, ``Co-authored-by``, ``Generated with [TOOL]``
   and aider's mark on a name say that it helped.
3. Each signal names the commit and the line it was read from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from interlock.core.approval.identity import spellings
from interlock.core.change.catalog import Catalog
from interlock.core.change.parts import Commit, Identity
from interlock.core.facts.authors import read_identities, trailers_of
from interlock.core.facts.markers import (
    is_aider_name,
    tool_of_address,
    tool_of_assistance,
    tool_of_line,
    tool_of_login,
)
from interlock.core.facts.model import ProvenanceKind, Signal, Source

_HELPED = ProvenanceKind.AI_ASSISTED
_TRAILERS = {"assisted-by": _HELPED, "generated-by": ProvenanceKind.AI_AUTHORED}
_CO_AUTHORS = frozenset({"co-authored-by", "co-developed-by"})


def agents_by_account(catalog: Catalog) -> dict[str, str]:
    """The catalog's agents, by every spelling of their accounts."""
    return {
        spelling: agent.name
        for agent in catalog.agents.values()
        for account in agent.accounts
        for spelling in spellings(account)
    }


def signals_of_commit(commit: Commit, agents: Mapping[str, str]) -> Iterator[Signal]:
    """All signals but those of its note; ``agents`` are the catalog's, by the spellings of their accounts."""
    yield from _of_identities(commit, agents)
    for key, text, line in trailers_of(commit):
        tool, kind = _of_trailer(key, text)
        if tool is not None:
            yield _signal("trailer", kind, tool, commit, f"{_shown(key)}: {text}", line)
    seen: set[str] = set()
    for number, line_text in enumerate(commit.message.splitlines(), 1):
        tool = tool_of_line(line_text)
        if tool is not None and tool not in seen:
            seen.add(tool)
            yield _signal("generated-with", _HELPED, tool, commit, line_text, number)


def _shown(key: str) -> str:
    return key[:1].upper() + key[1:]


def _of_identities(commit: Commit, agents: Mapping[str, str]) -> Iterator[Signal]:
    author, committer = commit.author, commit.committer
    shown = f"{author.name} <{author.email}>"
    tool = _registered(author, agents) or tool_of_address(author.email) or tool_of_login(author.name)
    if tool is not None:
        yield _signal("author", ProvenanceKind.AUTONOMOUS_AGENT, tool, commit, shown)
    if is_aider_name(author.name):
        yield _signal("author-name", _HELPED, "aider", commit, shown)
    if committer == author:
        return
    shown = f"{committer.name} <{committer.email}>"
    tool = _registered(committer, agents) or tool_of_address(committer.email) or tool_of_login(committer.name)
    if tool is not None:
        yield _signal("committer", _HELPED, tool, commit, shown)
    elif is_aider_name(committer.name) and not is_aider_name(author.name):
        yield _signal("committer-name", _HELPED, "aider", commit, shown)


def _registered(identity: Identity, agents: Mapping[str, str]) -> str | None:
    """The agent of the catalog whose account or address this is."""
    written = (*spellings(identity.email), *spellings(identity.name))
    return next((agents[spelling] for spelling in written if spelling in agents), None)


def _of_trailer(key: str, text: str) -> tuple[str | None, ProvenanceKind]:
    if key in _TRAILERS:
        return tool_of_assistance(text), _TRAILERS[key]
    if key in _CO_AUTHORS:
        named = read_identities(text)
        tools = (
            tool_of_address(one.email) or tool_of_address(one.name) or tool_of_login(one.name) for one in named
        )
        return next((tool for tool in tools if tool is not None), None), _HELPED
    return None, _HELPED


def _signal(
    marker: str, says: ProvenanceKind, tool: str, commit: Commit, text: str, line: int | None = None
) -> Signal:
    where = "commit message" if marker in {"trailer", "generated-with"} else f"commit {marker.partition('-')[0]}"
    return Signal(
        marker=marker,
        says=says,
        tool=tool,
        source=Source(where=where, line=line, commit=commit.id, text=text[:200]),
    )
