"""Write docs/reference/ and the README's screen from the code. `make docs`; a test compares what is committed."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import json
import re
import sys
import typing
from collections.abc import Iterator
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).parent))

from generate_errors import codes
from generate_readme import with_screen
from generate_texts import ENTRIES, SETTINGS, VALIDATORS

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"
SOURCE = ROOT / "src" / "interlock"
NOTE = "<!-- written by docs/generate.py: edit the code, then run `make docs` -->\n"


def main() -> None:
    """Write every page."""
    REFERENCE.mkdir(parents=True, exist_ok=True)
    for name, page in pages().items():
        (REFERENCE / name).write_text(page, encoding="utf-8")
        sys.stdout.write(f"docs/reference/{name}\n")
    readme = ROOT / "README.md"
    readme.write_text(with_screen(readme.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write("README.md\n")


def pages() -> dict[str, str]:
    """Each page by its file name."""
    made = {
        "api.md": api(),
        "commands.md": commands(),
        "errors.md": errors(),
        "ledger.md": ledger(),
        "policies.md": policies(),
        "provenance.md": provenance(),
        "settings.md": settings(),
        "validators.md": validators(),
    }
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
    yield f"{_paragraphs(command.help or '')}\n"
    options = [option for option in command.params if isinstance(option, click.Option)]
    records = [record for option in options if (record := option.get_help_record(context))]
    yield from (f"- `{flag}`: {text}" if text else f"- `{flag}`" for flag, text in records)
    if records:
        yield ""
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            if found is not None:
                yield from _command(f"{path} {name}", found)


def api() -> Iterator[str]:
    """Every operation of the HTTP API, from the table that serves it."""
    from interlock.doors.api.table import OPERATIONS

    yield "# API\n"
    yield "`interlock serve` answers JSON; the whole schema is OpenAPI 3.1 at `/openapi.json`, metrics for Prometheus at `/metrics`."
    yield "Errors are problem details (RFC 9457) with the `code` and `hint` of the [error codes](errors.md). A token goes into"
    yield "`Authorization: Bearer …`; its scopes say what it may ask for. A `POST` with an `Idempotency-Key` may be repeated.\n"
    yield "| | path | scope | |\n|---|---|---|---|"
    for operation in OPERATIONS:
        scope = f"`{operation.scope}`" if operation.scope else "none"
        yield f"| {operation.method} | `{operation.path}` | {scope} | {_cell(operation.summary)} |"

    yield from _limits()


def _limits() -> Iterator[str]:
    """How much one change may hold."""
    from interlock.core.change.submission_limits import LIMITS
    from interlock.road.recorded import MAX_SUBMISSION

    yield "\n## How much one change may hold\n"
    yield f"At most {MAX_SUBMISSION >> 20} MiB as canonical JSON, and over all its parts at most:\n"
    yield "| what | most |\n|---|---|"
    for what, most in LIMITS.items():
        yield f"| {what} | {most:,} |"
    yield "\nMore is refused with `submission-limit` or `change-too-large` when the change is opened, pushed, checked or offered to the gate."


def settings() -> Iterator[str]:
    """``interlock.yaml`` and the environment."""
    from interlock.config import SETTINGS as VARIABLES
    from interlock.core.change import settings as nouns
    from interlock.core.evidence.model import Runner

    yield "# Settings\n"
    yield "## interlock.yaml\n\nPart of the rules: editing it is a change of its own. Unknown keys are refused.\n"
    kinds = (
        nouns.Settings,
        nouns.Environment,
        nouns.ConfigurationRule,
        nouns.Thresholds,
        nouns.Trust,
        Runner,
        nouns.LedgerSettings,
        nouns.GitSettings,
        nouns.ReviewerSettings,
    )
    for kind in kinds:
        yield f"### {kind.__name__}\n"
        yield from _fields(kind, SETTINGS)
    yield "## Environment\n\nLocal to a process and never part of the rules. An unknown `INTERLOCK_…` variable is refused.\n"
    yield "| variable | meaning |\n|---|---|"
    for name, text in VARIABLES.items():
        yield f"| `{name}` | {text} |"


def _fields(kind: type, texts: dict[str, str]) -> Iterator[str]:
    """A table of a dataclass's fields."""
    yield "| key | type | default | meaning |\n|---|---|---|---|"
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        text = texts[f"{kind.__name__}.{field.name}"]
        yield f"| `{field.name}` | {_type(hints[field.name])} | {_default(field)} | {_cell(text)} |"
    yield ""


