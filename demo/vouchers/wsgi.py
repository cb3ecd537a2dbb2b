"""The voucher service as gunicorn serves it; started by `python -m demo`."""

import os

from joserfc.jwk import ECKey

from demo.settings import DemoSettings
from demo.vouchers.app import create_vouchers
from demo.vouchers.sides import citizens, companies

_settings = DemoSettings.from_env(os.environ)
_home = _settings.home
app = create_vouchers(
    _settings.issuer,
    citizens(_settings.vouchers, ECKey.import_key(_home.voucher_key.read_text(encoding="ascii"))),
    companies(_settings.vouchers, _home.companies_secret.read_text(encoding="ascii").strip()),
    form_targets=[_settings.acm_issuer.removesuffix("/op")],
)
