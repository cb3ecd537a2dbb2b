"""The village: everything around the broker that one machine needs to show it at work.

Three servers are started by `python -m demo`: a simulated ACM (`demo.acm`), the
broker itself, and a voucher service with a citizens' and a companies' side
(`demo.vouchers`). Who lives in the village stands in `village.toml`; all numbers
are synthetic and pass their check digits.

The demo is a neighbour of the broker, never a part of it: it reaches the broker
over HTTP, as a stranger's service would, and no other room imports this one.
"""
