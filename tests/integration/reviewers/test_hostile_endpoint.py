"""The reviewers through the real client libraries against an endpoint that does whatever it likes."""

from __future__ import annotations

import json
import socket

import pytest

from interlock.core.change.errors import BadReply, InvalidInput, Rejected, Unavailable
from interlock.core.review.ask import Ask
from interlock.core.review.reply import hear
from interlock.core.review.settings import ReviewerSettings
from interlock.plugins.reviewers.bounded import MOST_BYTES
from interlock.registry import reviewers
from interlock.testing.endpoint import Endpoint, concern, drips, fills_in, never_ends, replies, says

KINDS = ("anthropic", "openai")
ASK = Ask(document='{"files": []}', lines={"a.py": frozenset({1, 2})})
FORM = {"concerns": [concern("a.py", 1)]}


@pytest.fixture
def endpoint():
    with Endpoint() as running:
        yield running


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


def reviewer(kind, endpoint, *, key="sk-secret", **more):
    given = {"seconds": 20.0, "retries": 0, **more}
    settings = ReviewerSettings(kind=kind, endpoint=endpoint.base(kind), model="m-1", send=("**",), **given)
    return reviewers()[kind](settings, key)


def ask(kind, endpoint, *manners, **more):
    endpoint.manners[:] = manners
    return reviewer(kind, endpoint, **more).review(ASK)


@pytest.mark.parametrize("kind", KINDS)
def test_the_form_comes_back_as_it_was_filled_in(kind, endpoint):
    found = ask(kind, endpoint, fills_in(FORM))
    assert (list(found.answers), dict(found.beside)) == ([FORM], {})
    assert [one.where for one in hear(found.answers, ASK.lines, plugin=kind).concerns] == ["a.py:1"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_shown_is_what_is_sent_and_nothing_of_the_environment(kind, endpoint, monkeypatch):
    for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "ANTHROPIC_AUTH_TOKEN", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, "leaked")
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "x-leaked: leaked\nauthorization: leaked")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/leaked")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:1/leaked")
    ask(kind, endpoint, fills_in(FORM))
    (sent,) = endpoint.requests
    assert sent.json == reviewer(kind, endpoint).body(ASK)
    assert sent.headers["x-api-key" if kind == "anthropic" else "authorization"].endswith("sk-secret")
    known = {
        "accept", "accept-encoding", "anthropic-version", "connection", "content-length", "content-type", "host",
        "user-agent", "x-stainless-raw-response", "x-api-key" if kind == "anthropic" else "authorization",
    }  # fmt: skip
    assert set(sent.headers) <= known
    assert "leaked" not in str(sent)


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_key_none_is_sent(kind, endpoint, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "leaked")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "leaked")
    ask(kind, endpoint, fills_in(FORM), key="")
    assert not {"authorization", "x-api-key"} & set(endpoint.requests[0].headers)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "manner",
    [
        says("APPROVED. No concerns."),
        says(json.dumps({"concerns": []})),
        fills_in({"concerns": []}, tool="approve"),
        fills_in({"concerns": []}, ended="max_tokens"),
        fills_in({"concerns": []}, ended="length"),
        fills_in({"concerns": []}, ended="refusal"),
        replies(200, b"not JSON"),
        replies(200, b"{}"),
        replies(200, b"[]"),
        replies(200, b""),
        replies(200, b'{"choices": [], "content": []}'),
        replies(200, b'{"choices": null, "content": 7}'),
        replies(200, b'{"choices": [{"finish_reason": "stop", "message": 1}], "content": [1]}'),
        replies(200, b"<html>sign in</html>", content_type="text/html"),
        replies(200, b"[" * 100_000),
        replies(200, b" " * (MOST_BYTES + 1)),
        replies(200, b"\x1f\x8b\x08\x00", content_encoding="gzip"),
        never_ends(),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_never_one_without_concerns(kind, manner, endpoint):
    with pytest.raises(BadReply, match="expected an answer in the demanded form") as refused:
        ask(kind, endpoint, manner)
    assert refused.value.code == "review-unreadable"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "form", ["[]", '"none"', "null", '{"concerns": {}}', '{"approve": true}', '{"concerns": [1]}']
)
def test_a_form_of_another_shape_is_no_answer(kind, form, endpoint):
    with pytest.raises(BadReply) as refused:
        hear(ask(kind, endpoint, fills_in(json.loads(form))).answers, ASK.lines, plugin=kind)
    assert refused.value.code == "review-unreadable"


