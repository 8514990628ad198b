"""What one file says: alerts in every dress, canaries and what is taken for one, steps that go back."""

from __future__ import annotations

import pytest

from interlock.core.audit.business import kind_of, word_in
from interlock.core.audit.ci_search import is_ci, steps_in
from interlock.core.audit.file_look import MOST_BYTES, look, wanted

GRAFANA = """\
groups:
- rules:
  - uid: a
    title: OrdersDrop
    data: [{model: {expr: "sum(rate(orders_total[5m])) < 1"}}]
"""
RULE = "alert: OrdersDrop\nexpr: sum(rate(orders_total[5m])) < 1"


def indented(text, spaces, first=""):
    lines = text.splitlines()
    return "\n".join(
        " " * spaces + (first if not at else " " * len(first)) + line for at, line in enumerate(lines)
    )


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("groups:\n- name: a\n  rules:\n" + indented(RULE, 2, "- "), 4),
        ("kind: PrometheusRule\nspec:\n  groups:\n  - rules:\n" + indented(RULE, 4, "- "), 5),
        ("additionalPrometheusRulesMap:\n  shop:\n    groups:\n    - rules:\n" + indented(RULE, 6, "- "), 5),
        ("kind: ConfigMap\ndata:\n  a.rules: |\n    groups:\n    - rules:\n" + indented(RULE, 6, "- "), 6),
        ("# one\n---\nkind: Service\n---\nkind: List\nitems:\n- spec:\n    rules:\n" + indented(RULE, 4, "- "), 9),
        (
            GRAFANA,
            3,
        ),
    ],
)
def test_an_alert_is_found_wherever_it_lies_with_its_line(content, line):
    [found] = [rule for rule in look("a.yaml", content.encode()).rules if rule.alert]
    assert (found.name, found.line) == ("OrdersDrop", line)
    assert found.expressions == ("sum(rate(orders_total[5m])) < 1",)


def obj(kind, group, spec):
    return (
        f"# licence\napiVersion: {group}/v1\nkind: {kind}\nmetadata: {{name: shop, labels: {{app: cart}}}}\n{spec}"
    )


CANARIES = {
    "argo": obj("Rollout", "argoproj.io", "spec: {strategy: {canary: {steps: [{setWeight: 5}, {pause: {}}]}}}"),
    "argo experiment": obj(
        "Rollout",
        "argoproj.io",
        "spec: {strategy: {canary: {steps: [{experiment: {duration: 5m, templates: [{weight: 5}]}}]}}}",
    ),
    "flagger": obj("Canary", "flagger.app", "spec: {analysis: {stepWeight: 5, maxWeight: 50}}"),
    "flagger old": obj("Canary", "flagger.app", "spec: {canaryAnalysis: {stepWeights: [1, 2]}}"),
    "flagger a/b": obj("Canary", "flagger.app", "spec: {analysis: {iterations: 9, match: [{headers: {}}]}}"),
    "istio": obj("VirtualService", "networking.istio.io", "spec: {http: [{route: [{weight: 90}, {weight: 10}]}]}"),
    "gateway": obj(
        "HTTPRoute", "gateway.networking.k8s.io", "spec: {rules: [{backendRefs: [{weight: 9}, {weight: 1}]}]}"
    ),
    "smi": obj("TrafficSplit", "split.smi-spec.io", "spec: {backends: [{weight: 9}, {weight: 1}]}"),
    "traefik": obj("TraefikService", "traefik.io", "spec: {weighted: {services: [{weight: 9}, {weight: 1}]}}"),
    "nginx": (
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: shop\n  annotations:\n"
        "    nginx.ingress.kubernetes.io/canary: 'true'\n    nginx.ingress.kubernetes.io/canary-weight: '10'\n"
    ),
    "deploy": obj(
        "DeliveryPipeline",
        "deploy.cloud.google.com",
        "serialPipeline: {stages: [{strategy: {canary: {canaryDeployment: {percentages: [25]}}}}]}",
    ),
    "interlock": "service: shop\nrouter: {kind: haproxy}\nstages: [{percent: 1}, {percent: 100}]\n",
}
NONE = {
    "deployment": obj("Deployment", "apps", "spec: {strategy: {rollingUpdate: {maxSurge: 1}}}"),
    "argo blue-green": obj("Rollout", "argoproj.io", "spec: {strategy: {blueGreen: {}}}"),
    "argo no steps": obj("Rollout", "argoproj.io", "spec: {strategy: {canary: {}}}"),
    "argo at once": obj("Rollout", "argoproj.io", "spec: {strategy: {canary: {steps: [{setWeight: 100}]}}}"),
    "flagger blue-green": obj("Canary", "flagger.app", "spec: {analysis: {iterations: 9}}"),
    "flagger nothing": obj("Canary", "flagger.app", "spec: {targetRef: {name: shop}}"),
    "istio still": obj(
        "VirtualService", "networking.istio.io", "spec: {http: [{route: [{weight: 100}, {weight: 0}]}]}"
    ),
    "nginx nothing": (
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: shop\n  annotations:\n"
        "    nginx.ingress.kubernetes.io/canary: 'true'\n    nginx.ingress.kubernetes.io/canary-weight: '0'\n"
    ),
    "interlock at once": "service: shop\nrouter: {kind: haproxy}\nstages: [{percent: 100}]\n",
}


