"""Whether a test that fails without the change reaches anything of it, or fails there for another reason.

Rules:
1. What is asked about are the changed files of the product. A test *reaches* the change where a function of one
   ran in it, or one was read that is more than functions: data, another language, a module of which something
   else than the bodies of functions is other. What another program does counts where it read any of them.
2. A test of which nothing was seen beside others is run alone, where nothing is kept from an earlier one.
3. *Nothing* is said only where it was seen; who cannot know leaves it *unseen*. So it is where the change takes
   files away or is of links and permissions: nobody sees that a test looks for what is not there.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal, Protocol

from interlock.core.bite.cover import Covered
from interlock.core.bite.seen import Seen
from interlock.core.bite.syntax import Function, tree_of

Reach = Literal["reaches", "nothing", "unseen"]
_Part = tuple[str, bool]
"""What a module does as it is imported; whether it is a name alone, which changes nothing of what was there."""


class _File(Protocol):
    @property
    def path(self) -> str: ...
    @property
    def before(self) -> bytes | None: ...
    @property
    def after(self) -> bytes | None: ...
    @property
    def plain(self) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """The changed files of the product. ``whole`` are reached where they are read; ``vague``: some are unseen."""

    files: frozenset[str] = frozenset()
    whole: frozenset[str] = frozenset()
    vague: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """One run on head that was watched. ``read`` are files that anybody read; None where the system tells none."""

    seen: Seen = field(default_factory=Seen)
    read: frozenset[str] | None = None
    covered: Covered = field(default_factory=Covered)


def brought(product: Collection[_File]) -> Brought:
    """What there is to reach."""
    seen = [one for one in product if one.plain]
    return Brought(
        files=frozenset(one.path for one in seen),
        whole=frozenset(one.path for one in seen if one.after is None or _is_more(one.before or b"", one.after)),
        vague=len(seen) < len(product),
    )


def reaching(together: Reached, tests: Collection[str]) -> frozenset[str]:
    """Those in which a function of a changed file ran, beside others."""
    return frozenset(test for test in tests if together.seen.ran.get(test))


def alone(change: Brought, found: Reached, test: str) -> Reach:
    """What a test reaches that was run by itself."""
    seen = found.seen
    result = seen.results.get(test)
    if seen.fault or not seen.watched or result is None or result.outcome != "passed":
        return "unseen"
    touched = seen.opened | (found.read or frozenset())
    if any(seen.ran.values()) or touched & change.whole or (seen.started and touched & change.files):
        return "reaches"
    unasked = found.read is None and (seen.started or any(not path.endswith(".py") for path in change.files))
    return "unseen" if change.vague or unasked else "nothing"


def _is_more(before: bytes, after: bytes) -> bool:
    """Whether something else than bodies of functions is other, and more than new functions beside the old."""
    then, now = _parts(before), _parts(after)
    if then is None or now is None:
        return True
    return bool(then - now) or any(not is_free for _, is_free in now - then)


def _parts(content: bytes) -> Counter[_Part] | None:
    tree = tree_of(content)
    if tree is None:
        return None
    found: Counter[_Part] = Counter()
    pending: list[tuple[str, list[ast.stmt]]] = [("", tree.body)]
    while pending:
        prefix, body = pending.pop()
        for node in body:
            if isinstance(node, ast.ClassDef):
                pending.append((f"{prefix}{node.name}.", node.body))
            found[_part(prefix, node)] += 1
    return found


def _part(prefix: str, node: ast.stmt) -> _Part:
    if not isinstance(node, Function | ast.ClassDef):
        return prefix + ast.dump(node), False
    named = [ast.dump(each) for each in node.decorator_list]
    if isinstance(node, ast.ClassDef):
        return f"{prefix}{node.name} {named} {[ast.dump(each) for each in (*node.bases, *node.keywords)]}", False
    return f"{prefix}{node.name} {named} {ast.dump(node.args)}", not named
