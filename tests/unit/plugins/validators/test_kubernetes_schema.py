from __future__ import annotations

from pathlib import Path

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.change.parts import Configuration
from interlock.plugins.validators.kubernetes_schema import KubernetesSchema
from interlock.plugins.validators.manifest_rules import ManifestRules
from interlock.plugins.validators.references import References
from interlock.testing.materials import HostileMaterial, reading

SHOP = Path(__file__).parents[3] / "data/microservices-demo/kubernetes-manifests.yaml"
PATH = "deploy/shop.yaml"


@pytest.fixture
def shop():
    return SHOP.read_text()


def test_a_real_shop_fits_and_has_no_finding_in_any_kubernetes_check(files, shop):
    """35 objects of a released 12-service shop: whatever is told about them would be a false alarm."""
    reading = files({}, {PATH: shop})
    for validator in (KubernetesSchema(), ManifestRules(), References()):
        (validation,) = validator.validate([reading], {})
        assert (validation.validator, validation.path, validation.findings) == (validator.name, PATH, ())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "serviceAccountName: frontend",
            "serviceAccount_Name: frontend",
            "Deployment frontend spec.template.spec has unknown keys: serviceAccount_Name",
        ),
        (
            "containerPort: 8080",
            "containerPort: '8080'",
            (
                'Deployment frontend spec.template.spec.containers[0].ports[0].containerPort is "8080", expected'
                " type integer"
            ),
        ),
        ("  selector:\n    matchLabels:\n      app: frontend\n", "", "Deployment frontend spec lacks selector"),
        (
            "kind: Deployment",
            "kind: Deploiment",
            "Deploiment frontend (apps/v1) has no schema here and was not checked",
        ),
    ],
)
def test_a_mistake_in_it_is_found_with_its_line(files, shop, told, old, new, message):
    broken = shop.replace(old, new, 1)
    (found,) = told(KubernetesSchema(), files({PATH: shop}, {PATH: broken}))
    assert found[2] == message


def test_an_older_cluster_is_checked_by_its_own_schemas(files, told):
    sidecar = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  resources: {limits: {cpu: 1}}\n"
        "  containers: [{name: c, image: 'a:1'}]\n"
    )
    reading = files({}, {PATH: sidecar})
    assert told(KubernetesSchema(), reading, {"version": "1.34"}) == []
    assert told(KubernetesSchema(), reading, {"version": "1.25"}) == [
        ("error", "kubernetes-schema/invalid", "Pod a spec has unknown keys: resources")
    ]


@pytest.mark.parametrize(
    "settings", [{"version": "1.2"}, {"version": "9.9"}, {"version": "x"}, {"versions": "1.30"}]
)
def test_a_version_that_is_not_known_is_refused(files, shop, settings):
    with pytest.raises(InvalidInput):
        KubernetesSchema().validate([files({}, {PATH: shop})], settings)


def test_without_the_schemas_one_warning_says_so_and_no_file_counts_as_looked_at(files, shop):
    absent = KubernetesSchema(package="no_such_package_of_schemas")
    (validation,) = absent.validate([files({}, {PATH: shop})], {})
    (finding,) = validation.findings
    assert validation.path == ""
    assert (finding.level, finding.rule) == ("warning", "kubernetes-schema/skipped")
    assert "pip install kubernetes-validate" in finding.remedy
    assert absent.validate([files({}, {"a.yaml": "a: 1"})], {}) == ()


def test_what_holds_no_objects_or_is_a_template_is_not_looked_at(files):
    material = HostileMaterial(
        {"gone.yaml": b"apiVersion: v1"},
        {
            "t.yaml": b"apiVersion: v1\nname: {{ .Values.name }}",
            "a.yaml": b"a: 1",
            "x.py": b"apiVersion",
            "b": b"",
        },
        broken=["big.yaml"],
    )
    assert KubernetesSchema().validate([reading(Configuration(files=()), material)], {}) == ()


def test_a_manifest_that_cannot_be_read_is_an_error():
    material = HostileMaterial({}, {PATH: b"apiVersion: v1\nkind: [Pod"})
    (validation,) = KubernetesSchema().validate([reading(Configuration(files=()), material)], {})
    assert [(f.level, f.rule) for f in validation.findings] == [("error", "kubernetes-schema/unreadable")]


PATCH = (
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n$patch: delete\nspec: {replicas: 1, replica: 2}\n"
)


def test_a_patch_of_a_kustomization_is_checked_without_what_it_leaves_out(files, told):
    found = told(KubernetesSchema(), files({}, {PATH: PATCH}))
    assert [message for _, _, message in found] == [
        "Deployment a has unknown keys: $patch",
        "Deployment a spec lacks selector, template",
        "Deployment a spec has unknown keys: replica",
    ]
    for patches in ("patches: [{path: shop.yaml}]", "patches: [shop.yaml]", "patchesStrategicMerge: [shop.yaml]"):
        reading = files({}, {PATH: PATCH}, unchanged={"deploy/kustomization.yaml": patches})
        assert [message for _, _, message in told(KubernetesSchema(), reading)] == [
            "Deployment a spec has unknown keys: replica"
        ]
    reading = files({}, {PATH: PATCH}, unchanged={"deploy/kustomization.yaml": "resources: [shop.yaml]"})
    assert len(told(KubernetesSchema(), reading)) == 3
