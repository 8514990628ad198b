"""Files as HEAD has them: whoever proves something of a change reads what was committed, not what lies beside.

Rules:
1. Only files in HEAD's own tree count, by their bytes there. What the work tree has besides is named, not read.
2. A link is refused: what it leads to is in no commit, and could be any file of this machine.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from interlock.core.change.errors import InvalidInput
from interlock.core.change.paths import glob_matcher, path_bytes, path_text
from interlock.plugins.readers.gitbox import Glass, Located, locate, resolve

MOST_BYTES = 1 << 20
_LINK, _FILES = b"120000", frozenset({b"100644", b"100755"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """``files`` by their path below the folder that was asked about; ``besides`` are paths in no commit.

    ``found``: whether the commit is here at all.
    """

    files: Mapping[str, bytes]
    besides: tuple[str, ...]
    found: bool = True


def committed(root: Path, patterns: Sequence[str], *, outside: str, commit: str = "HEAD") -> Committed:
    """What ``commit`` has at ``patterns`` (globs as in CODEOWNERS) below ``root``; nothing outside a repository.

    Raises:
        InvalidInput: with the code ``outside`` for a link, ``file-too-large`` above 1 MiB, ``pattern-invalid``.
    """
    located, covers = locate(root), glob_matcher(patterns)
    head = resolve(located, [f"{commit}^{{commit}}"])[0] if located else None
    if located is None or head is None or located.work_tree is None:
        return Committed(files={}, besides=(), found=False)
    glass = Glass(located)
    try:
        listed = [(kind, path) for kind, path in _listed(glass, head, _below(located, root)) if covers(path)]
        if link := next((path for kind, path in listed if kind == _LINK), None):
            raise InvalidInput(
                f"expected a file inside the checkout, got `{link[:120]}`, which leads elsewhere",
                code=outside,
                hint="copy the file into the repository",
            )
        prefix = _below(located, root)
        files = {path: _content(glass, head, prefix, path) for kind, path in listed if kind in _FILES}
    finally:
        glass.close()
    besides = sorted(path for path in _on_disk(root) if covers(path) and path not in files)
    return Committed(files=files, besides=tuple(besides))


def _below(located: Located, root: Path) -> bytes:
    top = located.work_tree or root
    inner = os.fsencode(root.resolve().relative_to(top.resolve()))
    return b"" if inner == b"." else inner + b"/"


def _listed(glass: Glass, head: str, prefix: bytes) -> Iterator[tuple[bytes, str]]:
    """Each file's mode and its path below the folder."""
    for line in glass.run("ls-tree", "-r", "-z", "--full-tree", head).split(b"\0"):
        about, _, path = line.partition(b"\t")
        if path.startswith(prefix) and len(path) > len(prefix):
            yield about.split(b" ", 1)[0], path_text(path.removeprefix(prefix))


def _content(glass: Glass, head: str, prefix: bytes, path: str) -> bytes:
    content = glass.file(head, prefix + path_bytes(path)) or b""
    if len(content) > MOST_BYTES:
        raise InvalidInput(
            f"expected at most {MOST_BYTES >> 20} MiB in `{path[:120]}`, got {len(content):,} bytes",
            code="file-too-large",
            hint="name a smaller file",
        )
    return content


def _on_disk(root: Path) -> Iterator[str]:
    for folder, inner, names in os.walk(root):
        inner[:] = [name for name in inner if name not in {".git", ".interlock", "node_modules", ".venv"}]
        for name in names:
            yield path_text(os.fsencode(Path(folder, name).relative_to(root)))
