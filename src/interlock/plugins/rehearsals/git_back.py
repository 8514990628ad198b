"""By which commands a pinned version comes back: fetched by its commit, and held against it.

Rules:
1. A commit is named by all of its digits. A tag or a branch may be moved and is told as a note alone.
2. Where the commit is not known it is to be put in; nothing is fetched by a name in its stead.
3. An archive is held against its digest once it is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from interlock.core.rehearsal.going_back import Before, GoingBack, PutIn, Typed

_NO_COMMIT = "the commit of the version before is not pinned: driver: commit in the plan says it"
_UNFIT = re.compile(r"[^A-Za-z0-9._-]")


def fetched_back(
    repository: str,
    commit: str,
    ref: str,
    paths: Sequence[str],
    archives: Sequence[tuple[str, str]],
    before: Before,
) -> GoingBack:
    """The commands, in a checkout of the repository."""
    pin: str | PutIn = commit or PutIn(name="PREVIOUS_COMMIT", what="the whole commit id of the version before")
    source: str | PutIn = (
        f"--source={commit}"
        if commit
        else PutIn(name="PREVIOUS_COMMIT", what="the whole commit id of the version before", before="--source=")
    )
    commands = [
        Typed(
            run=("git", "fetch", "--no-tags", repository, pin),
            note=f"{ref} led to it" if ref else "the version before",
        ),
        Typed(
            run=("git", "restore", source, "--staged", "--worktree", "--", *paths),
            note="takes the place of this one",
        ),
        Typed(run=("git", "diff", "--exit-code", pin, "--", *paths), note="verifies it"),
    ]
    for number, (url, digest) in enumerate(archives, 1):
        commands += _archive(number, url, digest.removeprefix("sha256:"))
    told = ["in a checkout of it; then build and put it out as usual", *([] if commit else [_NO_COMMIT])]
    return GoingBack(commands=tuple(commands), told=(*told, *_measured(commit, before)))


def _archive(number: int, url: str, digest: str) -> Iterator[Typed]:
    name = _UNFIT.sub("-", PurePosixPath(urlsplit(url).path).name).lstrip("-.") or f"archive-{number}"
    yield Typed(
        run=("curl", "--fail", "--location", "--output", name, url), note="the archive of the version before"
    )
    yield Typed(run=("sh", "-c", f"echo '{digest}  {name}' | sha256sum --check"), note="verifies it")


def _measured(commit: str, before: Before) -> Iterator[str]:
    if commit and before.measured.get("commit") == commit:
        yield f"fetched by this commit in the rehearsal {before.shown_by}"
