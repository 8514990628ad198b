"""A text of SQL into which nothing is put is no injection."""

from __future__ import annotations

import ast

import pytest

from interlock.core.scan.interpolated import is_only_shown, takes_in


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


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("log.info(f'select {n} from the menu')", True),
        ("log.info('select ' + n + ' from the menu')", True),
        ("self.logger.error('select %s from the menu' % n)", True),
        ("logging.warning('select {} from the menu'.format(n))", True),
        ("print('delete from cart ' + n)", True),
        ("warnings.warn(f'select {n} from the menu')", True),
        ("raise ValueError(f'select {n} from the menu')", True),
        ("q = f'select {n} from the menu'", False),
        ("print(c.execute(f'select {n} from the menu'))", False),
        ("print(q := f'select {n} from the menu')", False),
        ("log.info(q); c.execute(f'select {n} from the menu')", False),
        ("log.info(f'select {n} from t'); c.execute(f'select {n} from t')", False),
        ("menu.info(f'select {n} from the menu')", False),
        ("log.query(f'select {n} from the menu')", False),
        ("execute(print=f'select {n} from the menu')", False),
    ],
)
def test_what_is_only_shown(code, expected):
    assert is_only_shown(ast.parse(code), range(1, 2)) is expected
