"""Who pushed, as a pipeline's own variables tell it, and when they tell of somebody else."""

from __future__ import annotations

import pytest

from interlock.doors.cli.pushed_by import pushers

GITHUB = {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "push", "GITHUB_ACTOR": "ana-shop"}
GITLAB = {"GITLAB_CI": "true", "CI_PIPELINE_SOURCE": "push", "GITLAB_USER_LOGIN": "ana-shop"}


@pytest.mark.parametrize("environment", [GITHUB, GITLAB], ids=["github", "gitlab"])
def test_a_push_s_pipeline_names_who_pushed(environment: dict[str, str]) -> None:
    assert pushers((), environment) == ["ana-shop"]


@pytest.mark.parametrize("environment", [GITHUB, GITLAB, {}], ids=["github", "gitlab", "elsewhere"])
def test_what_is_given_is_taken_instead(environment: dict[str, str]) -> None:
    assert pushers(("ben", "cleo"), environment) == ["ben", "cleo"]


@pytest.mark.parametrize(
    "environment",
    [
        {},
        GITHUB | {"GITHUB_ACTIONS": ""},
        GITHUB | {"GITHUB_EVENT_NAME": "workflow_dispatch"},
        GITHUB | {"GITHUB_EVENT_NAME": "schedule"},
        GITHUB | {"GITHUB_ACTOR": ""},
        GITLAB | {"GITLAB_CI": ""},
        GITLAB | {"CI_PIPELINE_SOURCE": "schedule"},
        GITLAB | {"CI_PIPELINE_SOURCE": "web"},
        GITLAB | {"CI_JOB_MANUAL": "true"},
        GITLAB | {"GITLAB_USER_LOGIN": ""},
    ],
)
def test_otherwise_nobody_is_named(environment: dict[str, str]) -> None:
    assert pushers((), environment) == []
