"""A real PostgreSQL for tests and benchmarks, under the name by which authors of plug-ins import it."""

from __future__ import annotations

from interlock.plugins.world.postgresql import PostgreSQL as PostgreSQL  # noqa: PLC0414  # told on
