"""Rollout plans from their file: what is taken, and every refusal with its line and what to do."""

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.change.settings import Settings, Thresholds
from interlock.core.judge.read_settings import read_settings
from interlock.core.rollout.plan import Plan, StagePlan, StepPlan
from interlock.core.rollout.plan_check import check_kinds, read_plans, shortfalls
from interlock.core.rollout.plan_lines import located
from interlock.core.rollout.plan_read import read_plan
from interlock.core.rollout.setting import InvalidSetting

PATH = "rollouts/order-service.yaml"
SHORT = """\
service: order-service
environment: production
router: {kind: envoy, admin: 127.0.0.1:9901, prefix: routing.shop, canary: v2, control: v1}
meters:
  - kind: scrape
    canary: [http://127.0.0.1:8081/metrics]
    control: [http://127.0.0.1:8082/metrics]
    metrics:
      orders: {series: shop_orders_total}
judge:
  metrics:
    orders: {kind: good}
"""
WHOLE = """\
service: order-service
environment: production
router:
  kind: haproxy
  socket: /run/haproxy.sock
  retries: true
  backend: "8080"
meters:
  - kind: scrape
    canary: [http://127.0.0.1:8081/metrics]
    metrics:
      orders: {series: shop_orders_total}
      errors:
        series: shop_requests_total
        match: {code: "~5.."}
  - kind: sql
    every: 2
    metrics:
      latency: {histogram: shop_request_seconds}
judge:
  alpha: 0.01
  metrics:
    orders: {kind: good, business: true}
    errors: {kind: bad}
    latency: {kind: bad, edges: [0.05, "0.10", 0.5], warm_up: 30s}
# narrow at first
stages:
  - {percent: 1, bake: 15m, margin: 90%, limit: 2h}
  - {percent: 5%, bake: 1d, margin: 0.5}
  - percent: 12.5
  - {percent: 100, bake: 0}
tick: 500ms
baseline: 0
untrusted: return
apply:
  - {name: image, kind: artefact, run: [deploy, --tries, 3, on], verify: [curl, -f, "localhost:8081"], timeout: 2m}
promote: []
rollback:
  - {name: flags, kind: flags, run: [unflag], verify: ["true"]}
keep: 2d
notify:
  - {kind: apprise, urls_from: INTERLOCK_NOTIFY}
"""


def plan(text=SHORT, **changes) -> Plan:
    """The plan of ``text``, with lines added at its end."""
    added = "".join(f"{key}: {value}\n" for key, value in changes.items())
    return read_plan(PATH, (text + added).encode())


def refusal(text=SHORT, **changes) -> InvalidInput:
    with pytest.raises(InvalidInput) as refused:
        plan(text, **changes)
    assert "\n" not in refused.value.message
    assert refused.value.hint
    return refused.value


def edited(old, new, text=WHOLE):
    assert text.count(old) == 1
    return text.replace(old, new)


def test_a_short_plan_has_the_default_stages():
    found = plan()
    assert [stage.percent for stage in found.stages] == [1, 5, 25, 50, 95, 100]
    assert [stage.margin for stage in found.stages] == [0.9, 0.5, 0.25, 0.1, 0.1, 1.0]
    assert {(stage.bake, stage.limit) for stage in found.stages} == {(900.0, 7_200.0)}
    assert (found.tick, found.baseline, found.untrusted, found.keep) == (1.0, 600.0, "hold", 86_400.0)
    assert found.apply == found.promote == found.rollback == found.notify == ()
    assert plan(stages="default").stages == found.stages


