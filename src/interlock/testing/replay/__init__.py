"""Incidents replayed against real components: scenario folders, and what runs them."""
