"""A working tree and the commit of it are the same rules: what one source forgets is another digest."""

from __future__ import annotations

import subprocess

from interlock.core.change.settings import Settings, is_rule_file, rule_places
from interlock.core.policy.rules import rules_digest_of
from interlock.plugins.rule_sources.folder import FolderRules
from interlock.plugins.rule_sources.git_ref import GitRules

FILES = (
    "interlock.yaml", "catalog-info.yaml", "catalog/deep/services.yaml", "CODEOWNERS", ".github/CODEOWNERS",
    "docs/CODEOWNERS", "policies/base/a.cedar", "policies/modes.yaml", "schemas/a.json", "rollouts/shop.yaml",
    "rollouts/notes.md", "rehearsals/shop.yml", "rehearsals/deep/no.yaml", "src/a.py",
)  # fmt: skip


def committed(root):
    for path in FILES:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("version: 1\n")
    quiet = ["-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false"]
    for words in (["init", "--quiet"], ["add", "--all"], [*quiet, "commit", "--quiet", "--message", "rules"]):
        subprocess.run(["git", "-C", str(root), *words], check=True, timeout=30)
    return root


def test_a_folder_and_its_commit_have_the_same_rule_files(tmp_path):
    root = committed(tmp_path)
    tree, commit = FolderRules(root).files(), GitRules(root, "HEAD").files()
    assert tree == commit
    assert rules_digest_of(tree) == rules_digest_of(commit)
    assert tree.keys() == {path for path in FILES if is_rule_file(path, Settings())}
    assert "rehearsals/shop.yml" in tree


def test_whatever_is_a_rule_file_lies_in_a_place_that_is_looked_into():
    places = tuple(place.rstrip("/") for place in rule_places(Settings()))
    for path in FILES:
        inside = path in places or path.startswith(tuple(f"{place}/" for place in places))
        assert inside or not is_rule_file(path, Settings()), path
