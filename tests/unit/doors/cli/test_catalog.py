"""``interlock catalog check``: what it reads, what it prints, how it leaves."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from interlock.core.change.errors import InvalidInput
from interlock.doors.cli.catalog import catalog

SHOP = Path(__file__).parents[3] / "data" / "microservices-demo"
BROKEN = """apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: cart
  annotations: {interlock.dev/tier: 1}
spec: {owner: nobody, dependsOn: [cart]}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("INTERLOCK_SERVER", "INTERLOCK_DATABASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    done = CliRunner().invoke(catalog, ["check", *arguments])
    if isinstance(done.exception, InvalidInput):
        raise done.exception
    return done


def test_a_sound_catalog_ends_in_0(folder: Path) -> None:
    shutil.copytree(SHOP / "catalog", folder / "catalog")
    shutil.copy(SHOP / "CODEOWNERS", folder)
    done = run()
    assert done.exit_code == 0
    assert "12 services (Tier-1 7, Tier-2 3, Tier-3 2) · 9 people" in done.output
    assert "6 owner rules" in done.output
    assert "ok: no errors" in done.output


def test_errors_end_in_1_with_place_and_remedy(folder: Path) -> None:
    (folder / "catalog-info.yaml").write_text(BROKEN)
    done = run()
    assert done.exit_code == 1
    assert "✗ `cart` names `nobody` in owner" in done.output
    assert "catalog-info.yaml:4" in done.output
    assert "add `interlock.dev/rollback`" in done.output
    assert "refused: 5 errors, 0 warnings" in done.output


def test_json_says_the_same(folder: Path) -> None:
    (folder / "catalog-info.yaml").write_text(BROKEN)
    done = run("--json")
    said = json.loads(done.output)
    assert done.exit_code == 1
    assert said["errors"] == 5
    assert said["catalog"]["services"] == 1
    assert {finding["rule"] for finding in said["findings"]} >= {"catalog-unknown-owner", "catalog-alert-missing"}


def test_interlock_yaml_names_the_places(folder: Path) -> None:
    (folder / "interlock.yaml").write_text("version: 1\ncatalog: [teams]\ncodeowners: [OWNERS/CODEOWNERS]\n")
    shutil.copytree(SHOP / "catalog", folder / "teams")
    (folder / "OWNERS").mkdir()
    (folder / "OWNERS" / "CODEOWNERS").write_text("* @nobody\n")
    done = run()
    assert done.exit_code == 1
    assert "`*` is owned by nobody the catalog knows" in done.output
    assert "OWNERS/CODEOWNERS:1" in done.output


def test_paths_are_files_and_folders_without_hidden_ones(folder: Path) -> None:
    (folder / "a" / ".hidden").mkdir(parents=True)
    (folder / "a" / ".hidden" / "x.yaml").write_text("no: entity")
    (folder / "a" / "notes.txt").write_text("no entity")
    shutil.copy(SHOP / "catalog" / "services.yaml", folder / "a" / "services.yml")
    done = run("a", str(SHOP / "catalog" / "people.yaml"))
    assert done.exit_code == 0
    assert "12 services" in done.output


def test_no_catalog_is_wrong_input(folder: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        run()
    assert caught.value.code == "catalog-missing"


def test_a_missing_path_is_wrong_input(folder: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        run("nowhere.yaml")
    assert caught.value.code == "file-unreadable"


def test_a_link_out_of_the_folder_is_refused(folder: Path) -> None:
    (folder / "a").mkdir()
    (folder / "secret.yaml").write_text(BROKEN)
    (folder / "a" / "link.yaml").symlink_to(folder / "secret.yaml")
    with pytest.raises(InvalidInput) as caught:
        run("a")
    assert caught.value.code == "path-outside"


def test_names_from_outside_reach_the_terminal_harmless(folder: Path) -> None:
    (folder / "catalog-info.yaml").write_text("* [")
    with pytest.raises(InvalidInput):
        run()
    (folder / "catalog-info.yaml").write_text(BROKEN)
    (folder / "CODEOWNERS").write_text("/a\u202e.txt @nobody\n")
    assert "\u202e" not in run().output
