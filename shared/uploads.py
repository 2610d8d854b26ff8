"""What happens to an upload: judged by its header, kept in storage, then known to Postgres.

The object comes first and the row after, so that a row never points at nothing; an object whose row was
never written is an orphan, which the sweep removes.
"""

import hashlib
from dataclasses import dataclass
from pathlib import PurePosixPath
from uuid import UUID

from shared import events, files, images, wakeups
from shared.db import Connection
from shared.events import ActionType
from shared.files import File, FileKind
from shared.ids import new_id
from shared.images import FileType, Image, NewImage
from shared.messages import ResizeImage
from shared.rasters import ImageHeader

CONTENT_TYPES = {FileType.PNG: "image/png", FileType.JPEG: "image/jpeg"}
LONGEST_FILE_NAME = 200


@dataclass(frozen=True, slots=True)
class Upload:
    """A checked upload that is about to be kept."""

    image_id: UUID
    user_id: UUID
    file_name: str
    file_type: FileType
    data: bytes
    width: int
    height: int

    @property
    def storage_key(self) -> str:
        """Where the source lies: below its image, so that everything made from it is removed together."""
        return f"{image_prefix(self.user_id, self.image_id)}source.{self.file_type}"

    @property
    def content_type(self) -> str:
        """The media type of the source."""
        return CONTENT_TYPES[self.file_type]


def image_prefix(user_id: UUID, image_id: UUID) -> str:
    """The folder in storage that holds an image and everything made from it."""
    return f"{user_id}/{image_id}/"


def plan(*, user_id: UUID, file_name: str | None, data: bytes, header: ImageHeader) -> Upload:
    """Give a checked upload its id and a harmless name."""
    file_type = FileType(header.format)
    return Upload(
        image_id=new_id(),
        user_id=user_id,
        file_name=_harmless_name(file_name, file_type),
        file_type=file_type,
        data=data,
        width=header.width,
        height=header.height,
    )


def accept(
    db: Connection,
    upload: Upload,
    *,
    working_max_pixels: int,
    lifetime_hours: int,
    resend_seconds: float,
    is_noted: bool = True,
) -> Image:
    """Make the image known: ready at once, or `processing` with a wake-up for the resize task when it is large.

    Both are due to be looked at as soon as they are ready.

    A guest's upload is not noted as an action: it is when an account claims the image, so that reports count people.
    """
    fits = upload.width * upload.height <= working_max_pixels
    image = images.insert_image(
        db,
        NewImage(
            image_id=upload.image_id,
            user_id=upload.user_id,
            file_name=upload.file_name,
            file_url=upload.storage_key,
            file_type=upload.file_type,
            file_size=len(upload.data),
            width=upload.width,
            height=upload.height,
            working_key=upload.storage_key if fits else None,
            working_width=upload.width if fits else None,
            working_height=upload.height if fits else None,
            sha256=hashlib.sha256(upload.data).hexdigest(),
            lifetime_hours=lifetime_hours,
            analyse_in_seconds=resend_seconds,
        ),
    )
    files.insert_file(
        db,
        File(
            storage_key=upload.storage_key,
            user_id=upload.user_id,
            image_id=upload.image_id,
            job_id=None,
            kind=FileKind.SOURCE,
            format=upload.file_type,
            size=len(upload.data),
        ),
    )
    if not fits:
        wakeups.insert_wakeup(
            db,
            subject_id=image.image_id,
            user_id=image.user_id,
            task=ResizeImage.task,
            send_in_seconds=resend_seconds,
        )
    if is_noted:
        events.insert_event(
            db,
            analytics_id=new_id(),
            user_id=upload.user_id,
            action_type=ActionType.UPLOAD,
            data={"file_type": upload.file_type, "pixels": upload.width * upload.height, "bytes": len(upload.data)},
        )
    return image


def _harmless_name(file_name: str | None, file_type: FileType) -> str:
    """The last part of a client's file name without control characters, or a plain one."""
    last = PurePosixPath((file_name or "").replace("\\", "/")).name
    printable = "".join(character for character in last if character.isprintable()).strip()
    return printable[-LONGEST_FILE_NAME:] or f"image.{file_type}"
