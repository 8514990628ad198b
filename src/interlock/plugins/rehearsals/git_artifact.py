"""The driver ``git-artifact``: the previous version is pinned, can really be fetched, and is what it was.

Rules:
1. It rehearses in a throw-away folder of its own: first with the previous version as this checkout knows it, then
   with the change, then with what is really fetched from the repository. Only that must be what was there first.
2. The previous version is a commit, by default the one at which the change begins. Where a ``ref`` is named, it
   must lead to that commit: a tag that was moved is no pin.
3. An archive has an SHA-256, and is fetched from its address: what it holds now must have that digest.
4. ``rollback`` steps are run on what was fetched, whose folder they find in ``ARTEFACT``: does it build, does it
   start. What was fetched is compared as it was before them: what a build leaves in the folder is no difference.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from interlock.core.change.canonical import Json, is_digest
from interlock.core.rehearsal.brief import brief
from interlock.core.rehearsal.fingerprint import MAX_ITEMS, Fingerprint
from interlock.core.rehearsal.going_back import Before, GoingBack
from interlock.core.rehearsal.outcome import Acted
from interlock.core.rehearsal.plan import RehearsalPlan
from interlock.core.rollout.plan import StepPlan
from interlock.plugins.rehearsals.archives import fetched
from interlock.plugins.rehearsals.git_back import fetched_back
from interlock.plugins.rehearsals.git_trees import Trees, Unfetched
from interlock.plugins.rehearsals.probe_files import seen_file
from interlock.plugins.rehearsals.reading import read, refuse
from interlock.plugins.world.own_folder import OwnFolder
from interlock.ports.rehearsal import Probe, RehearsalScene

NAME = "git-artifact"
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A release: its address and the digest of its bytes, ``sha256:…``."""

    url: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactSettings:
    """``repository`` is what git fetches from, ``paths`` what counts in it; a fetch takes ``timeout`` seconds."""

    repository: str
    ref: str = ""
    commit: str = ""
    paths: tuple[str, ...] = (".",)
    archives: tuple[Archive, ...] = ()
    timeout: float = 300.0


