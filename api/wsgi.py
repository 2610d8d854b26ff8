"""The app for a WSGI server, configured by the environment: `gunicorn -c deploy/gunicorn.py api.wsgi:app`."""

from api.app import create_app
from shared import sentry
from shared.logging_setup import setup_logging
from shared.settings import load_settings

_settings = load_settings()
setup_logging(_settings.log_level, process="api", reporter=sentry.reporter(_settings, process="api"))
app = create_app(_settings)
