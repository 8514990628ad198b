"""``report deployments`` whole: real repositories with tags, and a governed shop with a record."""

from __future__ import annotations

import os
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

MANIFESTS = Path(__file__).parents[2] / "data" / "microservices-demo" / "kubernetes-manifests.yaml"
CI = "on: push\njobs:\n  test:\n    steps:\n      - run: make test\n"
ORDERS = """\
groups:
  - name: orders
    rules:
      - record: shop:orders:rate5m
        expr: sum(rate(orders_placed_total[5m]))
      - alert: OrdersDrop
        expr: shop:orders:rate5m < 10
        for: 2m
      - alert: DiskFull
        expr: node_filesystem_avail_bytes < 1
"""
COUNTED = "PLACED = Counter('orders_placed', 'Orders that were placed.')\n"
ROLLOUT = """\
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata:
  name: checkoutservice
spec:
  strategy:
    canary:
      steps:
        - setWeight: 5
        - pause: {duration: 10m}
        - setWeight: 50
"""


class Repository:
    """A repository in which every commit and tag has a day of its own."""

    def __init__(self, root: Path) -> None:
        self.root, self.day = root, 0
        root.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *words: str) -> str:
        moment = f"2026-03-{self.day + 1:02d}T10:00:00Z"
        names = {f"GIT_{role}_{key}": f"ana{key}" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
        dates = {f"GIT_{role}_DATE": moment for role in ("AUTHOR", "COMMITTER")}
        alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(
            ["git", "-C", str(self.root), *words],
            env={**os.environ, **alone, **names, **dates},
            capture_output=True,
            check=True,
            timeout=60,
        )
        return done.stdout.decode().strip()

    def release(self, tag: str, files: dict[str, str | None], *, annotated: bool = False) -> str:
        """Write these files (None takes one away), commit and tag them; the commit."""
        self.day += 1
        for path, content in files.items():
            place = self.root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink() if content is None else place.write_text(content)
        self.git("add", "--all")
        self.git("commit", "-q", "--allow-empty", "-m", f"Release {tag}")
        self.git("tag", *(("-a", "-m", tag) if annotated else ()), tag)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path, monkeypatch):
    made = Repository(tmp_path / "repository")
    monkeypatch.chdir(made.root)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in [name for name in os.environ if name.startswith("INTERLOCK_")]:
        monkeypatch.delenv(name)
    return made


def audited(terminal, *more):
    done = terminal("report", "deployments", "--json", *more)
    assert done.code == 0, done
    return done.json


def said(item):
    return {key: answer["said"] for key, answer in item["answers"].items()}


def test_each_release_is_read_as_it_was_then(terminal, repository):
    shop = MANIFESTS.read_text()
    repository.release("v1.0.0", {"k8s/shop.yaml": shop, ".github/workflows/ci.yml": CI})
    repository.release("v1.1.0", {"monitoring/orders.yaml": ORDERS, "src/orders.py": COUNTED}, annotated=True)
    canaried = repository.release("v1.2.0", {"k8s/checkout.yaml": ROLLOUT})
    repository.release("v1.3.0-rc1", {"k8s/checkout.yaml": None})
    found = audited(terminal)
    assert [one["name"] for one in found["items"]] == ["v1.2.0", "v1.1.0", "v1.0.0"]
    assert [said(one) for one in found["items"]] == [
        {"rollback": "no", "canary": "no", "alert": "yes"},
        {"rollback": "no", "canary": "no", "alert": "yes"},
        {"rollback": "no", "canary": "no", "alert": "unknown"},
    ]
    newest = found["items"][0]
    assert newest["commit"] == canaried
    assert newest["answers"]["canary"]["places"] == ["k8s/checkout.yaml:2"]
    assert newest["answers"]["canary"]["why"].startswith("1 of 12 workloads with a canary: checkoutservice; none")
    assert newest["answers"]["alert"]["places"] == ["monitoring/orders.yaml:6"]
    assert "by its name alone" in newest["answers"]["alert"]["why"]
    assert newest["counts"]["workloads"] == 12
    assert found["git"]["left_out"] == {"before a release (rc, beta, …)": 1}
    assert (found["record"]["asked"], found["record"]["why"]) == (False, "none here")


