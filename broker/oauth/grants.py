"""What the token endpoint gives tokens for: one class a grant, in one place for dispatch and metadata."""

from __future__ import annotations

from broker.oauth.client_credentials import MachineGrant
from broker.oauth.code import CodeGrant
from broker.oauth.refresh import RefreshGrant
from broker.oauth.token_exchange import ExchangeGrant

GRANTS = (CodeGrant, RefreshGrant, ExchangeGrant, MachineGrant)
