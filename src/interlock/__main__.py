"""`python -m interlock`."""

from interlock.doors.cli.main import main

main()
