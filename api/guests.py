"""Uploading before signing in: `/v1/guests`, and claiming what a guest uploaded.

A guest is known by a secret in a cookie that no script can read and no other site can send along. They may upload,
see and delete their own images, and nothing else: they have no credits, and no route that costs lets them in.
"""

from uuid import UUID

from flask import Response
from pydantic import BaseModel, Field

from api.answers import Made, show
from api.auth import GUEST_COOKIE, guest_secret
from api.fields import Id, Time
from api.house import House
from api.image_body import ImageBody, image_body
from api.images import find_image
from api.keeping import remove_objects
from api.limits import Limit
from api.routes import Gives, Nothing, Routes
from api.session import Caller
from shared import events, files, guests, images
from shared.api_keys import hash_secret
from shared.copies import IMAGE, image_key
from shared.errors import (
    ImageExpired,
    ImageNotReady,
    ImageNotUsable,
    NotFound,
    RequestInvalid,
    StorageObjectMissing,
    StorageUnavailable,
)
from shared.events import ActionType
from shared.guests import Guest
from shared.ids import new_id, parse_id
from shared.images import Image, ImageStatus
from shared.messages import AnalyseImage
from shared.uploads import image_prefix

routes = Routes("guests")


class GuestBody(BaseModel, title="Guest"):
    """How long this browser is remembered, by a cookie; each upload begins with asking again."""

    expires_at: Time = Field(description="later than any image uploaded until now")


@routes.open_operation(
    "POST /v1/guests", takes=Nothing, gives=Gives(201, GuestBody), limit=Limit.GUESTS, problems=(RequestInvalid,)
)
def be_guest(house: House, caller: Caller | None, _: Nothing) -> Response:
    """Become a guest, or stay the one whose cookie came along: to upload before signing in."""
    if caller is not None:
        raise RequestInvalid("You are signed in; upload as yourself.")
    secret = guest_secret()
    guest = None if secret is None else _renewed(house, secret)
    if secret is None or guest is None:
        secret = guests.new_token()
        guest = _opened(house, secret)
    response = Made(GuestBody(expires_at=guest.expires_at), 201).response()
    _remember(house, response, secret)
    return response


def _hours(house: House) -> int:
    """Long enough to outlive what is uploaded a moment later, and its last download."""
    return house.settings.image_lifetime_hours + 1


def _renewed(house: House, secret: str) -> Guest | None:
    token_hash = hash_secret(secret)
    with house.database.transaction(guest_hash=token_hash) as db:
        return guests.update_guest_renewed(db, token_hash, hours=_hours(house))


def _opened(house: House, secret: str) -> Guest:
    user_id = new_id()
    with house.database.transaction(user_id=user_id) as db:
        return guests.insert_guest(db, user_id=user_id, token_hash=hash_secret(secret), hours=_hours(house))


def _remember(house: House, response: Response, secret: str) -> None:
    response.set_cookie(
        GUEST_COOKIE, secret, max_age=_hours(house) * 3600, path="/v1", httponly=True, samesite="Strict",
        secure=house.settings.public_url.scheme == "https",
    )  # fmt: skip


class ClaimImage(BaseModel):
    """Which image."""

    image_id: Id


@routes.operation(
    "POST /v1/images/{image_id}/claim",
    takes=ClaimImage,
    gives=Gives(200, ImageBody),
    problems=(NotFound, ImageNotReady, ImageNotUsable, ImageExpired, StorageUnavailable),
)
def claim_image(house: House, caller: Caller, ask: ClaimImage) -> Response:
    """Take over an image that this browser uploaded as a guest; its time goes on as it was. Once it is yours, this
    changes nothing.
    """
    image_id, secret = parse_id(ask.image_id), guest_secret()
    if image_id is not None and secret is not None:
        _take_over(house, caller, image_id, secret)
    with house.database.transaction(user_id=caller.user_id) as db:
        image = find_image(db, ask.image_id)
    return show(image_body(image))


def _take_over(house: House, caller: Caller, image_id: UUID, secret: str) -> None:
    """Copy the objects, change the owner, remove the old ones: what a crash leaves, the sweep of orphans takes."""
    token_hash = hash_secret(secret)
    with house.database.transaction(guest_hash=token_hash) as db:
        guest = guests.select_guest(db, token_hash)
    if guest is None:
        return
    with house.database.transaction(user_id=guest.user_id) as db:
        image = images.select_image(db, image_id)
        keys = [] if image is None else [file.storage_key for file in files.select_files(db, image_id)]
    if image is None:
        return
    _check_ready(image)
    old, new = image_prefix(guest.user_id, image_id), image_prefix(caller.user_id, image_id)
    try:
        for key in keys:
            house.storage.copy(key, new + key.removeprefix(old))
    except StorageObjectMissing:
        raise ImageExpired("The image's file is gone.") from None
    with house.database.transaction(user_id=caller.user_id) as db:
        is_claimed = guests.update_image_claimed(db, image_id, token_hash)
        if is_claimed:
            events.insert_event(
                db, analytics_id=new_id(), user_id=caller.user_id, action_type=ActionType.UPLOAD,
                data={
                    "file_type": image.file_type, "pixels": image.width * image.height, "bytes": image.file_size
                },
            )  # fmt: skip
    if is_claimed:
        # Whoever looks at it now does so as the guest, whose image it is no more.
        house.publisher.publish(AnalyseImage(image_id=image_id, user_id=caller.user_id))
        house.copies.forget(IMAGE, image_key(guest.user_id, image_id), image_key(caller.user_id, image_id))
        remove_objects(house, Caller(guest.user_id), image_id)


def _check_ready(image: Image) -> None:
    match image.status:
        case ImageStatus.PROCESSING:
            raise ImageNotReady("The image is still being prepared; claim it in a moment.")
        case ImageStatus.FAILED:
            raise ImageNotUsable("The image could not be prepared.")
        case ImageStatus.EXPIRED:
            raise ImageExpired("The image has expired and its file is gone.")
        case ImageStatus.READY:
            return