def test_arguments_that_are_no_json_or_say_a_key_twice_are_no_answer(endpoint):
    for text in ("{", "", '{"concerns": [], "concerns": []}', "NaN"):
        with pytest.raises(BadReply):
            ask("openai", endpoint, fills_in(text))


@pytest.mark.parametrize("kind", KINDS)
def test_the_call_of_another_tool_is_counted_and_not_made(kind, endpoint):
    def both(request):
        if kind == "anthropic":
            blocks = [
                {"type": "tool_use", "name": "run_shell", "input": {"command": "rm -rf /"}},
                {"type": "tool_use", "name": "report_concerns", "input": FORM},
                {"type": "text", "text": "approved"},
            ]
            reply = {"content": blocks, "stop_reason": "tool_use"}
        else:
            calls = [
                {"function": {"name": "run_shell", "arguments": '{"command": "rm -rf /"}'}},
                {"function": {"name": "report_concerns", "arguments": json.dumps(FORM)}},
            ]
            message = {"role": "assistant", "content": "approved", "tool_calls": calls}
            reply = {"choices": [{"finish_reason": "tool_calls", "message": message}]}
        replies(200, json.dumps(reply).encode())(request)

    found = ask(kind, endpoint, both)
    assert list(found.answers) == [FORM]
    assert dict(found.beside) == {"call of another tool": 1, "text": 1}


@pytest.mark.parametrize("kind", KINDS)
def test_a_redirect_is_not_followed(kind, endpoint):
    with Endpoint([fills_in({"concerns": []})]) as elsewhere:
        for status in (301, 302, 307, 308):
            with pytest.raises(Rejected, match="a redirect") as refused:
                ask(kind, endpoint, replies(status, b"", location=f"{elsewhere.address}/v1/messages"))
            assert refused.value.code == "review-refused"
        assert elsewhere.requests == []


@pytest.mark.parametrize("kind", KINDS)
def test_refusals_are_said_with_their_status_and_cut(kind, endpoint):
    for status in (400, 401, 404, 500):
        with pytest.raises(Rejected, match=f"status {status}") as refused:
            ask(kind, endpoint, replies(status, b'{"error": {"message": "\\u001b[31mno' + b"x" * 5_000 + b'"}}'))
        assert "\x1b" not in refused.value.message
        assert len(refused.value.message) < 500
    with pytest.raises(BadReply):
        ask(kind, endpoint, never_ends(status=400))


@pytest.mark.parametrize("kind", KINDS)
def test_it_tries_again_as_often_as_the_rules_say(kind, endpoint):
    overloaded = replies(503, b"{}", retry_after_ms="1")
    assert ask(kind, endpoint, overloaded, fills_in(FORM), retries=1).answers == [FORM]
    assert len(endpoint.requests) == 2
    with pytest.raises(Rejected, match="status 503"):
        ask(kind, endpoint, overloaded, overloaded, fills_in(FORM), retries=1)
    assert len(endpoint.requests) == 4


@pytest.mark.parametrize("kind", KINDS)
def test_one_that_drips_or_is_silent_is_left_in_time(kind, endpoint):
    for manner in (drips(endpoint.closed), lambda _: endpoint.closed.wait(60)):
        with pytest.raises(Unavailable, match=r"none within 1\.5 s") as silent:
            ask(kind, endpoint, manner, seconds=1.5, retries=5)
        assert silent.value.code == "review-silent"


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_there_is_an_outage(kind):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        settings = ReviewerSettings(
            kind=kind, endpoint=f"http://127.0.0.1:{port}", model="m", send=("**",), retries=0
        )
        with pytest.raises(Unavailable) as silent:
            reviewers()[kind](settings, "k").review(ASK)
    assert silent.value.code == "review-silent"


@pytest.mark.parametrize("kind", KINDS)
def test_the_proxy_of_the_environment_is_used(kind, endpoint, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", endpoint.address)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    endpoint.manners[:] = [replies(200, b"{}")]
    settings = ReviewerSettings(kind=kind, endpoint="http://reviewer.example", model="m", send=("**",), retries=0)
    with pytest.raises(BadReply):
        reviewers()[kind](settings, "k").review(ASK)
    assert endpoint.requests[0].path.startswith("http://reviewer.example/")


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_that_cannot_be_one_is_refused_and_not_shown(kind, endpoint):
    with pytest.raises(InvalidInput) as refused:
        reviewer(kind, endpoint, key="sk\r\nx-other: 1")
    assert refused.value.code == "reviewer-key"
    assert "x-other" not in refused.value.message
