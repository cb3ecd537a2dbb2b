"""The authorization server's protocol, on Authlib, one file a specification.

Authlib parses and dispatches; what a grant is worth is decided in `flows`. The
protocol checks that are ours stand in one table, `checks.py`.
"""
