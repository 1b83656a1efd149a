"""Documentation that needs no network: `/docs` (Swagger UI), `/redoc`, `/openapi.json`, every file served by us.

The pages name no other host and run under a policy that lets the browser ask none. Paths are relative, so the pages
also work behind a proxy that adds a prefix.
"""

import gzip
from functools import cache
from html import escape
from pathlib import Path
from typing import Annotated, Final

from fastapi import Path as PathParameter
from fastapi import Request
from starlette.responses import HTMLResponse, Response

from shared.auth.guard import open_to_all
from shared.errors import NotFound
from shared.web.openapi import openapi_bytes
from shared.web.routing import Router

_STATIC: Final = Path(__file__).parent / "static"
_MEDIA: Final = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "redoc.standalone.js": "text/javascript",
    "docs.js": "text/javascript",
    "docs.css": "text/css",
    "favicon.png": "image/png",
}
# Redoc and Swagger UI style their elements from script; scripts themselves come from our files alone.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src data:;"
    " connect-src 'self'; worker-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" type="image/png" href="{root}docs/assets/favicon.png">
<link rel="stylesheet" href="{root}docs/assets/docs.css">
{head}
</head>
<body>
{body}
</body>
</html>
"""


def docs_router() -> Router:
    """The routes of the documentation, open to all and not themselves in it."""
    router = Router(include_in_schema=False, dependencies=[open_to_all()])

    @router.get("/docs")
    async def swagger_ui(request: Request) -> Response:
        return _page(
            request.app.title,
            '<link rel="stylesheet" href="docs/assets/swagger-ui.css">',
            '<div id="swagger-ui"></div>\n<script src="docs/assets/swagger-ui-bundle.js"></script>\n'
            '<script src="docs/assets/docs.js"></script>',
        )

    @router.get("/redoc")
    async def redoc(request: Request) -> Response:
        return _page(
            request.app.title,
            "",
            '<div id="redoc"></div>\n<script src="docs/assets/redoc.standalone.js"></script>\n'
            '<script src="docs/assets/docs.js"></script>',
        )

    @router.get("/openapi.json")
    async def openapi(request: Request) -> Response:
        return Response(openapi_bytes(request.app), media_type="application/json")

    @router.get("/docs/assets/{name}")
    async def asset(request: Request, name: Annotated[str, PathParameter()]) -> Response:
        if name not in _MEDIA:
            raise NotFound(f"there is no file {name!r}")
        return asset_response(name, compressed="gzip" in request.headers.get("accept-encoding", ""))

    return router


def asset_response(name: str, *, compressed: bool) -> Response:
    """A file of the documentation; what is stored compressed is sent so where the client can read it."""
    packed = _packed(name)
    headers = {"Cache-Control": "public, max-age=3600"}
    if packed is None:
        return Response((_STATIC / name).read_bytes(), media_type=_MEDIA[name], headers=headers)
    headers["Vary"] = "Accept-Encoding"
    if compressed:
        return Response(packed, media_type=_MEDIA[name], headers={**headers, "Content-Encoding": "gzip"})
    return Response(gzip.decompress(packed), media_type=_MEDIA[name], headers=headers)


def html_page(title: str, body: str, *, root: str = "") -> Response:
    """A plain page in the style of the documentation; `body` is HTML, `root` leads from the page's folder to ours."""
    return _page(title, "", f"<main>\n{body}\n</main>", root=root)


@cache
def _packed(name: str) -> bytes | None:
    path = _STATIC / f"{name}.gz"
    return path.read_bytes() if path.exists() else None


def _page(title: str, head: str, body: str, *, root: str = "") -> Response:
    text = _PAGE.format(title=escape(title), head=head, body=body, root=root)
    return HTMLResponse(text, headers={"Content-Security-Policy": POLICY})
