"""What makes a measurement unbelievable: a share that was not set, ticks that do not count, shards that scatter.

Rules:
1. The sample-ratio test is an e-process over what the router assigned, against the share it was told to assign,
   in both directions, with an α of its own for each share that is declared. Only its largest term counts, which
   is less than their mean times their number: it errs on the side of trust by at most that factor.
   What the ticks say themselves that the canary's share is was made from what was assigned, and must agree with
   it: where the odds of both differ by more than a factor of three in two windows of ticks, one after the other,
   they do not. One window may: a share that is smoothed lags behind.
2. Discarded ticks bring no evidence, for or against. Where they pile up, or none counts for a while, nothing
   that was measured before can be taken for the present: missing is never healthy.
3. φ drift: shards of the control scatter much wider than the table says, in the last twenty windows of 30 s.
"""

from __future__ import annotations

from collections import deque
from math import fsum
from operator import mul

from interlock.core.judge.arithmetic import exact_log, log
from interlock.core.judge.settings import JudgeSettings, TrustSettings
from interlock.core.judge.tick import Assigned, Tick
from interlock.core.judge.verdict import Untrusted

_RATIOS = (0.01, 0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 1.1, 1.25, 1.5, 2.0, 3.0, 10.0)
_APART, _BATCHED = 3.0, 4.0
"""Of odds; and how much wider than single requests those scatter that come a few at a time."""

_WINDOW = 30.0
_WINDOWS, _FEWEST_WINDOWS = 20, 4
_FEWEST_SHARDS = 4
_FEWEST_EVENTS = 100.0
_LOGS = tuple(exact_log(ratio) for ratio in _RATIOS)


class ShareTest:
    """Whether the router assigns what it was told to."""

    def __init__(self, trust: TrustSettings) -> None:
        self._needed = exact_log(len(_RATIOS)) - exact_log(trust.share_alpha)
        self._share: float | None = None
        self._norms: tuple[float, ...] = ()
        self._canary = self._all = 0

    def expect(self, share: float) -> None:
        """From now on this share of the requests belongs to the canary."""
        if share == self._share:
            return
        self._share = share
        self._norms = tuple(log(1.0 + share * (ratio - 1.0)) for ratio in _RATIOS) if 0 < share < 1 else ()
        self._canary = self._all = 0

    def add(self, assigned: Assigned) -> None:
        """What one counted tick assigned."""
        self._canary += assigned.canary
        self._all += assigned.canary + assigned.control

    def broken(self) -> Untrusted | None:
        """The verdict, where the ratio is not the one declared."""
        share = self._share
        if not self._norms or share is None:
            return None
        # χ² is never below the largest log-likelihood ratio of any share: mostly it says enough.
        off, width = self._canary - self._all * share, self._all * share * (1.0 - share)
        if off * off < self._needed * width or max(self._terms()) < self._needed:
            return None
        return Untrusted(
            code="sample-ratio",
            why=f"expected {100 * share:.3g} % of the requests at the canary, "
            f"got {self._canary:,} of {self._all:,}",
        )

    def _terms(self) -> list[float]:
        return [self._canary * gain - self._all * norm for gain, norm in zip(_LOGS, self._norms, strict=True)]


class OwnShare:
    """Whether what was assigned agrees with the share by which the ticks are judged."""

    def __init__(self, trust: TrustSettings) -> None:
        self._window = trust.window
        self._needed = _BATCHED * -2.0 * exact_log(trust.share_alpha)
        self._ticks = self._canary = self._all = self._apart = 0
        self._owed = 0.0
        self._why = ""

    def add(self, assigned: Assigned, share: float) -> None:
        """What one counted tick assigned, and says that it did."""
        total = assigned.canary + assigned.control
        self._canary += assigned.canary
        self._all += total
        self._owed += total * share
        self._ticks += 1
        if self._ticks == self._window:
            self._close()

    def _close(self) -> None:
        canary, total, owed = self._canary, self._all, self._owed
        # Cross-multiplied, because either arm may have had nothing.
        had, told = canary * (total - owed), owed * (total - canary)
        off, width = canary - owed, owed * (total - owed)
        apart = off * off * total > self._needed * width and not (had <= _APART * told and told <= _APART * had)
        self._apart = self._apart + 1 if apart else 0
        if apart:
            told_percent = 100 * owed / total
            self._why = (
                f"the ticks say that {told_percent:.3g} % of the requests were the canary's, of those that were "
                f"assigned {canary:,} of {total:,} were"
            )
        self._ticks = self._canary = self._all = 0
        self._owed = 0.0

    def broken(self) -> Untrusted | None:
        """The verdict, where they contradict each other for longer than a share lags."""
        return Untrusted(code="sample-ratio", why=self._why) if self._apart > 1 else None


