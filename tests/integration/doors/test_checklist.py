"""``change checklist`` whole: a governed shop before and after what it needs, and the file that is written."""

from __future__ import annotations

import os
import subprocess

import pytest

from interlock.doors.cli.text import logged

REHEARSAL = b"""\
service: order-service
environment: staging
objective: 60s
driver: {kind: command}
apply:
  - name: configuration
    run: [cp, config/delivery.yaml, ../staging/delivery.yaml]
    verify: [cmp, config/delivery.yaml, ../staging/delivery.yaml]
rollback:
  - name: configuration
    run: [sh, -c, "git show ${ROLLOUT_BASE:?}:config/delivery.yaml > ../staging/delivery.yaml"]
    verify: [grep, -q, "max_days: 7", ../staging/delivery.yaml]
probes:
  - {name: configuration, kind: run, run: [cat, ../staging/delivery.yaml]}
"""
ROLLOUT = b"""\
service: order-service
environment: production
router: {kind: command, set: [./weight, "{percent}"], get: [./weight]}
meters:
  - kind: scrape
    canary: ["http://127.0.0.1:9/canary"]
    control: ["http://127.0.0.1:9/control"]
    metrics:
      orders: {series: shop_orders_total}
judge:
  alpha: 0.01
  metrics:
    orders: {kind: good}
stages:
  - {percent: 1, bake: 15m}
  - {percent: 25, bake: 90s}
rollback:
  - {name: image, run: [./deploy, --to, "the one before"], verify: [./serves, previous]}
"""


@pytest.fixture
def shop(governed):
    folder = governed({"rehearsals/order-service.yaml": REHEARSAL, "rollouts/order-service.yaml": ROLLOUT})
    (folder / "staging").mkdir()
    before = subprocess.check_output(["git", "show", "main:config/delivery.yaml"], timeout=30)
    (folder / "staging" / "delivery.yaml").write_bytes(before)
    return folder


def page(terminal, *more):
    return terminal.ok("change", "checklist", os.environ["INTERLOCK_CHANGE"], *more).out


def line_with(text, words):
    return next(line for line in text.splitlines() if words in line)


def test_the_record_ticks_what_it_shows_and_every_other_box_has_its_remedy(shop, terminal):
    name = os.environ["INTERLOCK_CHANGE"]
    before = line_with(page(terminal), "rollback rehearsed")
    assert before.startswith("- [ ] ")
    assert before.endswith(f"→ on a trusted runner: interlock evidence run rehearsal {name}")
    done = terminal.ok("evidence", "run", "rehearsal", "--key", shop / "runner.pem", "--json").json
    evidence = done["items"][0]["evidence"]["kept"]["id"]
    terminal.ok("approve", name, "--key", shop / "keys" / "ana")
    after = page(terminal)
    assert line_with(after, "rollback rehearsed").startswith("- [x] ")
    assert evidence in line_with(after, "rollback rehearsed")
    shown = line_with(after, "going back rehearsed: order-service in staging in ")
    assert shown.startswith("- [x] ")
    assert "of at most 60 s" in shown
    assert f"{evidence} by ci, of 20" in shown
    assert "until 20" in shown
    approved = line_with(after, "ana (senior")
    assert approved.startswith("- [x] ana (senior, by a key alone): `sig-")
    assert line_with(after, "alert for each failure mode").startswith("- [ ] ")
    assert [line for line in after.splitlines() if line.startswith("- [x]") and "a person" in line] == []
    assert page(terminal) == after


def test_the_way_back_is_what_would_really_run(shop, terminal):
    text = page(terminal)
    assert "interlock rollback order-service --dry-run" in text
    assert "\ninterlock rollback order-service\n" in text
    assert "./deploy --to 'the one before'   # image" in text
    assert "sh -c 'git show ${ROLLOUT_BASE:?}:config/delivery.yaml > ../staging/delivery.yaml'   # conf" in text
    assert "- [ ] 1 % for 15 min" in text
    assert "- [ ] 25 % for 90 s" in text
    step = line_with(text, "sh -c 'git show").partition("   # ")[0]
    exports = line_with(text.partition("As it is rehearsed")[2], "export ")
    assert "ROLLOUT_ENVIRONMENT" not in exports, "staging is not where it goes back"
    (shop / "staging" / "delivery.yaml").unlink()
    subprocess.run(["bash", "-c", f"ROLLOUT_ENVIRONMENT=production; {exports}; {step}"], check=True, timeout=30)
    assert "max_days: 7" in (shop / "staging" / "delivery.yaml").read_text()


