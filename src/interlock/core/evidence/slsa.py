"""SLSA provenance: from which commit of which repository was this artefact built, and by whom.

Rules:
1. Provenance v1 and v0.2 are read. The source is what the builder was called for; where that is not said, the
   only git revision among the dependencies. Two candidates are no answer, and are refused.
2. ``verified`` needs a trusted runner's signature; a claim by anybody else is shown as a claim.
3. Given the artefact's digest, provenance of another artefact is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from interlock.core.change.canonical import Json, sha256
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parts import ArtefactProvenance
from interlock.core.evidence.model import Runner
from interlock.core.evidence.statement import SLSA_V02, SLSA_V1, InTotoStatement
from interlock.core.evidence.trust import verify_envelope

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_Source = tuple[str, str]
"""Repository and commit."""


def read_provenance(
    content: bytes,
    runners: tuple[Runner, ...],
    now: datetime,
    *,
    subject: str | None = None,
    services: tuple[str, ...] = (),
) -> ArtefactProvenance:
    """What the envelope in ``content`` says of the artefact whose digest is ``subject``.

    Raises:
        InvalidInput: ``provenance-type``, ``provenance-subject``, ``provenance-source``, or what
            ``verify_envelope`` raises.
    """
    verified = verify_envelope(content, runners, now=now, services=services)
    found = verified.statement
    if subject is not None and not found.speaks_of(subject):
        raise _refused("provenance-subject", f"provenance of `{subject[:80]}`, got that of another artefact")
    repository, commit = source_of(found)
    return ArtefactProvenance(
        commit=commit,
        repository=repository,
        builder=_builder(found),
        statement_digest=sha256(verified.envelope.payload),
        verified=verified.trusted,
        key=verified.runner.key_id if verified.runner is not None else None,
    )


def source_of(statement: InTotoStatement) -> tuple[str, str]:
    """Repository (as a URL without ref) and commit that a provenance statement names."""
    if statement.predicate_type == SLSA_V1:
        definition = _maybe(statement.predicate.get("buildDefinition"))
        called_for = _repository(_called_for(_maybe(definition.get("externalParameters"))))
        sources = set(_sources(definition.get("resolvedDependencies")))
    elif statement.predicate_type == SLSA_V02:
        config = _maybe(_maybe(statement.predicate.get("invocation")).get("configSource"))
        called_for = _repository(_text(config.get("uri")))
        sources = set(_sources([config])) or set(_sources(statement.predicate.get("materials")))
    else:
        raise _refused("provenance-type", f"SLSA provenance v1 or v0.2, got `{statement.predicate_type[:80]}`")
    named = {one for one in sources if one[0] == called_for}
    candidates = named or sources
    if len(candidates) != 1:
        raise _refused("provenance-source", f"provenance that names one git revision, got {len(candidates)}")
    return candidates.pop()


def _called_for(parameters: dict[str, Json]) -> str:
    """Where the common builders say what they were asked to build."""
    for key in ("source", "workflow"):
        value = parameters.get(key)
        if isinstance(value, str):
            return value
        for inner in ("repository", "uri"):
            if isinstance(value, dict) and isinstance(value.get(inner), str):
                return _text(value[inner])
    return _text(parameters.get("repository"))


def _sources(dependencies: Json) -> Iterator[_Source]:
    for one in dependencies if isinstance(dependencies, list) else []:
        digests = _maybe(_maybe(one).get("digest"))
        uri = _text(_maybe(one).get("uri"))
        commit = _text(digests.get("gitCommit")) or (_text(digests.get("sha1")) if _is_git(uri) else "")
        if uri and _COMMIT.fullmatch(commit):
            yield _repository(uri), commit


def _is_git(uri: str) -> bool:
    return uri.startswith(("git+", "git://")) or ".git" in uri or "github.com/" in uri or "gitlab" in uri


def _repository(uri: str) -> str:
    """``git+https://host/a/b.git@refs/heads/main`` as ``https://host/a/b``."""
    scheme, mark, rest = uri.removeprefix("git+").partition("://")
    return (scheme + mark + rest.split("@refs/")[0].split("#")[0].removesuffix("/")).removesuffix(".git")[:500]


def _builder(statement: InTotoStatement) -> str:
    holder = _maybe(statement.predicate.get("runDetails")) or statement.predicate
    return _text(_maybe(holder.get("builder")).get("id"))[:500]


def _maybe(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _refused(code: str, expected: str) -> InvalidInput:
    return InvalidInput(
        f"expected {expected}",
        code=code,
        hint="give the provenance its builder wrote for exactly this artefact",
    )
