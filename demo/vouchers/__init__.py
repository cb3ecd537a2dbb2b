"""A voucher service as it could stand beside the broker: two sides, each with its API.

The citizens' side (`/burgers/`) is a client of profile `fapi`: pushed authorization
requests, `private_key_jwt`, PKCE. The companies' side (`/ondernemingen/`) is one of
profile `compatible`: a secret and a plain authorization request with PKCE. Both bind
their tokens to a key that lives in the person's session (DPoP, `dpop.py`), read the
broker's discovery document and nothing else about it, and show in their header who
acts for whom. On the citizens' side an officer who is signed in as herself may order
for a beneficiary who is absent: the service exchanges a token for that one order.

The APIs (`/api/burgers`, `/api/ondernemingen`) trust no page: they check every
token and its proof with `volmacht_guard`, keep the books per principal, and refuse an order whose
form was made for somebody else. All data is in memory: a restart is a clean slate.
"""
