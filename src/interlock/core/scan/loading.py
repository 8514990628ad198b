"""What loads objects out of bytes, by whatever name the code calls it.

Rules:
1. ``deserialized`` (CWE-502): a call of one of ``LOADS``, through an import under another name, ``__import__``,
   ``import_module``, ``getattr`` with a constant, or a name to which it was given, anywhere in the file.
2. ``yaml.load`` counts unless its loader is known to be safe, ``numpy.load`` where it allows pickles, and a
   ``YAML`` of ruamel that is made to be unsafe.
3. A name that is given anything else as well is still followed: it may be either.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from interlock.core.scan.folded import folded

LOADS = frozenset(
    {
        f"{module}.{name}"
        for module in ("pickle", "cPickle", "_pickle", "dill", "marshal")
        for name in ("load", "loads")
    }
    | {f"{module}.Unpickler" for module in ("pickle", "cPickle", "_pickle", "dill")}
    | {"cloudpickle.load", "cloudpickle.loads", "joblib.load", "jsonpickle.decode", "pandas.read_pickle"}
    | {"yaml.unsafe_load", "yaml.unsafe_load_all"}
    | {f"multiprocessing.{module}ForkingPickler.loads" for module in ("reduction.", "")}
)
_YAML = frozenset({"yaml.load", "yaml.load_all"})
_SAFE = frozenset({"yaml.SafeLoader", "yaml.CSafeLoader", "yaml.BaseLoader", "yaml.CBaseLoader"})
_IMPORTS = frozenset({"__import__", "importlib.import_module", "builtins.__import__"})
_STEPS = 3
"""How many names may stand between a function and the call of it."""


def loads(tree: ast.Module) -> Iterator[tuple[ast.Call, str]]:
    """Each call that loads objects, with what it calls."""
    names = _names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = named(node.func, names)
            if called in LOADS or _is_lax(called, node, names):
                yield node, called


def _is_lax(called: str, node: ast.Call, names: Mapping[str, str]) -> bool:
    if called == "ruamel.yaml.YAML":
        typed = [*node.args[:1], *(one.value for one in node.keywords if one.arg == "typ")]
        return any(
            _text(each) == "unsafe" for one in typed for each in ast.walk(one) if isinstance(each, ast.expr)
        )
    if called == "numpy.load":
        return any(one.arg == "allow_pickle" and _is_true(one.value) for one in node.keywords)
    return called in _YAML and not _is_safe(node, names)


def named(node: ast.expr, names: Mapping[str, str]) -> str:
    """The dotted name of what an expression is, such as ``pickle.loads``; empty where it is not known."""
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        return f"{around}.{node.attr}" if (around := named(node.value, names)) else ""
    if isinstance(node, ast.Call) and node.args:
        called = named(node.func, names)
        first, text = node.args[0], _text(node.args[0])
        if called in _IMPORTS:
            return text
        if called == "getattr" and len(node.args) > 1 and (attribute := _text(node.args[1])):
            return f"{around}.{attribute}" if (around := named(first, names)) else ""
    return ""


def _names(tree: ast.Module) -> dict[str, str]:
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {one.asname: one.name for one in node.names if one.asname}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
    given = [node for node in ast.walk(tree) if isinstance(node, ast.Assign)]
    for _ in range(_STEPS):
        for node in given:
            what = named(node.value, names)
            if what.partition(".")[0] in _MODULES:
                names |= {each.id: what for each in node.targets if isinstance(each, ast.Name)}
    return names


def _is_safe(call: ast.Call, names: Mapping[str, str]) -> bool:
    given = [one.value for one in call.keywords if one.arg == "Loader"] + call.args[1:2]
    return any(named(one, names) in _SAFE for one in given)


def _is_true(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _text(node: ast.expr) -> str:
    found = folded(node)
    return found if isinstance(found, str) else ""


_MODULES = frozenset({name.partition(".")[0] for name in (*LOADS, *_YAML)}) | {"numpy", "ruamel"}
