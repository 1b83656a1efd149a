"""`/metrics` for Prometheus: with the token `MOAT_METRICS_TOKEN` from anywhere, without one from this machine alone."""

import hmac
import ipaddress
from typing import Final

from fastapi import Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from shared.auth.guard import credential_of, open_to_all
from shared.errors import Forbidden, Unauthenticated
from shared.observability.metrics import REGISTRY
from shared.web.routing import Router

_FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-real-ip")


def metrics_router(token: str | None) -> Router:
    """The route; `token` None lets in only callers from this machine that no proxy has sent on."""
    router = Router(tags=["health"], dependencies=[open_to_all()])

    @router.get("/metrics", summary="Metrics for Prometheus", response_class=Response, name="metrics")
    async def metrics(request: Request) -> Response:
        """Prometheus text format. Give the token as `Authorization: Bearer …`."""
        if token is not None:
            if not hmac.compare_digest(credential_of(request.headers).encode(), token.encode()):
                raise Unauthenticated("this is not the metrics token")
        elif not _is_local(request):
            raise Forbidden("without MOAT_METRICS_TOKEN the metrics are shown to this machine only")
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)

    return router


def _is_local(request: Request) -> bool:
    if request.client is None or any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False
