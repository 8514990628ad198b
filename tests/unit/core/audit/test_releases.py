"""Which tags are releases, in which order, and which are left out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from interlock.core.audit.releases import Tag, releases

START = datetime(2026, 3, 1, tzinfo=UTC)


def tags(*names, commits=None):
    """One tag a day, the last the newest; each of a commit of its own unless ``commits`` says."""
    return [
        Tag(name=name, commit=(commits or {}).get(name, name), at=START + timedelta(days=day))
        for day, name in enumerate(names)
    ]


def newest(*names, last=3, service=None, commits=None):
    return [one.name for one in releases(tags(*names, commits=commits), last=last, service=service).newest]


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (("v1.0.0", "v1.1.0", "v1.2.0", "v1.3.0"), ["v1.3.0", "v1.2.0", "v1.1.0"]),
        (("1.0", "2.0", "nice", "latest", "stable"), ["2.0", "1.0"]),
        (("v1.0.0", "v1.1.0-rc1", "v1.1.0-beta.2", "v1.1.0a1", "v1.1.0.dev3", "v1.1.0-SNAPSHOT"), ["v1.0.0"]),
        (("v1.0.0-hotfix", "v1.0.0+build.5", "v1.0.0-1"), ["v1.0.0-1", "v1.0.0+build.5", "v1.0.0-hotfix"]),
        (("v1.4.2", "v1"), ["v1.4.2"]),
        (("v1", "v2"), ["v2", "v1"]),
        (("2026.03.05", "20260306"), ["20260306", "2026.03.05"]),
        (("release-1.2", "release/1.3", "v1.4"), ["v1.4", "release/1.3", "release-1.2"]),
        (
            ("deploy-2026-03-05", "production/17", "staging/18", "deploy-staging-3"),
            ["production/17", "deploy-2026-03-05"],
        ),
        (("cart/v1.0.0", "v2.0.0", "checkout/v3.0.0"), ["v2.0.0"]),
        (("cart/v1.0.0", "checkout/v3.0.0"), ["checkout/v3.0.0", "cart/v1.0.0"]),
        (("v1.0.0", "tested-things", "test/v9"), ["v1.0.0"]),
        ((), []),
    ],
)
def test_the_newest_releases_are(names, wanted):
    assert newest(*names) == wanted


@pytest.mark.parametrize(
    ("service", "wanted"),
    [("cart", ["cart-v1.1.0", "cart/v1.0.0"]), ("check-out", ["check-out@3.0.0"]), ("email", ["v2.0.0"])],
)
def test_a_service_with_tags_of_its_own_has_only_those(service, wanted):
    names = ("cart/v1.0.0", "v2.0.0", "check-out@3.0.0", "cart-v1.1.0", "cart-extra/v9.0.0")
    assert newest(*names, service=service) == wanted


def test_tags_of_one_commit_are_one_release_under_the_most_exact_name():
    one = releases(
        tags("v1.2", "v1.2.0", "deploy-7", commits=dict.fromkeys(("v1.2", "v1.2.0", "deploy-7"), "c")), last=3
    )
    [found] = one.newest
    assert (found.name, found.also, found.marker) == ("deploy-7", ("v1.2.0", "v1.2"), True)
    assert found.at == START + timedelta(days=2)


def test_of_one_moment_the_higher_number_is_newer():
    same = [Tag(name=name, commit=name, at=START) for name in ("v1.9.0", "v1.10.0", "v1.2.0")]
    assert [one.name for one in releases(same, last=3).newest] == ["v1.10.0", "v1.9.0", "v1.2.0"]


def test_what_is_left_out_is_counted():
    found = releases(tags("v1.0.0", "v1", "v1.1.0-rc1", "nice", "cart/v1.0.0", "staging-3"), last=3)
    assert found.tags == 6
    assert dict(found.left_out) == {
        "before a release (rc, beta, …)": 1,
        "moved with each release": 1,
        "neither a version nor a deploy marker": 1,
        "of another place than production": 1,
        "of other parts of the repository": 1,
    }
