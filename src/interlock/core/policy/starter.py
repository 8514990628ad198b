"""First rules for a repository that has none: what a survey shows, written down to be corrected by people.

Rules:
1. Nothing that exists is replaced; what is there already is used and named.
2. A guess is written as a guess: services without a tier, people as engineers, every rule watched. The look-back
   decides which rules the repository can already show, and only those are enforced.
3. An address that looks like a machine's becomes no person.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import yaml

from interlock.core.approval.identity import folded, spellings
from interlock.core.change.settings import SETTINGS_FILE
from interlock.core.facts.markers import tool_of_address
from interlock.core.facts.survey import Author, Survey

MAX_PEOPLE = 30
MAX_SERVICES = 50
MAX_GLOBS = 20
LEAST_COMMITS = 2
FEW = 2
"""People with whom the rules can come into force and not be changed."""

_CATALOG = "catalog-info.yaml"
_CONFIGURATION = re.compile(
    r"(?P<folder>(?:.*/)?(?:config|configs|conf|configuration|settings|deploy|deployment|k8s|kubernetes|manifests|"
    r"kustomize|environments|env|release))/(?:.*/)?[^/]+\.(?P<ending>ya?ml|json|toml|env)"
)
_SERVICE_FOLDER = re.compile(r"(?P<folder>(?:services|apps|cmd|microservices)/[A-Za-z0-9][A-Za-z0-9._-]*)/.+")
_DOCKERFILE = re.compile(r"(?P<folder>(?:.*/)?[A-Za-z0-9][A-Za-z0-9._-]*)/Dockerfile")
_MACHINE = re.compile(
    r"\[bot\]|^bot@|(^|[+._-])bot(@|[._-])|no-?reply@(?!.*users\.noreply)|^noreply@|cursoragent@|aider@|@localhost"
)
_ASIDE = frozenset(
    {
        "test",
        "tests",
        "testing",
        "testdata",
        "docs",
        "doc",
        "examples",
        "hack",
        "scripts",
        "ci",
        ".devcontainer",
        ".github",
        "e2e",
        "fixtures",
    }
)
"""Folders whose Dockerfiles run no service."""
_BUILDS = frozenset(
    {"Dockerfile", "go.mod", "package.json", "pyproject.toml", "Cargo.toml", "pom.xml", "build.gradle"}
)
"""Files in the root that make the repository itself a service."""
_NAME = re.compile(r"[^a-z0-9]+")
_ENTITY = re.compile(r"[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Starter:
    """Files to write, and what was found: for people, one phrase each. ``alone`` is one-person mode."""

    files: dict[str, bytes]
    found: tuple[str, ...]
    alone: bool = False


def starter(
    survey: Survey,
    *,
    bundled: Mapping[str, bytes],
    existing: frozenset[str],
    one_person: bool,
    owners: Collection[str] = (),
    catalogued: int = 0,
) -> Starter:
    """What to write beside ``existing`` (paths that are there already); ``owners`` are named by CODEOWNERS.

    ``catalogued`` counts the people of a catalog that is there: they stand for the rules, whoever has committed.
    """
    globs = configuration_globs(survey.paths)
    services = service_folders(survey)
    people = people_of(survey.authors)
    has_catalog = _CATALOG in existing or any(path.startswith("catalog/") for path in existing)
    standing = catalogued or len(people)
    alone = one_person or standing < 2  # noqa: PLR2004  # two people make a quorum
    files = {SETTINGS_FILE: _settings(survey.name, globs, alone=alone)}
    files |= {f"policies/{path}": content for path, content in bundled.items()}
    if not has_catalog:
        files[_CATALOG] = _catalog(services, people, owners)
    few = standing == FEW and not alone
    found = (
        f"{_many(len(services), 'service')} from folders and Dockerfiles"
        if not has_catalog
        else "a catalog that is there",
        f"{_many(len(people), 'committer')} from the history"
        + (f", {_many(catalogued, 'person', 'people')} in the catalog" if catalogued else "")
        + (", so one-person mode" if alone else ""),
        f"configuration in {', '.join(globs)}" if globs else "no configuration folder",
        *(
            ("two people can start and never change the rules: that takes an author and two others",)
            if few
            else ()
        ),
    )
    fresh = {path: files[path] for path in sorted(files) if path not in existing}
    return Starter(files=fresh, found=found, alone=alone)


def _many(count: int, word: str, several: str = "") -> str:
    return f"{count} {word if count == 1 else several or f'{word}s'}"


def configuration_globs(paths: tuple[str, ...]) -> tuple[str, ...]:
    """Globs of configuration, one for each outermost folder and ending, at most twenty."""
    found: dict[str, None] = {}
    for path in paths:
        match = _CONFIGURATION.fullmatch(path)
        if match:
            found[f"{match['folder']}/**/*.{match['ending']}"] = None
    kept = [glob for glob in found if not any(_covers(other, glob) for other in found if other != glob)]
    return tuple(sorted(kept)[:MAX_GLOBS])


def _covers(outer: str, inner: str) -> bool:
    folder, _, pattern = outer.partition("/**/")
    return inner.startswith(f"{folder}/") and inner.endswith(f"/**/{pattern}")


def service_folders(survey: Survey) -> dict[str, str]:
    """Service names with the glob of their files; the repository itself where nothing shows."""
    found: dict[str, str] = {}
    for path in survey.paths:
        match = _DOCKERFILE.fullmatch(path) or _SERVICE_FOLDER.fullmatch(path)
        name = _slug(match["folder"].rpartition("/")[2]) if match else ""
        if match and len(found) < MAX_SERVICES and not _ASIDE & set(match["folder"].split("/")):
            found.setdefault(name, f"{match['folder']}/**")
    if not found or _BUILDS & set(survey.paths):
        found[_slug(survey.name)] = "**"
    return found


def people_of(authors: tuple[Author, ...]) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Person name → display name and addresses; one name with several addresses is one person.

    So are several names with one address. Whoever committed once is left out, unless nobody did more.
    """
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    owner: dict[str, str] = {}
    written = [author for author in authors if author.identity.email and not _is_machine(author)]
    least = min(LEAST_COMMITS, max((author.commits for author in written), default=0))
    for author in written:
        email = author.identity.email
        if author.commits < least:
            continue
        known = spellings(email)
        same = next((owner[spelt] for spelt in known if spelt in owner), None)
        name = same or _slug(author.identity.name) or _slug(email.partition("@")[0])
        display, emails = found.get(name, (author.identity.name, ()))
        found[name] = (display, emails if same and folded(email) in map(folded, emails) else (*emails, email))
        owner |= dict.fromkeys(known, name)
    return dict(list(found.items())[:MAX_PEOPLE])


