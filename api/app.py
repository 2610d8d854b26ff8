"""The API as a Flask app, made from its parts."""

from datetime import datetime
from functools import lru_cache, partial
from threading import BoundedSemaphore
from uuid import UUID

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from api import (
    checkout,
    consents,
    credits,
    docs,
    editor,
    exchange,
    exports,
    guests,
    images,
    jobs,
    me,
    ops,
    pages,
    problems,
    reports,
    result_files,
    webhooks,
)
from api.auth import forget_known
from api.grants import Grants
from api.house import House, ToldJob, house_of, move_in
from api.limits import Limits
from api.polls import Polls, forget_announced
from api.recent import Recent
from api.routes import Route, mount
from api.session import Caller, Sessions
from shared.cache import Cache
from shared.copies import Copies
from shared.db import Database
from shared.jobs import JobKind
from shared.payments import open_payments
from shared.queue import Publisher
from shared.settings import Settings
from shared.storage import Storage, open_storage
from shared.vault import Vault
from shared.vies import open_vies

ROUTES: tuple[Route, ...] = (
    *images.routes.all,
    *guests.routes.all,
    *editor.routes.all,
    *jobs.routes.all,
    *result_files.routes.all,
    *credits.routes.all,
    *checkout.routes.all,
    *me.routes.all,
    *consents.routes.all,
    *exports.routes.all,
    *reports.routes.all,
    *webhooks.routes.all,
    *ops.routes.all,
    *docs.routes.all,
    *pages.routes.all,
)
MOST_BODY_BYTES = 256 * 1024
MOST_REMEMBERED = 20_000
MOST_TOLD = 5_000
UPLOADS_AT_ONCE = 6
RESULTS_AT_ONCE = 6


def create_app(
    settings: Settings,
    *,
    database: Database | None = None,
    storage: Storage | None = None,
    cache: Cache | None = None,
    publisher: Publisher | None = None,
) -> Flask:
    """The app of one installation; parts that are not given are made from the settings. Connects to nothing yet."""
    app = Flask("api", static_folder=None)
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.config["MAX_CONTENT_LENGTH"] = MOST_BODY_BYTES
    redis_url = settings.redis_url.get_secret_value()
    callers: Recent[str, Caller] = Recent(MOST_REMEMBERED)
    expiries: Recent[UUID, datetime] = Recent(MOST_REMEMBERED)
    told: Recent[str, ToldJob] = Recent(MOST_TOLD)
    lines: Recent[JobKind, tuple[int, float]] = Recent(len(JobKind))
    cache = cache or Cache(redis_url, settings.redis_timeout_seconds)
    cache.hear(partial(forget_announced, told))
    cache.hear_callers(partial(forget_known, callers))
    vault = Vault(settings.encryption_keys)
    move_in(
        app,
        House(
            settings=settings,
            database=database or open_database(settings),
            storage=storage or open_storage(settings),
            cache=cache,
            copies=Copies(cache, vault.derive("copies")[0]),
            publisher=publisher or Publisher(settings.redis_url, timeout_seconds=settings.redis_timeout_seconds),
            payments=open_payments(settings),
            vies=open_vies(settings),
            vault=vault,
            grants=Grants(vault.derive("grants")),
            sessions=Sessions(settings),
            callers=callers,
            limits=Limits(settings, cache),
            expiries=expiries,
            told=told,
            lines=lines,
            upload_slots=BoundedSemaphore(UPLOADS_AT_ONCE),
            result_slots=BoundedSemaphore(RESULTS_AT_ONCE),
            openapi=lru_cache(lambda: docs.described(ROUTES, str(settings.public_url))),
        ),
    )
    problems.register(app)
    exchange.register(app)
    for route in ROUTES:
        mount(app, route)
    app.wsgi_app = Polls(app.wsgi_app, house_of(app))
    if settings.proxies_in_front:  # or every stranger would be counted as the proxy
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxies_in_front, x_proto=0, x_host=0)
    return app


def open_database(settings: Settings) -> Database:
    """Postgres as the API reaches it, bound by row-level security."""
    return Database(
        settings.database_url.get_secret_value(),
        pool_size=settings.database_pool_size,
        timeout_seconds=settings.database_timeout_seconds,
        statement_timeout_seconds=settings.statement_timeout_seconds,
        report_timeout_seconds=settings.report_timeout_seconds,
    )