def test_a_whole_plan_is_what_it_says():
    found = plan(WHOLE)
    assert found.router.settings == {"socket": "/run/haproxy.sock", "retries": True, "backend": "8080"}
    assert (found.router.kind, found.meters[1].plugin.settings) == ("haproxy", {"every": 2})
    assert found.meters[0].metrics["errors"] == {"series": "shop_requests_total", "match": {"code": "~5.."}}
    assert found.stages == (
        StagePlan(percent=1, bake=900, margin=0.9, limit=7_200),
        StagePlan(percent=5, bake=86_400, margin=0.5, limit=86_400),
        StagePlan(percent=12.5, bake=900, margin=0.25, limit=7_200),
        StagePlan(percent=100, bake=0, margin=1.0, limit=7_200),
    )
    assert found.apply == (
        StepPlan(
            name="image",
            kind="artefact",
            run=("deploy", "--tries", "3", "on"),
            verify=("curl", "-f", "localhost:8081"),
            timeout=120,
        ),
    )
    assert (found.promote, found.rollback[0].kind) == ((), "flags")
    assert (found.tick, found.baseline, found.untrusted, found.keep) == (0.5, 0.0, "return", 172_800.0)
    assert found.notify[0].settings == {"urls_from": "INTERLOCK_NOTIFY"}


def test_bucket_edges_stay_the_words_they_are_and_warm_ups_become_seconds():
    latency = plan(WHOLE).judge["metrics"]["latency"]
    assert latency == {"kind": "bad", "edges": ["0.05", "0.10", "0.5"], "warm_up": 30.0}


def test_the_judge_takes_the_section_as_the_plan_has_it():
    settings = read_settings(plan(WHOLE).judge)
    assert settings.metrics["latency"].edges == ("0.05", "0.10", "0.5")
    assert settings.metrics["latency"].warm_up == 30.0


def test_the_digest_is_of_the_bytes():
    assert plan().digest != plan(SHORT + "\n").digest
    assert plan().digest == plan().digest


