"""Configuration that gets a new name is judged by the rules of its old one; read from a real repository."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from interlock.core.change.catalog import Catalog
from interlock.core.change.change import Recipe
from interlock.core.change.errors import InvalidInput
from interlock.core.change.settings import ConfigurationRule, Settings
from interlock.core.facts.describe import describe
from interlock.plugins.readers.configuration import ConfigurationReader
from interlock.plugins.readers.git import GitReader
from interlock.plugins.validators.bounds import Bounds
from interlock.plugins.validators.json_schema import JsonSchema
from interlock.plugins.validators.null_value import NullValue
from interlock.road.describe import Toolbox, read

SCHEMA = """{"type": "object", "properties": {"delivery": {"properties": {"max_days": {"type": "integer"}}}}}"""
GOOD = """delivery:
  max_days: 7
  timeout_ms: 600
  regions: [north, south, east, west]
  carriers: [a, b, c, d]
  name: the promise that the shop makes to everybody
"""
TOOLBOX = Toolbox(
    readers={"git": GitReader(), "configuration": ConfigurationReader()},
    validators=(Bounds(), JsonSchema(), NullValue()),
    rules_at=lambda *_: {},
    now=lambda: datetime(2026, 3, 5, tzinfo=UTC),
)
SCHEMAS = [{"match": "config/delivery.yaml", "schema": "schema.json"}]
SETTINGS = Settings(
    configuration=(ConfigurationRule(match="config/*.yaml"),),
    validators={
        "json-schema": {"schemas": SCHEMAS},
        "bounds": {
            "limits": [{"pointer": "/delivery/timeout_ms", "match": "config/delivery.yaml", "minimum": 100}]
        },
    },
)


@pytest.fixture
def moved(repository):
    """``moved(new path, new content)``: what is checked when delivery.yaml gets another name."""
    repository.write("config/delivery.yaml", GOOD)
    repository.write("schema.json", SCHEMA)
    repository.commit()

    def run(path, content, settings=SETTINGS):
        repository.git("rm", "-q", "config/delivery.yaml")
        if path is not None:
            repository.write(path, content)
        repository.commit()
        recipes = (Recipe(reader="git", arguments={"base": "HEAD^", "head": "HEAD"}),)
        submission = read(TOOLBOX, repository.root, recipes, settings)
        catalog = Catalog(digest="sha256:" + "0" * 64)
        return describe(submission, catalog=catalog, settings=settings).checked

    return run


NAMES = ["config/delivery.yml", "config/sub/delivery.yaml", "elsewhere/delivery.yaml", "config/other.yaml"]


@pytest.mark.parametrize("name", NAMES)
def test_every_validator_of_the_old_name_judges_the_new_content(moved, name):
    """All of them used to fall silent: no glob matched the new name, and nothing said so."""
    found = moved(name, GOOD.replace("max_days: 7", "max_days: null").replace("600", "60"))
    told = {(finding.rule, finding.path) for finding in found.failures}
    assert ("json-schema/type", name) in told
    assert ("bounds/minimum", name) in told
    assert any(rule.startswith("null-value/") and path == name for rule, path in told)
    assert found.unvalidated == ()


@pytest.mark.parametrize("name", NAMES)
def test_a_new_name_alone_is_no_finding(moved, name):
    found = moved(name, GOOD)
    assert found.failures == ()
    assert found.unvalidated == ()


@pytest.mark.parametrize("name", ["config/delivery.yaml.j2", "config/delivery"])
def test_a_name_that_is_no_configuration_is_refused(moved, name):
    found = moved(name, GOOD.replace("max_days: 7", "max_days: null"))
    assert [finding.rule for finding in found.failures] == ["json-schema/empty"]


@pytest.mark.parametrize("name", ["config/delivery.yaml.j2", "config/delivery.txt"])
def test_where_no_schema_held_the_new_name_counts_as_unvalidated(moved, name):
    settings = Settings(configuration=SETTINGS.configuration)
    assert moved(name, GOOD, settings).unvalidated == (name,)


def test_a_file_that_calls_itself_another_format_must_be_readable_as_that(moved):
    with pytest.raises(InvalidInput) as caught:
        moved("config/delivery.toml", GOOD)
    assert caught.value.code == "configuration-malformed"


def test_without_any_settings_a_lost_value_is_still_seen(moved):
    settings = Settings(configuration=SETTINGS.configuration)
    old = GOOD.replace("max_days: 7", "max_days: null")
    assert any(f.rule.startswith("null-value/") for f in moved("config/delivery.yml", old, settings).failures)


def test_a_deleted_configuration_is_shown(moved):
    found = moved(None, None)
    assert found.deleted == ("config/delivery.yaml",)
    assert found.unvalidated == ()
