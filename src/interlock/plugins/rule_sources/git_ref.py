"""Rule files as one commit of a git repository has them: the way rules are activated on a server."""

from __future__ import annotations

import subprocess
from pathlib import Path

from interlock.core.change.errors import InvalidInput, Unavailable
from interlock.core.change.settings import SETTINGS_FILE, is_rule_file
from interlock.core.policy.rules import settings_of
from interlock.ports.rule_source import MAX_BYTES, MAX_FILES

_REGULAR = {"100644", "100755"}


class GitRules:
    """The rule files of one revision; the working tree and git's configuration do not matter."""

    def __init__(self, root: Path, revision: str) -> None:
        self._root = root
        self._revision = revision

    def files(self) -> dict[str, bytes]:
        """Content by path, ``interlock.yaml`` included."""
        listed = self._listing()
        first = self._blob(listed[SETTINGS_FILE]) if SETTINGS_FILE in listed else None
        settings = settings_of({} if first is None else {SETTINGS_FILE: first})
        wanted = {path: blob for path, blob in listed.items() if is_rule_file(path, settings)}
        if len(wanted) > MAX_FILES:
            raise InvalidInput(
                f"expected at most {MAX_FILES} rule files, got {len(wanted)} at `{self._revision}`",
                code="rules-too-large",
                hint="name narrower folders under `catalog:` in interlock.yaml",
            )
        return {path: self._blob(blob) for path, blob in wanted.items()}

    def describe(self) -> str:
        """Which revision of which repository."""
        return f"{self._revision} of {self._root}"

    def _listing(self) -> dict[str, str]:
        raw = self._git("ls-tree", "-r", "-z", "--full-tree", "--end-of-options", self._revision)
        found = {}
        for line in raw.split(b"\x00"):
            meta, _, name = line.partition(b"\t")
            fields = meta.decode("ascii", "replace").split()
            if len(fields) == 3 and fields[0] in _REGULAR:  # noqa: PLR2004  # mode, type, object
                found[name.decode("utf-8", "surrogateescape")] = fields[2]
        return found

    def _blob(self, blob: str) -> bytes:
        content = self._git("cat-file", "blob", blob)
        if len(content) > MAX_BYTES:
            raise InvalidInput(
                f"expected a rule file of at most {MAX_BYTES >> 20} MiB, got {len(content)} bytes",
                code="rules-too-large",
                hint="remove large files from the rule folders",
            )
        return content

    def _git(self, *arguments: str) -> bytes:
        try:
            done = subprocess.run(  # noqa: S603  # fixed program, arguments after --end-of-options
                ["git", "-C", str(self._root), "--no-replace-objects", *arguments],  # noqa: S607  # the user's git
                capture_output=True,
                check=False,
                timeout=60,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unavailable(
                "git could not be run", code="git-unavailable", hint="install git", plugin="git-rules"
            ) from error
        if done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise InvalidInput(
                f"expected rules at `{self._revision}`, git says: {said[0] if said else 'nothing'}",
                code="rules-revision",
                hint="name a commit, branch or tag of this repository",
            )
        return done.stdout
