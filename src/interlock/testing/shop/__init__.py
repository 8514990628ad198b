"""A sample shop: a real git repository with catalog, policies and two attempts at one change, made on the spot."""

from interlock.testing.shop.make import PEOPLE, Shop

__all__ = ["PEOPLE", "Shop"]
