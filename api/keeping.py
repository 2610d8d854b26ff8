"""From received bytes to a kept image, and back to nothing."""

from uuid import UUID

from api.answers import Made
from api.house import House
from api.idempotency import Once
from api.image_body import image_body
from api.job_body import REMEMBERED_SECONDS
from api.session import Caller
from shared import images, uploads
from shared.errors import CommitUnknown, DatabaseUnavailable, ProblemError
from shared.images import Image, ImageStatus
from shared.logging_setup import get_logger, problem_fields
from shared.messages import AnalyseImage, ResizeImage
from shared.rasters import check_image, verify_image
from shared.uploads import Upload, image_prefix

log = get_logger(__name__)


def keep_upload(house: House, caller: Caller, file_name: str | None, data: bytes, *, once: Once) -> Made:
    """Check an upload, keep it in storage, then make it known; a worker is woken to resize it, or to look at it.

    Raises a problem of the upload (nothing is kept then), what `Once.begin` raises, StorageUnavailable or
    DatabaseUnavailable.
    """
    settings = house.settings
    header = check_image(data, max_bytes=settings.upload_max_bytes, max_pixels=settings.upload_max_pixels)
    verify_image(data)
    if once.key is not None:
        with house.database.transaction(user_id=caller.user_id) as db:
            once.begin(db)  # before anything is stored; again below, where it is held
    upload = uploads.plan(user_id=caller.user_id, file_name=file_name, data=data, header=header)
    house.storage.put(upload.storage_key, upload.data, upload.content_type)
    image, made = _make_known(house, upload, once, is_noted=not caller.is_guest)
    kind = ResizeImage if image.status is ImageStatus.PROCESSING else AnalyseImage
    house.publisher.publish(kind(image_id=image.image_id, user_id=image.user_id))
    house.expiries.keep(image.image_id, image.expiry_timestamp, REMEMBERED_SECONDS)
    return made


def _make_known(house: House, upload: Upload, once: Once, *, is_noted: bool) -> tuple[Image, Made]:
    settings = house.settings
    try:
        with house.database.transaction(user_id=upload.user_id) as db:
            once.begin(db)
            image = uploads.accept(
                db,
                upload,
                working_max_pixels=settings.working_max_pixels,
                lifetime_hours=settings.image_lifetime_hours,
                resend_seconds=settings.wakeup_resend_seconds,
                is_noted=is_noted,
            )
            return image, once.keep(db, _made(image))
    except CommitUnknown:
        with house.database.transaction(user_id=upload.user_id) as db:
            image = images.select_image(db, upload.image_id)
        if image is None:
            raise DatabaseUnavailable("The database does not answer; nothing was changed. Try again.") from None
        return image, _made(image)


def _made(image: Image) -> Made:
    return Made(image_body(image), 201, {"Location": f"/v1/images/{image.image_id}"})


def remove_objects(house: House, caller: Caller, image_id: UUID) -> None:
    """Remove what storage holds of a deleted image now if it answers; if not, the sweep does it soon."""
    try:
        house.storage.remove(house.storage.list_keys(image_prefix(caller.user_id, image_id)))
    except ProblemError as problem:
        log.warning("objects_left_to_the_sweep", image_id=str(image_id), **problem_fields(problem))
