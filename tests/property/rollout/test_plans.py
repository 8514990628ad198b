"""Whatever a plan's file holds, it is a plan or refused in one line that names the file."""

from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.core.change.errors import InvalidInput
from interlock.core.rollout.plan_read import KEYS, read_plan

PATH = "rollouts/order-service.yaml"
LINES = """\
service: order-service
environment: production
router: {kind: haproxy, socket: /run/haproxy.sock}
meters:
  - kind: scrape
    metrics:
      orders: {series: shop_orders_total}
      latency: {histogram: shop_request_seconds}
judge:
  alpha: 0.01
  metrics:
    orders: {kind: good, business: true}
    latency: {kind: bad, edges: [0.05, 0.5], warm_up: 30s}
stages:
  - {percent: 1, bake: 15m, margin: 90%, limit: 2h}
  - {percent: 100, bake: 0}
tick: 500ms
rollback:
  - {name: flags, kind: flags, run: [unflag], verify: ["true"], timeout: 5}
notify: [{kind: apprise}]
""".splitlines()
SCRAPS = st.sampled_from(
    [
        "",
        "~",
        "0",
        "-1",
        "1e400",
        ".inf",
        "[]",
        "{}",
        "[[]]",
        "- x",
        "true",
        "'",
        "&a",
        "*a",
        "!!python/x y",
        "\t",
        "%",
    ]
    + [f"{key}:" for key in KEYS]
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)),
    max_leaves=8,
)


def reads(content):
    """Whether it is a plan; anything but a plan and a refusal fails."""
    plan, refused = None, None
    try:
        plan = read_plan(PATH, content)
    except InvalidInput as error:
        refused = error
    if plan is None:
        assert PATH in refused.message
        assert "\n" not in refused.message
        assert refused.hint
        return False
    assert all(0 < stage.percent <= 100 for stage in plan.stages)
    assert [stage.percent for stage in plan.stages] == sorted({stage.percent for stage in plan.stages})
    assert all(step.run and step.verify for step in (*plan.apply, *plan.promote, *plan.rollback))
    assert 1 <= plan.line_of(("router", "socket")) <= content.count(b"\n") + 1
    return True


def test_the_plan_that_is_broken_below_is_one():
    assert reads("\n".join(LINES).encode())


@settings(max_examples=400, deadline=None)
@given(st.integers(0, len(LINES) - 1), st.integers(0, 60), st.integers(0, 20), SCRAPS)
def test_a_plan_with_a_broken_line(line, start, length, scrap):
    broken = [*LINES]
    broken[line] = broken[line][:start] + scrap + broken[line][start + length :]
    reads("\n".join(broken).encode())


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(KEYS), VALUES)
def test_a_plan_with_any_value_at_a_key(key, value):
    kept = {"service": "a", "environment": "b", "router": {"kind": "x"}}
    kept |= {"meters": [{"kind": "y", "metrics": {"m": {}}}], "judge": {"metrics": {"m": {"kind": "good"}}}}
    reads(flow(kept | {key: value}).encode("utf-8", "surrogatepass"))


def flow(value):
    """A value as YAML in one line, texts in quotes."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{flow(str(key))}: {flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value).lower()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_bytes_of_any_kind(content):
    assert not reads(content)
