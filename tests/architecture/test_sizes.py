from __future__ import annotations

import ast

MODULE, FUNCTION, CLI = 400, 70, 200


def oversized(module):
    """Offences of one module against the size limits, in lines."""
    lines = module.text.count("\n")
    limit = CLI if module.path.startswith("src/interlock/doors/cli/") else MODULE
    if lines > limit:
        yield f"{module.path}: {lines} lines, at most {limit}"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION:
                yield f"{module.path}:{node.lineno}: {node.name} has {length} lines, at most {FUNCTION}"


def test_modules_and_functions_stay_small(modules):
    everything = [m for folder in ("src", "tests", "benchmarks", "scripts") for m in modules(folder)]
    offences = [offence for module in everything for offence in oversized(module)]
    assert not offences, "\n".join(offences)


def test_a_long_module_is_found(planted):
    assert list(oversized(planted("x = 1\n" * 400))) == []
    assert len(list(oversized(planted("x = 1\n" * 401)))) == 1


def test_a_long_function_is_found_wherever_it_hides(planted):
    body = "        x = 1\n" * 70
    found = list(oversized(planted(f"class A:\n    async def f(self):\n{body}")))
    assert found == ["src/interlock/core/planted.py:2: f has 71 lines, at most 70"]
    shorter = "        x = 1\n" * 69
    assert list(oversized(planted(f"class A:\n    def f(self):\n{shorter}"))) == []


def test_a_cli_file_has_a_tighter_limit(planted):
    cli = planted("x = 1\n" * 201, "src/interlock/doors/cli/planted.py")
    assert list(oversized(cli)) == ["src/interlock/doors/cli/planted.py: 201 lines, at most 200"]
