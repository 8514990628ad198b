"""What a Kubernetes object asks for that lets a container out of its box, or a secret into the repository.

Rules:
1. A container that is privileged, shares the host's namespaces, mounts the host's files or takes a capability
   that amounts to root is an error; one that merely runs as root or may escalate is a warning.
2. A secret written out is an error: a Secret with values in it (base64 hides nothing), or a variable named like a
   secret with a literal value.
3. An image that is ``latest``, by name or by silence, is an error: what runs tomorrow is not what was judged
   today. A digest beside the tag settles it.
4. A role that may do everything, and the binding to ``cluster-admin``, is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from interlock.core.change.canonical import Json
from interlock.core.change.manifests import Manifest, containers, items, pod_spec
from interlock.core.change.pointers import joined
from interlock.core.facts.plan_rules.view import Problem

_ROOT_CAPABILITIES = frozenset({"ALL", "SYS_ADMIN", "SYS_PTRACE", "SYS_MODULE", "NET_ADMIN", "DAC_READ_SEARCH"})
_HOST = {"hostNetwork": "network", "hostPID": "processes", "hostIPC": "shared memory"}
_SECRET_NAME = re.compile(
    r"(?:^|_)(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY|CREDENTIALS?)(?:$|_)",
    re.IGNORECASE,
)
_NOT_THE_SECRET = re.compile(
    r"_(?:FILE|PATH|DIR|NAME|ID|URL|URI|ADDR|HOST|PORT|TTL|EXPIRY|LENGTH|SIZE|COUNT|LIMIT|TYPE|ENABLED|HEADER|REF|MODE)$",
    re.IGNORECASE,
)
_REFERENCE = re.compile(
    r"\$\([A-Za-z_][A-Za-z0-9_]*\)|\$\{[^}]*\}|<[^>]*>|(?:vault|ssm|op|ref\+\w+):.*|", re.IGNORECASE | re.DOTALL
)
_TRIVIAL = frozenset({"true", "false", "none", "null", "0", "1"})


def problems(manifest: Manifest) -> Iterator[Problem]:
    """Everything wrong with one object, by the rules above; pointers are from the object's root."""
    found = pod_spec(manifest)
    if found is not None:
        yield from _pod(*found)
        for pointer, container in containers(*found):
            yield from _container(pointer, container)
    if manifest.kind == "Secret":
        yield from _secret(manifest.value)
    if manifest.kind in {"Role", "ClusterRole"}:
        yield from _role(manifest.value)
    if manifest.kind in {"RoleBinding", "ClusterRoleBinding"}:
        yield from _binding(manifest.value)


def _pod(pointer: str, spec: dict[str, Json]) -> Iterator[Problem]:
    for key, what in _HOST.items():
        if spec.get(key) is True:
            yield Problem(
                rule="manifest/host-namespace",
                words=f"shares the host's {what} ({key})",
                pointer=joined(pointer, key),
                remedy=f"remove {key}",
            )
    for index, volume in items(spec, "volumes"):
        host = volume.get("hostPath")
        if isinstance(host, dict):
            yield Problem(
                rule="manifest/host-path",
                words=f"mounts {host.get('path', 'a path')} of the host",
                pointer=joined(joined(joined(pointer, "volumes"), index), "hostPath"),
                remedy="use a volume of the cluster",
            )


def _container(pointer: str, container: dict[str, Json]) -> Iterator[Problem]:
    name = container.get("name", "?")
    image = container.get("image")
    if isinstance(image, str) and _floats(image):
        yield Problem(
            rule="manifest/latest-image" if image.endswith(":latest") else "manifest/untagged-image",
            words=f"runs {image}, whatever that is by then (container {name})",
            pointer=joined(pointer, "image"),
            remedy="name a version, and its digest: image:1.2.3@sha256:…",
        )
    context = container.get("securityContext")
    if isinstance(context, dict):
        yield from _security(joined(pointer, "securityContext"), context, str(name))
    for index, variable in items(container, "env"):
        key, value = variable.get("name"), variable.get("value")
        if isinstance(key, str) and isinstance(value, str) and _is_secret(key, value):
            yield Problem(
                rule="manifest/plain-secret",
                words=f"has the secret {key} written out (container {name})",
                pointer=joined(joined(joined(pointer, "env"), index), "value"),
                remedy="take it from a Secret (valueFrom.secretKeyRef), and replace it: it is in the history now",
            )


def _security(pointer: str, context: dict[str, Json], name: str) -> Iterator[Problem]:
    if context.get("privileged") is True:
        yield Problem(
            rule="manifest/privileged",
            words=f"runs privileged (container {name})",
            pointer=joined(pointer, "privileged"),
            remedy="remove it, and add the one capability that is needed",
        )
    elif context.get("allowPrivilegeEscalation") is True:
        yield Problem(
            rule="manifest/escalation",
            words=f"may gain privileges (container {name})",
            pointer=joined(pointer, "allowPrivilegeEscalation"),
            remedy="set allowPrivilegeEscalation: false",
            level="warning",
        )
    if context.get("runAsUser") == 0 and context.get("runAsUser") is not False:
        yield Problem(
            rule="manifest/root",
            words=f"runs as root (container {name})",
            pointer=joined(pointer, "runAsUser"),
            remedy="set runAsNonRoot: true and a user",
            level="warning",
        )
    capabilities = context.get("capabilities")
    added = capabilities.get("add") if isinstance(capabilities, dict) else None
    for capability in added if isinstance(added, list) else ():
        if str(capability).upper().removeprefix("CAP_") in _ROOT_CAPABILITIES:
            yield Problem(
                rule="manifest/capability",
                words=f"adds the capability {capability} (container {name})",
                pointer=joined(joined(pointer, "capabilities"), "add"),
                remedy="drop it, or name a narrower one",
            )


def _secret(value: dict[str, Json]) -> Iterator[Problem]:
    for key in ("data", "stringData"):
        held = value.get(key)
        names = [str(name) for name, content in held.items() if content] if isinstance(held, dict) else []
        if names:
            yield Problem(
                rule="manifest/plain-secret",
                words=f"holds {', '.join(sorted(names))[:80]} in plain text",
                pointer=joined("", key),
                remedy="use a sealed or external secret, and replace the values: they are in the history now",
            )


def _role(value: dict[str, Json]) -> Iterator[Problem]:
    for index, rule in items(value, "rules"):
        verbs, resources = rule.get("verbs"), rule.get("resources")
        if isinstance(verbs, list) and isinstance(resources, list) and "*" in verbs and "*" in resources:
            yield Problem(
                rule="manifest/role-wildcard",
                words="may do everything to every resource",
                pointer=joined("/rules", index),
                remedy="name the verbs and resources that are needed",
            )


def _binding(value: dict[str, Json]) -> Iterator[Problem]:
    role = value.get("roleRef")
    if isinstance(role, dict) and role.get("name") == "cluster-admin":
        yield Problem(
            rule="manifest/cluster-admin",
            words="makes its subjects cluster-admin",
            pointer="/roleRef/name",
            remedy="bind a role that is no wider than the task",
        )


def _floats(image: str) -> bool:
    if "@" in image or not image or "$" in image:
        return False
    name, colon, tag = image.rpartition("/")[2].partition(":")
    return bool(name) and (not colon or tag == "latest")


def _is_secret(key: str, value: str) -> bool:
    if not _SECRET_NAME.search(key) or _NOT_THE_SECRET.search(key):
        return False
    value = value.strip()
    placeholder = value.isupper() and value.startswith(key.upper())
    return not placeholder and _REFERENCE.fullmatch(value) is None and value.lower() not in _TRIVIAL
