"""Appends while the disk gets full, or fails to sync, and recovers. Run as ``python on_a_bad_disk.py URL FLAG``.

Prints one JSON line per write: ``[phase, number, code or null]``.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from appender import bump, open_it

from interlock.core.change.errors import InterlockError

url, flag = sys.argv[1], Path(sys.argv[2])
store = open_it(url)
number = 0
for phase in ("good", "space", "good", "fsync", "good"):
    flag.unlink(missing_ok=True)
    if phase != "good":
        flag.write_text(phase)
    for _ in range(5):
        try:
            store.write(bump(0, 0, number))
            code = None
        except InterlockError as error:
            code = error.code
        sys.stdout.write(json.dumps([phase, number, code]) + "\n")
        number += 1
flag.unlink(missing_ok=True)
store.close()
