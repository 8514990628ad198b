"""interlock: nothing reaches production until it is safe, and nothing stays there when it is not."""

__version__ = "0.1.0"
