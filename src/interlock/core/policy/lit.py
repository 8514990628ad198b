"""Which facts of a policy have a light, by the producer and the predicates behind them."""

from __future__ import annotations

from interlock.core.evidence.lights import Wanted
from interlock.core.evidence.statement import JUNIT, SARIF, TEST_RESULT, VULNS
from interlock.core.policy.shown import ALERTS, KNOWLEDGE, REHEARSAL, SCAN, SNAPSHOT, TESTS

WANTED = (
    Wanted(fact="alert_proof", producer="alerts", predicates=(ALERTS,)),
    Wanted(fact="knowledge", producer="knowledge", predicates=(KNOWLEDGE,)),
    Wanted(fact="rehearsal", producer="rehearsal", predicates=(REHEARSAL,)),
    Wanted(fact="scan", producer="scan", predicates=(SCAN, SARIF, *VULNS)),
    Wanted(fact="snapshot", producer="snapshot", predicates=(SNAPSHOT,)),
    Wanted(fact="tests", producer="tests", predicates=(TESTS, JUNIT, TEST_RESULT)),
    Wanted(fact="tests_bite", producer="tests", predicates=(TESTS,)),
)
