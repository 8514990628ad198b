"""Who wrote it: every signal there is, what they amount to, and where they contradict each other.

Rules:
1. The strongest signal decides: autonomous agent, then AI-authored, then AI-assisted. One marked commit marks the
   whole change; the counts say how many of its commits were marked.
2. No signal is *unknown*, never human. A declaration in ``change.md`` can say that AI was used; that it was not
   is shown as declared and decides nothing, for it is not signed.
3. Signals that contradict each other are all kept, and each contradiction is named: declared human beside a mark
   of AI, a note that counts lines of an agent where the message names none, a message that names a tool where the
   note counts none, a note that cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from interlock.core.change.catalog import Catalog
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parts import Commit, Part
from interlock.core.facts.agent_trace import signals_of_trace
from interlock.core.facts.commit_signals import agents_by_account, signals_of_commit
from interlock.core.facts.git_ai import Note, read_note
from interlock.core.facts.model import Documentation, Provenance, ProvenanceKind, Signal, Source
from interlock.core.facts.ordered import commits_of, ranges_of

_STRENGTH = (ProvenanceKind.AUTONOMOUS_AGENT, ProvenanceKind.AI_AUTHORED, ProvenanceKind.AI_ASSISTED)
_NOTE = "git-ai-note"


def provenance_of(parts: Sequence[Part], documentation: Documentation, catalog: Catalog) -> Provenance:
    """The provenance of all commits, traces and the declaration together."""
    agents = agents_by_account(catalog)
    signals: list[Signal] = []
    conflicts: list[str] = []
    marked = commits = 0
    for commit in commits_of(parts):
        found, contradictions = _of_commit(commit, agents)
        commits += 1
        marked += any(signal.says in _STRENGTH for signal in found)
        signals += found
        conflicts += contradictions
    signals += _traces(parts)
    declared = list(_declared(documentation))
    if any(signal.says is ProvenanceKind.HUMAN for signal in declared):
        conflicts += _against_declaration(signals)
    signals += declared
    return Provenance(
        kind=_amounts_to(signals),
        signals=tuple(dict.fromkeys(signals)),
        conflicts=tuple(dict.fromkeys(conflicts)),
        marked_commits=marked,
        commits=commits,
    )


def _amounts_to(signals: Sequence[Signal]) -> ProvenanceKind:
    said = {signal.says for signal in signals}
    return next((kind for kind in _STRENGTH if kind in said), ProvenanceKind.UNKNOWN)


def _of_commit(commit: Commit, agents: dict[str, str]) -> tuple[list[Signal], list[str]]:
    signals = list(signals_of_commit(commit, agents))
    if commit.note is None:
        return signals, []
    short = commit.id[:12]
    try:
        note = read_note(commit.note)
    except InvalidInput as error:
        return signals, [f"the git-ai note of {short} cannot be read: {error.message}"]
    if note.ai_lines and not signals:
        conflict = (
            f"the git-ai note of {short} counts {note.ai_lines} lines by an agent, its message names no tool"
        )
        return [_of_note(commit, note)], [conflict]
    if note.ai_lines:
        return [*signals, _of_note(commit, note)], []
    if signals:
        tool = signals[0].tool
        return signals, [f"{short} names {tool}, its git-ai note counts no line by an agent"]
    return signals, []


def _of_note(commit: Commit, note: Note) -> Signal:
    return Signal(
        marker=_NOTE,
        says=ProvenanceKind.AI_ASSISTED if note.human_lines else ProvenanceKind.AI_AUTHORED,
        tool=", ".join(note.tools[:5]) or "unknown",
        source=Source(
            where="refs/notes/ai",
            commit=commit.id,
            text=f"{note.ai_lines} lines by an agent, {note.human_lines} by a known person",
        ),
    )


def _traces(parts: Sequence[Part]) -> Iterator[Signal]:
    for part in ranges_of(parts):
        for document in part.documents:
            if document.path.endswith((".json", ".jsonl")):
                yield from signals_of_trace(document)


def _declared(documentation: Documentation) -> Iterator[Signal]:
    kind = documentation.declared_provenance
    if kind is not None and kind is not ProvenanceKind.UNKNOWN:
        where = documentation.path or "change documentation"
        yield Signal(marker="declared", says=kind, tool="", source=Source(where=where, text=f"provenance: {kind}"))


def _against_declaration(signals: Sequence[Signal]) -> Iterator[str]:
    for signal in signals:
        if signal.says in _STRENGTH:
            commit = f" of {signal.source.commit[:12]}" if signal.source.commit else ""
            yield f"declared human, but the {signal.marker}{commit} names {signal.tool}"
