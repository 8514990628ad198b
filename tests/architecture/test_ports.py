from __future__ import annotations

import ast

MOST = 5


def is_protocol(node):
    return any(ast.unparse(base).split("[")[0].endswith("Protocol") for base in node.bases)


def too_wide(module):
    """Protocols with more methods than somebody can implement in an afternoon."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef) and is_protocol(node):
            methods = [item.name for item in node.body if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)]
            if len(methods) > MOST:
                yield f"{module.path}:{node.lineno}: {node.name} has {len(methods)} methods, at most {MOST}"


def silent(module):
    """Protocols and their methods that do not say what they promise."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef) and is_protocol(node):
            for item in (node, *(m for m in node.body if isinstance(m, ast.FunctionDef))):
                if not ast.get_docstring(item):
                    yield f"{module.path}:{item.lineno}: {item.name} has no docstring"


def test_every_port_has_fewer_than_six_methods_and_says_what_they_promise(modules):
    ports = modules("src/interlock/ports")
    offences = [offence for module in ports for offence in (*too_wide(module), *silent(module))]
    assert not offences, "\n".join(offences)


def test_a_wide_port_is_found(planted):
    methods = "".join(f"    def m{n}(self): ...\n" for n in range(6))
    assert len(list(too_wide(planted(f"class P(Protocol):\n{methods}")))) == 1
    assert len(list(too_wide(planted(f"class P(Protocol[T]):\n{methods}")))) == 1
    assert list(too_wide(planted(f"class P:\n{methods}"))) == []


def test_a_silent_port_is_found(planted):
    assert len(list(silent(planted("class P(Protocol):\n    '''Says.'''\n    def m(self): ...\n")))) == 1
