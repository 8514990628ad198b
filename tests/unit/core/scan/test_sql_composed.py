"""SQL that is put together in steps is found where something is put in; what cannot end a text is not."""

from __future__ import annotations

import ast

import pytest

from interlock.core.scan.outline import Unparsed
from interlock.core.scan.sql_composed import composed

# Each is the body of `def f(cur, name, ids, q, kind, obj):`; the marked line is where something is put in.
PUT_IN = (
    'sql = "SELECT id FROM t WHERE n = \'" + name + "\'"  # here\ncur.execute(sql)',
    "sql = f\"SELECT id FROM t WHERE n = '{name}'\"  # here\ncur.execute(sql)",
    "sql = \"SELECT id FROM t WHERE n = '%s'\" % name  # here\ncur.execute(sql)",
    "sql = \"SELECT id FROM t WHERE n = '%s'\"\ncur.execute(sql % name)  # here",
    'sql = "SELECT id FROM t WHERE n = \'%(n)s\' AND i = %(i)d"\ncur.execute(sql % {"n": name, "i": 1})  # here',
    "sql = \"SELECT id FROM t WHERE n = '{}'\"\ncur.execute(sql.format(name))  # here",
    "sql = \"SELECT id FROM t WHERE n = '{n}'\".format(n=name)  # here\ncur.execute(sql)",
    'sql = "SELECT id FROM t"\nsql += " WHERE n = \'" + name + "\'"  # here\ncur.execute(sql)',
    'sql = "SELECT id FROM t WHERE n = \'"\nsql += name  # here\ncur.execute(sql)',
    'sql = "SELECT id FROM t"\nif name:\n    sql = sql + " WHERE n = \'" + name + "\'"  # here\ncur.execute(sql)',
    'sql = "SELECT 1 FROM t"\nfor i in ids:\n    sql += f" OR n = \'{i}\'"  # here\ncur.execute(sql)',
    'sql = "SELECT 1 FROM t WHERE " + ("n = 1" if kind else name)  # here\ncur.execute(sql)',
    'parts = ["SELECT id FROM t"]\nparts.append("WHERE n = \'%s\'" % name)  # here\ncur.execute(" ".join(parts))',
    'parts = ["SELECT id FROM t WHERE n ="]\nparts.append(name)\ncur.execute(" ".join(parts))  # here',
    'sql = "SELECT id FROM t WHERE i IN (" + ",".join(ids) + ")"  # here\ncur.execute(sql)',
    'sql = "SELECT id FROM t WHERE i IN (%s)" % ",".join(str(i) for i in ids)  # here\ncur.execute(sql)',
    'where = " AND n = \'" + name + "\'"  # here\nsql = q + where\ncur.execute(sql)',
    'sql = q + " WHERE n = \'" + name + "\'"  # here\ncur.execute(sql)',
    "cur.execute(\" WHERE n = '{}'\".format(name))  # here",
    'sql = "SELECT id FROM t WHERE n = $n".replace("$n", name)  # here\ncur.execute(sql)',
    'sql = ("SELECT id FROM t WHERE n = \'" + name + "\'").strip()  # here\ncur.execute(sql)',
    'try:\n    sql = "DELETE FROM t WHERE n = \'" + name + "\'"  # here\nfinally:\n    cur.execute(sql)',
    'with cur as c:\n    sql = "DELETE FROM t WHERE n = \'" + name + "\'"  # here\n    c.execute(sql)',
    'obj.sql = "SELECT id FROM t WHERE n = " + name  # here\ncur.execute(obj.sql)',
    'sql: str = "UPDATE t SET n = \'" + name + "\'"  # here\ncur.executemany(sql, ids)',
    'cur.execute(sql := "DELETE FROM t WHERE n = " + name)  # here',
    'a, b = "SELECT id FROM t WHERE n = ", name\ncur.execute(a + b)  # here',
    'def made(n):\n    return "SELECT id FROM t WHERE n = \'" + n + "\'"  # here\ncur.execute(made(name))',
    'def run(sql):\n    cur.execute(sql)\nrun("SELECT id FROM t WHERE n = \'" + name + "\'")  # here',
    'text = __import__("sqlalchemy").text\ncur.execute(text(f"SELECT id FROM t WHERE n = \'{name}\'"))  # here',
    'db_execute(cur, "SELECT id FROM t WHERE n = \'" + name + "\'")  # here',
    'cur.query("SELECT id FROM t WHERE n = \'" + name + "\'")  # here',
    "obj.fetchrow(f\"SELECT id FROM t WHERE n = '{name}'\")  # here",
    'sql = "SELECT id FROM t WHERE n = \'" + name.replace("\'", "\'\'") + "\'"  # here\ncur.execute(sql)',
    'sql = "PRAGMA table_info(" + name + ")"  # here\ncur.execute(sql)',
    'if name not in ids:\n    raise ValueError\ncur.execute("SELECT id FROM t ORDER BY " + name)  # here',
    'sql = "SELECT id FROM t ORDER BY "\nmatch kind:\n    case 1:\n        sql += name  # here\ncur.execute(sql)',
    'cur.execute(" ".join(["SELECT id FROM t WHERE", f"n = \'{name}\'"]))  # here',
    'while name:\n    sql = "SELECT id FROM t WHERE n = " + name  # here\n    break\ncur.execute(sql)',
)
# Each is a file; the marked line is where something is put in.
BY_CLASSES = (
    """
class Q:
    def __init__(self, ship):
        self.parts = ["SELECT id FROM berths"]
        self.add(ship)
    def add(self, ship):
        self.parts.append("WHERE ship = '" + ship + "'")  # here
    def text(self):
        return " ".join(self.parts)
def go(c, ship):
    return c.execute(Q(ship).text())
""",
    """
class Q:
    def __init__(self):
        self.parts = ["SELECT id FROM berths"]
    def where(self, ship):
        self.parts.append("WHERE ship = '" + ship + "'")  # here
    def run(self, c):
        return c.execute(" ".join(self.parts))
""",
    """
class Q:
    def __init__(self):
        self.where = ""
    def of(self, ship):
        self.where += " AND ship = '" + ship + "'"  # here
        return self
    def text(self):
        return "SELECT id FROM berths" + self.where
def go(c, ship):
    q = Q()
    return c.execute(q.of(ship).text())
""",
    """
import io
class Q:
    def __init__(self):
        self.out = io.StringIO()
    def of(self, ship):
        self.out.write("SELECT id FROM berths WHERE ship = '")
        self.out.write(ship)  # here
    def run(self, c):
        return c.execute(self.out.getvalue())
""",
    """
import io
def go(c, ship):
    b = io.StringIO()
    b.write("SELECT id FROM berths WHERE ship = '")
    b.write(ship)  # here
    b.write("'")
    return c.execute(b.getvalue())
""",
)
FINE_CLASSES = (
    """
class Q:
    def __init__(self):
        self.parts, self.values = ["SELECT id FROM berths"], []
    def where(self, ship):
        self.parts.append("WHERE ship = ?")
        self.values.append(ship)
    def run(self, c):
        return c.execute(" ".join(self.parts), self.values)
""",
    """
class Other:
    def __init__(self, name):
        self.parts = ["name " + name]
class Q:
    def __init__(self):
        self.parts = ["SELECT id FROM berths"]
    def text(self):
        return " ".join(self.parts)
def go(c, name):
    print(Other(name).parts)
    return c.execute(Q().text())
""",
)
FINE = (
    'cur.execute("SELECT id FROM t WHERE n = ?", (name,))',
    'cur.execute("SELECT id FROM t WHERE n LIKE ?", ("%" + name + "%",))',
    'sql = "SELECT id FROM t"\nif kind:\n    sql += " WHERE n = %s"\ncur.execute(sql, [name])',
    'cur.execute("SELECT id FROM t LIMIT " + str(int(name)))',
    'cur.execute("SELECT id FROM t LIMIT %d" % name)',
    'cur.execute(f"SELECT id FROM t LIMIT {name:d}")',
    'cur.execute("SELECT id FROM t LIMIT {:d}".format(name))',
    'n = int(name)\ncur.execute(f"SELECT id FROM t LIMIT {n} OFFSET {len(ids)}")',
    'cur.execute("SELECT id FROM t WHERE i IN (%s)" % ",".join("?" * len(ids)), ids)',
    'cur.execute("SELECT id FROM t WHERE i IN (" + ",".join(["%s"] * len(ids)) + ")", ids)',
    'marks = ", ".join("?" for _ in ids)\ncur.execute(f"SELECT id FROM t WHERE i IN ({marks})", ids)',
    'cur.execute("SELECT id FROM t WHERE i IN (" + ",".join(map(str, map(int, ids))) + ")")',
    'table = "t" if kind else "u"\ncur.execute("SELECT id FROM " + table)',
    'for table in ("t", "u"):\n    cur.execute("DELETE FROM " + table)',
    'order = {"a": "name", "b": "id"}[name]\ncur.execute("SELECT id FROM t ORDER BY " + order)',
    'order = {"a": "name"}.get(name, "id")\ncur.execute("SELECT id FROM t ORDER BY " + order)',
    'if name not in ("a", "b"):\n    raise ValueError(name)\ncur.execute("SELECT id FROM t ORDER BY " + name)',
    'if name in {"a", "b"}:\n    cur.execute("SELECT id FROM t ORDER BY " + name)',
    'assert name in ("a", "b")\ncur.execute("SELECT id FROM t ORDER BY " + name)',
    'if not name.isidentifier():\n    return\ncur.execute("SELECT id FROM " + name)',
    'cur.execute("SELECT id FROM t ORDER BY " + (name if name in ("a", "b") else "id"))',
    'at = {"a": name}\ncur.execute("INSERT INTO t (" + ", ".join(at) + ") VALUES (?)", [*at.values()])',
    'from psycopg import sql\ncur.execute(sql.SQL("SELECT id FROM {}").format(sql.Identifier(name)))',
    's = sql.SQL(", ").join(sql.Identifier(i) for i in ids)\ncur.execute(sql.SQL("SELECT {} FROM t").format(s))',
    'from sqlalchemy import text\ncur.execute(text("SELECT id FROM t WHERE n = :n"), {"n": name})',
    "cur.execute(q)",
    'cur.execute(q + " LIMIT 10")',
    'cur.execute(SETTINGS.TABLE + TABLE + "SELECT id FROM " + TABLE)',
    'log = print\nlog("SELECT id FROM t WHERE n = " + name)',
    'raise ValueError("no rows: SELECT id FROM t WHERE n = " + name)',
    'obj.execute("make build " + name)',
    'exec("execute(SELECT_FROM + name) where x = " + name)',
    'obj.query("which of these is the best, " + name)',
    'sql = "SELECT id FROM t WHERE n = " + name\nsql = "SELECT 1"\ncur.execute(sql)',
    'def made():\n    return "t"\ncur.execute("SELECT id FROM " + made())',
    'cur.execute("SELECT id FROM " + cur.quote_name(name))',
)  # fmt: skip
AROUND = "def f(cur, name, ids, q, kind, obj):\n"