def test_of_a_service_only_what_names_it_counts(terminal, repository):
    repository.release("v1.0.0", {"k8s/shop.yaml": MANIFESTS.read_text(), "k8s/checkout.yaml": ROLLOUT})
    for service, canary in (("checkoutservice", "yes"), ("cartservice", "no"), ("nothing-there", "unknown")):
        [one] = audited(terminal, "--service", service)["items"]
        assert said(one)["canary"] == canary, service


def test_where_nothing_waits_and_where_another_has_it_there_is_no_canary(terminal, repository):
    repository.release("v1.0.0", {"k8s/a.yaml": ROLLOUT.replace("        - pause: {duration: 10m}\n", "")})
    repository.release("v1.1.0", {"k8s/a.yaml": ROLLOUT})
    repository.release("v1.2.0", {"k8s/b.yaml": "kind: Deployment\nmetadata: {name: shop}\n"})
    other, waits, never = (one["answers"]["canary"] for one in audited(terminal)["items"])
    assert (never["said"], waits["said"], other["said"]) == ("no", "yes", "no")
    assert "nothing waits at 5 %" in never["why"]
    assert other["why"].startswith("1 of 2 workloads with a canary: checkoutservice; none for shop")


def test_the_catalog_of_that_time_says_which_metric_is_the_business(terminal, repository):
    catalog = "metadata:\n  name: shop\n  annotations:\n    interlock.dev/metric: baskets_sold\nkind: Component\n"
    rule = "groups:\n  - name: a\n    rules:\n      - {alert: Few, expr: baskets_sold < 3}\n"
    repository.release("v1", {"catalog-info.yaml": catalog, "rules.yaml": ORDERS})
    repository.release("v2", {"rules.yaml": rule})
    newest, older = audited(terminal)["items"]
    assert said(newest)["alert"] == "yes"
    assert "the catalog's metric" in newest["answers"]["alert"]["why"]
    assert said(older)["alert"] == "unknown"  # it is called like one, and the catalog names another
    assert older["answers"]["alert"]["places"] == ["rules.yaml:6"]


def test_what_is_named_after_orders_and_what_nobody_counts_is_no_alert_on_orders(terminal, repository):
    http = ORDERS.replace("orders_placed_total", 'http_requests_total{service="order_service",job="orders"}')
    repository.release("v1", {"rules.yaml": http.replace("shop:orders:rate5m", "orders:traffic:rate5m")})
    repository.release("v2", {"rules.yaml": ORDERS, "README.md": "counts orders_placed_total"})
    repository.release("v3", {"app/count.go": 'Subsystem: "orders", Name: "placed_total"'})
    repository.release("v4", {"rules.yaml": ORDERS.replace("for: 2m", "labels: {severity: none}")})
    silenced, counted, uncounted, requests = audited(terminal, "--last", "4")["items"]
    assert [said(one)["alert"] for one in (requests, uncounted, counted, silenced)] == [
        "no",
        "unknown",
        "yes",
        "no",
    ]
    assert uncounted["answers"]["alert"]["places"] == ["rules.yaml:6"]
    assert "nothing here but alert rules names it" in uncounted["answers"]["alert"]["why"]
    assert "OrdersDrop on orders_placed_total is for nobody: severity none" in silenced["answers"]["alert"]["why"]


def test_an_alert_about_staging_or_on_nothing_at_all_is_none(terminal, repository):
    repository.release("v1", {"src/orders.py": COUNTED + "Counter('sort_order')", "rules.yaml": ORDERS})
    staging = ("total[5m]", 'total{env="staging"}[5m]')
    for day, by in enumerate((staging, ("< 10", ">= 0"), ("< 10", "> 1e12"), ("orders_placed", "sort_order"))):
        repository.release(f"v{day + 2}", {"rules.yaml": ORDERS.replace(*by)})
    found = [one["answers"]["alert"] for one in reversed(audited(terminal, "--last", "5")["items"])]
    assert [one["said"] for one in found] == ["yes", "no", "no", "unknown", "unknown"]
    whys = ['env="staging" only', "fires always", "no rate comes to 1e+12", "by its name alone, sort_order_total"]
    assert all(why in one["why"] for why, one in zip(whys, found[1:], strict=True))


