"""The core decides: pure, no I/O, no clock. Each package owns its nouns."""