@pytest.mark.parametrize("name", CANARIES)
def test_this_is_a_canary(name):
    [found] = look("a.yaml", CANARIES[name].encode()).objects
    assert (found.canary, found.name) == (True, "shop")
    assert found.what


@pytest.mark.parametrize("name", NONE)
def test_this_is_none(name):
    [found] = look("a.yaml", NONE[name].encode()).objects
    assert not found.canary


def test_what_does_not_name_a_canary_at_all_is_no_object():
    plain = obj("VirtualService", "networking.istio.io", "spec: {http: [{route: [{destination: {host: a}}]}]}")
    definition = "kind: CustomResourceDefinition\nspec: {names: {kind: Rollout}}\n"
    other = obj("Rollout", "example.com", "spec: {strategy: {canary: {steps: [{setWeight: 5}]}}}")
    assert look("a.yaml", plain.encode()).objects == ()
    assert look("a.yaml", definition.encode()).objects == ()
    assert not look("a.yaml", other.encode()).objects[0].canary


def test_one_document_that_does_not_parse_hides_no_other():
    found = look("a.yaml", f"kind: Deployment\n  x: [\n---\n{CANARIES['argo']}".encode())
    assert [one.canary for one in found.objects] == [True]
    assert (found.unread, found.objects[0].line) == ("malformed", 6)


@pytest.mark.parametrize(
    ("path", "content", "hints"),
    [
        (
            "chart/a.yaml",
            "{{ if .x }}\n- alert: A\n  expr: orders_total\n{{ end }}",
            [("alert", "A", 2, "orders_total")],
        ),
        ("a.libsonnet", "{ alert: 'A', expr: 'up == 0' }", []),
        (
            "a.libsonnet",
            "alert: 'A',\nexpr: 'payments_failed_total > 1',",
            [("alert", "A", 1, "payments_failed_total")],
        ),
        (
            "m.tf",
            'resource "aws_cloudwatch_metric_alarm" "orders_low" {\n  expr: 1\n}',
            [("alert", "orders_low", 1, "")],
        ),
        ("c.tpl", "{{ x }}\nkind: Rollout\nspec: {strategy: {canary: {}}}", [("canary", "Rollout", 2, "")]),
        ("c.tpl", "{{ x }}\nkind: Deployment\nspec: {}", [("workload", "Deployment", 2, "")]),
        ("c.yaml", "{{ x }}\nkind: Rollout\nspec: {strategy: {blue: {}}}", []),
    ],
)
def test_what_is_not_read_is_searched(path, content, hints):
    found = look(path, content.encode())
    assert [(hint.of, hint.name, hint.line, hint.business) for hint in found.hints] == hints


def test_what_is_too_large_is_only_searched():
    found = look("a.yaml", b"kind: Deployment\n#" + b"x" * MOST_BYTES)
    assert (found.unread, found.objects) == ("large", ())
    assert [hint.of for hint in found.hints] == ["workload"]


@pytest.mark.parametrize(
    ("path", "is_wanted"),
    [
        ("a.yaml", True),
        ("x/b.YML", True),
        ("Jenkinsfile", True),
        ("m.tf", True),
        ("a.json", False),
        ("a.py", False),
    ],
)
def test_only_files_that_may_say_something_are_opened(path, is_wanted):
    assert wanted(path) is is_wanted


@pytest.mark.parametrize(
    "line",
    [
        "kubectl rollout undo deployment/shop",
        "  - run: helm -n shop rollback shop 3",
        "helm rollback shop",
        "alembic downgrade -1",
        "bundle exec rake db:rollback",
        "npx sequelize db:migrate:undo",
        "kubectl argo rollouts undo shop",
        "argocd app rollback shop 3",
        "./scripts/rollback.sh",
        "make rollback-test",
        "  rollback:",
        "  - name: Test the rollback",
        "interlock evidence run rehearsal",
    ],
)
def test_this_line_goes_back(line):
    assert [step.line for step in steps_in("ci.yml", f"a\n{line}\n")] == [2]