def test_in_a_partial_copy_nobody_says_that_nothing_counts_it(terminal, repository, tmp_path, monkeypatch):
    repository.release("v1.0.0", {"rules.yaml": ORDERS, "src/orders.py": COUNTED + "#" * 3_000})
    repository.git("config", "uploadpack.allowFilter", "true")
    copy = tmp_path / "copy"
    repository.git(
        "clone", "-q", "--filter=blob:limit=1k", "--no-checkout", f"file://{repository.root}", str(copy)
    )
    monkeypatch.chdir(copy)
    [one] = audited(terminal)["items"]
    assert said(one)["alert"] == "unknown"
    assert "whether anything counts it could not be looked up" in one["answers"]["alert"]["why"]


def test_a_way_back_in_ci_is_a_step_that_exists_and_no_more(terminal, repository):
    back = CI + "      # helm rollback was here\n      - run: helm -n shop rollback shop 3\n"
    repository.release("v1.0.0", {".gitlab-ci.yml": back})
    [one] = audited(terminal)["items"]
    assert said(one)["rollback"] == "unknown"
    assert one["answers"]["rollback"]["places"] == [".gitlab-ci.yml:7"]
    assert "that it ran, and what came of it, is not known" in one["answers"]["rollback"]["why"]


def test_what_could_not_be_read_is_unknown_and_named(terminal, repository):
    template = (
        "{{- if .Values.alerts }}\nkind: PrometheusRule\nspec:\n  groups:\n  - rules:\n    - alert: Quiet\n"
        "      expr: rate(orders_total[5m]) < {{ .Values.least }}\n{{- end }}\n"
    )
    canary = "{{ if .x }}\nkind: Canary\nspec:\n  analysis: {maxWeight: 50}\n{{ end }}\n"
    workload = "kind: Deployment\nmetadata: {name: shop}\n"
    repository.release(
        "v1.0.0", {"chart/templates/a.yaml": template, "chart/templates/c.yaml": canary, "k8s/d.yaml": workload}
    )
    [one] = audited(terminal)["items"]
    assert said(one) == {"rollback": "unknown", "canary": "unknown", "alert": "unknown"}
    assert one["answers"]["alert"]["places"] == ["chart/templates/a.yaml:6"]
    assert "orders_total" in one["answers"]["alert"]["why"]
    assert one["answers"]["canary"]["places"] == ["chart/templates/c.yaml:2"]
    assert one["missing"] == ["2 templates searched as text, not rendered"]


def test_examples_are_nothing_that_was_deployed(terminal, repository):
    repository.release("v1.0.0", {"examples/rollout.yaml": ROLLOUT, "docs/rules.yaml": ORDERS})
    [one] = audited(terminal)["items"]
    assert said(one)["canary"] == said(one)["alert"] == "unknown"
    assert "only among examples, tests or docs" in one["answers"]["canary"]["why"]


def test_hostile_files_stop_nothing(terminal, repository):
    bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" for before, name in pairwise("abcdefghi")
    )
    repository.release(
        "v1.0.0",
        {
            "bomb.yaml": f"{bomb}alert: one\nexpr: up\n",
            "large.yaml": "kind: Deployment\n# " + "x" * (2 * 1024 * 1024),
            "\x1b[2J we\u202eird.yaml": ROLLOUT,
            "broken.yaml": "kind: Deployment\n  : [",
        },
    )
    (repository.root / "link.yaml").symlink_to("/etc/passwd")
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},sub")
    repository.git("add", "link.yaml")
    repository.git("commit", "-q", "-m", "More")
    repository.git("tag", "v1.0.1")
    one, _ = audited(terminal)["items"]
    assert said(one)["canary"] == "yes"
    assert one["missing"] == [
        "2 files without readable YAML, searched as text",
        "1 file above 2 MiB, searched as text",
        "1 submodule, whose content is not in this repository",
        "1 link not followed",
    ]
    shown = terminal.ok("report", "deployments").out
    assert "\x1b[2J" not in shown
    assert "\u202e" not in shown


