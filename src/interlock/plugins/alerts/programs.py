"""The programs of the Prometheus family: where they are, and one run of one, bounded and ended.

Rules:
1. One is looked for on ``PATH``, else beside this very Python.
2. One that is still running when nobody waits for it any more is ended.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

P = TypeVar("P")
Q = TypeVar("Q")
PROCESSES = 2
Children = list[subprocess.Popen[str]]


def place(program: str) -> str | None:
    """Where it is; None where it is not."""
    beside = str(Path(sys.executable).parent)
    return shutil.which(program) or shutil.which(program, path=beside)


def shared(whole: Sequence[P], act: Callable[[Sequence[P], Children], Q]) -> list[Q]:
    """What ``act`` gives for each share, all at once; the programs it started are ended when nobody waits."""
    shares = [part for part in (whole[begin::PROCESSES] for begin in range(PROCESSES)) if part]
    children: Children = []
    with ThreadPoolExecutor(max_workers=PROCESSES) as threads:
        try:
            asked = [threads.submit(act, part, children) for part in shares]
            return [each.result() for each in asked]
        except BaseException:
            for child in children:
                child.kill()
            raise


def ran(
    program: str,
    arguments: Sequence[str],
    folder: str,
    seconds: float,
    children: Children,
    *,
    environment: Mapping[str, str] | None = None,
) -> tuple[int | None, str, str]:
    """The exit code with what was said and complained; None with the reason where there is none."""
    command = [place(program) or program, *arguments]
    pipe = subprocess.PIPE
    # Its own temporary files go with the folder, also where it is ended before it could throw them away.
    own = {**(os.environ if environment is None else environment), "TMPDIR": folder}
    try:
        child = subprocess.Popen(  # noqa: S603  # a fixed program over files of our own
            command, cwd=folder, stdout=pipe, stderr=pipe, text=True, errors="replace", env=own
        )
    except OSError as error:
        return None, f"{program} could not be started: {(error.strerror or str(error)).lower()}", ""
    with child:
        children.append(child)
        try:
            out, wrong = child.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            return None, f"{program} did not end within {seconds:g} s", ""
        finally:
            child.kill()
    return child.returncode, out, wrong
