"""A canary is one where something waits while a part of the traffic is on the new version; each workload's own."""

from __future__ import annotations

import pytest

from interlock.core.audit.canary_waits import span
from interlock.core.audit.file_look import look
from interlock.core.audit.tree_canary import CanariesFound, canary_answer

DEPLOYMENT = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop, labels: {app: shop}}\n"


PIPELINE = (
    "apiVersion: deploy.cloud.google.com/v1\nkind: DeliveryPipeline\nmetadata: {name: all}\n"
    "serialPipeline: {stages: [{strategy: {canary: %s}}]}\n"
)
NGINX = (
    "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: shop\n"
    "  annotations: {nginx.ingress.kubernetes.io/canary: 'true'}\n"
)


def argo(steps, *, name="shop", more="", canary=""):
    return (
        f"apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {{name: {name}, labels: {{app: shop}}}}\n"
        f"spec: {{{more}strategy: {{canary: {{{canary}steps: {steps}}}}}}}\n"
    )


def flagger(analysis, *, more="", target="shop"):
    return (
        "apiVersion: flagger.app/v1beta1\nkind: Canary\nmetadata: {name: shop}\n"
        f"spec: {{{more}targetRef: {{kind: Deployment, name: {target}}}, analysis: {analysis}}}\n"
    )


def answer(*documents, service=None):
    found = look("a.yaml", "---\n".join(documents).encode())
    return canary_answer(
        CanariesFound(objects=found.objects, spare=(), hints=found.hints, yaml=1, service=service)
    )


WAITS = {
    "a person": argo("[{setWeight: 5}, {pause: {}}]"),
    "a person, null": argo("[{setWeight: 5}, {pause: null}]"),
    "minutes": argo("[{setWeight: 5}, {pause: {duration: 10m}}]"),
    "seconds": argo("[{setWeight: 5}, {pause: {duration: 60}}]"),
    "text": argo('[{setWeight: 5}, {pause: {duration: "90"}}]'),
    "an hour": argo("[{setWeight: 0}, {setWeight: 20}, {pause: {duration: 1h}}, {setWeight: 100}]"),
    "twice": argo("[{setWeight: 5}, {pause: {duration: 30s}}, {pause: {duration: 30s}}]"),
    "analysis": argo("[{setWeight: 5}, {analysis: {templates: [{templateName: a}]}}]"),
    "thousandths": argo("[{setWeight: 500}, {pause: {}}]", canary="trafficRouting: {maxTrafficWeight: 1000}, "),
    "experiment": argo("[{setWeight: 10}, {experiment: {templates: [{name: a}]}}]"),
    "flagger": flagger("{interval: 1m, threshold: 5, stepWeight: 10, maxWeight: 50}"),
    "flagger without an interval": flagger("{stepWeight: 50, maxWeight: 50}"),
    "flagger without a most": flagger("{interval: 30s, stepWeight: 20}"),
    "flagger weights": flagger("{interval: 30s, stepWeights: [1, 10, 100]}"),
}
NOT = {
    "zero": (argo("[{setWeight: 0}, {pause: {}}]"), "none of them above 0 % and below 100 %"),
    "before any weight": (argo("[{pause: {}}, {setWeight: 100}]"), "none of them above 0 %"),
    "all": (argo("[{setWeight: 100}, {pause: {}}]"), "none of them above 0 % and below 100 %"),
    "nothing between": (argo("[{setWeight: 5}, {setWeight: 100}]"), "nothing waits at 5 %"),
    "a wait at all": (argo("[{setWeight: 5}, {setWeight: 100}, {pause: {}}]"), "nothing waits at 5 %"),
    "a second": (argo("[{setWeight: 5}, {pause: {duration: 1s}}]"), "at 5 % for 1 s: too short"),
    "a plain number": (argo("[{setWeight: 5}, {pause: {duration: 30}}]"), "at 5 % for 30 s: too short"),
    "no pods": (argo("[{setWeight: 5}, {pause: {}}]", more="replicas: 0, "), "`replicas: 0`"),
    "only beside": (
        argo("[{setWeight: 5}, {setWeight: 50}]", canary="analysis: {templates: [{templateName: a}]}, "),
        "nothing waits at 5 %",
    ),
    "flagger at once": (flagger("{interval: 1m, stepWeight: 100, maxWeight: 100}"), "none of them above 0 %"),
    "flagger nothing": (flagger("{interval: 1m, stepWeight: 0, maxWeight: 50}"), "none of them above 0 %"),
    "flagger in seconds": (flagger("{interval: 1s, stepWeight: 10, maxWeight: 50}"), "over within 5 s"),
    "flagger a/b": (flagger("{interval: 10s, iterations: 2, match: [{headers: {}}]}"), "over within 20 s"),
    "flagger skips": (flagger("{stepWeight: 5, maxWeight: 50}", more="skipAnalysis: true, "), "`skipAnalysis`"),
    "cloud deploy": (
        PIPELINE % "{canaryDeployment: {percentages: [0]}}",
        "none of its phases above 0 %",
    ),
    "nginx": (
        NGINX,
        "without a weight, a header or a cookie",
    ),
    "interlock": (
        "service: shop\nrouter: {kind: haproxy}\nstages: [{percent: 5, bake: 1s}, {percent: 100}]\n",
        "rollout plan shop: 5, 100 %",
    ),
}
OPEN = {
    "a value": (argo("[{setWeight: 5}, {pause: {duration: $WAIT}}]"), "a pause of `$WAIT` is no time"),
    "a weight": (argo("[{setWeight: $FIRST}, {pause: {}}]"), "a weight that is no number"),
    "a plug-in": (argo("[{setWeight: 5}, {plugin: {name: a}}]"), "how long a plug-in's step waits"),
    "a header": (argo("[{setHeaderRoute: {name: a, match: []}}, {pause: {}}]"), "who sends the header"),
    "flagger": (flagger("{interval: $EACH, stepWeight: 5, maxWeight: 50}"), "an interval of `$EACH` is no time"),
    "cloud deploy": (
        PIPELINE % "{}",
        "percentages are not told",
    ),
}


