"""What a JSON Schema error says, in the words of a finding: what is, and what was asked for."""

from __future__ import annotations

from typing import Any

from interlock.core.change.pointers import shown

MAX_LIST = 120


def schema_words(error: Any) -> str:  # noqa: ANN401  # a ValidationError of jsonschema, imported only where needed
    """The part of a sentence that follows the name of the place."""
    instance, asked = error.instance, error.validator_value
    if error.validator == "required" and isinstance(instance, dict):
        return f"lacks {_listed(set(asked) - set(instance))}"
    if error.validator == "additionalProperties" and isinstance(instance, dict) and asked is False:
        known = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
        return f"has unknown keys: {_listed(set(instance) - set(known))}"
    if error.validator == "enum" and isinstance(asked, list):
        choices = ", ".join(shown(item) for item in asked)
        return f"is {shown(instance)}, expected one of {choices[:MAX_LIST]}"
    if error.validator == "type":
        kinds = [str(kind) for kind in (asked if isinstance(asked, list) else [asked])]
        quoted = f'"{instance}"' if isinstance(instance, str) and len(instance) < MAX_LIST else shown(instance)
        return f"is {quoted}, expected type {' or '.join(kinds)}"
    if error.validator is None:
        return "is not permitted here"
    return f"is {shown(instance)}, expected {error.validator} {shown(asked)}"


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(str(name) for name in names))[:MAX_LIST]
