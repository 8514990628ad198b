"""The change.md that an author fills in: empty, or with what the record of a change knows already.

Rules:
1. What nobody wrote stays empty: a form that is handed in as it was printed shows nothing.
"""

from __future__ import annotations

from interlock.core.audit.checklist import Checklist

FORM = """---
plan:
failure_modes:
  -
rollback_steps:
  -
required_tests:
  -
canary:
  first_stage_percent: 1
  bake_minutes: 15
  metric:{metric}
---
# What changes and why

Commit this file before the code: what was written first counts, what was written afterwards is shown as later.
"""


def form_of(given: Checklist | None = None) -> str:
    """The form; the metric is the catalog's for the first service that has one."""
    metric = given.metric if given else ""
    if given and not metric:
        own = {each.service for each in given.services}
        metrics = (each.what for each in given.watches if each.service in own and each.source == METRIC)
        metric = next(metrics, "")
    return FORM.format(metric=f" {metric}" if metric.isidentifier() else "")


METRIC = "metric by the catalog"
