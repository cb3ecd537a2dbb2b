"""The mandate engine: who may act for whom, and why.

This room is pure. It imports the standard library only, knows no clock, no
randomness, no database and no web: it is handed what it needs and is told
`now`. A lawyer should be able to follow `decide.py` aloud.

Three questions, three functions:

* is this mandate in force at this instant?  -> `status.in_force`
* may this person do this for that principal? -> `decide.decide`
* what may happen to this mandate next?       -> `lifecycle`

Instants are whole seconds since 1970-01-01T00:00:00Z (`Instant`), intervals are
half-open: `valid_from <= t < valid_until`.
"""
