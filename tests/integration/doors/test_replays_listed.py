"""``interlock replay`` without a name: what there is, and how one is run."""


def test_replays_are_listed_with_how_to_run_one(terminal):
    """A list of names left everybody to guess what to do with one."""
    lines = terminal.ok("replay").out.splitlines()
    assert lines[0].startswith("amazon-2026-03-05  2026-03-05 · ")
    assert lines[-1].startswith("to run one: interlock replay amazon-2026-03-05   on real components here")
    assert max(map(len, lines)) <= 120
