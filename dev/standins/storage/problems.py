"""The errors of Supabase Storage: HTTP 400 nearly always, the real status as a string inside the body."""

from dataclasses import dataclass

from dev.standins.web import Response, json_response


@dataclass(frozen=True)
class StorageProblem(Exception):
    """An answer other than success; `status` is the one in the body, `http_status` the one on the wire."""

    status: int
    error: str
    message: str
    code: str
    http_status: int = 400

    def response(self) -> Response:
        """Return the answer the real server would give."""
        body = {
            "statusCode": str(self.status),
            "error": self.error,
            "message": self.message,
            "code": self.code,
        }
        return json_response(body, self.http_status)


def bucket_not_found() -> StorageProblem:
    """No such bucket, or a private one for a caller who is nobody."""
    return StorageProblem(404, "Bucket not found", "Bucket not found", "NoSuchBucket")


def object_not_found() -> StorageProblem:
    """No such object, or none that row-level security lets this role see."""
    return StorageProblem(404, "not_found", "Object not found", "NoSuchKey")


def duplicate() -> StorageProblem:
    """The object or bucket exists already."""
    return StorageProblem(409, "Duplicate", "The resource already exists", "KeyAlreadyExists")


def too_large() -> StorageProblem:
    """More bytes than the bucket or the whole server allows."""
    return StorageProblem(413, "Payload too large", "The object exceeded the maximum allowed size", "EntityTooLarge")


def invalid_mime_type(mime_type: str) -> StorageProblem:
    """A type outside the bucket's list."""
    return StorageProblem(415, "invalid_mime_type", f"mime type {mime_type} is not supported", "InvalidMimeType")


def invalid_key(key: str) -> StorageProblem:
    """A key with characters that S3 and Supabase do not share."""
    printable = key.encode("utf-8", "replace").decode()
    return StorageProblem(400, "InvalidKey", f"Invalid key: {printable}", "InvalidKey")


def invalid_bucket_name() -> StorageProblem:
    """A bucket name with characters that are not allowed."""
    return StorageProblem(400, "Invalid Input", "Bucket name invalid", "InvalidBucketName")


def bucket_not_empty() -> StorageProblem:
    """A bucket with objects cannot be deleted."""
    return StorageProblem(409, "InvalidRequest", "The bucket you tried to delete is not empty", "InvalidRequest")


def access_denied(message: str = "new row violates row-level security policy") -> StorageProblem:
    """Refused by row-level security, or by a token that does not verify."""
    return StorageProblem(403, "Unauthorized", message, "AccessDenied")


def invalid_jwt(message: str) -> StorageProblem:
    """A link's token that is expired, broken or signed by someone else."""
    return StorageProblem(400, "InvalidJWT", message, "InvalidJWT")


def invalid_signature() -> StorageProblem:
    """A link's token that is sound but was made for another object or another use."""
    return StorageProblem(400, "InvalidSignature", "Invalid signature", "InvalidSignature")


def invalid_range() -> StorageProblem:
    """A range that begins beyond the last byte."""
    return StorageProblem(
        416, "InvalidRange", "The requested range is not satisfiable", "InvalidRange", http_status=416
    )


def invalid_request(message: str) -> StorageProblem:
    """A request that fails the server's own schema."""
    return StorageProblem(400, "Error", message, "InvalidRequest")


def unknown_role(role: str) -> StorageProblem:
    """Postgres does not know the role that the token names: the real server answers 500."""
    return StorageProblem(500, "DatabaseError", f'role "{role}" does not exist', "DatabaseError", http_status=500)


def internal_error() -> StorageProblem:
    """The server's own failure; here only when a fault was ordered."""
    return StorageProblem(500, "Internal", "Internal Server Error", "InternalError", http_status=500)


def unknown_route(method: str, path: str) -> Response:
    """The one error with another body, and a real 404."""
    message = f"Route {method}:{path} not found"
    return json_response({"message": message, "error": "Not Found", "statusCode": 404}, 404)