class Gaps:
    """Ticks that did not count, and when the last one did."""

    def __init__(self, trust: TrustSettings) -> None:
        self._trust = trust
        self._last: deque[str] = deque(maxlen=trust.window)
        self._lost = 0
        self._counted_at = 0.0

    def see(self, t: float, discard: str) -> None:
        """One tick; ``discard`` is empty where it counts."""
        if self._lost and len(self._last) == self._trust.window:
            self._lost -= bool(self._last[0])
        self._last.append(discard)
        if discard:
            self._lost += 1
        else:
            self._counted_at = t

    def broken(self, t: float) -> Untrusted | None:
        """The verdict, where too little is left to believe."""
        if t - self._counted_at >= self._trust.silent:
            return Untrusted(
                code="nothing-counted", why=f"no tick counted for {t - self._counted_at:.0f} s{self._mostly()}"
            )
        if self._lost > self._trust.most_discarded:
            return Untrusted(
                code="discards",
                why=f"{self._lost} of the last {len(self._last)} ticks do not count{self._mostly()}",
            )
        return None

    def _mostly(self) -> str:
        codes = [code for code in self._last if code]
        return f", most for `{max(sorted(set(codes)), key=codes.count)}`" if codes else ""


class Drift:
    """Whether the control's own shards scatter as φ says; only counted metrics with enough shards tell."""

    def __init__(self, settings: JudgeSettings) -> None:
        self._most = settings.trust.drift
        self.times = 1.0
        """How many times wider than φ shards scatter, where that is drift; else 1."""
        self._phi = {
            name: settings.phi[name].at(_WINDOW)
            for name, one in settings.metrics.items()
            if not one.edges and name in settings.phi
        }
        self._shards: dict[str, list[tuple[int, ...]]] = {name: [] for name in self._phi}
        self._scatter = {name: deque[float](maxlen=_WINDOWS) for name in self._phi}
        self._expected = {name: deque[float](maxlen=_WINDOWS) for name in self._phi}
        self._begin = 0.0
        self._found: Untrusted | None = None

    def add(self, tick: Tick) -> None:
        """The shards of one counted tick."""
        for name, rows in self._shards.items():
            counts = tick.metrics[name].counts
            if counts is not None and len(counts.control) >= _FEWEST_SHARDS:
                if rows and len(rows[-1]) != len(counts.control):
                    rows.clear()
                rows.append(counts.control)
        if tick.t - self._begin >= _WINDOW and any(self._shards.values()):
            self._close(tick.t)

    def _close(self, t: float) -> None:
        for name, rows in self._shards.items():
            if rows:
                sums = [*map(sum, zip(*rows, strict=True))]
                total, shards = sum(sums), len(sums)
                # Σ(c − mean)² = Σc² − (Σc)²/k, in whole numbers as long as possible
                self._scatter[name].append((shards * sum(map(mul, sums, sums)) - total * total) / shards)
                self._expected[name].append(total * (shards - 1) / shards)
                rows.clear()
        self._begin = t
        self.times, self._found = 1.0, None
        for name in self._phi:
            self._look(name)

    def _look(self, name: str) -> None:
        kept, phi = self._scatter[name], self._phi[name]
        scatter, expected = fsum(kept), fsum(self._expected[name])
        if len(kept) < _FEWEST_WINDOWS or expected < _FEWEST_EVENTS or scatter <= self._most * phi * expected:
            return
        self.times = max(self.times, scatter / expected / phi)
        self._found = self._found or Untrusted(
            code="phi-drift",
            why=f"shards of `{name}` scatter {scatter / expected:.3g} times as wide as independent events, φ says "
            f"{phi:.3g}: measure φ anew",
        )

    def broken(self) -> Untrusted | None:
        """The verdict, where φ cannot be right any more."""
        return self._found


def misplaced(tick: Tick, before: float, expected: float) -> str:
    """Why a tick cannot follow the one that ended at ``before``: time went back, or passed it by."""
    if not tick.t > before:
        return "time-went-back"
    return "tick-overrun" if tick.t - before > 3 * expected else ""
