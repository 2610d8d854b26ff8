"""The app for a WSGI server, configured by the environment: `gunicorn -c deploy/gunicorn.py api.wsgi:app`."""

from api.app import create_app
from shared import sentry, spans
from shared.logging_setup import setup_logging
from shared.settings import load_settings

_settings = load_settings()
setup_logging(_settings.log_level, process="api", reporter=sentry.reporter(_settings, process="api"))
spans.start(_settings, process="api")  # each of gunicorn's workers comes here after its fork
app = create_app(_settings)
