"""Routes requests: under `/storage/v1` as behind Supabase's gateway, and at the root as without it."""

from pathlib import Path

from dev.standins.storage.buckets_api import BucketsApi
from dev.standins.storage.edge import with_edge_headers
from dev.standins.storage.faults import Faults
from dev.standins.storage.fields import Fields
from dev.standins.storage.keys import Role, role_of
from dev.standins.storage.links import Links
from dev.standins.storage.listing import list_flat, list_folder
from dev.standins.storage.objects import ObjectStore
from dev.standins.storage.objects_api import ObjectsApi
from dev.standins.storage.problems import StorageProblem, access_denied, invalid_request, unknown_route
from dev.standins.web import Application, Request, Response, json_response

GATEWAY_PREFIX = "/storage/v1"


class StorageApp:
    """Supabase Storage as the client sees it."""

    def __init__(self, data: Path, jwt_secret: str, global_limit_bytes: int) -> None:
        data.mkdir(parents=True, exist_ok=True)
        self.store = ObjectStore(data)
        self.buckets = BucketsApi(self.store, global_limit_bytes)
        self._objects = ObjectsApi(self.store, Links(data), global_limit_bytes)
        self._jwt_secret = jwt_secret

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        try:
            return self._route(request)
        except StorageProblem as problem:
            return problem.response()

    def _route(self, request: Request) -> Response:
        path = request.path.removeprefix(GATEWAY_PREFIX)
        match [request.method, *path.strip("/").split("/", 1)]:
            case ["GET", "status" | "version"]:
                return json_response({"status": "ok"})
            case [_, "bucket", *rest]:
                answer = self._bucket_route(request, rest[0].split("/") if rest else [])
            case [_, "object", rest]:
                answer = self._object_route(request, rest.split("/"))
            case _:
                answer = None
        if answer is None:
            return unknown_route(request.method, path)
        return answer if isinstance(answer, Response) else json_response(answer)

    def _role(self, request: Request) -> Role:
        return role_of(request.headers.get("authorization", ""), self._jwt_secret)

    def _role_or_nobody(self, request: Request) -> Role | None:
        try:
            return self._role(request)
        except StorageProblem as problem:
            if problem.status == access_denied().status:
                return None
            raise

    def _bucket_route(self, request: Request, parts: list[str]) -> object:
        role = self._role(request)
        match [request.method, *parts]:
            case ["GET"]:
                return self.buckets.list(role)
            case ["POST"]:
                return self.buckets.create(role, _fields(request))
            case ["GET", bucket]:
                return self.buckets.get(role, bucket)
            case ["PUT", bucket]:
                return self.buckets.update(role, bucket, _fields(request))
            case ["DELETE", bucket]:
                return self.buckets.delete(role, bucket)
            case ["POST", bucket, "empty"]:
                return self.buckets.empty(role, bucket)
            case _:
                return None

    def _object_route(self, request: Request, parts: list[str]) -> object:
        match [request.method, *parts]:
            case ["POST", "move"]:
                return self._objects.move(self._role(request), _fields(request))
            case ["POST", "copy"]:
                return self._objects.copy(self._role(request), _fields(request))
            case ["POST", "list", bucket]:
                visible = self.store.find_bucket(bucket) if self._role(request) == "service_role" else None
                return list_folder(self.store, visible, _fields(request))
            case ["POST", "list-v2", bucket]:
                visible = self.store.find_bucket(bucket) if self._role(request) == "service_role" else None
                return list_flat(self.store, visible, _fields(request))
            case ["POST", "upload", "sign", bucket, *key]:
                upsert = _upsert(request)
                return self._objects.sign_upload(self._role(request), bucket, "/".join(key), upsert=upsert)
            case ["PUT", "upload", "sign", bucket, *key]:
                return self._objects.signed_upload(request, bucket, "/".join(key))
            case ["POST", "sign", bucket]:
                return self._objects.sign_many(self._role(request), bucket, _fields(request))
            case ["POST", "sign", bucket, *key]:
                return self._objects.sign(self._role(request), bucket, "/".join(key), _fields(request))
            case ["GET" | "HEAD", *_]:
                return self._read_route(request, parts)
            case ["DELETE", bucket]:
                return self._objects.remove(self._role(request), bucket, _fields(request).some_texts("prefixes"))
            case ["DELETE", bucket, *key]:
                return self._objects.remove_one(self._role(request), bucket, "/".join(key))
            case ["POST" | "PUT" as method, bucket, *key] if key:
                upsert = method == "PUT" or _upsert(request)
                return self._objects.upload(self._role(request), request, bucket, "/".join(key), upsert=upsert)
            case _:
                return None

    def _read_route(self, request: Request, parts: list[str]) -> object:
        match parts:
            case ["sign", bucket, *key]:
                return self._objects.signed_download(request, bucket, "/".join(key))
            case ["public", bucket, *key]:
                return self._objects.public_download(request, bucket, "/".join(key))
            case ["info", "public", bucket, *key]:
                return self._objects.info(None, bucket, "/".join(key))
            case ["info", "authenticated", bucket, *key] | ["info", bucket, *key]:
                return self._objects.info(self._role_or_nobody(request), bucket, "/".join(key))
            case ["authenticated", bucket, *key] | [bucket, *key]:
                return self._objects.download(self._role_or_nobody(request), request, bucket, "/".join(key))
            case _:
                return None


def _fields(request: Request) -> Fields:
    try:
        return Fields.of(request.json())
    except ValueError:
        raise invalid_request("Body is not valid JSON") from None


def _upsert(request: Request) -> bool:
    return request.headers.get("x-upsert", "") == "true"


def application(app: StorageApp) -> Application:
    """Return what stands on the wire: faults on demand, the edge's headers, and the storage behind them."""
    return Faults(with_edge_headers(app))
