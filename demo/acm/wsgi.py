"""The simulated ACM as gunicorn serves it; started by `python -m demo`."""

import os

from joserfc.jwk import RSAKey

from demo.acm.app import create_acm
from demo.acm.habits import Habits
from demo.acm.relying_party import RelyingParty
from demo.home import read_jwks
from demo.settings import DemoSettings
from demo.village import load_village

_settings = DemoSettings.from_env(os.environ)
_broker = RelyingParty(
    client_id="volmacht-broker",
    redirect_uris=(f"{_settings.issuer}/login/acm/callback",),
    post_logout_redirect_uris=(f"{_settings.issuer}/",),
    scopes=frozenset({"openid", "profile", "rrn", "vo", "dienstencheques"}),
    mechanisms=frozenset(f"urn:be:vlaanderen:authmech:{means}" for means in ("eid", "itsme", "csamtotp")),
    jwks=read_jwks(_settings.home.acm_client_jwks),
)
app = create_acm(
    _settings.acm_issuer,
    load_village(),
    [_broker],
    RSAKey.import_key(_settings.home.acm_signing_key.read_text(encoding="ascii")),
    habits=Habits.from_env(os.environ),
)
