"""An image as its owner sees it."""

from pydantic import BaseModel, Field

from api.fields import Id, Time
from api.problems import shown_problem
from shared.images import FileType, Image, ImageStatus


class ImageBody(BaseModel, title="Image"):
    """An uploaded image; sizes in bytes, and pixels as displayed."""

    image_id: Id
    status: ImageStatus
    file_name: str | None = Field(description="null once the image has expired")
    file_type: FileType
    file_size: int
    width: int
    height: int
    working_width: int | None = Field(description="of the raster that is traced; null while it is being prepared")
    working_height: int | None
    sha256: str
    created_at: Time
    expires_at: Time = Field(description="then the image and everything made from it are removed")
    problem: dict[str, object] | None = Field(description="why the image could not be prepared")


def image_body(image: Image) -> ImageBody:
    """An image as its owner sees it."""
    return ImageBody(
        image_id=str(image.image_id),
        status=image.status,
        file_name=image.file_name,
        file_type=image.file_type,
        file_size=image.file_size,
        width=image.width,
        height=image.height,
        working_width=image.working_width,
        working_height=image.working_height,
        sha256=image.sha256,
        created_at=image.upload_timestamp,
        expires_at=image.expiry_timestamp,
        problem=shown_problem(image.problem),
    )
