"""Write docs/reference/ from the code: commands, settings, error codes, policies. `make docs`, checked by a test."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import json
import re
import sys
import typing
from collections.abc import Iterator
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"
SOURCE = ROOT / "src" / "interlock"
NOTE = "<!-- written by docs/generate.py: edit the code, then run `make docs` -->\n"

_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")

TEXT: dict[str, str] = {
    "Settings.version": "format of this file; 1",
    "Settings.organisation": "a name for people",
    "Settings.one_person": "one person may stand for the rules; every ticket says so",
    "Settings.catalog": "files and folders with Backstage entities (`.yaml`, `.yml`)",
    "Settings.codeowners": "CODEOWNERS files",
    "Settings.policies": "folder with `base/`, `layers/`, `modes.yaml` and `tests/`",
    "Settings.schemas": "files and folders with JSON Schemas; part of the rules",
    "Settings.documentation": "name of the file that documents a change",
    "Settings.environments": "where changes run; at least one with `production: true`",
    "Settings.configuration": "which files are configuration",
    "Settings.validators": "settings of each validator, by its name",
    "Settings.thresholds": "limits that policies read",
    "Settings.trust": "whose word counts",
    "Environment.production": "whether customers depend on it",
    "Environment.markers": "globs of paths or plan addresses that belong to it",
    "ConfigurationRule.match": "a glob; `**` crosses folders",
    "ConfigurationRule.service": "the service it belongs to, where the path alone does not tell",
    "Thresholds.blast_services": "services that may be hurt before a VP or a staged plan is asked for",
    "Thresholds.fleet_share": "share of the fleet, above 0 to 1, before the same",
    "Thresholds.order_share": "share of orders, above 0 to 1, before the same",
    "Thresholds.rehearsal_days": "days a rollback rehearsal counts",
    "Thresholds.approval_hours": "hours an approval may live",
    "Thresholds.evidence_days": "days evidence counts at most",
    "Thresholds.artefact_growth": "how many times the last size an artefact may have",
    "Thresholds.first_stage_percent": "widest first stage of a canary, in percent",
    "Thresholds.bake_minutes": "shortest bake of a stage, in minutes",
    "Thresholds.reviews_per_person": "open reviews at which nobody else is proposed to a person",
    "Trust.runners": "runners whose signed evidence counts",
    "Trust.unknown_as": "how an unmarked change is treated",
    "Trust.software_keys": "where approvals by a key without a touch or PIN count",
    "Runner.name": "the runner's name",
    "Runner.public_key": "its public key, SPKI PEM, ed25519 or ECDSA P-256",
    "Runner.key_id": "the key id its envelopes carry",
    "Runner.predicates": "predicate types it may speak about, `*` for all",
    "Runner.services": "services it may speak about, `*` for all",
    "Runner.not_after": "when trust ends",
    "Runner.revoked": "trust has been withdrawn",
}


def main() -> None:
    """Write every page."""
    REFERENCE.mkdir(parents=True, exist_ok=True)
    for name, page in pages().items():
        (REFERENCE / name).write_text(page, encoding="utf-8")
        sys.stdout.write(f"docs/reference/{name}\n")


def pages() -> dict[str, str]:
    """Each page by its file name."""
    made = {"commands.md": commands(), "settings.md": settings(), "errors.md": errors(), "policies.md": policies()}
    return {name: "\n".join([NOTE, *lines]).rstrip() + "\n" for name, lines in made.items()}


def commands() -> Iterator[str]:
    """Every command with its flags, from click."""
    from interlock.doors.cli.main import COMMANDS

    yield "# Commands\n"
    yield "Exit codes: 0 allowed or done, 1 refused, 2 wrong input, 3 could not be decided. A pipeline treats 3 like 1.\n"
    for name, (where, _) in COMMANDS.items():
        module, _, attribute = where.partition(":")
        yield from _command(f"interlock {name}", getattr(importlib.import_module(module), attribute))


def _command(path: str, command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=path)
    arguments = " ".join(p.make_metavar(context) for p in command.params if isinstance(p, click.Argument))
    yield f"## `{f'{path} {arguments}'.strip()}`\n"
    yield f"{(command.help or '').strip()}\n"
    options = [option for option in command.params if isinstance(option, click.Option)]
    for option in options:
        record = option.get_help_record(context)
        if record:
            yield f"- `{record[0]}`: {record[1]}"
    if options:
        yield ""
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            if found is not None:
                yield from _command(f"{path} {name}", found)


def settings() -> Iterator[str]:
    """``interlock.yaml`` and the environment."""
    from interlock.config import SETTINGS
    from interlock.core.change import settings as nouns
    from interlock.core.evidence.model import Runner

    yield "# Settings\n"
    yield "## interlock.yaml\n\nPart of the rules: editing it is a change of its own. Unknown keys are refused.\n"
    for kind in (
        nouns.Settings,
        nouns.Environment,
        nouns.ConfigurationRule,
        nouns.Thresholds,
        nouns.Trust,
        Runner,
    ):
        yield f"### {kind.__name__}\n"
        yield "| key | type | default | meaning |\n|---|---|---|---|"
        hints = typing.get_type_hints(kind)
        for field in dataclasses.fields(kind):
            text = TEXT[f"{kind.__name__}.{field.name}"]
            yield f"| `{field.name}` | {_type(hints[field.name])} | {_default(field)} | {text} |"
        yield ""
    yield "## Environment\n\nLocal to a process and never part of the rules.\n"
    yield "| variable | meaning |\n|---|---|"
    for name, text in SETTINGS.items():
        yield f"| `{name}` | {text} |"


def _type(hint: object) -> str:
    shown = str(hint) if not isinstance(hint, type) else hint.__name__
    shown = shown.replace("typing.", "").replace("interlock.core.change.settings.", "")
    return f"`{shown.replace('interlock.core.evidence.model.', '').replace('|', 'or')}`"


def _default(field: dataclasses.Field[object]) -> str:
    if field.default is not dataclasses.MISSING:
        return f"`{field.default!r}`"
    return "see below" if field.default_factory is not dataclasses.MISSING else "required"


def errors() -> Iterator[str]:
    """Every error code in the source with the kind of error and where it is raised."""
    yield "# Error codes\n"
    yield "Codes are stable; messages may improve. `InvalidInput`, `NotFound`, `Conflict`, `Forbidden` and"
    yield "`IllegalTransition` end a command with 2, `Unavailable`, `Rejected`, `BadReply` and `IntegrityError` with 3.\n"
    yield "| code | raised in |\n|---|---|"
    found: dict[str, set[str]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        for code in codes(ast.parse(path.read_text(encoding="utf-8"))):
            found.setdefault(code, set()).add(
                path.relative_to(SOURCE).with_suffix("").as_posix().replace("/", ".")
            )
    for code in sorted(found):
        yield f"| `{code}` | {', '.join(f'`{where}`' for where in sorted(found[code]))} |"


def codes(tree: ast.Module) -> Iterator[str]:
    """Constant codes: passed as ``code=``, or in the place of a parameter called ``code``."""
    places = {
        function.name: [argument.arg for argument in function.args.args].index("code")
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef) and "code" in [argument.arg for argument in function.args.args]
    }
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        given = [keyword.value for keyword in call.keywords if keyword.arg == "code"]
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", None)
        place = places.get(name or "")
        if place is not None:
            given += call.args[place : place + 1] + call.args[max(place - 1, 0) : place]
        for value in given:
            if isinstance(value, ast.Constant) and _CODE.fullmatch(str(value.value)):
                yield str(value.value)


def policies() -> Iterator[str]:
    """The bundled policies with their reasons and remedies."""
    from interlock.core.policy.bundle import load_bundle
    from interlock.core.policy.facts import FACTS
    from interlock.registry import bundled_policies

    bundle = load_bundle(
        {path: content for path, content in bundled_policies().items() if path.startswith("base/")}
    )
    yield "# Bundled policies\n"
    yield "`interlock init` copies them into `policies/base/`; they are yours from then on."
    yield "A rule marked *always* protects the road itself: it is enforced whatever the modes say, and nothing lifts it.\n"
    yield "| rule | outcome | reason | remedy | |\n|---|---|---|---|---|"
    for name, policy in sorted(bundle.policies.items()):
        always = "always" if policy.protected else ""
        yield f"| `{name}` | {policy.outcome} | {_cell(policy.reason)} | {_cell(policy.remedy)} | {always} |"
    yield "\n## Facts\n"
    yield "What a policy may read, as `context.NAME`. Facts with a value under *nothing shown* come from approvals and evidence.\n"
    yield "| fact | type | meaning | values | nothing shown |\n|---|---|---|---|---|"
    for fact in FACTS.values():
        kind = f"{fact.type}, may be unknown" if fact.optional else fact.type
        bare = "" if fact.nothing is None else f"`{json.dumps(fact.nothing)}`"
        yield f"| `{fact.name}` | {kind} | {_cell(fact.meaning)} | {', '.join(fact.values)} | {bare} |"


def _cell(text: object) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    main()
