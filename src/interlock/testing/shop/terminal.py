"""Runs interlock's own commands in the sample shop, and shows them as a person would type them.

Rules:
1. Every line after a ``$`` is really run, as its own process, through the same entry point that users have.
2. An exit code other than the expected one ends the demonstration with what the command said.
3. What is shown fits into ``wide`` columns: a command that is read from a pipe is told how many there are, and one
   that is longer is broken as a shell takes it, before an option.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from interlock.core.change.errors import BadReply

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """A shell in ``root`` with nothing of the caller's interlock settings in it."""

    root: Path
    say: Say
    environment: dict[str, str] = field(default_factory=dict)
    wide: int = 120

    def watch(self, *words: str, exits: int = 0, seconds: float = 600.0) -> None:
        """Run ``interlock`` with these words and show what it says while it goes on.

        Raises:
            BadReply: ``demo-step``, as ``run``, also when it goes on for longer.
        """
        self.say(typed(words, self.wide))
        drawn = sys.stdout.isatty()
        with subprocess.Popen(  # noqa: S603  # our own entry point, words of our own
            [sys.executable, "-m", "interlock", *words],
            cwd=self.root,
            env=self._environment() if drawn else self._in_columns(),
            stdout=None if drawn else subprocess.PIPE,
            text=True,
        ) as running:
            try:
                for line in running.stdout or ():
                    self.say(line.rstrip("\n"))
                code = running.wait(timeout=seconds)
            except BaseException:
                running.kill()
                raise
        if code != exits:
            raise BadReply(
                f"expected exit {exits} of `interlock {words[0]}`, got {code}",
                code="demo-step",
                hint=f"look at {self.root}, then run the command there by hand",
                plugin="demo",
            )
        self.say(f"exit {code}")

    def run(self, *words: str, exits: int = 0, show: bool = True, why: str = "") -> str:
        """Run ``interlock`` with these words and return what it printed; ``why`` is said beside its exit code.

        Raises:
            BadReply: ``demo-step`` when the exit code is another than expected.
        """
        if show:
            self.say(typed(words, self.wide))
        done = subprocess.run(  # noqa: S603  # our own entry point, words of our own
            [sys.executable, "-m", "interlock", *words],
            cwd=self.root,
            env=self._in_columns(),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if show:
            self.say(done.stdout.rstrip("\n"))
        if done.returncode != exits:
            raise BadReply(
                f"expected exit {exits} of `interlock {words[0]}`, got {done.returncode}: {_last(done)}",
                code="demo-step",
                hint=f"look at {self.root}, then run the command there by hand",
                plugin="demo",
            )
        if show and exits:
            self.say(f"exit {exits}{why and f', {why}'}")
        return done.stdout

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("INTERLOCK_")}
        return {**kept, **self.environment}

    def _in_columns(self) -> dict[str, str]:
        return {**self._environment(), "COLUMNS": str(self.wide)}


def typed(words: Sequence[str], wide: int) -> str:
    """``$ interlock …`` as it is typed, in lines of at most ``wide`` columns where its options allow that."""
    lines = ["$ interlock"]
    for together in _units(words):
        if len(f"{lines[-1]} {together} \\") > wide:
            lines[-1] += " \\"
            lines.append(f"    {together}")
        else:
            lines[-1] += f" {together}"
    return "\n".join(lines)


def _units(words: Sequence[str]) -> list[str]:
    """The words as a shell takes them; an option stays beside what belongs to it."""
    found: list[str] = []
    for place, word in enumerate(words):
        quoted = shlex.quote(word)
        if place and words[place - 1].startswith("--") and not word.startswith("--"):
            found[-1] += f" {quoted}"
        else:
            found.append(quoted)
    return found


def _last(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip(" []{},")]
    return " | ".join(lines[-2:])[:300] or "nothing"