class GitArtifactRehearsal:
    """The driver; see the rules above."""

    def __init__(self, plan: RehearsalPlan, scene: RehearsalScene) -> None:
        self._plan, self._scene = plan, scene
        self._settings = found = read(ArtifactSettings, plan.driver.settings, what=f"the driver `{NAME}`")
        _check(found)
        if plan.apply:
            hint = "the change is put there by this driver; steps under rollback: check what was fetched"
            raise refuse(f"no `apply` beside the driver `{NAME}`", "some", hint=hint, path=())
        self._commit = found.commit or scene.base
        self._folder = Path()
        self._own: OwnFolder | None = None
        self._trees = Trees(scene.programs, root=scene.root, timeout=found.timeout)
        self._archives = {each.url: each.sha256 for each in found.archives}
        self._measured: dict[str, Json] = {}
        self._fetched: Fingerprint | None = None

    @staticmethod
    def going_back(plan: RehearsalPlan, before: Before) -> GoingBack:
        """The pinned version fetched and put in the place of this one; ``rollback`` only checks and is no way."""
        found = read(ArtifactSettings, plan.driver.settings, what=f"the driver `{NAME}`")
        _check(found)
        archives = [(each.url, each.sha256) for each in found.archives]
        commit = found.commit or before.base
        return fetched_back(found.repository, commit, found.ref, found.paths, archives, before)

    def needs(self) -> str:
        """Git, the commit, and a folder with the previous version in it, which is made here."""
        why = self._scene.programs.missing("git")
        if why:
            return f"`git`: {why}"
        if not self._commit:
            return "the commit of the previous version: name it under driver: commit"
        for step in self._plan.rollback:
            for program in (step.run[0], step.verify[0]):
                if why := self._scene.programs.missing(program):
                    return f"`{program}` for step {step.name}: {why}"
        self._own = OwnFolder("interlock-artefact-")
        self._folder = self._own.path
        try:
            self._trees.local(self._commit, self._place, self._settings.paths)
        except Unfetched as error:
            return f"the commit {self._commit[:12]} in this checkout: {error}"
        return ""

    def probes(self) -> Mapping[str, Probe]:
        """The files of the version that is in the folder, and the archives."""
        return {"artefact": _Look(self)}

    def apply(self) -> Iterator[Acted]:
        """The change's own files take the place of the previous ones."""
        yield self._acted("this version", self._put_change)

    def roll_back(self) -> Iterator[Acted]:
        """Fetch, compare, and check."""
        yield (pin := self._acted("the pin", self._look_up))
        if not pin.ok:
            return
        yield (files := self._acted("fetch", self._fetch))
        if not files.ok:
            return
        for number, each in enumerate(self._settings.archives, start=1):
            yield (got := self._acted(f"archive {number}", partial(self._download, each)))
            if not got.ok:
                return
        self._fetched = self._looked()
        for step in self._plan.rollback:
            yield (acted := self._acted(step.name, partial(self._checked, step)))
            if not acted.ok:
                return

    def measured(self) -> Mapping[str, Json]:
        """What was pinned."""
        return {"repository": self._settings.repository, "commit": self._commit, **self._measured}

    def close(self) -> None:
        """The folder goes."""
        if self._own:
            self._own.close()

    @property
    def _place(self) -> Path:
        return self._folder / "tree"

    def seen(self) -> Fingerprint:
        """What is in the folder now, or was when all of it was fetched."""
        return self._looked() if self._fetched is None else self._fetched

    def _looked(self) -> Fingerprint:
        items = {f"archive {url}": digest for url, digest in self._archives.items()}
        try:
            for place in self._files():
                items[place.relative_to(self._place).as_posix()] = seen_file(place)
                if len(items) > MAX_ITEMS:
                    return Fingerprint(items={}, failed=f"more than {MAX_ITEMS} files; name fewer `paths`")
        except OSError as error:
            return Fingerprint(items={}, failed=(error.strerror or str(error)).lower())
        return Fingerprint(items=items)

    def _files(self) -> Iterator[Path]:
        """Every file and every link; what a link leads to is not of this tree."""
        for folder, folders, files in os.walk(self._place):
            yield from (Path(folder, name) for name in files)
            yield from (place for name in folders if (place := Path(folder, name)).is_symlink())

    @staticmethod
    def _acted(name: str, do: Callable[[], str]) -> Acted:
        began = time.monotonic()
        try:
            said = do()
        except Unfetched as error:
            return Acted(name=name, ok=False, said=brief(str(error), 300), seconds=time.monotonic() - began)
        return Acted(name=name, ok=True, said=said, seconds=time.monotonic() - began)

    def _put_change(self) -> str:
        self._trees.local("HEAD", self._place, self._settings.paths)
        return "the files of HEAD"

    def _look_up(self) -> str:
        ref, repository = self._settings.ref, self._settings.repository
        if not ref:
            return f"{self._commit[:12]} by its commit"
        leads = self._trees.leads(repository, ref)
        self._measured["ref"] = {"name": ref, "leads_to": leads}
        if leads != self._commit:
            raise Unfetched(f"`{ref}` leads to {leads[:12]} and is pinned to {self._commit[:12]}: it was moved")
        return f"{ref} leads to {leads[:12]}"

    def _fetch(self) -> str:
        with suppress(FileNotFoundError):
            shutil.rmtree(self._place)
        where = self._folder / "fetched.git"
        self._trees.fetch(self._settings.repository, self._commit, self._settings.ref, where)
        self._trees.checked_out(where, self._commit, self._place, self._settings.paths)
        return f"{self._commit[:12]} from {self._settings.repository}"[:300]

    def _download(self, one: Archive) -> str:
        found = fetched(one.url, root=self._scene.root, seconds=self._settings.timeout)
        self._archives[one.url] = found.digest or f"not fetched: {found.failed}"
        if found.failed:
            raise Unfetched(f"{one.url}: {found.failed}")
        if found.digest != one.sha256:
            raise Unfetched(f"{one.url} is {found.digest[:19]}…, and is pinned to {one.sha256[:19]}…")
        return f"{found.size:,} bytes"

    def _checked(self, step: StepPlan) -> str:
        names = {"ARTEFACT": str(self._place), "ROLLOUT_SERVICE": self._scene.service}
        programs = self._scene.steps
        for argv, kind in ((step.run, ""), (step.verify, "not verified: ")):
            ran = programs.run(argv, timeout=step.timeout, environment=names)
            if not ran.good:
                lacking = programs.lacks(" ".join((*argv, ran.said)))
                raise Unfetched(f"{kind}{argv[0]} {ran.told}{lacking}")
        return ran.said


class _Look:
    """The driver's probe."""

    def __init__(self, driver: GitArtifactRehearsal) -> None:
        self._driver = driver

    def look(self) -> Fingerprint:
        """What is there now."""
        return self._driver.seen()


def _check(found: ArtifactSettings) -> None:
    if not found.repository.strip() or found.repository.startswith("-") or "::" in found.repository:
        hint = "write https://…, ssh://…, or a path; a remote helper (ext::…) could run anything"
        raise refuse("a repository that git fetches from", found.repository, hint=hint, path=("repository",))
    if found.ref and not _REF.fullmatch(found.ref):
        raise refuse("a tag or a branch", found.ref, hint="write v1.2 or refs/tags/v1.2", path=("ref",))
    if found.commit and not _COMMIT.fullmatch(found.commit):
        hint = "write all of its digits; a short one may mean another some day"
        raise refuse("a whole commit id", found.commit, hint=hint, path=("commit",))
    if not found.paths:
        raise refuse("at least one path", "none", hint='leave paths out, or write paths: ["src"]', path=("paths",))
    for number, each in enumerate(found.archives):
        if not is_digest(each.sha256):
            hint = "write sha256:… with 64 digits: sha256sum FILE prints them"
            raise refuse("the archive's digest", each.sha256, hint=hint, path=("archives", number, "sha256"))