@pytest.mark.parametrize(
    "line",
    ["# kubectl rollout undo", "kubectl rollout status deployment/shop", "helm upgrade --install shop",
     "scrollback: 3", "docker compose down", "alembic upgrade head", "echo rolled"],
)  # fmt: skip
def test_this_line_does_not(line):
    assert list(steps_in("ci.yml", f"a\n{line}\n")) == []


@pytest.mark.parametrize(
    ("path", "ci"),
    [
        (".github/workflows/a.yml", True),
        ("sub/.gitlab-ci.yml", True),
        (".circleci/config.yml", True),
        ("Jenkinsfile.prod", True),
        (".github/dependabot.yml", False),
        ("workflows/a.yml", False),
    ],
)
def test_files_of_a_known_runner(path, ci):
    assert is_ci(path) is ci


@pytest.mark.parametrize(
    ("metric", "kind"),
    [
        ("orders_placed_total", "business"),
        ("shop:checkout:rate5m", "business"),
        ("PaymentsFailed", "business"),
        ("payments_declined_total", "business"),
        ("order_value_sum", "business"),
        ("last_order_timestamp_seconds", "business"),
        ("order_service_orders_total", "business"),
        ("upsell_orders_total", "business"),
        ("node_boot_order", "technical"),
        ("kube_cart", "technical"),
        ("http_requests_total", "technical"),
        ("orders_http_requests_total", "technical"),
        ("order_service_http_server_requests_seconds_count", "technical"),
        ("orders_requests_total", "technical"),
        ("checkout_latency_bucket", "technical"),
        ("checkout_duration_seconds_bucket", "technical"),
        ("payments_up", "technical"),
        ("orders_queue_depth", "technical"),
        ("container_orders_total", "technical"),
        ("up", "technical"),
        ("order_service_errors_total", "unclear"),
        ("orders_errors_total", "unclear"),
        ("cart_api_calls_total", "unclear"),
        ("recorder_total", "unclear"),
        ("sort_order_total", "unclear"),
        ("git_checkout_total", "unclear"),
        ("checkout_git_total", "unclear"),
        ("order_by_queries_total", "unclear"),
        ("samples_out_of_order_total", "unclear"),
        ("graphql_subscriptions_total", "unclear"),
        ("image_conversions_total", "unclear"),
        ("app_order_form_views_total", "unclear"),
        ("shop_orders_placed_total", "business"),
        ("failed_payments_total", "business"),
        ("shop_checkouts_per_minute", "business"),
        ("order", "business"),
        ("_", "unclear"),
    ],
)
def test_a_metric_is_of_the_business_by_whole_words_and_not_by_whose_it_is(metric, kind):
    assert kind_of(metric) == kind


def test_any_text_may_have_one():
    assert (word_in("CartAddItemHighLatency"), word_in("PlaceOrder"), word_in("Border")) == ("cart", "order", "")


PLAN = "service: shop\nenvironment: staging\n"
REHEARSED = {
    "command": (PLAN + "driver: {kind: command}\nprobes: [{name: a, kind: run, run: [cat, a]}]\n", 3),
    "migration": (PLAN + "objective: 3m\ndriver:\n  kind: postgres-migration\n  tool: alembic\n", 5),
    "kubectl": (PLAN + "driver: {kind: kubectl, context: staging, workloads: [deployment/shop]}\n", 3),
    "set": (
        PLAN + "members:\n  - {name: mail, reversible: false, because: read}\n"
        "  - {name: schema, driver: {kind: postgres-migration, tool: sql, folder: migrations}}\n",
        4,
    ),
}


@pytest.mark.parametrize("name", REHEARSED)
def test_a_rehearsal_plan_is_one_with_whatever_driver_and_without_a_probe(name):
    content, line = REHEARSED[name]
    [step] = look("rehearsals/shop.yaml", content.encode()).steps
    assert (step.text, step.line) == ("rehearsal plan of shop in staging", line)


@pytest.mark.parametrize(
    "content",
    [
        "networks:\n  shop: {driver: bridge}\nservice: shop\nenvironment: staging\n",
        PLAN + "driver: bridge\n",
        PLAN + "members: [ana, ben]\n",
        PLAN + "members: [{name: mail, reversible: false, because: read}]\n",
        "service: shop\ndriver: {kind: command}\n",
        PLAN + "database: SHOP\nfile: shop.dump\n",
    ],
)
def test_what_nothing_goes_back_by_is_no_rehearsal_plan(content):
    assert look("rehearsals/shop.yaml", content.encode()).steps == ()
