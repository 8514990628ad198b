"""A change's submission leaves its record and becomes a blob.

Nothing is moved: no entry would name the new form of a record (ADR 0011). A database of schema 0001 with entries
is refused before this (``state-older``), and one without has no records.
"""

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """The tables of records follow their classes; there is nothing else to do."""
