"""The policies of one digest, read, validated and parsed once.

Rules:
1. Files are named relative to the policies folder: ``base/*.cedar``, ``layers/*.cedar``, ``modes.yaml`` and
   ``tests/*.yaml``; Markdown may lie beside them. Any other file is refused: a rule in the wrong folder must not
   be silently absent.
2. No files, no policies, or no permit: refused. Two policies with one id: refused.
3. The bundle's digest covers the product's schema, every base and layer file, and the modes. Tests and Markdown
   decide nothing and stay out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from interlock.core.change.canonical import digest, sha256
from interlock.core.change.errors import InvalidInput
from interlock.core.policy.annotations import BASE, read_policy
from interlock.core.policy.engine import Engine, build_engine
from interlock.core.policy.facts import SCHEMA_DIGEST
from interlock.core.policy.lint import Lint, lint_policy
from interlock.core.policy.modes import Freeze, Modes, read_modes
from interlock.core.policy.policy import Layer, Policy
from interlock.core.policy.statements import read_statements
from interlock.core.policy.weaker import lint_tiers

MODES_FILE = "modes.yaml"
MAX_FILES = 500
MAX_POLICIES = 2_000


@dataclass(frozen=True, eq=False, kw_only=True)
class Bundle:
    """``policies`` by id, in the order of the files; ``tests`` are the user's pairs."""

    digest: str
    policies: dict[str, Policy]
    layers: tuple[Layer, ...]
    modes: Modes
    freezes: tuple[Freeze, ...]
    tests: dict[str, bytes]
    engine: Engine

    @cached_property
    def order(self) -> dict[str, int]:
        """Where each policy stands: reasons keep the order of the files."""
        return {name: place for place, name in enumerate(self.policies)}

    @cached_property
    def lints(self) -> tuple[Lint, ...]:
        """Doubts about the policies; a decision does not wait for them."""
        own = (lint for policy in self.policies.values() for lint in lint_policy(policy))
        return (*own, *lint_tiers(self.policies, self.modes, MODES_FILE))

    @property
    def overlaid(self) -> bool:
        """Whether there are layers over the base."""
        return len(self.layers) > 1

    @cached_property
    def edges(self) -> tuple[datetime, ...]:
        """The moments at which a layer or a freeze window begins or ends."""
        spans = [policy.span for policy in self.policies.values() if policy.span]
        freezes = [(freeze.start, freeze.end) for freeze in self.freezes]
        return tuple(sorted({*(e for s in spans for e in (s.start, s.end)), *(e for f in freezes for e in f)}))


def load_bundle(files: Mapping[str, bytes]) -> Bundle:
    """The bundle in ``files`` (path relative to the policies folder → bytes).

    Raises:
        InvalidInput: the first file that cannot be used, by name and line; ``policies-empty`` without policies.
    """
    sorts = _sorted_out(files)
    policies: dict[str, Policy] = {}
    for path in (*sorts["base"], *sorts["layers"]):
        _add(policies, path, files[path])
    _check_any(policies)
    modes, freezes = read_modes(files.get(MODES_FILE), policies)
    return Bundle(
        digest=_digest(sorts, files),
        policies=policies,
        layers=_layers(sorts, files, policies),
        modes=modes,
        freezes=freezes,
        tests={path: files[path] for path in sorts["tests"]},
        engine=build_engine(policies),
    )


def _sorted_out(files: Mapping[str, bytes]) -> dict[str, list[str]]:
    if len(files) > MAX_FILES:
        raise InvalidInput(
            f"expected at most {MAX_FILES} policy files, got {len(files)}",
            code="policies-too-many",
            hint="join files that share a theme",
        )
    found: dict[str, list[str]] = {"base": [], "layers": [], "tests": []}
    for path in sorted(files):
        folder, _, name = path.partition("/")
        ending = ".yaml" if folder == "tests" else ".cedar"
        if folder in found and "/" not in name and name.endswith(ending):
            found[folder].append(path)
        elif path != MODES_FILE and not path.endswith(".md"):
            raise InvalidInput(
                f"expected base/*.cedar, layers/*.cedar, tests/*.yaml or modes.yaml, got `{path[:120]}`",
                code="policy-file-unknown",
                hint="move the file, so that nobody believes a rule holds which does not",
            )
    return found


def _add(policies: dict[str, Policy], path: str, content: bytes) -> None:
    layer = BASE if path.startswith("base/") else path.removeprefix("layers/").removesuffix(".cedar")
    for statement in read_statements(path, content):
        policy = read_policy(statement, path=path, layer=layer)
        other = policies.get(policy.id)
        if other:
            raise InvalidInput(
                f"{path}:{statement.line}: expected a new @id, got `{policy.id}` again "
                f"(first at {other.place.path}:{other.place.line})",
                code="policy-twice",
                hint="give each policy its own @id",
            )
        policies[policy.id] = policy
        if len(policies) > MAX_POLICIES:
            raise InvalidInput(
                f"expected at most {MAX_POLICIES} policies", code="policies-too-many", hint="join rules"
            )


def _check_any(policies: Mapping[str, Policy]) -> None:
    effects = {policy.effect for policy in policies.values()}
    missing = "forbid" if "permit" in effects else "permit" if effects else "policy"
    if effects != {"permit", "forbid"}:
        raise InvalidInput(
            f"expected policies with at least one permit and one forbid, got no {missing}",
            code="policies-empty",
            hint="interlock init writes the bundled policies into policies/base/",
        )


def _layers(
    sorts: Mapping[str, list[str]], files: Mapping[str, bytes], policies: Mapping[str, Policy]
) -> tuple[Layer, ...]:
    base = Layer(name=BASE, digest=digest("interlock.dev/layer/v1", _hashes(sorts["base"], files)))
    overlays = [
        Layer(
            name=path.removeprefix("layers/").removesuffix(".cedar"),
            digest=digest("interlock.dev/layer/v1", _hashes([path], files)),
            spans=tuple(p.span for p in policies.values() if p.place.path == path and p.span),
        )
        for path in sorts["layers"]
    ]
    return (base, *overlays)


def _digest(sorts: Mapping[str, list[str]], files: Mapping[str, bytes]) -> str:
    paths = [*sorts["base"], *sorts["layers"], *([MODES_FILE] if MODES_FILE in files else [])]
    return digest("interlock.dev/bundle/v1", {"schema": SCHEMA_DIGEST, "files": _hashes(paths, files)})


def _hashes(paths: list[str], files: Mapping[str, bytes]) -> dict[str, str]:
    return {path: sha256(files[path]) for path in paths}
