"""What stands in front of Supabase in production: our own proxy (deploy/nginx), not a part of Supabase Storage.

Customers fetch results through signed links. An SVG is a document that may carry scripts, so the edge makes the
browser treat whatever comes from there as inert. Nothing here is part of the provider's contract.
"""

from dev.standins.web import Application, Request, Response

SIGNED_DOWNLOAD = "/object/sign/"


def with_edge_headers(application: Application) -> Application:
    """Add the edge's security headers to answers of signed downloads."""

    def answer(request: Request) -> Response:
        response = application(request)
        if request.method in ("GET", "HEAD") and SIGNED_DOWNLOAD in request.path:
            response.headers["X-Content-Type-Options"] = "nosniff"
            response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
            if "download" in request.query and response.status < 300:
                response.headers.setdefault("Content-Disposition", "attachment")
        return response

    return answer
