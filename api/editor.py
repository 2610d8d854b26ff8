"""What the edit popup shows for this caller: `/v1/images/{image_id}/editor`."""

from decimal import Decimal
from enum import StrEnum
from typing import Any

from flask import Response
from pydantic import BaseModel, Field

from api.answers import show
from api.fields import Credits, Id
from api.house import House
from api.image_body import ImageBody, image_body
from api.images import find_image
from api.job_body import JobBody, job_bodies
from api.routes import Gives, Routes
from api.session import Caller
from shared import accounts, analyses, images, jobs
from shared.analyses import Analysis
from shared.errors import NotFound
from shared.ids import parse_id
from shared.images import Image, ImageStatus
from shared.jobs import JobKind
from shared.outputs import FORMATS, Format
from shared.settings import Settings
from shared.suggestions import CAUTIONS, Caution, ContentClass, Noise, Suggestion
from shared.tracing import PRESETS, Preset, TraceOptions

routes = Routes("images")

LAST_JOBS = 10


class Reason(StrEnum):
    """Why an action is not allowed now."""

    SIGN_IN = "sign-in"
    IMAGE_NOT_READY = "image-not-ready"
    IMAGE_NOT_USABLE = "image-not-usable"
    IMAGE_EXPIRED = "image-expired"
    INSUFFICIENT_CREDITS = "insufficient-credits"


class ActionBody(BaseModel, title="Action"):
    """Something the caller may do with the image, and what it costs."""

    action: JobKind
    price: Credits
    affordable: bool = Field(description="whether the available balance covers the price")
    allowed: bool
    reason: Reason | None = Field(description="why it is not allowed now")
    method: str
    url: str


class PresetBody(BaseModel, title="Preset"):
    """A named choice of options, and when to take it."""

    preset: Preset
    description: str


class FormatBody(BaseModel, title="Format"):
    """A file that a vectorization gives, and what it is for. One price buys all."""

    format: Format
    content_type: str
    description: str


class WarningBody(BaseModel, title="Warning"):
    """Why the drawing may disappoint, and what to do about it."""

    code: Caution
    message: str


class SuggestionBody(BaseModel, title="Suggestion"):
    """What a look at the image told, before anything is paid."""

    preset: Preset = Field(description="what suits the image; `auto` does the same")
    content_class: ContentClass
    colors: int | None = Field(description="number of flat colors; null where none can be counted")
    noise: Noise = Field(description="`compression` is that of a JPEG; with `texture` hardly anything is flat")
    background: str | None = Field(
        description="the color that rules the edge, such as `#ffffff`, or `transparent`; null if none does"
    )
    has_transparency: bool
    warnings: list[WarningBody]


class SignInBody(BaseModel, title="SignIn"):
    """Where somebody without a session signs in."""

    issuer: str


class EditorBody(BaseModel, title="Editor"):
    """The edit popup. For somebody signed out there is no balance and no job, no action is allowed, and the image is
    there only if they uploaded it as a guest.
    """

    signed_in: bool
    sign_in: SignInBody | None
    image: ImageBody | None
    available: Credits | None
    actions: list[ActionBody]
    presets: list[PresetBody]
    suggested: SuggestionBody | None = Field(
        description="what suits the image; null while a worker has not looked at it, and if it could not"
    )
    suggestion_pending: bool = Field(description="whether a suggestion is still to come: ask again in a second")
    suggested_preset: Preset = Field(description="that of the suggestion, or `auto`")
    formats: list[FormatBody]
    options: list[dict[str, Any]] = Field(description="name, type, range or choices, default and one sentence of each")
    jobs: list[JobBody] = Field(description="the last jobs on this image, newest first")


class ShowEditor(BaseModel):
    """Of which image."""

    image_id: Id