@pytest.mark.parametrize(
    ("old", "new", "line", "code", "says"),
    [
        ("percent: 12.5", "percent: 5", 30, "rollout-stages", "a stage above 5 %, got `5 %`"),
        ("percent: 12.5", "percent: 4", 30, "rollout-stages", "a stage above 5 %, got `4 %`"),
        ("percent: 1,", "percent: 0,", 28, "rollout-stages", "above 0 % and at most 100 %, got `0`"),
        ("percent: 1,", "percent: -1,", 28, "rollout-stages", "got `-1`"),
        ("{percent: 100,", "{percent: 100.1,", 31, "rollout-stages", "got `100.1`"),
        ("{percent: 100,", "{percent: 101%,", 31, "rollout-stages", "got `101%`"),
        ("percent: 1,", "percent: one,", 28, "rollout-plan", "a percentage at `stages.0.percent`, got `one`"),
        ("percent: 1,", "percent: .nan,", 28, "rollout-plan", "got `.nan`"),
        ("margin: 90%", "margin: 90", 28, "rollout-range", "a share above 0 % and at most 100 %"),
        ("margin: 90%", "margin: 0%", 28, "rollout-range", "got `0%`"),
        ("margin: 90%", "margin: 0.5%", 28, "rollout-range", "a margin of 1% to 99%, got `0.5%`"),
        ("margin: 90%", "margin: 100%", 28, "rollout-range", "a margin of 1% to 99%, got `100%`"),
        ("margin: 90%", "margin: much", 28, "rollout-plan", "got `much`"),
        ("bake: 0}", "bake: 0, margin: 10%}", 31, "rollout-plan", "no margin at 100 %, got `10%`"),
        ("bake: 15m", "bake: soon", 28, "rollout-plan", "a span of time at `stages.0.bake`, got `soon`"),
        ("bake: 15m", "bake: 3h", 28, "rollout-range", "a limit of at least the bake, 3h, got `2h`"),
        ("bake: 15m", "bake: 15d", 28, "rollout-range", "0s to 14d at `stages.0.bake`, got `15d`"),
        ("bake: 15m", "bakes: 15m", 28, "rollout-plan", "(did you mean `bake`?), got `bakes`"),
        ("  - percent: 12.5", "  - bake: 12m", 30, "rollout-plan", "`percent` in `stages.2`, got `none`"),
        ("tick: 500ms", "tick: 0", 32, "rollout-range", "0.05s to 1m at `tick`, got `0`"),
        ("untrusted: return", "untrusted: held", 34, "rollout-plan", "one of hold, return"),
        ("kind: artefact,", "kind: artifact,", 36, "rollout-plan", "(did you mean `artefact`?), got `artifact`"),
        ("keep: 2d", "keep: -1", 40, "rollout-plan", "a span of time at `keep`, got `-1`"),
        ("service: order-service", "servce: order-service", 1, "rollout-plan", "(did you mean `service`?)"),
        ("environment: production\n", "", 1, "rollout-plan", "`environment` in `the file`, got `none`"),
        ("environment: production", "environment:", 2, "rollout-plan", "a value at `environment`, got `nothing`"),
        ("environment: production", "environment: 7", 2, "rollout-plan", "a text at `environment`, got `7`"),
        ("  kind: haproxy\n", "", 3, "rollout-plan", "`kind` in `router`, got `none`"),
        ("  - kind: sql\n    every: 2\n", "  - every: 2\n", 16, "rollout-plan", "`kind` in `meters.1`"),
        ("alpha: 0.01", "alpha: 0.5", 21, "judge-alpha", "at `alpha`, got `0.5`"),
        ("alpha: 0.01", "alpha: 0", 21, "judge-alpha", "got `0.0`"),
        ("alpha: 0.01", "alpha: most", 21, "input-shape", "a problem at `alpha`"),
        ("alpha: 0.01", "alphas: 0.01", 21, "input-shape", "a problem at `alphas`: there is no such key"),
        ("errors: {kind: bad}", "errors: {kind: worse}", 24, "input-shape", "a problem at `metrics.errors.kind`"),
        ('"0.10", 0.5]', '"0.10", 0.01]', 25, "judge-edges", "edges that rise"),
        (
            "warm_up: 30s",
            "warm_up: later",
            25,
            "rollout-plan",
            "a span of time at `judge.metrics.latency.warm_up`",
        ),
        ("      latency: {hist", "      latencies: {hist", 19, "rollout-metric", "(did you mean `latency`?)"),
        ("errors: {kind: bad}", "failures: {kind: bad}", 13, "rollout-metric", "the judge knows"),
        (
            "orders: {kind: good, business: true}",
            "orders: {kind: good}\n    carts: {kind: good}",
            24,
            "rollout-metric",
            "a metric that some meter counts, got `carts`",
        ),
        (
            "      latency: {",
            "      latency: {}\n      orders: {",
            20,
            "rollout-metric",
            "counted once, as in line 12",
        ),
        (', verify: [curl, -f, "localhost:8081"]', "", 36, "rollout-step", "`verify` in the step"),
        (
            'verify: ["true"]',
            "verify: []",
            39,
            "rollout-plan",
            "a list at `rollback.0.verify`, got `an empty one`",
        ),
        ('verify: ["true"]', "verify: [a, [b]]", 39, "rollout-step", "a word at `rollback.0.verify.1`"),
        ('verify: ["true"]', 'verify: [""]', 39, "rollout-step", "a program, got `an empty word`"),
        ("run: [unflag]", "run: unflag it", 39, "rollout-step", "a list of arguments at `rollback.0.run`"),
        ("timeout: 2m", "timeout: 2h", 36, "rollout-range", "0.1s to 1h"),
        ("notify:\n  - {kind: apprise, ", "notify:\n  - {", 42, "rollout-plan", "`kind` in `notify.0`"),
    ],
)
def test_what_is_wrong_is_refused_with_its_line(old, new, line, code, says):
    refused = refusal(edited(old, new))
    assert refused.message.endswith(f"`{PATH}:{line}`"), refused.message
    assert refused.code == code
    assert says in refused.message


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"stages": "[]"}, "an empty one"),
        ({"stages": "quick"}, "`default` or a list at `stages`, got `quick`"),
        ({"stages": "[1, 5]"}, "a map at `stages.0`"),
        ({"apply": "deploy.sh"}, "a list at `apply`, got `deploy.sh`"),
        ({"apply": "[{name: a, run: [x], verify: [y]}, {name: a, run: [x], verify: [y]}]"}, "name once"),
        ({"notify": "slack"}, "a list at `notify`"),
        ({"service": "again"}, "each key once"),
        ({"apply": "[{name: a, run: [x], verify: [y], then: z}]"}, "a known key of `apply.0`"),
    ],
)
def test_other_shapes_are_refused(changes, says):
    assert says in refusal(**changes).message


