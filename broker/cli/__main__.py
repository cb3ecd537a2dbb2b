"""`python -m broker.cli` is `volmacht`."""

from broker.cli import main

main()
