"""Use cases in plain Python: load, decide, save, journal, in one transaction.

A flow is handed `Services` and the instant; it never sees Flask, SQLAlchemy, Redis
or Authlib. Rules about who may do what live in `mandates/`; what a flow adds is the
order of steps, and that a change and its journal rows are one.
"""