@pytest.mark.parametrize(
    "key", ["stages", "baseline", "rollback", "apply", "promote", "tick", "untrusted", "notify"]
)
@pytest.mark.parametrize("nothing", ["", " ~", " null", " # later"])
def test_a_key_without_a_value_is_not_taken_for_one_that_is_left_out(key, nothing):
    """`stages:` over lines that somebody commented out became six stages, `baseline:` ten minutes."""
    refused = refusal(SHORT + f"{key}:{nothing}\n")
    assert (refused.message, refused.code) == (
        f"expected a value at `{key}`, got `nothing` at `{PATH}:13`",
        "rollout-plan",
    )
    assert refused.hint == "write it after the colon, or remove the key"


@pytest.mark.parametrize(
    ("old", "new", "line", "where"),
    [
        ("percent: 12.5", "percent:", 30, "stages.2.percent"),
        ("bake: 15m, margin", "bake: , margin", 28, "stages.0.bake"),
        ('verify: ["true"]', "verify: ", 39, "rollback.0.verify"),
        ("alpha: 0.01", "alpha:", 21, "judge.alpha"),
        ("errors: {kind: bad}", "errors: {kind: }", 24, "judge.metrics.errors.kind"),
        ("retries: true", "retries:", 6, "router.retries"),
        ("every: 2", "every:", 17, "meters.1.every"),
    ],
)
def test_neither_is_one_further_down(old, new, line, where):
    refused = refusal(edited(old, new))
    assert refused.message == f"expected a value at `{where}`, got `nothing` at `{PATH}:{line}`"


def test_sets_without_a_step_may_be_written():
    plan = read_plan(PATH, (SHORT + "rollback: []\npromote: []\nnotify: []\n").encode())
    assert (plan.rollback, plan.promote, plan.notify) == ((), (), ())


@pytest.mark.parametrize(
    ("percent", "hint"),
    [("120", "all traffic is 100: write that, or less"), ("0", "no traffic is no stage: begin with 1")],
)
def test_a_stage_out_of_bounds_is_told_on_which_side(percent, hint):
    refused = refusal(SHORT + f"stages: [{{percent: {percent}}}]\n")
    assert (refused.code, refused.hint) == ("rollout-stages", hint)


@pytest.mark.parametrize(
    "text", ["", "[]", "just words", "---\na: 1\n---\nb: 2\n", "service: [", "\x00", "- &a [*a]"]
)
def test_what_is_no_plan_at_all_is_refused_in_one_line(text):
    assert PATH in refusal(text).message


def test_a_line_for_a_shell_is_shown_as_the_list_it_probably_means():
    refused = refusal(apply="[{name: a, run: \"kubectl set image 'deploy/x'\", verify: [y]}]")
    assert refused.hint == 'write ["kubectl", "set", "image", "deploy/x"]'


def test_files_of_somebody_else_in_that_folder_are_told_apart():
    refused = refusal("apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: x}\n")
    assert refused.message == f"expected a rollout plan, got `an object of the kind Rollout` at `{PATH}:1`"
    assert "rollouts:" in refused.hint


def test_a_file_without_end_is_refused():
    assert refusal("a: " + "x" * 300_000).code == "yaml-too-large"
    assert refusal("a: [" + "1," * 30_000 + "]").code == "yaml-too-large"


