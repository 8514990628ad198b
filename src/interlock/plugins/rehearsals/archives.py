"""Archives of releases: fetched from their address and summed up, never unpacked.

Rules:
1. Over http(s), following redirects, or a file of this machine: an absolute path, or one relative to the checkout.
2. It is summed up as it comes and kept nowhere; one of more than ``MOST`` bytes is not fetched to its end.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

MOST = 4 * 1024 * 1024 * 1024
_PART = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """``digest`` is ``sha256:…``; ``failed`` says why there is none. ``size`` in bytes."""

    digest: str = ""
    size: int = 0
    failed: str = ""


def fetched(url: str, *, root: str, seconds: float) -> Fetched:
    """What is at that address now; that it cannot be had is a value."""
    until, found, size = time.monotonic() + seconds, hashlib.sha256(), 0
    try:
        for part in _parts(url, root, seconds):
            found.update(part)
            size += len(part)
            if size > MOST:
                return Fetched(failed=f"more than {MOST:,} bytes")
            if time.monotonic() > until:
                return Fetched(failed=f"not whole within {seconds:g} s")
    except httpx.HTTPStatusError as error:
        return Fetched(failed=f"the server answers {error.response.status_code}")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Fetched(failed=(str(error) or type(error).__name__).lower()[:200])
    except OSError as error:
        return Fetched(failed=(error.strerror or str(error)).lower())
    return Fetched(digest=f"sha256:{found.hexdigest()}", size=size)


def _parts(url: str, root: str, seconds: float) -> Iterator[bytes]:
    if not url.startswith(("http://", "https://")):
        with Path(root, url.removeprefix("file://")).open("rb") as file:
            while part := file.read(_PART):
                yield part
        return
    with (
        httpx.Client(timeout=min(30.0, seconds), trust_env=True, follow_redirects=True) as client,
        client.stream("GET", url) as reply,
    ):
        reply.raise_for_status()
        yield from reply.iter_bytes(_PART)
