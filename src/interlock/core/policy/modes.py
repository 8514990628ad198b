"""``modes.yaml``: which rules are watched, which are enforced, and when nothing may move.

Rules:
1. The most particular word wins: a scoped mode, then the rule's mode, then the policy's ``@mode``, then the
   file's default. Of several scoped modes that match, enforce wins.
2. A rule that protects the road (``@liftable("never")``) is enforced whatever is written here, and writing
   otherwise is refused: nobody may believe that it is only watched.
3. A mode for a rule that does not exist is a spelling mistake and is refused.
4. A freeze window holds from its start until before its end, for the named services and environments;
   an empty list is refused, ``["*"]`` is all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import closest, parse
from interlock.core.change.plain_yaml import read_plain
from interlock.core.policy.decision import Mode
from interlock.core.policy.policy import Policy
from interlock.core.policy.scope import Scope, in_scope, read_scope

MAX_MODES = 256 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopedMode:
    """A mode that holds in one scope only."""

    scope: str
    mode: Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleMode:
    """A rule's mode where no scope matches (None: the policy's own), and the scopes where it differs."""

    mode: Mode | None = None
    scopes: tuple[ScopedMode, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """A window in which nothing moves. Times carry their zone."""

    name: str
    start: Annotated[datetime, Field(validation_alias="from")]
    end: Annotated[datetime, Field(validation_alias="until")]
    services: tuple[str, ...] = ("*",)
    environments: tuple[str, ...] = ("*",)

    def holds(self, now: datetime, services: frozenset[str], environment: str) -> bool:
        """Whether this window stops a change of ``services`` from entering ``environment`` now."""
        return (
            self.start <= now < self.end
            and ("*" in self.environments or environment in self.environments)
            and ("*" in self.services or not services.isdisjoint(self.services))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModesFile:
    """The whole file. A rule's value is a mode, or a mode with scopes."""

    version: Literal[1] = 1
    default: Mode = "enforce"
    rules: dict[str, Mode | RuleMode] = field(default_factory=dict)
    freezes: tuple[Freeze, ...] = ()


_UNSAID: tuple[Mode | None, tuple[tuple[Scope, Mode], ...]] = (None, ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Modes:
    """Modes by rule, ready to be asked."""

    default: Mode
    rules: dict[str, tuple[Mode | None, tuple[tuple[Scope, Mode], ...]]]

    def of(self, policy: Policy, facts: Mapping[str, object]) -> Mode:
        """The mode of ``policy`` for a change with these facts."""
        if policy.protected:
            return "enforce"
        own, scopes = self.rules.get(policy.id, _UNSAID)
        if not scopes:
            return own or policy.mode or self.default
        matching = {mode for scope, mode in scopes if in_scope(scope, facts)}
        if matching:
            return "enforce" if "enforce" in matching else "observe"
        return own or policy.mode or self.default

    def anywhere(self, policy: Policy) -> bool:
        """Whether ``policy`` is enforced for any change at all."""
        own, scopes = self.rules.get(policy.id, _UNSAID)
        everywhere = policy.protected or (own or policy.mode or self.default) == "enforce"
        return everywhere or any(mode == "enforce" for _, mode in scopes)


def read_modes(content: bytes | None, policies: Mapping[str, Policy]) -> tuple[Modes, tuple[Freeze, ...]]:
    """Modes and freeze windows; without a file everything is enforced and nothing frozen.

    Raises:
        InvalidInput: ``yaml-unreadable``, ``yaml-too-large``, ``input-shape``, ``mode-rule``,
            ``mode-fixed`` or ``freeze-window``.
    """
    file = parse(ModesFile, _yaml(content), what="modes.yaml") if content is not None else ModesFile()
    rules = {name: _rule(name, written, policies) for name, written in file.rules.items()}
    for freeze in file.freezes:
        _check_freeze(freeze)
    return Modes(default=file.default, rules=rules), file.freezes


def _yaml(content: bytes) -> object:
    value = read_plain("modes.yaml", content, limit=MAX_MODES)
    return {} if value is None else value


def _rule(
    name: str, written: Mode | RuleMode, policies: Mapping[str, Policy]
) -> tuple[Mode | None, tuple[tuple[Scope, Mode], ...]]:
    policy = policies.get(name)
    if policy is None or policy.effect != "forbid":
        raise InvalidInput(
            f"modes.yaml: expected the id of a rule, got `{name[:60]}`{closest(name, list(policies))}",
            code="mode-rule",
            hint="interlock policy check lists every rule",
        )
    rule = written if isinstance(written, RuleMode) else RuleMode(mode=written)
    if policy.protected and "observe" in {rule.mode, *(item.mode for item in rule.scopes)}:
        raise InvalidInput(
            f"modes.yaml: expected `{name}` to be enforced, got observe",
            code="mode-fixed",
            hint='a rule with @liftable("never") protects the road itself; remove the line',
        )
    where = f"modes.yaml: {name}"
    return rule.mode, tuple((read_scope(item.scope, where=where), item.mode) for item in rule.scopes)


def _check_freeze(freeze: Freeze) -> None:
    zoned = freeze.start.tzinfo is not None and freeze.end.tzinfo is not None
    if not zoned or freeze.start >= freeze.end or not freeze.services or not freeze.environments:
        raise InvalidInput(
            f"modes.yaml: expected freeze `{freeze.name[:60]}` to end after it starts, with zones, "
            "for some services and environments",
            code="freeze-window",
            hint='write from: 2026-11-26T00:00:00Z, until: 2026-11-30T00:00:00Z, services: ["*"]',
        )


EVIDENCE_TO_COME = frozenset({"knowledge-checked", "knowledge-fresh"})
"""Rules that ask for evidence: watched until a trusted runner hands it in."""


def default_modes(enforce: Collection[str]) -> str:
    """``modes.yaml`` for a repository that begins: everything is observed but the rules in ``enforce``.

    Rules whose evidence is still to come stay observed whatever ``enforce`` says.
    """
    lines = [
        "# observe: said and counted, stops nothing. enforce: stops. A change of modes is a change of the rules.",
        '# Rules marked @liftable("never") protect the road itself and are always enforced.',
        "version: 1",
        "default: observe",
        "rules:" if enforce else "rules: {}",
    ]
    for name in sorted(enforce):
        mode = "observe" if name in EVIDENCE_TO_COME else "enforce"
        lines.append(f"  {name}: {mode}")
    lines += [
        "# freezes:",
        "#   - name: Black Friday",
        "#     from: 2026-11-26T00:00:00Z",
        "#     until: 2026-11-30T00:00:00Z",
        '#     services: ["*"]',
        "#     environments: [production]",
    ]
    return "\n".join(lines) + "\n"
