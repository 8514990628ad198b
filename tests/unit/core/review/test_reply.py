"""An answer is read so that doubt makes it weigh more."""

from __future__ import annotations

import json

import pytest

from interlock.core.change.errors import BadReply
from interlock.core.review.concern import MOST_CONCERNS, concerns_in
from interlock.core.review.reply import MOST_QUESTION, MOST_TEXT, hear

LINES = {"a.py": frozenset({3, 4}), "b.py": frozenset()}


def heard(*concerns, **more):
    return hear([{"concerns": list(concerns), **more}], LINES, plugin="p")


def one(**given):
    return {"path": "a.py", "line": 3, "severity": "low", "class": "test", "text": "t", "question": "q"} | given


def test_a_whole_concern_is_taken_as_it_is():
    (found,) = heard(one()).concerns
    assert found.body() == one()


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"line": 5}, "a.py"),
        ({"line": 0}, "a.py"),
        ({"line": -3}, "a.py"),
        ({"line": True}, "a.py"),
        ({"line": "3"}, "a.py"),
        ({"line": 3.0}, "a.py"),
        ({"path": "b.py"}, "b.py"),
        ({"path": "c.py"}, "the whole change"),
        ({"path": "../a.py"}, "the whole change"),
        ({"path": None}, "the whole change"),
        ({"path": ["a.py"]}, "the whole change"),
    ],
)
def test_a_place_that_was_not_sent_is_the_nearest_that_was(given, place):
    found = heard(one(**given))
    assert [each.where for each in found.concerns] == [place]


def test_a_file_that_was_not_sent_is_named_in_the_text():
    found = heard(one(path="c.py", line=7))
    assert (found.moved, found.concerns[0].text) == (1, "about c.py, which was not sent: t")


@pytest.mark.parametrize("severity", ["none", "critical", "LOW", "", None, 0, ["low"], {"low": 1}])
def test_a_severity_nobody_knows_is_high(severity):
    assert heard(one(severity=severity)).concerns[0].severity == "high"


@pytest.mark.parametrize("kind", ["praise", "", None, 7, ["bug"]])
def test_a_class_nobody_knows_is_another(kind):
    assert heard(one(**{"class": kind})).concerns[0].kind == "other"


def test_other_keys_are_counted_and_not_read():
    found = heard(one(approve=True, answered_by=["ana"]), one(line=4, approve=True), verdict="allow", lower=["x"])
    assert found.ignored == (("answered_by", 1), ("approve", 2), ("lower", 1), ("verdict", 1))
    assert len(found.concerns) == 2


def test_a_question_alone_is_a_concern():
    (found,) = heard(one(text="  ")).concerns
    assert (found.text, found.question) == ("q", "")


@pytest.mark.parametrize(
    "answer",
    [None, [], "none", 7, {}, {"concerns": None}, {"concerns": {}}, {"concerns": "none"}, {"concerns": [None]},
     {"concerns": [{}]}, {"concerns": [{"text": "", "question": ""}]}, {"concerns": [{"text": 7}]},
     {"approve": True}],
)  # fmt: skip
def test_anything_else_is_no_answer_and_never_no_concerns(answer):
    with pytest.raises(BadReply) as refused:
        hear([answer], LINES, plugin="p")
    assert refused.value.code == "review-unreadable"


def test_no_form_at_all_is_no_answer():
    with pytest.raises(BadReply):
        hear([], LINES, plugin="p")


def test_of_several_forms_all_concerns_are_taken_and_each_once():
    found = hear([{"concerns": [one()]}, {"concerns": [one(), one(line=4)]}], LINES, plugin="p")
    assert [each.where for each in found.concerns] == ["a.py:3", "a.py:4"]
    assert found.cut == 0


def test_what_is_too_long_is_cut_and_counted():
    found = heard(one(text="x" * (MOST_TEXT + 1)), one(line=4, question="y" * (MOST_QUESTION + 1)))
    assert found.shortened == 2
    assert len(found.concerns[0].text) == MOST_TEXT
    assert len(found.concerns[1].question) == MOST_QUESTION


def test_what_is_too_much_is_cut_the_severest_kept_and_the_rest_is_a_concern_itself():
    many = [one(text=f"low {n}") for n in range(MOST_CONCERNS)]
    found = heard(*many, one(text="the one that counts", severity="high"))
    assert found.concerns[0].text == "the one that counts"
    assert (len(found.concerns), found.cut) == (MOST_CONCERNS, 1)
    *_, rest = concerns_in({"concerns": [each.body() for each in found.concerns], "cut": found.cut})
    assert rest.text == "1 more concerns than are kept were raised"
    assert rest.severity == "high"


def test_wide_characters_are_cut_by_their_bytes():
    found = heard(*(one(text=f"{n}" + "𝕏" * MOST_TEXT, question="𝕏" * MOST_QUESTION) for n in range(30)))
    assert 0 < len(found.concerns) < 30
    assert found.cut == 30 - len(found.concerns)


def test_half_a_character_can_be_written_down():
    found = heard(one(text="a\ud800b", path="\udfff", **{"\ud800": 1}))
    json.dumps([each.body() for each in found.concerns], ensure_ascii=False).encode()
    assert found.ignored == (("?", 1),)


@pytest.mark.parametrize(
    "summary",
    [{}, {"concerns": None}, {"concerns": "none"}, {"concerns": [7]}, {"concerns": [{"path": 1, "text": "t"}]}],
)
def test_a_statement_that_cannot_be_read_is_a_concern(summary):
    assert [one.text for one in concerns_in(summary)] == ["a concern on record cannot be read"]


def test_a_statement_with_too_many_is_cut_like_an_answer():
    found = concerns_in({"concerns": [one(text=f"{n}") for n in range(MOST_CONCERNS + 2)], "cut": 3})
    assert len(found) == MOST_CONCERNS + 1
    assert found[-1].text.startswith("5 more")
    for cut in (-1, True, "7", None):
        assert concerns_in({"concerns": [], "cut": cut}) == ()
