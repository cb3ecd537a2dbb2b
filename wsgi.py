"""The broker for a WSGI server: `gunicorn --config config/gunicorn.conf.py wsgi:app`."""

import os

from broker.app import create_app
from config.settings import Settings

app = create_app(Settings.from_env(os.environ), housekeeping=True)
