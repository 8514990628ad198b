"""The texts in a range that facts are read from: the change's documentation and Agent Trace records.

Rules:
1. The documentation's name is taken literally and looked for in every folder.
2. Every version that a commit of the range wrote is kept, in the commits' order, with that commit; what a merge
   only passes on is not told again. The last version of a path is the head's, whatever merges did in between;
   one that is not committed yet has no commit.
3. A text is cut at 256 KiB; its digest is of the whole.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

from interlock.core.change.canonical import sha256
from interlock.core.change.errors import InvalidInput
from interlock.core.change.gitlog import Touch, read_touches
from interlock.core.change.parts import Commit, DocumentVersion
from interlock.core.change.paths import path_text, readable
from interlock.plugins.readers.gitbox import Glass

MAX_DOCUMENTS = 500
MAX_DOCUMENT = 256 * 1024
_TRACES = (":(top,glob)**/.agent-trace/**/*.json", ":(top,glob)**/.agent-trace/**/*.jsonl")
_SHAPE = ("-r", "-z", "--raw", "--full-index", "--no-renames")


class GitDocuments:
    """Documentation and traces of one range."""

    def __init__(self, glass: Glass, name: str) -> None:
        if not name or name.startswith("/") or not name.isprintable():
            raise InvalidInput(
                f"expected a file name for the documentation, got `{name[:60]!a}`",
                code="git-documentation",
                hint="name a file relative to the repository, such as change.md",
            )
        self._glass = glass
        self._documentation = f":(top,glob)**/{_escaped(name)}"
        self._found: list[Touch] | None = None

    def marked(self, commits: Sequence[Commit]) -> tuple[Commit, ...]:
        """The commits, each told whether it touches nothing but documentation."""
        some = {touch.commit for touch in self._written(commits) if not _is_trace(touch.path)}
        candidates = [commit for commit in commits if commit.id in some]
        exclude = self._documentation.replace(":(top,glob)", ":(top,glob,exclude)")
        others = {touch.commit for touch in self._touches(candidates, ":(top)", exclude)}
        return tuple(replace(commit, documents_only=commit.id in some - others) for commit in commits)

    def versions(self, commits: Sequence[Commit], tip: str, tree: str) -> tuple[DocumentVersion, ...]:
        """Every version in the commits' order, then those of an uncommitted ``tree``.

        Raises:
            InvalidInput: ``git-too-large`` above 500 versions, ``file-too-large``.
        """
        found: list[tuple[bytes, str, str | None]] = []
        latest: dict[bytes, str | None] = {}
        for touch in self._written(commits):
            if touch.blob and latest.get(touch.path) != touch.blob:
                found.append((touch.path, touch.blob, touch.commit))
            latest[touch.path] = touch.blob
        for path, blob in self._listed(tip, sorted(latest)).items():
            if latest[path] != blob:
                found.append((path, blob, tip))
        output = self._glass.run("diff-tree", *_SHAPE, tip, tree, "--", self._documentation, *_TRACES)
        uncommitted = read_touches(tip.encode() + b"\0" + output)
        found.extend((touch.path, touch.blob, None) for touch in uncommitted if touch.blob)
        if len(found) > MAX_DOCUMENTS:
            raise InvalidInput(
                f"expected at most {MAX_DOCUMENTS} versions of documentation, got {len(found)}",
                code="git-too-large",
                hint="name a nearer base",
            )
        return tuple(self._document(path, blob, commit) for path, blob, commit in found)

    def _listed(self, tree: str, paths: Sequence[bytes]) -> dict[bytes, str]:
        """The blobs that these paths have in a tree."""
        if not paths:
            return {}
        output = self._glass.run("ls-tree", "-r", "-z", "--full-tree", tree, "--", *map(os.fsdecode, paths))
        lines = (line.partition(b"\t") for line in output.split(b"\0") if line)
        return {path: words.split()[2].decode("ascii") for words, _, path in lines if path in paths}

    def _written(self, commits: Sequence[Commit]) -> list[Touch]:
        """What the range's commits did to documentation and traces; asked once."""
        if self._found is None:
            self._found = self._touches(commits, self._documentation, *_TRACES)
        return self._found

    def _touches(self, commits: Sequence[Commit], *pathspecs: str) -> list[Touch]:
        if not commits:
            return []
        given = "".join(f"{commit.id}\n" for commit in commits).encode("ascii")
        options = (*_SHAPE, "--root", "--diff-merges=first-parent")
        output = self._glass.run("diff-tree", "--stdin", *options, "--", *pathspecs, given=given)
        return list(read_touches(output))

    def _document(self, path: bytes, blob: str, commit: str | None) -> DocumentVersion:
        content = self._glass.blob(blob) or b""
        short = content[:MAX_DOCUMENT].decode("utf-8", "ignore")
        text = readable(content) if len(content) <= MAX_DOCUMENT else short
        return DocumentVersion(path=path_text(path), commit=commit, digest=sha256(content), text=text)


def _is_trace(path: bytes) -> bool:
    return b".agent-trace" in path.split(b"/")[:-1] and path.endswith((b".json", b".jsonl"))


def _escaped(name: str) -> str:
    return "".join(f"\\{letter}" if letter in "\\*?[" else letter for letter in name)
