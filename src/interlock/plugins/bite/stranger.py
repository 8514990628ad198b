"""What stands for a name that old code has not: it allows whatever is done with it, and is equal to nothing.

Rules:
1. It is copied beside the tests and loaded by their Python, whatever version that is: it imports nothing of
   interlock, and its syntax is old.
2. There are four levels: a name, a class (``made``), what is made of one (``one``), and what these have
   (``leaf``). Of the void kind a leaf is false, and what is called, but for a class, gives nothing.
3. Special names are not among its attributes: others look for them to see what it is.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any


class Stranger:
    """One of them. It is no number and no text, and may be asked for both."""

    def __init__(self, *_: Any, **__: Any) -> None:  # noqa: ANN401  # it may be called like a metaclass
        self._level, self._void = "name", False

    def _next(self, level: str) -> Stranger:
        return stranger(level, self._void)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # anything may be done with it, and given
        if name.startswith("__"):
            raise AttributeError(name)
        return self._next("leaf")

    def __call__(self, *_: Any, **__: Any) -> Any:  # noqa: ANN401, D102  # anything may be done with it, and given
        if self._level == "made":
            return self._next("one")
        return None if self._void else self._next("leaf")

    def __bool__(self) -> bool:
        return not (self._void and self._level == "leaf")

    def __eq__(self, other: object) -> bool:
        return False

    def __ne__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return id(self)

    def __no(self, *_: object) -> bool:
        return False

    def __leaf(self, *_: object) -> Any:  # noqa: ANN401  # anything may be done with it, and given
        return self._next("leaf")

    def __zero(self, *_: object) -> int:
        return 0

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __enter__(self) -> Any:  # noqa: ANN401  # anything may be done with it, and given
        return self._next("leaf")

    def __exit__(self, *_: object) -> None:
        """Whatever went wrong within goes on."""

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[Any, ...]:
        return ()

    def __instancecheck__(self, other: object) -> bool:
        return isinstance(type(other), Stranger) or isinstance(other, Stranger)

    def __subclasscheck__(self, other: object) -> bool:
        return True

    def __setitem__(self, key: object, value: object) -> None:
        """Nothing is kept."""

    def __await__(self) -> Generator[Any, None, Any]:
        yield from ()
        return self._next("leaf")

    def __str__(self) -> str:
        return ""

    def __format__(self, _: str) -> str:
        return ""

    __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __no
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __leaf
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __and__ = __or__ = __ror__ = __rand__ = __neg__ = __leaf
    __getitem__ = __leaf
    __int__ = __len__ = __index__ = __zero

    def __float__(self) -> float:
        return 0.0


def stranger(level: str, void: bool) -> Stranger:  # noqa: FBT001  # it is called from generated code
    """One of a level (see the rules above)."""
    made = Stranger()
    made._level, made._void = level, void  # noqa: SLF001  # its own
    return made