def _is_machine(author: Author) -> bool:
    email, name = author.identity.email, author.identity.name
    return bool(_MACHINE.search(email)) or "[bot]" in name or tool_of_address(email) is not None


def _slug(text: str) -> str:
    return _NAME.sub("-", text.lower()).strip("-")[:60]


def _settings(name: str, globs: tuple[str, ...], *, alone: bool) -> bytes:
    value: dict[str, object] = {"version": 1, "organisation": name}
    if alone:
        value["one_person"] = True
    value["catalog"] = [_CATALOG, "catalog"]
    value["environments"] = {"production": {"production": True}, "staging": {}}
    if globs:
        value["configuration"] = [{"match": glob} for glob in globs]
    head = (
        "# What this repository tells interlock about itself; every key: docs/reference/settings.md\n"
        "# It is part of the rules: once activated, editing it is a change of its own.\n"
    )
    return (head + yaml.safe_dump(value, sort_keys=False, allow_unicode=True)).encode()


def _catalog(
    services: Mapping[str, str], people: Mapping[str, tuple[str, tuple[str, ...]]], owners: Collection[str]
) -> bytes:
    head = (
        "# Guessed from folders and history. Correct it: give each service its tier (1 earns money or reaches\n"
        "# customers), owner and dependencies, and each person their role and SSH keys.\n"
    )
    documents = [*_components(services), *_groups(owners), *_users(people)]
    return (head + yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True)).encode()


def _components(services: Mapping[str, str]) -> Iterator[dict[str, object]]:
    for name, paths in services.items():
        yield _entity("Component", name, {"interlock.dev/paths": paths}, _SERVICE_SPEC)


_SERVICE_SPEC: dict[str, object] = {"type": "service", "lifecycle": "production", "owner": "group:maintainers"}


def _groups(owners: Collection[str]) -> Iterator[dict[str, object]]:
    """Everybody, and one for each team or login of CODEOWNERS: who is in it only people can say."""
    named = {owner.rpartition("/")[2].lstrip("@").lower() for owner in owners if owner.startswith("@")}
    for name in ("maintainers", *sorted(name for name in named - {"maintainers"} if _ENTITY.fullmatch(name))):
        yield _entity("Group", name, {}, {"type": "team", "children": []})


def _users(people: Mapping[str, tuple[str, tuple[str, ...]]]) -> Iterator[dict[str, object]]:
    for name, (display, emails) in people.items():
        notes = {"interlock.dev/role": "engineer"}
        if len(emails) > 1:
            notes["interlock.dev/emails"] = ", ".join(emails[1:])
        profile = {"displayName": display, "email": emails[0]}
        yield _entity("User", name, notes, {"profile": profile, "memberOf": ["maintainers"]})


def _entity(kind: str, name: str, notes: Mapping[str, str], spec: Mapping[str, object]) -> dict[str, object]:
    metadata: dict[str, object] = {"name": name}
    if notes:
        metadata["annotations"] = {**notes}
    return {"apiVersion": "backstage.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": {**spec}}
