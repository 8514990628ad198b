"""A shop as real processes: services of two versions behind a real proxy, under load, with faults to order."""

from interlock.testing.stack.behaviour import Behaviour

__all__ = ["Behaviour"]
