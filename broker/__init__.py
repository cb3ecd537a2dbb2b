"""The shell around the mandate engine: it talks, and decides nothing itself.

A request runs through five rooms, left to right: `endpoints` or `portal` parse
it, `oauth` runs the protocol, `flows` hold the use cases in plain Python, `ports`
name what a flow needs from outside, and `storage` and `upstream` provide it.
`wiring` is the one place where all of them meet.
"""
