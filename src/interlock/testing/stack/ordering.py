"""The shop's own code for placing an order, loaded from a folder as it was built: ``src/`` and ``config/``.

Rules:
1. What runs is what lies there, as it is: the service adds no opinion of its own about an order.
2. A version whose code cannot be loaded does not start, and says so.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from interlock.core.change.errors import InvalidInput

Placing = Callable[[Mapping[str, object]], bool]
"""True for an order that was placed, False for one that was parked; an exception is a failure."""


def placing(folder: Path) -> Placing:
    """The shop's ``place``, bound to the configuration beside it.

    Raises:
        InvalidInput: ``shop-code`` for a folder that is no version of the shop.
    """
    source, settings = folder / "src" / "order.py", folder / "config" / "delivery.yaml"
    try:
        configured = yaml.safe_load(settings.read_text(encoding="utf-8"))
        place = _loaded(source).place
    except (OSError, AttributeError, ImportError, SyntaxError, yaml.YAMLError) as error:
        raise InvalidInput(
            f"expected a version of the shop in `{folder}`, got {type(error).__name__}: {error}",
            code="shop-code",
            hint="a version has src/order.py with `place` and config/delivery.yaml",
        ) from error

    def bound(order: Mapping[str, object]) -> bool:
        return place(order, configured) is not None

    return bound


def _loaded(source: Path) -> Any:  # noqa: ANN401  # a module of the shop's, whose types nobody promised
    # The shop's modules import each other by name, and another version's may have been loaded before.
    for sibling in source.parent.glob("*.py"):
        sys.modules.pop(sibling.stem, None)
    sys.path.insert(0, str(source.parent))
    try:
        return importlib.import_module(source.stem)
    finally:
        sys.path.remove(str(source.parent))
