"""A voucher service as it could stand beside the broker: two sides, each with its API.

The citizens' side (`/burgers/`) is a client of profile `fapi`: pushed authorization
requests, `private_key_jwt`, PKCE. The companies' side (`/ondernemingen/`) is one of
profile `compatible`: a secret and a plain authorization request with PKCE. Both read
the broker's discovery document and nothing else about it, and both show in their
header who acts for whom.

The APIs (`/api/burgers`, `/api/ondernemingen`) trust no page: they check every
token with `volmacht_guard`, keep the books per principal, and refuse an order whose
form was made for somebody else. All data is in memory: a restart is a clean slate.
"""
