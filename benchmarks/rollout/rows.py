"""One line for each rollout that was measured, appended when it ended: a run goes on where one was stopped."""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Row = dict[str, Any]
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

    def done(self) -> Counter[tuple[str, str]]:
        """How many there are of each place and case."""
        return Counter((row["place"], row["case"]) for row in self.read())
