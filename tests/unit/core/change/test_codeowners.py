"""CODEOWNERS as the forges read it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.core.change.catalog import Catalog, Group, OwnerRule, Person
from interlock.core.change.codeowners import groups_of, owners_in, owners_of, people_of, read_codeowners
from interlock.core.change.errors import InvalidInput


def rules(text: str) -> tuple[OwnerRule, ...]:
    return read_codeowners("CODEOWNERS", text.encode())


def test_the_last_match_wins() -> None:
    found = rules("* @all\n*.js @js\n/docs/ docs@example.com @doctor\n/docs/secret.md\n")
    assert owners_of(found, "a.py") == ("@all",)
    assert owners_of(found, "src/a.js") == ("@js",)
    assert owners_of(found, "docs/x.js") == ("docs@example.com", "@doctor")
    assert owners_of(found, "docs/secret.md") == ()
    assert owners_of((), "a.py") == ()


def test_comments_blank_lines_and_escapes() -> None:
    found = rules("# all\n\n*  @all  # everybody\na\\ b.txt @ana\n\\#note @ben\n")
    assert [(rule.pattern, rule.owners, rule.place.line) for rule in found] == [
        ("*", ("@all",), 3),
        ("a\\ b.txt", ("@ana",), 4),
        ("\\#note", ("@ben",), 5),
    ]
    assert owners_of(found, "a b.txt") == ("@ana",)
    assert owners_of(found, "#note") == ("@ben",)


def test_sections_of_gitlab_are_judged_each_for_itself() -> None:
    found = rules("* @all\n[Docs] @docs\n*.md\n^[Security][2] @sec\n/src/\n!/src/x/\n*.py @py\n")
    assert owners_of(found, "README.md") == ("@all", "@docs")
    assert owners_of(found, "src/a.c") == ("@all", "@sec")
    assert owners_of(found, "src/a.py") == ("@all", "@py")
    assert owners_of(found, "src/x/a.c") == ("@all",)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("* @ok\n*.c @a \x1b[31m\n", 2),
        (f"{'a' * 1001} @ana\n", 1),
        (f"* a@{'.' * 400}@\n", 1),
    ],
)
def test_a_line_that_is_neither_is_refused(text: str, line: int) -> None:
    with pytest.raises(InvalidInput, match=f"`CODEOWNERS:{line}`") as caught:
        rules(text)
    assert caught.value.code == "codeowners-line"


def test_an_owner_of_another_form_owns_the_path_and_names_nobody() -> None:
    """A forge's application among the owners once made a whole catalog unreadable."""
    found = rules("* @all\nbot/ app/renovate-approve\n")
    assert owners_of(found, "bot/x") == ("app/renovate-approve",)
    assert groups_of(Catalog(digest="d", owner_rules=found), "app/renovate-approve") == ()


def test_bytes_and_length_are_limited() -> None:
    with pytest.raises(InvalidInput, match="UTF-8"):
        read_codeowners("CODEOWNERS", b"* @\xff\n")
    with pytest.raises(InvalidInput, match="lines"):
        rules("* @a\n" * 20_001)
    assert len(rules("* @a\n" * 20_000)) == 20_000


def test_owners_are_people_and_groups_of_the_catalog() -> None:
    catalog = Catalog(
        digest="",
        people={
            "ana": Person(name="ana", emails=("Ana@Example.com",), accounts=("ana-shop",)),
            "ben": Person(name="ben", accounts=("benny",)),
        },
        groups={
            "pay": Group(name="pay", members=("ana",)),
            "core": Group(name="core", parent="pay", members=("ben",)),
        },
    )
    assert groups_of(catalog, "@org/pay") == ("pay",)
    assert groups_of(catalog, "@Ana-Shop") == ("user:ana",)
    assert groups_of(catalog, "ana@example.com") == ("user:ana",)
    assert groups_of(catalog, "@pay") == ("pay",)
    assert groups_of(catalog, "@org/nobody") == groups_of(catalog, "@nobody") == ()
    assert people_of(catalog, "@org/pay") == ("ana", "ben")
    assert people_of(catalog, "@benny") == ("ben",)


_LINES = st.lists(
    st.sampled_from(
        ["* @a", "*.py @b", "/src/ @c", "src/x", "[Docs] @d", "/docs/", "!/docs/x", "[E]", "a/**/b @e"]
    ),
    max_size=8,
)


@given(_LINES, st.sampled_from(["a.py", "src/x", "src/y.py", "docs/x", "docs/y/z", "a/q/b", "a/b/c.py"]))
def test_the_index_of_a_catalog_says_what_the_rules_say(lines: list[str], path: str) -> None:
    found = rules("\n".join(lines))
    assert owners_in(Catalog(digest="", owner_rules=found), path) == owners_of(found, path)
