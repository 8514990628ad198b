"""Run one file of SQL against the database that the variables ``PG*`` name: ``python -I -m … FILE``.

Rules:
1. Each statement runs by itself, as ``psql`` would run it, unless the file says BEGIN. It stops at the first error
   and says it in the server's words.
2. Nothing but SQL is ever sent or run.
"""

from __future__ import annotations

import sys
from pathlib import Path

from interlock.plugins.rehearsals.sql_statements import NotSql, statements


def run(file: Path) -> str:
    """Run it; what stopped it, empty where nothing did."""
    import psycopg  # noqa: PLC0415  # optional, see the extra `rehearse`

    try:
        text = file.read_text(encoding="utf-8")
        for _ in statements(text):  # all of it is SQL before any of it runs
            pass
        with psycopg.connect(autocommit=True) as connection:
            for each in statements(text):
                if each.rows is None:
                    connection.execute(each.text.encode())
                    continue
                with connection.cursor() as cursor, cursor.copy(each.text.encode()) as copy:
                    for rows in each.rows:
                        copy.write(rows)
    except psycopg.Error as error:
        return f"ERROR:  {error.sqlstate or ''} {str(error).strip()}"
    except (NotSql, UnicodeError) as error:
        return f"ERROR:  {error}"
    return ""


if __name__ == "__main__":
    failed = run(Path(sys.argv[1]))
    if failed:
        sys.stderr.write(f"{failed}\n")
    sys.exit(3 if failed else 0)
