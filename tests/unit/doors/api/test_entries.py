"""The ledger's entries through the API: newest first, in pages, and those about one record."""

import pytest

from interlock.core.approval.actor import Scope
from interlock.doors.api.app import create_app


@pytest.fixture
def ask(station, over, make_token):
    web = over(create_app(station))
    noting = {"authorization": f"Bearer {make_token(Scope.RECORD, Scope.READ, principal='ci', kind='pipeline')}"}
    for number in range(5):
        event = {"name": "step.done", "subject": f"chg-{number % 2}", "said": {"n": number}}
        assert web.post("/v1/events", headers=noting, json={"events": [event]}).status_code == 201

    def asked(**query):
        return web.get("/v1/ledger/entries", headers=noting, params=query)

    return asked


def test_pages_lead_to_the_first_entry_without_gaps(ask):
    seen, after = [], None
    while True:
        page = ask(limit=3, **({} if after is None else {"after": after})).json()
        seen += [one["index"] for one in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert seen == list(range(seen[0], -1, -1))
    assert len(seen) >= 5


def test_entries_about_one_record(ask):
    page = ask(subject="chg-0", limit=2).json()
    assert [one["body"]["said"]["n"] for one in page["items"]] == [4, 2]
    rest = ask(subject="chg-0", limit=2, after=page["next"]).json()
    assert [one["body"]["said"]["n"] for one in rest["items"]] == [0]
    assert rest["next"] is None
    assert ask(subject="nobody").json() == {"items": [], "next": None}


@pytest.mark.parametrize(
    "query", [{"after": "x"}, {"after": "-1"}, {"limit": "0"}, {"limit": "201"}, {"kind": "a"}]
)
def test_other_queries_are_refused(ask, query):
    reply = ask(**query)
    assert (reply.status_code, reply.json()["code"]) == (422, "query-parameter")