def lines(code):
    return {node.lineno for node in composed(ast.parse(code))}


def marked(code):
    return {number for number, line in enumerate(code.splitlines(), 1) if line.endswith("# here")}


def inside(body):
    return AROUND + "".join(f"    {line}\n" for line in body.splitlines())


@pytest.mark.parametrize("body", PUT_IN)
def test_what_is_put_into_sql_in_any_number_of_steps_is_found_where_it_is_put_in(body):
    code = inside(body)
    assert lines(code) == marked(code)


@pytest.mark.parametrize("body", FINE)
def test_what_cannot_end_a_text_of_sql_is_not_found(body):
    assert lines(inside(body)) == set()


CLASS = """\
class Orders:
    TABLE = "orders"

    def __init__(self, cur, name):
        self.cur = cur
        self.kind = "kind"
        self.name = name
        self.sql = "SELECT id FROM orders"

    def fine(self):
        self.cur.execute("SELECT id FROM " + self.TABLE + " ORDER BY " + self.kind)

    def add(self, more):
        self.sql += more  # here

    def both(self):
        self.add(" WHERE n = '" + self.name + "'")  # here
        self.cur.execute(self.sql)

    @property
    def last(self):
        return f"SELECT id FROM orders WHERE n = '{self.name}'"  # here

    def ask(self):
        self.cur.execute(self.last)
"""


