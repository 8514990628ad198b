"""How the sample shop comes about.

Rules:
1. Everything is a real commit by git, with fixed names and times, so that two runs differ in keys alone.
2. The first attempt is what was reported of 5 March 2026: one operator with an assistant, a configuration with
   a high blast radius, nothing written down. The second one is what a team can supply.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from string import Template

from interlock.core.change.errors import Unavailable

PEOPLE = ("ana", "ben", "cleo", "omar", "vera")
BASE, FIRST, SECOND, DRIFT = "main", "five-days", "five-days-again", "one-more-push"
_TEMPLATED = ("interlock.yaml", "catalog/people.yaml")
_RULE_FILES = (
    "interlock.yaml",
    "CODEOWNERS",
    "catalog/services.yaml",
    "catalog/people.yaml",
    "schemas/delivery.schema.json",
)
_PROOF_FILES = ("alert-plans/order-service.yaml",)
ALERT_RULES = "monitoring/order-service.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """The repository at ``root``. ``keys`` are people's public key lines, ``runner`` the CI's key id and PEM.

    ``plans`` are rollout and rehearsal plans by their path; they name ports, so whoever has a proxy writes them.
    ``watched`` has alert rules, and the plan by which they are proven.
    """

    root: Path
    keys: Mapping[str, str]
    runner: tuple[str, str]
    policies: Mapping[str, bytes]
    plans: Mapping[str, bytes] = field(default_factory=dict)
    watched: bool = False

    def build(self) -> None:
        """The base: catalog, policies, configuration and code, as the first commit on ``main``."""
        self.root.mkdir(parents=True, exist_ok=True)
        self._git("init", "--quiet", f"--initial-branch={BASE}")
        for path, content in (self.rule_files() | self.own_files()).items():
            self._write(path, content)
        if self.watched:
            self._write(ALERT_RULES, self._content(ALERT_RULES))
        self._git("config", "user.email", "omar@shop.example")
        self._write(".gitignore", b".interlock/\n")
        self._commit("ana", "Open the shop", "2026-03-02T09:00:00Z")

    def rule_files(self) -> dict[str, bytes]:
        """What interlock reads of the shop: settings, catalog, owners, schemas and policies, by path."""
        own = {path: self._content(path) for path in _RULE_FILES}
        if self.watched:
            own |= {path: self._content(path) for path in _PROOF_FILES}
        return own | dict(self.plans) | {f"policies/{path}": content for path, content in self.policies.items()}

    def own_files(self) -> dict[str, bytes]:
        """The code and the configuration that run before any change, by path."""
        return {path: self._content(path) for path in ("config/delivery.yaml", "src/order.py", "src/promise.py")}

    def first_attempt(self) -> str:
        """The operator's push: a null where a number was, a timeout of 60 ms, an assistant, no plan."""
        self._git("switch", "--quiet", "--create", FIRST, BASE)
        self._write("config/delivery.yaml", self._content("change/delivery.yaml"))
        self._write("src/promise.py", self._content("change/promise.py"))
        said = "Promise delivery sooner\n\nAssisted-by: q:sonnet-4.5 [edit]"
        return self._commit("omar", said, "2026-03-05T10:02:00Z")

    def second_attempt(self) -> str:
        """The same intent, with the plan first, a value in every key, and the assistant still named."""
        self._git("switch", "--quiet", "--create", SECOND, BASE)
        self._write("change.md", self._content("change/change.md"))
        self._commit("omar", "Plan the five-day promise", "2026-03-05T11:00:00Z")
        self._write("config/delivery.yaml", self._content("change/delivery-fixed.yaml"))
        self._write("src/promise.py", self._content("change/promise.py"))
        self._write("tests/test_promise.py", self._content("change/test_promise.py"))
        said = "Promise delivery within five days\n\nAssisted-by: q:sonnet-4.5 [edit]"
        return self._commit("omar", said, "2026-03-05T11:20:00Z")

    def one_more_push(self) -> str:
        """A small edit after everybody approved: the kind of push that nobody looks at."""
        self._git("switch", "--quiet", "--create", DRIFT, SECOND)
        content = self._content("change/delivery-fixed.yaml").replace(b"timeout_ms: 600", b"timeout_ms: 90")
        self._write("config/delivery.yaml", content)
        return self._commit("omar", "Tune the timeout", "2026-03-05T12:10:00Z")

    def apply(self, branch: str, diff: bytes, author: str, message: str) -> str:
        """Somebody's change as a diff, on a branch of its own."""
        self._git("switch", "--quiet", "--create", branch, BASE)
        patch = self.root / ".interlock" / f"{branch}.diff"
        patch.parent.mkdir(exist_ok=True)
        patch.write_bytes(diff)
        self._git("apply", str(patch))
        return self._commit(author, message, "2026-03-05T10:02:00Z")

    def small_change(self, branch: str, line: str) -> str:
        """One more line of comment in the code, on a branch of its own."""
        self._git("switch", "--quiet", "--create", branch, BASE)
        place = self.root / "src" / "promise.py"
        place.write_text(place.read_text(encoding="utf-8") + line, encoding="utf-8")
        return self._commit("omar", line.strip("# \n"), "2026-03-05T10:02:00Z")

    def switch(self, branch: str) -> None:
        """Check out a branch."""
        self._git("switch", "--quiet", branch)

    def _content(self, path: str) -> bytes:
        # The shop's own code is kept as text: it is content here, and no tool of ours should judge it.
        named = f"{path}.txt" if path.endswith(".py") else path
        found = resources.files(__package__ or "interlock.testing.shop").joinpath("files", named).read_bytes()
        if path not in _TEMPLATED:
            return found.replace(b"$$", b"$")
        pem = "".join(f"        {line}\n" for line in self.runner[1].strip().splitlines())
        values = {f"{name}_key": self.keys[name] for name in PEOPLE}
        filled = Template(found.decode()).substitute(
            values, runner_key_id=self.runner[0], runner_key=pem.rstrip("\n")
        )
        return filled.encode()

    def _write(self, path: str, content: bytes) -> None:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)

    def _commit(self, person: str, message: str, at: str) -> str:
        self._git("add", "--all")
        who = {"NAME": person.capitalize(), "EMAIL": f"{person}@shop.example", "DATE": at}
        named = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in who.items()}
        self._git("commit", "--quiet", "--no-gpg-sign", "--message", message, **named)
        return self._git("rev-parse", "HEAD").strip()

    def _git(self, *arguments: str, **environment: str) -> str:
        alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        try:
            done = subprocess.run(  # noqa: S603  # fixed program and arguments of our own
                ["git", "-C", str(self.root), *arguments],  # noqa: S607  # the user's git
                capture_output=True,
                check=True,
                text=True,
                timeout=60,
                env={**os.environ, **alone, **environment},
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise Unavailable(
                f"git could not make the sample shop: {error}",
                code="git-unavailable",
                hint="install git",
                plugin="git",
            ) from error
        return done.stdout
