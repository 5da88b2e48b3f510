"""The interactive documentation of the API at ``/docs``, from local files only."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.pages.assets import asset_url
from api.pages.rendering import html

_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""As strict as other pages but for our own script files and for asking the API."""

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Casework API</title>
<link rel="icon" href="{icon}" type="image/svg+xml">
<link rel="stylesheet" href="{font_css}">
<link rel="stylesheet" href="{swagger_css}">
<link rel="stylesheet" href="{css}">
</head>
<body>
<main id="swagger-ui" data-description="{description}"></main>
<noscript>This page needs JavaScript. The description of the API is at \
<a href="{description}">{description}</a>.</noscript>
<script src="{swagger_js}"></script>
<script src="{start_js}"></script>
</body>
</html>
"""


def docs_page(description: str = "/openapi.json") -> APIRouter:
    """Return the route of the page.

    Args:
        description: the path of the OpenAPI description on this site.
    """
    text = _PAGE.format(
        description=description,
        icon=asset_url("img/mark.svg"),
        swagger_css=asset_url("vendor/swagger-ui/swagger-ui.css"),
        font_css=asset_url("css/sarabun.css"),
        css=asset_url("docs/docs.css"),
        swagger_js=asset_url("vendor/swagger-ui/swagger-ui-bundle.js"),
        start_js=asset_url("docs/start.js"),
    )

    async def docs(request: Request) -> Response:
        return html(text, headers={"Content-Security-Policy": _CONTENT_SECURITY_POLICY})

    router = APIRouter()
    router.add_route("/docs", docs, include_in_schema=False)
    return router