def _type(hint: object) -> str:
    shown = str(hint) if not isinstance(hint, type) or typing.get_args(hint) else hint.__name__
    shown = re.sub(r"\b(?:[a-z_]+\.)+(?=[A-Za-z])", "", shown)
    shown = re.sub(r"tuple\[(.+), \.\.\.\]", r"list of \1", shown).replace("NoneType", "None")
    shown = re.sub(r"Literal\[(.+)\]", lambda match: match[1].replace("'", "").replace(", ", " or "), shown)
    shown = re.sub(r"dict\[str, dict\[.+\]\]", "map of maps", shown)
    shown = re.sub(r"dict\[str, (\w+)\]", r"map to \1", shown)
    return shown.replace(" | None", ", or nothing").replace("|", "or")


def _default(field: dataclasses.Field[object]) -> str:
    value = field.default
    if value is dataclasses.MISSING and field.default_factory is not dataclasses.MISSING:
        value = field.default_factory()
        if dataclasses.is_dataclass(value):
            return "all defaults"
        if isinstance(value, dict) and value:
            return ", ".join(f"`{name}`" for name in value)
    if value is dataclasses.MISSING:
        return "required"
    if value is None or value in ("", (), {}):
        return "nothing"
    return ", ".join(f"`{item}`" for item in value) if isinstance(value, tuple) else f"`{json.dumps(value)}`"


def validators() -> Iterator[str]:
    """Every installed validator: its rules in prose as they head its module, and its settings."""
    from interlock import registry
    from interlock.core.facts.checked import CONSTRAIN

    yield "# Validators\n"
    yield "Deterministic checks of content. An error fails the rule `configuration-valid`; a Tier-1 configuration that none of them"
    yield "looked at fails `configuration-validated`. Settings stand in `interlock.yaml` under `validators.NAME`; unknown keys are refused,\nby `interlock policy check` with file and line.\n"
    yield f"Looked at is what one of {', '.join(f'`{name}`' for name in sorted(CONSTRAIN))} names, or `bounds` where one of its limits speaks of the file:"
    yield "these constrain what it may hold. A validator of your own or of a third party never counts for that; what it finds"
    yield "counts like any other finding. Give the file a schema beside it.\n"
    for validator in registry.validators():
        module = importlib.import_module(type(validator).__module__)
        yield f"## {validator.name}\n"
        yield f"{_paragraphs(module.__doc__ or '')}\n"
        kinds = [
            kind
            for kind in vars(module).values()
            if dataclasses.is_dataclass(kind)
            and isinstance(kind, type)
            and kind.__module__ == module.__name__
            and dataclasses.fields(kind)
            and f"{kind.__name__}.{dataclasses.fields(kind)[0].name}" in VALIDATORS
        ]
        top = [kind for kind in kinds if kind.__name__.endswith("Settings")]
        for kind in (*top, *(kind for kind in kinds if kind not in top)):
            yield from (() if kind in top else (f"{kind.__name__}:\n",))
            yield from _fields(kind, VALIDATORS)


def errors() -> Iterator[str]:
    """Every error code with its exit, what is said and what to do."""
    yield "# Error codes\n"
    yield "Codes are stable and messages may improve; `…` stands for what differs. Exit 1 is a reason of `ticket verify`, 2 is for what you can correct, 3 for what"
    yield "could not be decided. The API answers with the same codes as problem details.\n"
    yield "| code | exit | said | to do |\n|---|---|---|---|"
    found = codes(SOURCE)
    for code in dict.fromkeys(one.code for one in found):
        mine = [one for one in found if one.code == code]
        best = max(mine, key=lambda one: (bool(one.message), bool(one.hint), one.exit or 0))
        exits = sorted({one.exit for one in mine if one.exit}) or [2]
        said = _cell(best.message) or f"in {best.module}"
        yield f"| `{code}` | {' or '.join(map(str, exits))} | {said} | {_cell(best.hint)} |"


