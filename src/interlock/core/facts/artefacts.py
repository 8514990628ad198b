"""What will run: whether it is pinned, can be gone back from, and is known to come from this change's head.

Rules:
1. Pinned is a digest for every artefact; a change without artefacts pins nothing. An image that a changed
   Kubernetes object newly runs without a digest is named as tagged, wherever else in the change it is pinned.
2. The previous artefact is known when every artefact names the digest it replaces, and that digest is another.
3. An artefact matches the head when its provenance names the head commit of a range of this change; without
   provenance or without a range nothing is said. One artefact that does not match is enough for "does not".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from interlock.core.change.canonical import is_digest
from interlock.core.change.keydiff import leaves, pointer
from interlock.core.change.parts import Artefact, KeyChange, Part
from interlock.core.facts.kubernetes import is_of_document
from interlock.core.facts.model import Artefacts
from interlock.core.facts.ordered import configuration_of, ranges_of

_IMAGE = re.compile(r".*/(?:initC|c|ephemeralC)ontainers/\d+/image", re.DOTALL)


def artefacts_of(parts: Sequence[Part]) -> Artefacts:
    """What the artefacts of this change amount to."""
    artefacts = [part for part in parts if isinstance(part, Artefact)]
    heads = {part.head for part in ranges_of(parts)}
    return Artefacts(
        names=tuple(sorted({artefact.name for artefact in artefacts})),
        pinned=bool(artefacts) and all(is_digest(artefact.digest) for artefact in artefacts),
        tagged=tuple(sorted(_tagged(parts))),
        previous_known=bool(artefacts) and all(_previous_known(artefact) for artefact in artefacts),
        provenance_verified=bool(artefacts)
        and all(artefact.provenance is not None and artefact.provenance.verified for artefact in artefacts),
        matches_head=_matches(artefacts, heads),
        problems=tuple(sorted(problem for artefact in artefacts for problem in _problems(artefact, heads))),
    )


def _tagged(parts: Sequence[Part]) -> set[str]:
    found: set[str] = set()
    for file in configuration_of(parts):
        for change in file.changes:
            if change.op != "removed" and is_of_document(file, change.pointer):
                found.update(image for image in _images(change) if not is_digest(image.partition("@")[2]))
    return found


def _images(change: KeyChange) -> Iterator[str]:
    """The images of containers in what a key has now, which may be a whole list of containers."""
    for path, leaf in leaves(change.after, ()):
        if isinstance(leaf, str) and _IMAGE.fullmatch(change.pointer + pointer(path)):
            yield leaf


def _previous_known(artefact: Artefact) -> bool:
    previous = artefact.previous_digest
    return previous is not None and is_digest(previous) and previous != artefact.digest


def _matches(artefacts: Sequence[Artefact], heads: set[str]) -> bool | None:
    commits = [artefact.provenance.commit for artefact in artefacts if artefact.provenance is not None]
    if not heads or not commits:
        return None
    if any(commit not in heads for commit in commits):
        return False
    return True if len(commits) == len(artefacts) else None


def _problems(artefact: Artefact, heads: set[str]) -> Iterator[str]:
    if not is_digest(artefact.digest):
        yield f"`{artefact.name}` is not pinned: `{artefact.digest[:80]}` is no SHA-256 digest"
    if artefact.previous_digest is None:
        yield f"`{artefact.name}` does not say which digest it replaces"
    elif artefact.previous_digest == artefact.digest:
        yield f"`{artefact.name}` replaces itself: old and new digest are the same"
    provenance = artefact.provenance
    if provenance is None:
        yield f"`{artefact.name}` has no provenance"
        return
    if not provenance.verified:
        yield f"the provenance of `{artefact.name}` is not verified by a trusted key"
    if heads and provenance.commit not in heads:
        built = provenance.commit[:12]
        yield f"`{artefact.name}` was built from commit `{built}`, which is not the head of this change"
