from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from interlock.core.change.change import change_digest
from interlock.core.change.parts import Identity


def by_path(part):
    return {file.path: file for file in part.files}


def test_a_commit_is_told_with_both_people_times_and_trailers(repository):
    repository.write("seed.txt", "one\n2\nthree\nfour\n")
    head = repository.commit(
        "Count on\n\nWhy not.\n\nAssisted-by: tool:model [x]\nCo-authored-by: C <c@example.com>\n"
    )
    part = repository.part()
    (commit,) = part.commits
    assert commit.id == head == part.head
    assert commit.author == Identity(name="Ana", email="ana@example.com")
    assert commit.committer == Identity(name="Ben", email="ben@example.com")
    assert commit.authored_at == datetime(2026, 3, 5, 9, 2, tzinfo=UTC)
    assert commit.trailers == (("Assisted-by", "tool:model [x]"), ("Co-authored-by", "C <c@example.com>"))
    assert commit.message.startswith("Count on\n\nWhy not.")
    (file,) = part.files
    assert (file.status, file.added, file.removed, file.binary) == ("modified", 2, 1, False)
    assert part.head_tree == repository.git("rev-parse", "HEAD^{tree}")


def test_a_range_starts_where_the_branches_parted(repository):
    fork = repository.git("rev-parse", "HEAD")
    repository.git("checkout", "-q", "-b", "feature")
    repository.write("feature.txt", "f\n")
    repository.commit()
    repository.git("checkout", "-q", "main")
    repository.write("main.txt", "m\n")
    repository.commit()
    part = repository.part("main", "feature")
    assert part.base == fork
    assert list(by_path(part)) == ["feature.txt"]


def test_renames_types_binaries_modes_and_deletions_are_told_apart(repository):
    for name in ("old name", "gone", "link", "mode"):
        repository.write(name, f"{name}\n" * 20)
    repository.write("picture", bytes(range(256)))
    repository.commit()
    repository.git("mv", "old name", "new name")
    (repository.root / "gone").unlink()
    (repository.root / "link").unlink()
    (repository.root / "link").symlink_to("seed.txt")
    (repository.root / "mode").chmod(0o755)
    repository.write("picture", bytes(reversed(range(256))))
    repository.commit()
    files = by_path(repository.part())
    assert (files["new name"].status, files["new name"].old_path) == ("renamed", "old name")
    assert files["gone"].status == "deleted"
    assert files["gone"].new_blob is None
    assert files["link"].status == "type-changed"
    assert files["link"].new_mode == "120000"
    assert (files["mode"].old_mode, files["mode"].new_mode) == ("100644", "100755")
    assert files["picture"].binary
    assert files["picture"].added is None


def test_copies_are_plain_additions(repository):
    repository.write("copy.txt", "one\ntwo\nthree\n")
    repository.commit()
    assert by_path(repository.part())["copy.txt"].status == "added"


def test_a_submodule_is_a_file_without_lines_or_content(repository, another):
    inner = another("inner")
    inner.write("a", "a\n")
    inner.commit()
    repository.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", os.fspath(inner.root), "sub")
    repository.commit()
    reading = repository.read()
    file = by_path(reading.part)["sub"]
    assert (file.submodule, file.added, file.removed) == (True, None, None)
    assert reading.material.after("sub") is None
    assert reading.material.exists("sub")


def test_a_path_that_is_no_utf8_is_escaped_and_readable_again(repository):
    repository.write(b"na\xefve/\\x.txt", "latin\n")
    repository.write("line\nbreak", "odd\n")
    repository.commit()
    reading = repository.read()
    assert [file.path for file in reading.part.files] == ["line\nbreak", r"na\xefve/\\x.txt"]
    assert reading.material.after(r"na\xefve/\\x.txt") == b"latin\n"
    assert reading.material.exists(r"na\xefve")
    assert reading.material.after("line\nbreak") == b"odd\n"


def test_a_message_and_a_name_that_are_no_utf8_are_kept_readable(repository):
    tree, parent = repository.git("rev-parse", "HEAD^{tree}"), repository.git("rev-parse", "HEAD")
    raw = (
        f"tree {tree}\nparent {parent}\nauthor Jos".encode()
        + b"\xe9 <j@example.com> 99999999999999 +0000\ncommitter  <> 1772700000 -0800\n\n"
        + b"caf\xe9\n\nSigned-off-by: Jos\xe9 <j@example.com>\n"
    )
    head = repository.git("hash-object", "-t", "commit", "-w", "--stdin", "--literally", given=raw)
    (commit,) = repository.part("HEAD", head).commits
    assert commit.author.name == r"Jos\xe9"
    assert commit.authored_at == datetime(1970, 1, 1, tzinfo=UTC)
    assert commit.message.startswith(r"caf\xe9")
    assert commit.trailers == (("Signed-off-by", r"Jos\xe9 <j@example.com>"),)