@routes.open_operation(
    "GET /v1/images/{image_id}/editor", takes=ShowEditor, gives=Gives(200, EditorBody), problems=(NotFound,),
    guests=True,
)  # fmt: skip
def get_editor(house: House, caller: Caller | None, ask: ShowEditor) -> Response:
    """Show what can be done with an image: actions with their prices, what suits it, formats, options, last jobs."""
    if caller is None or caller.is_guest:
        image, analysis = _guest_image(house, caller, ask.image_id)
        return show(_editor(house.settings, ask.image_id, image, analysis, None, []))
    with house.database.transaction(user_id=caller.user_id) as db:
        image = find_image(db, ask.image_id)
        analysis = analyses.select_analysis(db, image.image_id)
        account = accounts.select_account(db, caller.user_id)
        last = jobs.select_jobs(db, caller.user_id, limit=LAST_JOBS, image_id=image.image_id)
        bodies = job_bodies(house, db, last)
    available = Decimal(0) if account is None else max(account.credit_balance, Decimal(0))
    return show(_editor(house.settings, ask.image_id, image, analysis, available, bodies))


def _guest_image(house: House, guest: Caller | None, image_id: str) -> tuple[Image | None, Analysis]:
    """The image and what is known of it, if whoever is signed out uploaded it as a guest."""
    known = parse_id(image_id)
    if guest is None or known is None:
        return None, Analysis(None, is_pending=False)
    with house.database.transaction(user_id=guest.user_id) as db:
        return images.select_image(db, known), analyses.select_analysis(db, known)


def _editor(
    settings: Settings,
    image_id: str,
    image: Image | None,
    analysis: Analysis,
    available: Decimal | None,
    last: list[JobBody],
) -> EditorBody:
    prices = {JobKind.PREVIEW: settings.price_preview, JobKind.VECTORIZATION: settings.price_vectorization}
    return EditorBody(
        signed_in=available is not None,
        sign_in=SignInBody(issuer=settings.issuer) if available is None else None,
        image=None if image is None else image_body(image),
        available=available,
        actions=[_action(kind, price, image_id, image, available) for kind, price in prices.items()],
        presets=[PresetBody(preset=name, description=text) for name, text in PRESETS.items()],
        suggested=None if analysis.suggestion is None else _suggestion(analysis.suggestion),
        suggestion_pending=analysis.is_pending,
        suggested_preset="auto" if analysis.suggestion is None else analysis.suggestion.preset,
        formats=[
            FormatBody(format=name, content_type=facts.content_type, description=facts.description)
            for name, facts in FORMATS.items()
        ],
        options=TraceOptions.fields_for_editor(),
        jobs=last,
    )


def _suggestion(told: Suggestion) -> SuggestionBody:
    return SuggestionBody(
        preset=told.preset,
        content_class=told.content_class,
        colors=told.colors,
        noise=told.noise,
        background=told.background,
        has_transparency=told.has_transparency,
        warnings=[WarningBody(code=caution, message=CAUTIONS[caution]) for caution in told.warnings],
    )


def _action(kind: JobKind, price: Decimal, image_id: str, image: Image | None, available: Decimal | None) -> ActionBody:
    affordable = available is not None and available >= price
    reason = _reason(image, affordable=affordable, is_signed_in=available is not None)
    return ActionBody(
        action=kind,
        price=price,
        affordable=affordable,
        allowed=reason is None,
        reason=reason,
        method="POST",
        url=f"/v1/images/{image_id}/{kind}s",
    )


def _reason(image: Image | None, *, affordable: bool, is_signed_in: bool) -> Reason | None:
    if image is None or not is_signed_in:
        return Reason.SIGN_IN
    match image.status:
        case ImageStatus.PROCESSING:
            return Reason.IMAGE_NOT_READY
        case ImageStatus.FAILED:
            return Reason.IMAGE_NOT_USABLE
        case ImageStatus.EXPIRED:
            return Reason.IMAGE_EXPIRED
        case ImageStatus.READY:
            return None if affordable else Reason.INSUFFICIENT_CREDITS
