from __future__ import annotations

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.plugins.validators.references import References

PATH = "deploy/a.yaml"
CONFIG = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop}\ndata: {host: db}\n"
SERVICE = "---\napiVersion: v1\nkind: Service\nmetadata: {name: shop}\nspec: {selector: {app: shop}}\n"


def deployment(spec="", label="shop"):
    return (
        "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop}\nspec:\n  template:\n"
        f"    metadata: {{labels: {{app: {label}}}}}\n    spec:\n      containers:\n"
        "      - name: c\n        image: a:1\n"
        f"{spec}"
    )


ENV = "        envFrom: [{configMapRef: {name: shop}}]\n"
KEY = "        env: [{name: H, valueFrom: {configMapKeyRef: {name: shop, key: %s}}}]\n"


def test_an_object_that_the_change_removes_and_still_needs_is_an_error(files, told):
    reading = files({PATH: deployment(ENV) + CONFIG}, {PATH: deployment(ENV)})
    assert told(References(), reading) == [
        ("error", "references/kubernetes", "Deployment shop needs ConfigMap shop, which this change removes")
    ]


def test_it_resolves_across_the_files_of_the_change(files, told):
    reading = files({}, {PATH: deployment(ENV), "deploy/config.yaml": CONFIG})
    assert told(References(), reading) == []


def test_a_key_that_the_object_does_not_have_is_an_error(files, told):
    reading = files({}, {PATH: deployment(KEY % "port") + CONFIG})
    assert told(References(), reading) == [
        (
            "error",
            "references/kubernetes",
            "Deployment shop needs the key port, and ConfigMap shop does not have it",
        )
    ]
    assert told(References(), files({}, {PATH: deployment(KEY % "host") + CONFIG})) == []


def test_a_new_reference_out_of_the_change_is_a_warning_and_an_old_one_is_nothing(files, told):
    new = files({PATH: deployment()}, {PATH: deployment(ENV)})
    words = "Deployment shop needs ConfigMap shop, which is not part of this change"
    assert told(References(), new) == [("warning", "references/kubernetes", words)]
    assert told(References(), new, {"closed": True}) == [("error", "references/kubernetes", words)]
    old = files({PATH: deployment(ENV)}, {PATH: deployment(ENV).replace("a:1", "a:2")})
    assert told(References(), old) == []


@pytest.mark.parametrize(
    ("spec", "needs"),
    [
        ("      serviceAccountName: robot\n", "ServiceAccount robot"),
        ("      imagePullSecrets: [{name: pull}]\n", "Secret pull"),
        ("      volumes: [{name: v, secret: {secretName: tls}}]\n", "Secret tls"),
        ("      volumes: [{name: v, persistentVolumeClaim: {claimName: disk}}]\n", "PersistentVolumeClaim disk"),
        ("      volumes: [{name: v, projected: {sources: [{configMap: {name: p}}]}}]\n", "ConfigMap p"),
        ("        envFrom: [{secretRef: {name: s}}]\n", "Secret s"),
        ("        env: [{name: H, valueFrom: {secretKeyRef: {name: s, key: k}}}]\n", "Secret s"),
        ("      serviceAccountName: default\n", None),
        ("        envFrom: [{secretRef: {name: s, optional: true}}]\n", None),
    ],
)
def test_every_sort_of_reference_of_a_pod_is_followed(files, told, spec, needs):
    found = told(References(), files({}, {PATH: deployment(spec)}))
    expected = [] if needs is None else [f"Deployment shop needs {needs}, which is not part of this change"]
    assert [message for _, _, message in found] == expected


def test_an_object_of_another_namespace_does_not_count(files, told):
    elsewhere = CONFIG.replace("{name: shop}", "{name: shop, namespace: other}")
    assert len(told(References(), files({}, {PATH: deployment(ENV) + elsewhere}))) == 1


def test_ingress_autoscaler_and_binding_are_followed(files, told):
    text = (
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i}\nspec:\n  rules:\n"
        "  - http: {paths: [{backend: {service: {name: gone}}}]}\n"
        "---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: h}\n"
        "spec: {scaleTargetRef: {kind: Deployment, name: gone}}\n"
        "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: b}\n"
        "subjects: [{kind: ServiceAccount, name: gone}, {kind: User, name: ana}]\nroleRef: {name: view}\n"
    )
    found = [message for _, _, message in told(References(), files({}, {PATH: text}))]
    assert [words.split(", ")[0] for words in found] == [
        "Ingress i needs Service gone",
        "HorizontalPodAutoscaler h needs Deployment gone",
        "RoleBinding b needs ServiceAccount gone",
    ]


