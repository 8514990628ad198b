"""``--pushed-by``: whose push a pipeline brings.

Rules:
1. Names only add authors. A pipeline that names nobody brings the push of somebody unknown.
2. Without the flag the forge's own variables are read where they name who pushed: not for a job that somebody
   started by hand, a schedule or another event, where they name whoever did that.
"""

from __future__ import annotations

from collections.abc import Mapping

import click

_GITHUB_PUSHES = frozenset({"push", "pull_request", "pull_request_target"})
_GITLAB_PUSHES = frozenset({"push", "merge_request_event"})

pushed_by_flag = click.option(
    "--pushed-by",
    "pushed_by",
    multiple=True,
    metavar="LOGIN",
    help="Who pushed, as the forge names them. Default in a push's pipeline: GITHUB_ACTOR or GITLAB_USER_LOGIN.",
)


def pushers(given: tuple[str, ...], environment: Mapping[str, str]) -> list[str]:
    """The accounts that were named, else the one that the pipeline's own variables name."""
    if given:
        return list(given)
    if environment.get("GITHUB_ACTIONS") == "true" and environment.get("GITHUB_EVENT_NAME") in _GITHUB_PUSHES:
        return [name for name in (environment.get("GITHUB_ACTOR", ""),) if name]
    by_hand = environment.get("CI_JOB_MANUAL") == "true"
    if environment.get("GITLAB_CI") == "true" and environment.get("CI_PIPELINE_SOURCE") in _GITLAB_PUSHES:
        return [name for name in (environment.get("GITLAB_USER_LOGIN", ""),) if name and not by_hand]
    return []