def test_tags_are_followed_to_their_commits_and_what_is_none_is_left_out(terminal, repository):
    commit = repository.release("v1.0.0", {"a.txt": "a"}, annotated=True)
    repository.git("tag", "-a", "-m", "twice", "v1.0.1", "v1.0.0")
    repository.git("tag", "v9.9.9", repository.git("rev-parse", "HEAD:a.txt"))
    repository.git("tag", "v1")
    repository.git("tag", "nice")
    found = audited(terminal)
    [one] = found["items"]
    assert (one["name"], one["also"], one["commit"]) == ("v1.0.0", ["v1.0.1"], commit)
    assert found["git"]["tags"] == 4
    assert found["git"]["left_out"] == {"moved with each release": 1, "neither a version nor a deploy marker": 1}


def test_a_shallow_copy_says_that_there_may_be_more(terminal, repository, tmp_path, monkeypatch):
    repository.release("v1.0.0", {"a.txt": "a"})
    repository.release("v1.1.0", {"a.txt": "b"})
    copy = tmp_path / "copy"
    repository.git("clone", "-q", "--depth=1", "--branch", "v1.1.0", f"file://{repository.root}", str(copy))
    monkeypatch.chdir(copy)
    found = audited(terminal)
    assert ([one["name"] for one in found["items"]], found["git"]["shallow"]) == (["v1.1.0"], True)
    assert "a shallow clone: there may be more" in " ".join(terminal.ok("report", "deployments").out.split())


def test_what_a_partial_copy_lacks_is_told_and_never_fetched(terminal, repository, tmp_path, monkeypatch):
    repository.release("v1.0.0", {"k8s/checkout.yaml": ROLLOUT, ".gitlab-ci.yml": CI})
    repository.git("config", "uploadpack.allowFilter", "true")
    copy = tmp_path / "copy"
    repository.git("clone", "-q", "--filter=blob:none", "--no-checkout", f"file://{repository.root}", str(copy))
    monkeypatch.chdir(copy)
    [one] = audited(terminal)["items"]
    assert said(one) == {"rollback": "unknown", "canary": "unknown", "alert": "unknown"}
    assert "2 files not in this copy of the repository" in one["missing"]


def test_a_tag_that_cannot_be_shown_is_no_release(terminal, repository):
    repository.release("v1.0.0", {"a.txt": "a"})
    repository.git("branch", "b")
    repository.git("tag", "v2.0.0\u2028b")
    repository.git("tag", "v3.0.0\u202e")
    assert [one["name"] for one in audited(terminal)["items"]] == ["v1.0.0"]


def test_without_tags_nothing_is_audited_unless_somebody_says_what_was_deployed(terminal, repository):
    repository.release("nice", {"k8s/checkout.yaml": ROLLOUT})
    none = terminal("report", "deployments")
    assert none.code == 3
    said_ = " ".join(none.out.split())
    assert said_.startswith("looked no deployment found, neither on record nor by a tag: nothing was audited")
    assert "name what was deployed: --at REV" in said_
    [one] = audited(terminal, "--at", "main")["items"]
    assert (one["name"], one["by"], said(one)["canary"]) == ("main", ["revision"], "yes")
    wrong = terminal("report", "deployments", "--at", "never")
    assert (wrong.code, wrong.err.startswith("error[git-revision-unknown]")) == (2, True)


def test_neither_a_record_nor_a_repository_is_an_error(terminal, tmp_path, monkeypatch):
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    wrong = terminal("report", "deployments")
    assert (wrong.code, wrong.err.startswith("error[report-nothing]")) == (2, True)


def test_a_state_without_rules_in_force_has_no_record_of_deployments(shop, terminal):
    subprocess.run(["git", "tag", "v1.0.0"], check=True, timeout=30)
    terminal("rules", "genesis", "--key", shop.key("vera"))
    found = audited(terminal)
    assert (found["record"]["failed"], found["record"]["why"]) == (False, "none here")
    assert [one["name"] for one in found["items"]] == ["v1.0.0"]


