"""Each rule with an object that fails and the nearest one that passes."""

from __future__ import annotations

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.plugins.validators.manifest_rules import ManifestRules

PATH = "deploy/a.yaml"
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: c\n    image: shop:1\n"
DEPLOYMENT = (
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  template:\n    spec:\n"
    "      containers:\n      - {name: c, image: 'shop:1', securityContext: {privileged: true}}\n"
)
CRONJOB = (
    "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: a}\nspec:\n  jobTemplate:\n    spec:\n      template:\n"
    "        spec:\n          containers:\n          - {name: c, image: shop}\n"
)
ROLE = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: a}\nrules:\n"
BINDING = (
    "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: a}\n"
    "roleRef: {name: %s}\n"
)
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n"


def image(name):
    return POD.replace("shop:1", name)


def environment(name, value):
    return POD + f"    env:\n    - {{name: {name}, value: '{value}'}}\n"


def context(text):
    return POD + f"    securityContext: {text}\n"


PAIRS = [
    ("privileged", context("{privileged: true}"), context("{privileged: false}")),
    ("privileged", DEPLOYMENT, DEPLOYMENT.replace("true", "false")),
    ("capability", context("{capabilities: {add: [CAP_SYS_ADMIN]}}"), context("{capabilities: {add: [CHOWN]}}")),
    (
        "host-path",
        POD + "  volumes: [{name: v, hostPath: {path: /}}]\n",
        POD + "  volumes: [{name: v, emptyDir: {}}]\n",
    ),
    ("host-namespace", POD + "  hostNetwork: true\n", POD + "  hostNetwork: false\n"),
    ("host-namespace", POD + "  hostPID: true\n", POD),
    ("latest-image", image("shop:latest"), image("shop:v1")),
    ("untagged-image", image("registry.example:5000/shop"), image("registry.example:5000/shop:1")),
    ("untagged-image", image("shop"), image("shop@sha256:" + "0" * 64)),
    ("untagged-image", CRONJOB, CRONJOB.replace("image: shop", "image: 'shop:7'")),
    ("plain-secret", environment("DB_PASSWORD", "hunter2"), environment("DB_PASSWORD_FILE", "/run/secrets/db")),
    ("plain-secret", environment("API_KEY", "abc123"), environment("API_KEY", "$(FROM_SECRET)")),
    ("plain-secret", environment("AUTH_TOKEN", "abc"), environment("TOKENIZER", "abc")),
    ("plain-secret", environment("STRIPE_SECRET", "sk"), environment("STRIPE_SECRET", "")),
    ("plain-secret", environment("GOOGLE_API_KEY", "AIza"), environment("GOOGLE_API_KEY", "GOOGLE_API_KEY_VAL")),
    ("plain-secret", environment("DB_PASSWORD", "changeme"), environment("DB_PASSWORD", "<from the vault>")),
    ("plain-secret", SECRET + "data: {k: dmFsdWU=}", SECRET + "data: {}"),
    ("plain-secret", SECRET + "stringData: {k: v}", SECRET.replace("Secret", "SealedSecret") + "data: {k: v}"),
    ("role-wildcard", ROLE + "- {verbs: ['*'], resources: ['*']}", ROLE + "- {verbs: [get], resources: ['*']}"),
    ("cluster-admin", BINDING % "cluster-admin", BINDING % "view"),
]


@pytest.mark.parametrize(("rule", "bad", "good"), PAIRS)
def test_each_rule_refuses_one_object_and_passes_its_neighbour(files, told, rule, bad, good):
    found = told(ManifestRules(), files({}, {PATH: bad}))
    assert [(level, name) for level, name, _ in found] == [("error", f"manifest/{rule}")]
    assert told(ManifestRules(), files({}, {PATH: good})) == []


@pytest.mark.parametrize(("rule", "bad", "good"), PAIRS)
def test_what_was_so_before_is_a_warning(files, told, rule, bad, good):
    labelled = bad.replace("{name: a}", "{name: a, labels: {x: y}}")
    ((level, name, message),) = told(ManifestRules(), files({PATH: bad}, {PATH: labelled}))
    assert (level, name) == ("warning", f"manifest/{rule}")
    assert message.endswith(", as before")


@pytest.mark.parametrize(
    ("text", "rule"),
    [(context("{runAsUser: 0}"), "root"), (context("{allowPrivilegeEscalation: true}"), "escalation")],
)
def test_running_as_root_and_escalation_are_warnings(files, told, text, rule):
    found = told(ManifestRules(), files({}, {PATH: text}))
    assert [(level, name) for level, name, _ in found] == [("warning", f"manifest/{rule}")]


def test_every_sort_of_container_is_looked_at(files, told):
    text = POD.replace("containers", "initContainers").replace("shop:1", "shop")
    assert len(told(ManifestRules(), files({}, {PATH: text}))) == 1


def test_the_secret_itself_is_not_repeated_in_the_finding(files, told):
    ((_, _, message),) = told(ManifestRules(), files({}, {PATH: environment("DB_PASSWORD", "hunter2")}))
    assert message == "Pod a has the secret DB_PASSWORD written out (container c)"


def test_a_finding_names_line_and_pointer(files):
    (validation,) = ManifestRules().validate([files({}, {PATH: image("shop:latest")})], {})
    (finding,) = validation.findings
    assert (finding.path, finding.line) == (PATH, 7)
    assert finding.pointer == "/v1~1Pod~1~1a/spec/containers/0/image"


def test_an_exception_names_a_rule_and_an_object(files, told):
    reading = files({}, {PATH: image("shop")})
    assert told(ManifestRules(), reading, {"ignore": [{"rule": "manifest/untagged-*", "object": "Pod a"}]}) == []
    assert told(ManifestRules(), reading, {"ignore": [{"rule": "manifest/untagged-*", "object": "Pod b"}]}) != []


@pytest.mark.parametrize("settings", [{"ignore": [{"rule": "", "object": "*"}]}, {"ignore": [{}]}, {"x": 1}])
def test_settings_that_mean_nothing_are_refused(files, settings):
    with pytest.raises(InvalidInput):
        ManifestRules().validate([files({}, {PATH: POD})], settings)


@pytest.mark.parametrize("beside", ["deploy/kustomization.yaml", "skaffold.yaml"])
def test_a_name_that_a_build_tool_fills_in_is_a_warning(files, told, beside):
    found = told(ManifestRules(), files({}, {PATH: image("shop")}, unchanged={beside: "a: 1"}))
    assert [(level, rule) for level, rule, _ in found] == [("warning", "manifest/untagged-image")]
    found = told(ManifestRules(), files({}, {PATH: image("shop:latest")}, unchanged={beside: "a: 1"}))
    assert [level for level, _, _ in found] == ["error"]