def test_a_message_in_a_declared_encoding_is_converted(repository):
    repository.write("seed.txt", "x\n")
    repository.git("config", "i18n.commitEncoding", "ISO-8859-1")
    repository.commit(b"caf\xe9\n")
    assert repository.part().commits[0].message == "café\n"


def test_a_message_that_imitates_the_format_does_not_confuse_it(repository):
    repository.write("seed.txt", "x\n")
    repository.commit("T\x1e\x01fake\n\nTT: T\nT: %x00\n")
    (commit,) = repository.part().commits
    assert commit.trailers == (("TT", "T"), ("T", "%x00"))


def test_a_merge_is_read_against_its_first_parent_with_all_it_brought(repository):
    repository.git("checkout", "-q", "-b", "side")
    repository.write("side.txt", "s\n")
    side = repository.commit()
    repository.git("checkout", "-q", "main")
    repository.write("main.txt", "m\n")
    repository.commit()
    repository.git("merge", "-q", "--no-ff", "--no-edit", "side")
    part = repository.part("HEAD^1", "HEAD")
    assert [commit.id for commit in part.commits] == [side, repository.git("rev-parse", "HEAD")]
    assert list(by_path(part)) == ["side.txt"]


def test_a_root_commit_is_described_from_nothing(repository):
    part = repository.part("ROOT", "HEAD")
    assert [file.status for file in part.files] == ["added"]
    assert part.commits[0].parents == ()
    assert part.base == "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def test_criss_cross_merges_have_one_base_that_does_not_depend_on_order(repository):
    repository.git("checkout", "-q", "-b", "other")
    repository.write("o", "1")
    other = repository.commit()
    repository.git("checkout", "-q", "main")
    repository.write("m", "1")
    main = repository.commit()
    repository.git("merge", "-q", "--no-edit", other)
    repository.git("checkout", "-q", "other")
    repository.git("merge", "-q", "--no-edit", main)
    repository.write("o", "2")
    repository.commit()
    part = repository.part("main", "other")
    assert part.base == min(other, main)
    assert {commit.id for commit in part.commits}.isdisjoint({other, main})


def test_every_version_of_the_documentation_is_kept_with_its_commit(repository):
    repository.write("change.md", "plan one\n")
    first = repository.commit()
    repository.write("shop/change.md", "inner\n")
    repository.write("change.md", "plan two\n")
    second = repository.commit()
    repository.write("notchange.md", "no\n")
    (repository.root / "change.md").unlink()
    repository.commit()
    documents = repository.part("HEAD~3").documents
    assert [(doc.path, doc.commit, doc.text) for doc in documents] == [
        ("change.md", first, "plan one\n"),
        ("change.md", second, "plan two\n"),
        ("shop/change.md", second, "inner\n"),
    ]


def test_another_name_for_the_documentation_is_taken_literally(repository):
    repository.write("docs/plan[1]*.md", "this\n")
    repository.write("docs/plan1x.md", "not this\n")
    repository.commit()
    assert [doc.path for doc in repository.part(documentation="plan[1]*.md").documents] == ["docs/plan[1]*.md"]


def test_agent_traces_are_documents(repository):
    repository.write(".agent-trace/a.json", "{}")
    repository.write("deep/.agent-trace/b/c.jsonl", "{}\n")
    repository.commit()
    assert [doc.path for doc in repository.part().documents] == [
        ".agent-trace/a.json",
        "deep/.agent-trace/b/c.jsonl",
    ]


def test_a_long_document_is_cut_and_its_digest_is_of_the_whole(repository):
    repository.write("change.md", "é" * 200_000)
    repository.commit()
    (document,) = repository.part().documents
    assert len(document.text.encode()) <= 256 * 1024
    repository.write("change.md", "é" * 200_001)
    repository.commit()
    assert repository.part().documents[0].digest != document.digest


def test_git_ai_notes_are_found_however_the_notes_tree_fans_out(repository):
    repository.write("seed.txt", "x\n")
    head = repository.commit()
    repository.git("notes", "--ref=ai", "add", "-m", "src/a.py\n  session 1-3", head)
    assert repository.part().commits[0].note == "src/a.py\n  session 1-3\n"
    blob = repository.git("hash-object", "-w", "--stdin", given=b"fanned")
    inner = repository.git("mktree", given=f"100644 blob {blob}\t{head[4:]}\n".encode())
    middle = repository.git("mktree", given=f"040000 tree {inner}\t{head[2:4]}\n".encode())
    tree = repository.git("mktree", given=f"040000 tree {middle}\t{head[:2]}\n".encode())
    repository.git("update-ref", "refs/notes/ai", repository.git("commit-tree", tree, "-m", "notes"))
    assert repository.part().commits[0].note == "fanned"