def test_rules_in_force_and_nothing_deployed_is_a_record_of_none(founded, terminal):
    subprocess.run(["git", "tag", "v1.0.0"], check=True, timeout=30)
    found = audited(terminal)
    assert (found["record"]["asked"], found["record"]["found"]) == (True, 0)


def test_a_service_that_the_catalog_does_not_have_is_refused_and_not_answered_for(founded, terminal):
    subprocess.run(["git", "tag", "v1.0.0"], check=True, timeout=30)
    assert audited(terminal, "--service", "order-service")["record"]["asked"]
    wrong = terminal("report", "deployments", "--service", "order-servce")
    assert (wrong.code, wrong.out) == (2, "")
    assert wrong.err.startswith(
        "error[service-unknown]: expected a service of the catalog, got `order-servce` "
        "(did you mean `order-service`?)"
    )


def test_a_place_that_the_rules_do_not_have_is_refused_and_not_answered_for(founded, terminal):
    subprocess.run(["git", "tag", "v1.0.0"], check=True, timeout=30)
    assert audited(terminal, "--environment", "staging")["record"]["asked"]
    wrong = terminal("report", "deployments", "--environment", "prodution")
    assert (wrong.code, wrong.out) == (2, "")
    assert wrong.err.startswith("error[environment-unknown]: expected")
    assert "`prodution` (did you mean `production`?)" in wrong.err


def test_without_a_record_the_checkouts_rules_say_which_places_there_are(shop, terminal):
    subprocess.run(["git", "tag", "v1.0.0"], check=True, timeout=30)
    wrong = terminal("report", "deployments", "--environment", "prodution")
    assert (wrong.code, "(did you mean `production`?)" in wrong.err) == (2, True), wrong


def test_without_a_record_the_checkouts_catalog_says_which_services_there_are(shop, terminal):
    subprocess.run(["git", "tag", "v1.0.0"], check=True, timeout=30)
    assert not audited(terminal, "--service", "order-service")["record"]["asked"]
    wrong = terminal("report", "deployments", "--service", "order-servce")
    assert (wrong.code, "(did you mean `order-service`?)" in wrong.err) == (2, True), wrong


def test_a_server_that_does_not_answer_is_told_and_what_git_says_is_not_all(terminal, repository, monkeypatch):
    repository.release("v1.0.0", {"k8s/checkout.yaml": ROLLOUT})
    monkeypatch.setenv("INTERLOCK_SERVER", "http://127.0.0.1:9")
    done = terminal("report", "deployments")
    assert done.code == 3
    assert "v1.0.0" in done.out
    assert "could not be asked" in done.out


def test_the_page_is_written_with_everything_escaped(terminal, repository):
    repository.release("v1.0.0", {"k8s/<b>.yaml": ROLLOUT})
    terminal.ok("report", "deployments", "--html", "page.html")
    page = (repository.root / "page.html").read_text()
    assert "k8s/&lt;b&gt;.yaml:2" in page
    assert "<b>" not in page


@pytest.mark.parametrize("columns", [60, 80])
def test_no_line_is_wider_than_the_terminal_whatever_things_are_called(terminal, repository, monkeypatch, columns):
    path = f"monitoring/{'a-long-folder-' * 6}/{'rules' * 12}.yaml"
    long = ORDERS.replace("OrdersDrop", "OrdersOfTheEuropeanUnion" * 4).replace("orders_placed", "orders_in_" * 9)
    repository.release(f"v1.0.0-{'long-' * 20}", {path: long})
    repository.release(f"production-{'long-' * 20}", {path: long})
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = terminal.ok("report", "deployments").out.splitlines()
    assert max(map(len, lines)) <= columns
    assert "OrdersOfTheEuropeanUnion" in "".join(line.strip() for line in lines)
    assert path in "".join(line.strip() for line in lines)


def test_one_deployment_is_called_one(terminal, repository):
    repository.release("v1.0.0", {"k8s/checkout.yaml": ROLLOUT})
    assert "looked   the last deployment had not all three" in terminal.ok("report", "deployments").out