def test_a_push_takes_the_ticks_away(shop, terminal):
    terminal.ok("evidence", "run", "rehearsal", "--key", shop / "runner.pem")
    terminal.ok("approve", os.environ["INTERLOCK_CHANGE"], "--key", shop / "keys" / "ana")
    code = shop / "shop" / "src" / "promise.py"
    code.write_text(code.read_text() + "# more\n")
    subprocess.run(["git", "commit", "--quiet", "--all", "--message", "More"], check=True, timeout=30)
    terminal.ok("change", "push")
    text = page(terminal)
    assert line_with(text, "rollback rehearsed").startswith("- [ ] ")
    assert line_with(text, "going back rehearsed").startswith("- [ ] ")
    assert line_with(text, "does not count").startswith("- [ ] ana: `sig-")


def test_a_file_in_which_somebody_ticked_a_box_is_not_replaced_unasked(shop, terminal):
    file = shop / "shop" / "DEPLOY_CHECKLIST.md"
    said = terminal.ok("change", "checklist", "--out", file)
    assert said.out == ""
    assert file.read_text() == page(terminal)
    terminal.ok("change", "checklist", "--out", file)
    ticked = file.read_text().replace("- [ ] these are open", "- [x] these are open")
    file.write_text(ticked)
    refused = terminal("change", "checklist", "--out", file)
    assert (refused.code, refused.err.startswith("error[checklist-exists]")) == (2, True)
    assert file.read_text() == ticked
    terminal.ok("change", "checklist", "--out", file, "--replace")
    assert file.read_text() == page(terminal)


def test_where_nobody_wrote_change_md_the_form_is_part_of_it(founded, terminal):
    opened = terminal.ok("change", "open", "--base", "main", "--json").json
    text = terminal.ok("change", "checklist", opened["id"]).out
    form = terminal.ok("change", "checklist", opened["id"], "--form").out
    assert "Nobody has written `change.md` in full" in text
    assert form in text
    assert "  metric: orders_total\n" in form
    assert terminal.ok("change", "checklist").out == form.replace(" orders_total", "")
    shown = terminal.ok("change", "checklist", opened["id"], "--json").json
    assert (shown["text"], shown["form"]) == (text, form)
    assert "- [ ] validation failed: config/delivery.yaml:3" in text


def test_an_unknown_change_and_an_unknown_place_are_told(founded, terminal):
    assert terminal("change", "checklist", "chg-nothere").code == 2
    opened = terminal.ok("change", "open", "--base", "main", "--json").json
    assert terminal("change", "checklist", opened["id"], "--environment", "../x").code == 2


def test_a_pipelines_log_holds_no_command_and_what_is_copied_stays_exact(shop, terminal, monkeypatch):
    name = os.environ["INTERLOCK_CHANGE"]
    before = terminal.ok("change", "checklist", name).out
    monkeypatch.setenv("TF_BUILD", "True")
    assert terminal.ok("change", "checklist", name).out == before
    hostile = "  ::add-mask::x\n##vso[task.x]\n## Heading\nsh -c 'echo ${a##*/} b::c'   ##[error]\n"
    assert logged(hostile) == (
        "  : :add-mask::x\n# #vso[task.x]\n## Heading\nsh -c 'echo ${a##*/} b::c'   # #[error]\n"
    )
    monkeypatch.delenv("TF_BUILD")
    monkeypatch.setenv("GITHUB_ACTIONS", "")
    assert logged("::error::x") == ": :error::x"


def test_an_environment_that_nobody_knows_has_no_page(shop, terminal):
    wrong = terminal("change", "checklist", os.environ["INTERLOCK_CHANGE"], "--environment", "prodution")
    assert (wrong.code, wrong.out) == (2, "")
    assert wrong.err.startswith(
        "error[environment-unknown]: expected an environment of interlock.yaml, got `prodution` "
        "(did you mean `production`?)"
    )
