"""Whether the change is documented, and whether that was written before the work or after.

Rules:
1. The documentation is the file that ``interlock.yaml`` names (``change.md``), written in this change: one that
   was there before and was not touched describes another change and does not count.
2. What counts is the version at the head. One that the head no longer has is absent.
3. It was there before the first commit when the first commit of the range wrote it, or commits before which
   nothing else was touched; ``first_digest`` is that version's. A version handed in without a commit proves no
   time.
4. Every later version is listed with its commit: editing is welcome and visible.
5. Complete is: a plan, failure modes and rollback steps, without a problem.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from interlock.core.change.parts import DocumentVersion, FileChange, GitRange, Part
from interlock.core.change.settings import Settings
from interlock.core.facts.front_matter import Written, read_written
from interlock.core.facts.model import Documentation, ProvenanceKind, Source
from interlock.core.facts.ordered import ranges_of

_NUMBER = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)\s*(?:%|min|minutes)?")
_FULL = 100.0


def documentation_of(parts: Sequence[Part], settings: Settings) -> Documentation:
    """What the documentation of this change says."""
    wanted = settings.documentation
    for part in ranges_of(parts):
        path = _chosen(part, wanted)
        if path is not None:
            return _read(part, path)
    return Documentation()


def is_documentation(path: str, wanted: str) -> bool:
    """Whether a file is the documentation, at the root or in a service's folder."""
    return path == wanted or path.endswith(f"/{wanted}")


def _chosen(part: GitRange, wanted: str) -> str | None:
    """The file at the root, else the one nearest to it; by name where two are as near."""
    gone = {file.path for file in part.files if file.status == "deleted"}
    paths = {document.path for document in part.documents if is_documentation(document.path, wanted)} - gone
    paths &= {file.path for file in part.files} | {document.path for document in part.documents if not part.files}
    return min(paths, key=lambda path: (path != wanted, path.count("/"), path), default=None)


def _read(part: GitRange, path: str) -> Documentation:
    versions = _in_order(part, path)
    last = versions[-1]
    written = read_written(path, last.text)
    first = _first(part, versions)
    _several(part, path, written)
    return Documentation(
        present=True,
        path=path,
        plan=" ".join(written.items("plan")),
        failure_modes=written.items("failure_modes"),
        rollback_steps=written.items("rollback_steps"),
        required_tests=written.items("required_tests"),
        cites=written.items("cites"),
        digest=last.digest,
        first_digest=first.digest if first else None,
        before_first_commit=first is not None,
        edited_later=tuple(
            Source(where=path, commit=version.commit, text=version.digest)
            for version in versions
            if first is None or version.digest != first.digest
        ),
        declared_provenance=_declared(path, written),
        first_stage_percent=_number(path, written, "first_stage_percent", _FULL),
        bake_minutes=_number(path, written, "bake_minutes", None),
        business_metric=written.canary.get("metric", (None, 0))[0] or None,
        problems=tuple(written.problems),
    )


def _in_order(part: GitRange, path: str) -> list[DocumentVersion]:
    """The versions by the order of their commits; those without a commit are the newest."""
    order = {commit.id: number for number, commit in enumerate(part.commits)}
    mine = [document for document in part.documents if document.path == path]
    return sorted(mine, key=lambda item: order.get(item.commit or "", len(order)))


def _first(part: GitRange, versions: Sequence[DocumentVersion]) -> DocumentVersion | None:
    """The last version that was written before or with the first commit that touches anything else."""
    written = {version.commit: version for version in versions if version.commit is not None}
    found: DocumentVersion | None = None
    for commit in part.commits:
        found = written.get(commit.id, found)
        if not commit.documents_only:
            break
    return found


def _several(part: GitRange, path: str, written: Written) -> None:
    name = path.rpartition("/")[2]
    files: Sequence[FileChange] = part.files
    others = [f.path for f in files if f.path != path and is_documentation(f.path, name) and f.status != "deleted"]
    if others:
        message = f"`{others[0]}` documents a change as well; only `{path}` is read"
        written.wrong(path, "documentation-twice", message, 1, "keep one file for one change")


def _declared(path: str, written: Written) -> ProvenanceKind | None:
    if written.provenance is None:
        return None
    text = written.provenance.strip().lower().replace("_", "-").replace(" ", "-")
    if text in set(ProvenanceKind):
        return ProvenanceKind(text)
    known = ", ".join(ProvenanceKind)
    message = f"expected a provenance of {known}, got `{written.provenance[:60]}`"
    written.wrong(path, "documentation-provenance", message, written.provenance_line, "choose one of them")
    return None


def _number(path: str, written: Written, name: str, most: float | None) -> float | None:
    text, line = written.canary.get(name, (None, 1))
    if text is None:
        return None
    match = _NUMBER.fullmatch(text)
    value = float(match[1]) if match else 0.0
    if not match or value <= 0 or (most is not None and value > most):
        limit = f" and at most {most:g}" if most is not None else ""
        message = f"expected a number above 0{limit} in `canary.{name}`, got `{text[:60]}`"
        written.wrong(path, "documentation-canary", message, line, "write a plain number")
        return None
    return value
