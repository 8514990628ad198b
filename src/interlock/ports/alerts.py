"""The ports of an alert proof: where healthy series come from, who runs rules over them, who is sent what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from interlock.core.alerts.expression import Selector
from interlock.core.alerts.promtool_file import Case, Phases
from interlock.core.alerts.promtool_says import Said
from interlock.core.alerts.shape import Shape

Labels = tuple[tuple[str, str], ...]
"""An alert's labels, in the order of their names."""


class Captures(Protocol):
    """Healthy series of a service that runs. Reads only."""

    def capture(self, wanted: Iterable[Selector], *, seconds: float, step: float) -> Sequence[Shape]:
        """What these selectors have had lately, one sample a ``step``, without their ranges and offsets.

        Raises:
            Unavailable: nobody answers.
            BadReply: what answers is no Prometheus.
        """


class RunsRules(Protocol):
    """Runs real rule files over made-up series."""

    def missing(self) -> str:
        """Why it cannot run here, with what installs it; empty where it can. Starts nothing."""

    def check(self, rule_files: Mapping[str, bytes]) -> str:
        """What is wrong with files that would not be loaded, in its own words; empty where nothing is.

        A file is called by its place, ``rules-0.yaml``.

        Raises:
            Unavailable: ``promtool-failed`` where it cannot be said.
        """

    def run(
        self, rule_files: Mapping[str, bytes], cases: Sequence[Case], phases: Phases, *, seconds: float
    ) -> Said:
        """When each alert of each case first fires, within ``seconds``. That it cannot be said is a value."""

    def tests(self, files: Mapping[str, bytes], names: Sequence[str], *, seconds: float) -> str:
        """All that it says of the files of tests with these names, which stand among ``files``."""


class RoutesAlerts(Protocol):
    """Says where Alertmanager sends an alert, by its own file. Reads only; nobody is told anything."""

    def missing(self) -> str:
        """Why it cannot run here, with what installs it; empty where it can. Starts nothing."""

    def check(self, path: str, content: bytes) -> None:
        """Whether Alertmanager would load the file; ``path`` names it in errors.

        Raises:
            InvalidInput: ``alertmanager-file`` for one that it would not.
            Unavailable: ``amtool-failed`` where it cannot be said.
        """

    def receivers(
        self, content: bytes, receivers: Sequence[str], asked: Sequence[Labels]
    ) -> Mapping[Labels, tuple[str, ...]]:
        """The receivers, of those that the file has, that each set of labels leads to, each within seconds.

        Raises:
            InvalidInput: ``alertmanager-file`` for an answer that cannot be read.
            Unavailable: ``amtool-failed`` where it cannot be said.
        """