@pytest.mark.parametrize("name", WAITS)
def test_something_waits_at_a_part_of_the_traffic(name):
    found = answer(WAITS[name])
    assert found.said == "yes", found.why


@pytest.mark.parametrize("name", NOT)
def test_what_nothing_waits_in_is_no_canary_and_why_is_told(name):
    document, why = NOT[name]
    found = answer(DEPLOYMENT, document)
    assert (found.said, why in found.why) == ("no", True), found.why


@pytest.mark.parametrize("name", OPEN)
def test_what_cannot_be_told_is_left_open(name):
    document, why = OPEN[name]
    found = answer(DEPLOYMENT, document)
    assert (found.said, why in found.why) == ("unknown", True), found.why


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30", 30), ("30s", 30), ("10m", 600), ("1h", 3600), ("1h30m", 5400), ("1.5h", 5400), ("500ms", 0.5),
     ("", None), ("soon", None), ("1d", None), ("-5m", None), ("9" * 50, None)],
)  # fmt: skip
def test_a_duration_is_read_as_both_write_it(text, seconds):
    assert span(text) == seconds


GOOD = "[{setWeight: 5}, {pause: {}}]"


def test_a_canary_of_another_workload_is_none_of_this_one():
    found = answer(DEPLOYMENT, argo(GOOD, name="other"))
    assert (found.said, found.places) == ("no", ("a.yaml:6",))
    assert found.why.startswith("1 of 2 workloads with a canary: other; none for shop; the first canary Rollout")
    assert answer(DEPLOYMENT, flagger("{stepWeight: 5, maxWeight: 50}", target="cart")).said == "no"


def test_every_workload_has_one():
    other = DEPLOYMENT.replace("shop", "cart")
    both = (DEPLOYMENT, other, argo(GOOD, name="cart"), flagger("{stepWeight: 5, maxWeight: 50}"))
    found = answer(*both)
    assert (found.said, found.why.startswith("2 canaries for 2 workloads")) == ("yes", True), found.why
    referred = argo(GOOD, name="new", more="workloadRef: {kind: Deployment, name: shop}, ")
    assert answer(DEPLOYMENT, referred).said == "yes"
    assert answer(DEPLOYMENT, other, flagger("{stepWeight: 5, maxWeight: 50}"), service="shop").said == "yes"


def test_weights_are_for_what_they_lead_to_and_else_that_is_not_told():
    route = (
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: front}\nspec: {http: [{route: "
        "[{destination: {host: shop.prod.svc, subset: a}, weight: 90}, "
        "{destination: {host: shop.prod.svc, subset: b}, weight: 10}]}]}\n"
    )
    labelled = DEPLOYMENT.replace("name: shop", "name: shop-v2")
    assert answer(DEPLOYMENT, labelled, route).said == "yes"
    found = answer(DEPLOYMENT.replace("shop", "cart"), route)
    assert (found.said, "which workload it is for is not told" in found.why) == ("unknown", True)


def test_a_pipeline_that_names_nothing_is_for_the_only_workload_there_is():
    pipeline = PIPELINE % "{canaryDeployment: {percentages: [25]}}"
    assert answer(DEPLOYMENT, pipeline).said == "yes"
    found = answer(DEPLOYMENT, DEPLOYMENT.replace("shop", "cart"), pipeline)
    assert (found.said, "none for shop, cart" in found.why) == ("unknown", True), found.why
