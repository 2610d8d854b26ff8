"""Uploaded images: `/v1/images`."""

from uuid import UUID

from flask import Response, request
from pydantic import BaseModel, TypeAdapter

from api.answers import next_cursor, nothing, read_cursor, send_to, show
from api.fields import Id, Page, PageAsked
from api.house import House
from api.idempotency import asked_once
from api.image_body import ImageBody, image_body
from api.keeping import keep_upload, remove_objects
from api.limits import Limit
from api.links import LinkBody, link_body
from api.receiving import received_file
from api.routes import Gives, Routes
from api.session import Caller
from shared import images, lifecycle
from shared.copies import IMAGE, image_key
from shared.db import Connection
from shared.errors import (
    AnimatedImage,
    ImageExpired,
    ImageUndecodable,
    NotFound,
    StorageObjectMissing,
    StorageUnavailable,
    TooManyPixels,
    UnsupportedMediaType,
    UploadTooLarge,
)
from shared.ids import parse_id
from shared.images import Image, ImageStatus

routes = Routes("images")


def find_image(db: Connection, image_id: str) -> Image:
    """The caller's image with this id. Raises NotFound, also for somebody else's."""
    known = parse_id(image_id)
    image = None if known is None else images.select_image(db, known)
    if image is None:
        raise NotFound("There is no such image.")
    return image


_IMAGE = TypeAdapter(Image)


def _copied_image(house: House, caller: Caller, image_id: str) -> Image:
    """The caller's image, as it was seconds ago if it is done: one that is still being prepared is read each time.

    Raises NotFound.
    """
    known = parse_id(image_id)
    if known is None:
        raise NotFound("There is no such image.")

    def read() -> Image:
        with house.database.transaction(user_id=caller.user_id) as db:
            return find_image(db, image_id)

    def is_done(image: Image) -> bool:
        return image.status is not ImageStatus.PROCESSING

    return house.copies.read(IMAGE, image_key(caller.user_id, known), _IMAGE, read, is_kept=is_done)


class UploadImage(BaseModel):
    """A multipart form with one field, `file`: a PNG or JPEG by content."""


@routes.operation(
    "POST /v1/images",
    takes=UploadImage,
    gives=Gives(201, ImageBody, headers=("Location",)),
    limit=Limit.UPLOADS,
    problems=(
        UploadTooLarge, TooManyPixels, UnsupportedMediaType, AnimatedImage, ImageUndecodable, StorageUnavailable,
    ),
    takes_file=True,
    once=True,
    guests=True,
)  # fmt: skip
def upload_image(house: House, caller: Caller, _: UploadImage) -> Response:
    """Upload an image.

    A PNG or JPEG by content, whatever it is called. It is kept, with everything made from it, until `expires_at`.
    Larger ones are `processing` until they have been resized to the working size.
    """
    with received_file(request, house) as (file_name, data):
        once = asked_once(caller, file_name or "", data)
        made = keep_upload(house, caller, file_name, data, once=once)
    return made.response()


class ListImages(PageAsked):
    """Which page of the caller's images."""


@routes.operation("GET /v1/images", takes=ListImages, gives=Gives(200, Page[ImageBody]))
def list_images(house: House, caller: Caller, ask: ListImages) -> Response:
    """List the caller's images, newest first."""
    with house.database.transaction(user_id=caller.user_id) as db:
        found = images.select_images(db, caller.user_id, limit=ask.limit, before=read_cursor(ask.cursor))
    cursor = next_cursor([image.image_id for image in found], ask.limit)
    return show(Page[ImageBody](data=[image_body(image) for image in found], next_cursor=cursor))


class OneImage(BaseModel):
    """Which image."""

    image_id: Id


@routes.operation(
    "GET /v1/images/{image_id}", takes=OneImage, gives=Gives(200, ImageBody), problems=(NotFound,), guests=True
)
def get_image(house: House, caller: Caller, ask: OneImage) -> Response:
    """Show an image."""
    return show(image_body(_copied_image(house, caller, ask.image_id)))


@routes.operation(
    "GET /v1/images/{image_id}/source",
    takes=OneImage,
    gives=Gives(302, headers=("Location",)),
    problems=(NotFound, ImageExpired, StorageUnavailable),
    guests=True,
)
def get_source(house: House, caller: Caller, ask: OneImage) -> Response:
    """Download an image as it was uploaded: a redirect to a link that works for some minutes."""
    return send_to(_source_link(house, caller, ask.image_id))


@routes.operation(
    "GET /v1/images/{image_id}/source/link",
    takes=OneImage,
    gives=Gives(200, LinkBody),
    problems=(NotFound, ImageExpired, StorageUnavailable),
    guests=True,
)
def get_source_link(house: House, caller: Caller, ask: OneImage) -> Response:
    """Show a link to an image as it was uploaded.

    For pages: a script that sends a credential cannot read where a redirect leads.
    """
    return show(link_body(house, _source_link(house, caller, ask.image_id)))


def _source_link(house: House, caller: Caller, image_id: str) -> str:
    image = _copied_image(house, caller, image_id)
    if image.status is ImageStatus.EXPIRED:
        raise ImageExpired("The image has expired and its file is gone.")
    try:
        seconds = house.settings.signed_link_seconds
        return house.storage.signed_link(image.file_url, seconds=seconds, download_name=image.file_name)
    except StorageObjectMissing:
        raise ImageExpired("The image's file is gone.") from None


@routes.operation("DELETE /v1/images/{image_id}", takes=OneImage, gives=Gives(204), problems=(NotFound,), guests=True)
def delete_image(house: House, caller: Caller, ask: OneImage) -> Response:
    """Delete an image and everything made from it. Its open jobs are canceled, their credits given back."""
    with house.database.transaction(user_id=caller.user_id) as db:
        image_id: UUID = find_image(db, ask.image_id).image_id
        lifecycle.delete_image(db, image_id)
    house.copies.forget(IMAGE, image_key(caller.user_id, image_id))
    remove_objects(house, caller, image_id)
    return nothing()
