"""Servers that are killed while they move a rollout: where exactly, and what came of it, seen from outside."""
