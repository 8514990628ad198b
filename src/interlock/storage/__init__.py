"""State behind one SQL database. ``open_store`` is the way in; the rest of the package is its inside."""

from interlock.storage.open import open_store
from interlock.storage.records import RecordType
from interlock.storage.store import SqlStore

__all__ = ["RecordType", "SqlStore", "open_store"]
