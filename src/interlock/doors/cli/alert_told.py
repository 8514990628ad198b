"""Alerts and ready rules of a proof, as they are told in JSON and on the screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from interlock.road.alert_remedies import Remedy
from interlock.road.prove_alerts import Proof

Told = dict[str, Any]


def known_alerts(proof: Proof, able: Sequence[Told]) -> list[Told]:
    """Each alert; ``never`` is only said where it is proven, of all that go by one name."""
    unable = {(one["alert"], one["place"]) for one in able if one["unsatisfiable"]}
    can: set[str] = set()
    for alert in proof.alerts:
        place = alert.rule.place
        if (alert.rule.name, f"{place.path}:{place.line}") not in unable:
            can.add(alert.key)
    return [{**asdict(one), "never": key not in can} for key, one in proof.matrix.alerts.items()]


def offered(one: Remedy) -> Told:
    """A ready rule with whom it reaches; ``usual``: whom the service's other alerts like it do, if not those."""
    return {
        "mode": one.rule.mode,
        "alert": one.rule.alert,
        "rule": one.rule.content.decode(),
        "was": [*one.rule.was],
        "seconds": one.seconds,
        "severity": one.cell.severity,
        "receivers": None if one.cell.receivers is None else [*one.cell.receivers],
        "usual": [*one.usual],
    }