def test_a_service_whose_pods_were_renamed_selects_nothing(files, told):
    reading = files({PATH: deployment() + SERVICE}, {PATH: deployment(label="store") + SERVICE})
    assert told(References(), reading) == [
        ("error", "references/kubernetes", "Service shop selects none of the pods it selected before")
    ]
    assert told(References(), files({}, {PATH: SERVICE})) == []


def test_the_files_of_a_kustomization_must_be_there(files):
    text = "resources:\n- base\n- shop.yaml\n- gone.yaml\n- https://example.com/x.yaml\n- ../../../etc\n"
    beside = {"deploy/base/kustomization.yaml": "", "deploy/shop.yaml": "a: 1"}
    reading = files({}, {"deploy/kustomization.yaml": text}, unchanged=beside)
    (validation,) = References().validate([reading], {})
    assert [(finding.rule, finding.message, finding.line) for finding in validation.findings] == [
        ("references/file", "resources[2] is gone.yaml, and there is no deploy/gone.yaml", 4),
        ("references/outside", "resources[4] is ../../../etc, which leads out of the repository", 6),
    ]


def test_a_patch_written_into_the_kustomization_is_no_path(files, told):
    """Older kustomizations hold whole patches where newer ones hold paths."""
    text = "patchesStrategicMerge:\n- |-\n  apiVersion: v1\n  kind: Service\n"
    assert told(References(), files({}, {"kustomization.yaml": text})) == []


def test_a_file_rule_reads_from_the_folder_or_from_the_root(files, told):
    rules = {"files": [{"match": "config/*.yaml", "pointer": "/templates/*"}]}
    text = "templates: [a.txt, /shared/b.txt, c.txt, /d.txt]\n"
    reading = files({}, {"config/x.yaml": text}, unchanged={"config/a.txt": "", "shared/b.txt": ""})
    assert [message for _, _, message in told(References(), reading, rules)] == [
        "templates[2] is c.txt, and there is no config/c.txt",
        "templates[3] is /d.txt, and there is no d.txt",
    ]


NAMES = {
    "names": [
        {
            "match": "routes.yaml",
            "pointer": "/routes/*/service",
            "to": {"file": "services.yaml", "pointer": "/services/*"},
        }
    ]
}


def test_names_must_be_keys_or_values_of_their_target(files, told):
    routes = "routes:\n- {service: cart}\n- {service: crat}\n"
    for services in ("services: {cart: {}, pay: {}}", "services: [cart, pay]"):
        reading = files({}, {"routes.yaml": routes}, unchanged={"services.yaml": services})
        assert told(References(), reading, NAMES) == [
            ("error", "references/name", "routes[1].service is crat, and services.yaml does not have it")
        ]
    assert "does not exist" in told(References(), files({}, {"routes.yaml": routes}), NAMES)[0][2]


def test_a_name_that_its_target_loses_is_found_where_it_is_used(files):
    reading = files(
        {"services.yaml": "services: [cart, pay]"},
        {"services.yaml": "services: [pay]"},
        unchanged={"routes.yaml": "routes: [{service: cart}]"},
    )
    (validation,) = References().validate([reading], NAMES)
    assert validation.path == "routes.yaml"
    assert [finding.rule for finding in validation.findings] == ["references/name"]


def test_a_file_without_references_is_not_named(files):
    assert References().validate([files({}, {"a.yaml": "a: 1"})], {}) == ()


@pytest.mark.parametrize("settings", [{"close": True}, {"files": [{"match": "a"}]}, {"names": [{"match": "a"}]}])
def test_settings_that_mean_nothing_are_refused(files, settings):
    with pytest.raises(InvalidInput):
        References().validate([files({}, {"a.yaml": "a: 1"})], settings)


@pytest.mark.parametrize(
    ("service", "label"),
    [
        (SERVICE.replace("spec: {selector: {app: shop}}", "spec: {}"), "store"),
        (SERVICE.replace("kind: Service", "kind: Servicelike"), "store"),
        (SERVICE, "shop"),
    ],
)
def test_what_selects_nothing_by_design_or_still_selects_is_left_alone(files, told, service, label):
    reading = files({PATH: deployment() + service}, {PATH: deployment(label=label) + service})
    assert told(References(), reading) == []
