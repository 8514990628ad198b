"""What a reviewer says can only tighten, whatever the policies make of it.

Rules:
1. A rule that fires without what the reviewer said fires with it too: where there are concerns, the policies are
   asked twice, and both answers hold.
2. So it needs no trust in how a policy is written. One that would forbid only while there are *no* concerns, or
   permit only when there are some, gives a reviewer nothing.
"""

from __future__ import annotations

from interlock.core.policy.engine import Engine, Fired, ask
from interlock.core.policy.facts import NOTHING, Facts

SAID_BY_REVIEWERS = ("concerns", "concerns_answered", "open_concerns")
"""All facts that hang on what a reviewer said."""
_UNSAID: Facts = {name: NOTHING[name] for name in SAID_BY_REVIEWERS}


def ask_both(facts: Facts, engine: Engine) -> Fired:
    """Which rules fire on ``facts``, or would if no reviewer had said a word."""
    said, unsaid = ask(facts, engine), {**facts, **_UNSAID}
    if unsaid == facts:
        return said
    without = ask(unsaid, engine)
    return Fired(
        rules=said.rules | without.rules,
        stripped=said.stripped | without.stripped,
        permitted=said.permitted and without.permitted,
        errors=tuple(dict.fromkeys((*said.errors, *without.errors))),
    )
