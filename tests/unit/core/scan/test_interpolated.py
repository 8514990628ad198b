"""A text of SQL into which nothing is put is no injection."""

from __future__ import annotations

import ast

import pytest

from interlock.core.scan.interpolated import takes_in


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("q = f'SELECT x FROM t WHERE a = %s'", False),
        ("q = 'SELECT x ' + 'FROM t'", False),
        ("q = 'SELECT %s FROM t' % 'x'", False),
        ("c.execute(f'DELETE FROM t WHERE a = %s', (a,))", False),
        ("q = f'SELECT x FROM {t}'", True),
        ("q = 'SELECT x FROM ' + t", True),
        ("q = 'SELECT x FROM %s' % t", True),
        ("q = 'SELECT x FROM {}'.format(t)", True),
        ("q = 'SELECT %s FROM %s' % ('x', t)", True),
        ("q = f'SELECT x FROM t '\nq += f'WHERE a = {a}'", True),
        ("q = f'SELECT x FROM t '\nr += f'WHERE a = {a}'", False),
        ("q = f'SELECT x FROM t '\nq += 'WHERE a = 1'", False),
    ],
)
def test_what_takes_something_in(code, expected):
    assert takes_in(ast.parse(code), range(1, 2)) is expected


def test_lines_without_an_expression_count_as_taking_in():
    assert takes_in(ast.parse("x = 1\n"), range(7, 8))
