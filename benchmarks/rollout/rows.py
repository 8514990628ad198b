"""One line for each rollout that was measured, appended when it ended: a run goes on where one was stopped."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Measured = dict[str, object]
_ADDING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Rows:
    """The file. A last line that was cut off is left out."""

    path: Path

    def read(self) -> list[Row]:
        """Every row that is whole."""
        if not self.path.exists():
            return []
        whole = [
            line for line in self.path.read_text(encoding="utf-8").splitlines(keepends=True) if line.endswith("\n")
        ]
        return [json.loads(line) for line in whole]

    def add(self, row: Mapping[str, Any]) -> None:
        """Append one, with the machine's load and the time; print it."""
        load = round(os.getloadavg()[0], 2)
        told = {**row, "load": load, "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        with _ADDING, self.path.open("a", encoding="utf-8") as rows:
            rows.write(json.dumps(told, ensure_ascii=False) + "\n")
        print(json.dumps(told, ensure_ascii=False), flush=True)

    def forget(self) -> None:
        """Begin anew: neither rows nor what was measured for them."""
        for kept in (self.path, *self.path.parent.glob(f"{self.path.stem}-*.json")):
            kept.unlink(missing_ok=True)

    def once(self, key: str, measure: Callable[[], Measured]) -> Measured:
        """What was measured for these rows already, else measured now and kept in a file beside them."""
        name = re.sub(r"\W+", "-", key)
        kept = self.path.with_name(f"{self.path.stem}-{name}.json")
        if not kept.exists():
            whole = kept.with_suffix(f".{os.getpid()}")
            whole.write_text(json.dumps(measure()), encoding="utf-8")
            whole.replace(kept)
        found: Measured = json.loads(kept.read_text(encoding="utf-8"))
        return found

    def done(self) -> Counter[tuple[str, str]]:
        """How many there are of each place and case."""
        return Counter((row["place"], row["case"]) for row in self.read())