def test_attributes_and_methods_of_a_class_are_followed():
    assert lines(CLASS) == marked(CLASS)


def test_helpers_of_the_file_and_what_stands_at_its_top_are_followed():
    code = """\
FROM = " FROM orders"
START = "SELECT id" + FROM


def where(column, value):
    return f" WHERE {column} = '{value}'"  # here


def run(cur, sql, *more):
    return cur.execute(sql, *more)


def found(cur, name):
    return run(cur, START + where("n", name))


def all_of_them(cur):
    return run(cur, START + " ORDER BY n")
"""
    assert lines(code) == marked(code)


def test_a_number_that_is_declared_one_is_believed_and_a_text_is_not():
    code = "def f(cur, n: int, m: 'int', o: str, p: int | None = None):\n"
    code += "".join(f"    cur.execute('SELECT id FROM t LIMIT ' + {name})\n" for name in "nmop")
    assert lines(code) == {4}


def test_a_name_that_a_function_may_change_is_no_constant():
    code = "T = 't'\ndef put(name):\n    global T\n    T = name\n"
    code += "def f(cur):\n    cur.execute('SELECT id FROM ' + T)\n"
    assert lines(code) == {6}
    assert lines(code.replace("    global T\n", "")) == set()


def test_a_function_that_calls_itself_comes_to_an_end():
    code = "def f(cur, n):\n    cur.execute('SELECT id FROM t WHERE n = ' + f(cur, n))\n    return n\n"
    assert lines(code) == {2}


def test_what_is_nested_too_deep_is_not_taken_for_free_of_findings():
    tree = ast.parse("cur.execute('SELECT id FROM t')\n")
    deep: ast.expr = ast.Name("x", ast.Load())
    for _ in range(5_000):
        deep = ast.Call(deep, [], [])
    tree.body.append(ast.Expr(deep))
    with pytest.raises(Unparsed):
        composed(tree)


@pytest.mark.parametrize("code", BY_CLASSES)
def test_what_one_method_puts_in_another_executes(code):
    marked = [number for number, line in enumerate(code.splitlines(), 1) if "# here" in line]
    assert sorted(node.lineno for node in composed(ast.parse(code))) == marked


@pytest.mark.parametrize("code", FINE_CLASSES)
def test_what_is_bound_or_of_another_class_is_none(code):
    assert not composed(ast.parse(code))
