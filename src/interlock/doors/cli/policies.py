"""The policies of this working tree, for the commands that look at them without a server."""

from __future__ import annotations

from collections.abc import Mapping

from interlock.bootstrap import rule_source
from interlock.core.policy.bundle import Bundle, load_bundle
from interlock.core.policy.rules import settings_of
from interlock.doors.cli.desk import settings


def working_bundle(more: Mapping[str, bytes] | None = None) -> tuple[Bundle, str]:
    """The policies with ``more`` files among them, and the folder they lie in, with its slash.

    Raises:
        InvalidInput: what ``load_bundle`` raises, and ``rules-missing`` without an ``interlock.yaml``.
    """
    files = rule_source(settings()).files()
    folder = f"{settings_of(files).policies.rstrip('/')}/"
    here = {path.removeprefix(folder): files[path] for path in files if path.startswith(folder)}
    return load_bundle({**here, **(more or {})}), folder