def policies() -> Iterator[str]:
    """The bundled policies with their reasons and remedies, and the facts they read."""
    from interlock.core.policy.bundle import load_bundle
    from interlock.core.policy.facts import FACTS
    from interlock.core.policy.modes import EVIDENCE_TO_COME
    from interlock.registry import bundled_policies

    base = {path: content for path, content in bundled_policies().items() if path.startswith("base/")}
    yield "# Bundled policies\n"
    yield "`interlock init` copies them into `policies/base/`; they are yours from then on."
    yield "A rule marked *always* protects the road itself: it is enforced whatever the modes say, and nothing lifts it."
    yield "One marked *watch* asks for evidence; observe it until a trusted runner hands that in.\n"
    yield "| rule | outcome | reason | remedy | |\n|---|---|---|---|---|"
    for name, policy in sorted(load_bundle(base).policies.items()):
        if policy.effect == "permit":
            yield f"| `{name}` | permit | lets a change through that no rule stops | | |"
            continue
        mark = "always" if policy.protected else "watch" if name in EVIDENCE_TO_COME else ""
        yield f"| `{name}` | {policy.outcome} | {_cell(policy.reason)} | {_cell(policy.remedy)} | {mark} |"
    yield "\n## Facts\n"
    yield "What a policy may read, as `context.NAME`. Facts with a value under *nothing shown* come from approvals and evidence.\n"
    yield "| fact | type | meaning | values | nothing shown |\n|---|---|---|---|---|"
    for fact in FACTS.values():
        kind = f"{fact.type}, may be unknown" if fact.optional else fact.type
        bare = "" if fact.nothing is None else f"`{json.dumps(fact.nothing)}`"
        yield f"| `{fact.name}` | {kind} | {_cell(fact.meaning)} | {', '.join(fact.values)} | {bare} |"


def provenance() -> Iterator[str]:
    """The marks of AI that are read."""
    from interlock.core.facts import agent_trace, commit_signals, git_ai, markers
    from interlock.core.facts import provenance as amounts

    yield "# Provenance markers\n"
    yield "Who wrote a change, by marks that tools leave: exact addresses and exact forms, never a name or a style."
    yield "[How to mark a change](../how-to/document-a-change.md) shows them by example.\n"
    for title, module in (
        ("What they amount to", amounts),
        ("Commits", commit_signals),
        ("Addresses and forms", markers),
    ):
        yield f"## {title}\n\n{_paragraphs(module.__doc__ or '')}\n"
    yield "| address of an author, committer or co-author | tool |\n|---|---|"
    yield from (f"| `{address}` | {tool} |" for address, tool in sorted(markers.TOOLS_BY_ADDRESS.items()))
    yield "\n| name given out by the forge | tool |\n|---|---|"
    yield from (f"| `{login}` | {tool} |" for login, tool in sorted(markers.TOOLS_BY_LOGIN.items()))
    for title, module in (("git-ai notes", git_ai), ("Agent Trace", agent_trace)):
        yield f"\n## {title}\n\n{_paragraphs(module.__doc__ or '')}"


def ledger() -> Iterator[str]:
    """Every kind of entry."""
    yield "# Ledger entries\n"
    yield "An entry is one leaf of the Merkle tree: the canonical JSON (RFC 8785) of `v` (1), `kind`, `subject` (the record's id),"
    yield "`actor`, `at` (UTC, milliseconds) and `body`; at most 65,535 bytes. Large and personal payloads stay outside and are named by digest.\n"
    yield "| kind | when |\n|---|---|"
    yield from (f"| `{kind}` | {ENTRIES[kind]} |" for kind in entry_kinds())
    yield "| `event.…` | somebody with the scope `record` says that something happened; it decides nothing |"


def entry_kinds() -> list[str]:
    """Every kind that the source appends, sorted; the purposes of statements are spelt out."""
    from interlock.core.approval.model import Purpose

    nouns = {name.partition(".")[0] for name in ENTRIES}
    found: set[str] = set()
    for path in [
        *(SOURCE / "road").rglob("*.py"),
        *(SOURCE / "core").rglob("*.py"),
        *(SOURCE / "doors").rglob("*.py"),
    ]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                noun, dot, verb = node.value.partition(".")
                if (
                    dot
                    and noun in nouns
                    and re.fullmatch(r"[a-z-]+(ed|wn|due)|returning|rolled-back|held|told", verb)
                ):
                    found.add(node.value)
    spelt = {f"statement.{purpose}" for purpose in typing.get_args(Purpose) if purpose != "genesis"}
    return sorted((found - {"statement."}) | spelt)


def _paragraphs(text: str) -> str:
    """A docstring as Markdown: without the line ``Rules:``, and with single backticks."""
    paragraphs = re.sub(r"``", "`", inspect.cleandoc(text)).split("\n\n")
    return "\n\n".join(paragraph.removeprefix("Rules:\n") for paragraph in paragraphs)


def _cell(text: object) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ").replace("``", "`")


if __name__ == "__main__":
    main()
