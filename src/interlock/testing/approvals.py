"""A small shop of people and one change, for tests of everything that has to do with approvals.

Ana (director) and ben (senior) own ``order-service`` (Tier-1), cai (engineer) wrote the change through her agent
``codey``, dee (engineer) and eve (manager) look on. Everything is a plain record that a test may replace.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from interlock.core.approval.accept import accept
from interlock.core.approval.model import SignedStatement, Statement, Tally
from interlock.core.approval.tally import tally
from interlock.core.change.catalog import Agent, Catalog, Group, Person, Role, Service, Tier
from interlock.core.change.change import Change, Submission
from interlock.core.change.parts import Artefact, Commit, GitRange, Identity
from interlock.core.change.settings import Settings, Trust
from interlock.core.facts.model import (
    Artefacts,
    BlastRadius,
    Checked,
    Description,
    Documentation,
    Provenance,
    ProvenanceKind,
    Reversibility,
    Size,
    Touched,
)
from interlock.testing.signing import UnsafeNamedSigner

NOW = datetime(2026, 3, 5, 14, 0, tzinfo=UTC)
ROLES = {
    "ana": Role.DIRECTOR,
    "ben": Role.SENIOR,
    "cai": Role.ENGINEER,
    "dee": Role.ENGINEER,
    "eve": Role.MANAGER,
}
SETTINGS = Settings(trust=Trust(software_keys="all"))


def people(**roles: Role) -> dict[str, Person]:
    """People with derived keys, by name."""
    return {name: UnsafeNamedSigner(name).person(role) for name, role in (roles or ROLES).items()}


def shop(**replaced: object) -> Catalog:
    """The catalog of the shop; keywords replace its fields."""
    catalog = Catalog(
        digest="sha256:" + "c" * 64,
        services={
            "order-service": Service(name="order-service", tier=Tier.ONE, tier_declared=True, owner="orders")
        },
        people=people(),
        groups={"orders": Group(name="orders", members=("ana", "ben"))},
        agents={"codey": Agent(name="codey", sponsor="cai", accounts=("codey-bot[bot]",))},
    )
    return replace(catalog, **replaced)  # type: ignore[arg-type]  # a test names fields of Catalog


def with_person(catalog: Catalog, person: Person) -> Catalog:
    """The catalog with this person added or replaced."""
    return replace(catalog, people={**catalog.people, person.name: person})


def commit(
    author: str = "cai@shop.example", *, committer: str = "", trailers: tuple[tuple[str, str], ...] = ()
) -> Commit:
    """One commit by these addresses."""
    return Commit(
        id="a" * 40,
        parents=("b" * 40,),
        author=Identity(name="somebody", email=author),
        committer=Identity(name="somebody", email=committer or author),
        authored_at=NOW - timedelta(hours=2),
        committed_at=NOW - timedelta(hours=2),
        message="Change the promise",
        trailers=trailers,
    )


def change(*commits: Commit, content: str = "1", **replaced: object) -> Change:
    """The change under review; ``content`` moves its digest."""
    git = GitRange(
        repository="shop",
        base="b" * 40,
        head="a" * 40,
        head_tree="c" * 40,
        commits=commits or (commit(),),
        files=(),
    )
    submission = Submission(parts=(git, Artefact(name="order", digest=f"sha256:{content:0>64}", media="file")))
    made = Change(
        id="chg-7f3a",
        title="Shorter delivery promise",
        change_class="normal",
        services=("order-service",),
        submission=submission,
        digest=submission.digest,
        opened_by="cai",
        opened_at=NOW - timedelta(hours=1),
        agent="codey",
        sponsor="cai",
    )
    return replace(made, **replaced)  # type: ignore[arg-type]  # a test names fields of Change


def description(of: Change, catalog: Catalog, *authors: Identity) -> Description:
    """What the facts would say: the order service is touched."""
    touched = tuple(
        Touched(service=name, tier=catalog.services[name].tier, reason="declared", sources=())
        for name in of.services
        if name in catalog.services
    )
    return Description(
        digest=of.digest,
        catalog_digest=catalog.digest,
        authors=authors,
        provenance=Provenance(kind=ProvenanceKind.AI_ASSISTED),
        blast=BlastRadius(touched=touched),
        reversibility=Reversibility(kind="reversible"),
        documentation=Documentation(),
        size=Size(),
        artefacts=Artefacts(),
        checked=Checked(),
    )


def statement(approver: str, of: Change | None = None, **replaced: object) -> Statement:
    """An approval of the change by ``approver``, an hour before it is counted."""
    subject = of or change()
    made = Statement(
        purpose="approve",
        subject=subject.id,
        digest=subject.digest,
        environment="production",
        approver=approver,
        nonce=f"nonce-from-{approver}" if approver in ROLES else "nonce-of-somebody",
        issued_at=NOW - timedelta(hours=1),
        expires_at=NOW + timedelta(hours=24),
    )
    return replace(made, **replaced)  # type: ignore[arg-type]  # a test names fields of Statement


def signed(said: Statement, *, signer: str = "", armoured: str = "", **replaced: object) -> SignedStatement:
    """The statement on record, as an honest server would have kept it when it was issued."""
    kept = accept(
        said,
        armoured or UnsafeNamedSigner(signer or said.approver).sign(said),
        catalog=shop(),
        settings=SETTINGS,
        now=said.issued_at,
        received_from=said.approver,
        record_id=f"sig-{said.approver}-{said.nonce}",
    )
    return replace(kept, **replaced)  # type: ignore[arg-type]  # a test names fields of SignedStatement


def approval(approver: str, of: Change | None = None, **replaced: object) -> SignedStatement:
    """A good approval by ``approver``, with fields of its statement replaced before it is signed."""
    return signed(statement(approver, of, **replaced))


def count(
    *statements: SignedStatement, of: Change | None = None, catalog: Catalog | None = None, **given: object
) -> Tally:
    """The tally of these statements for the change, in production, now."""
    subject, known = of or change(), catalog or shop()
    arguments = {
        "change": subject,
        "description": description(subject, known),
        "statements": statements,
        "catalog": known,
        "settings": SETTINGS,
        "environment": "production",
        "now": NOW,
    }
    return tally(**{**arguments, **given})  # type: ignore[arg-type]  # a test names arguments of tally
