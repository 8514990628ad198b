"""How long a process of the stack lives: until it is asked to end, and never longer than whoever started it.

Rules:
1. SIGTERM and SIGINT are asking.
2. ``companion`` is the process id of whoever stands for the whole stack. A stack whose owner was killed leaves
   nothing behind that still takes ports and orders.
"""

from __future__ import annotations

import asyncio
import os
import signal

LOOK_SECONDS = 0.5


async def until_asked(companion: int | None) -> None:
    """Return when this process should end."""
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    while not asked.is_set() and (companion is None or _alive(companion)):
        try:
            await asyncio.wait_for(asked.wait(), LOOK_SECONDS)
        except TimeoutError:
            continue


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