def test_what_a_plug_in_says_of_its_settings_gets_file_and_line():
    found = plan(WHOLE)

    def told(where, *path):
        error = InvalidSetting("expected a socket, got none", code="x", hint="h", path=path)
        return located(error, found, where).message.rpartition(" at ")[2]

    assert told(("router",), "socket") == f"`{PATH}:5`"
    assert told(("router",), "missing") == f"`{PATH}:3`"
    assert told(("meters", 0), "metrics", "errors", "match", "code") == f"`{PATH}:15`"
    assert told(("meters", 1), "metrics", "latency", "absent") == f"`{PATH}:19`"
    assert told(("notify", 0), "urls_from") == f"`{PATH}:42`"
    assert told(("nowhere",)) == f"`{PATH}:1`"


def test_kinds_that_are_not_installed_are_all_told_with_the_nearest():
    found = plan(WHOLE)
    assert not check_kinds(found, routers={"haproxy"}, meters={"scrape", "sql"}, notifiers={"apprise"})
    refused = check_kinds(found, routers={"hapoxy"}, meters={"scrape"}, notifiers=())
    assert [error.code for error in refused] == ["plugin-unknown"] * 3
    assert refused[0].message == (f"expected a known router (did you mean `hapoxy`?), got `haproxy` at `{PATH}:4`")
    assert [error.message.rpartition(":")[2] for error in refused] == ["4`", "16`", "42`"]
    assert refused[2].hint == "installed: none"


def test_what_policy_may_demand_of_a_plan_is_told_whole():
    assert shortfalls(plan(), Thresholds()) == ()
    hasty = plan(edited("orders: {kind: good, business: true}", "orders: {kind: good, business: false}"))
    assert shortfalls(hasty, Thresholds(first_stage_percent=0.5, bake_minutes=16)) == (
        f"first stage is 1 %, wanted 0.5 % or less at `{PATH}:28`",
        f"bake at 1 % is 15 min, wanted 16 min or more at `{PATH}:28`",
        f"bake at 12.5 % is 15 min, wanted 16 min or more at `{PATH}:30`",
        f"bake at 100 % is 0 min, wanted 16 min or more at `{PATH}:31`",
        f"no business metric at `{PATH}:22`",
    )


def test_plans_are_found_by_service_and_environment():
    other = SHORT.replace("production", "staging")
    settings = Settings(environments={"production": object(), "staging": object()})
    found = read_plans(
        {"rollouts/a.yaml": SHORT.encode(), "rollouts/b.yaml": other.encode()}, settings, ["order-service"]
    )
    assert {key: each.path for key, each in found.items()} == {
        ("order-service", "production"): "rollouts/a.yaml",
        ("order-service", "staging"): "rollouts/b.yaml",
    }


@pytest.mark.parametrize(
    ("files", "services", "code", "says"),
    [
        (
            ["a", "b"],
            ["order-service"],
            "rollout-twice",
            "which rollouts/a.yaml is, got `another` at `rollouts/b.yaml:1`",
        ),
        (["a"], ["order-services"], "rollout-service", "(did you mean `order-services`?), got `order-service`"),
        (["a"], [], "rollout-service", "a service of the catalog, got"),
    ],
)
def test_plans_fit_the_rules_they_are_among(files, services, code, says):
    content = {f"rollouts/{name}.yaml": SHORT.encode() for name in files}
    with pytest.raises(InvalidInput) as refused:
        read_plans(content, Settings(), services)
    assert refused.value.code == code
    assert says in refused.value.message


def test_an_environment_that_is_not_in_the_settings_is_refused():
    with pytest.raises(InvalidInput) as refused:
        read_plans({PATH: SHORT.replace(": production", ": prodution").encode()}, Settings(), ["order-service"])
    assert refused.value.code == "rollout-environment"
    assert (
        "(did you mean `production`?), got `prodution` at `rollouts/order-service.yaml:2`" in refused.value.message
    )


def test_what_is_under_way_is_what_the_plan_says():
    assert plan(in_flight="3s").under_way == 3.0
    assert plan(in_flight="0.05s").under_way == 0.0


def test_what_is_under_way_is_as_slow_as_the_slowest_edge_where_the_plan_does_not_say():
    assert plan(WHOLE).under_way == 0.5
    assert plan().under_way == plan().tick
    assert plan(edited("tick: 500ms", "tick: 30s")).under_way == 0.0
