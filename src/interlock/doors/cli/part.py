"""``--part``: what any installed reader reads, by its name and its own arguments.

Rules:
1. One word on the command line is one reader with all its arguments, quoted inside as in a shell.
2. Which arguments there are is the reader's business; here they only have to be pairs, each named once.
"""

from __future__ import annotations

import shlex

from interlock.core.change.change import Recipe
from interlock.core.change.errors import InvalidInput


def named(item: str) -> Recipe:
    """``READER KEY=VALUE …`` as a recipe; values are quoted as in a shell.

    Raises:
        InvalidInput: ``part-shape``; ``plugin-unknown`` when no such reader is installed.
    """
    from interlock.registry import known, readers  # noqa: PLC0415  # plug-ins are loaded only when one is named

    try:
        reader, *arguments = shlex.split(item)
    except ValueError:
        reader, arguments = "", []
    pairs = [argument.partition("=") for argument in arguments]
    if not reader or not pairs or not all(key and sign for key, sign, _ in pairs):
        raise InvalidInput(
            f"expected a reader and its arguments as KEY=VALUE, got `{item[:80]}`",
            code="part-shape",
            hint="write them in one word: --part 'configuration before=old.yaml after=new.yaml'",
        )
    if len({key for key, _, _ in pairs}) < len(pairs):
        raise InvalidInput(
            f"expected each argument of `{reader[:40]}` once, got one twice",
            code="part-shape",
            hint="name the reader once more for a second source: --part … --part …",
        )
    known(reader, sorted(readers()), what="reader")
    return Recipe(reader=reader, arguments={key: value for key, _, value in pairs})