def test_the_first_git_ai_kept_a_ref_for_each_commit(repository):
    repository.write("seed.txt", "x\n")
    head = repository.commit()
    blob = repository.git("hash-object", "-w", "--stdin", given=b'{"files":{}}')
    repository.git("update-ref", f"refs/ai/authorship/{head}", blob)
    assert repository.part().commits[0].note == '{"files":{}}'


def test_the_origin_is_told_without_its_password_and_does_not_move_the_digest(repository):
    repository.write("seed.txt", "x\n")
    repository.commit()
    before = repository.part()
    repository.git("remote", "add", "origin", "https://user:secret@git.example.com:443/shop/orders.git")
    after = repository.part()
    assert (before.repository, after.repository) == ("", "https://git.example.com/shop/orders")
    assert change_digest((before,)) == change_digest((after,))


def test_a_clone_gives_the_same_part(repository, tmp_path):
    repository.write("seed.txt", "x\n")
    repository.commit()
    repository.git("clone", "-q", "--bare", os.fspath(repository.root), os.fspath(tmp_path / "bare"))
    bare = type(repository)(tmp_path / "elsewhere")
    bare.root = tmp_path / "bare"
    assert bare.part() == repository.part()


def test_a_sha256_repository_is_read(tmp_path, another):
    made = another("new")
    made.git("init", "-q", "--object-format=sha256", os.fspath(tmp_path / "sha256"))
    made.root = tmp_path / "sha256"
    made.write("a", "a\n")
    made.commit()
    part = made.part("ROOT")
    assert len(part.head) == 64
    assert part.files[0].status == "added"


def test_the_material_reads_before_and_after_and_what_did_not_change(repository):
    repository.write("kept/file.txt", "kept\n")
    repository.commit()
    repository.write("seed.txt", "new\n")
    repository.commit()
    material = repository.read().material
    assert list(material.changed()) == ["seed.txt"]
    assert material.before("seed.txt") == b"one\ntwo\nthree\n"
    assert material.after("seed.txt") == b"new\n"
    assert material.after("kept/file.txt") == b"kept\n"
    assert material.after("missing") is None
    assert material.after("kept") is None
    assert [material.exists(path) for path in ("kept", "kept/", "kept/file.txt", "missing")] == [
        True, True, True, False,
    ]  # fmt: skip


def test_nothing_is_left_behind_when_the_material_is_closed(repository):
    repository.write("seed.txt", "new\n")
    repository.commit()
    material = repository.read().material
    material.after("seed.txt")
    folder = material._glass.folder
    pipe = material._glass._pipe
    assert folder.exists()
    assert pipe.running
    material.close()
    material.close()
    assert not folder.exists()
    assert not pipe.running


def test_nothing_is_left_behind_when_the_material_is_forgotten(repository):
    repository.write("seed.txt", "new\n")
    repository.commit()
    reading = repository.read()
    folder = reading.material._glass.folder
    del reading
    assert not folder.exists()


def test_a_commit_of_nothing_but_documentation_says_so(repository):
    repository.write("change.md", "plan\n")
    repository.write("shop/change.md", "plan\n")
    only = repository.commit()
    repository.write("change.md", "plan 2\n")
    repository.write("seed.txt", "x\n")
    both = repository.commit()
    neither = repository.commit("nothing")
    told = {commit.id: commit.documents_only for commit in repository.part("HEAD~3").commits}
    assert told == {only: True, both: False, neither: False}


def test_documentation_that_returns_to_an_older_text_is_told_again(repository):
    for text in ("one\n", "two\n", "one\n"):
        repository.write("change.md", text)
        repository.commit()
    assert [doc.text for doc in repository.part("HEAD~3").documents] == ["one\n", "two\n", "one\n"]


def test_the_last_version_told_is_the_heads_also_when_a_merge_kept_the_other_one(repository):
    base = repository.git("rev-parse", "HEAD")
    repository.write("change.md", "ours\n")
    repository.commit()
    repository.git("checkout", "-q", "-b", "side", base)
    repository.write("change.md", "theirs\n")
    repository.commit()
    repository.git("checkout", "-q", "main")
    repository.git("merge", "-q", "-s", "ours", "--no-edit", "side")
    part = repository.part(base)
    assert [(doc.text, doc.commit) for doc in part.documents[-2:]] == [
        ("theirs\n", part.commits[1].id),
        ("ours\n", part.head),
    ]


def test_notes_are_found_in_a_long_range_too(repository):
    base = repository.git("rev-parse", "HEAD")
    last = [repository.commit(f"{count}") for count in range(51)][-1]
    repository.git("notes", "--ref=ai", "add", "-m", "noted", last)
    assert [commit.note for commit in repository.part(base).commits] == [None] * 50 + ["noted\n"]


def test_several_threads_read_one_material(repository):
    for name in range(40):
        repository.write(f"file{name}", f"{name}\n" * name)
    repository.commit()
    material = repository.read().material
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda name: material.after(f"file{name % 40}"), range(400)))
    assert found == [(f"{name % 40}\n" * (name % 40)).encode() for name in range(400)]
