"""The bare limit of H1: `python -m tests.bench.bare_route PORT DATABASE_URL`.

FastAPI and asyncpg, one statement a request that commits by itself, and nothing else: no check of who asks or of what
is said, no outbox, no logs. A single fact is stored as the bytes that came; of many, each as bytes of its own.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import orjson
import uvicorn
from fastapi import FastAPI, Request, Response

_ONE = "insert into told (body) values ($1)"
_MANY = "insert into told (body) select unnest($1::bytea[])"


def application(url: str) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.pool = await asyncpg.create_pool(url, min_size=8, max_size=8)
        await app.state.pool.execute("create table if not exists told (id bigserial primary key, body bytea not null)")
        yield
        await app.state.pool.close()

    app = FastAPI(lifespan=lifespan)

    @app.get("/readyz")
    async def ready() -> dict[str, bool]:
        return {"ready": True}

    @app.post("/v1/facts", status_code=202)
    async def tell(request: Request) -> Response:
        body = await request.body()
        if body.startswith(b'{"facts":'):
            facts = [orjson.dumps(fact) for fact in orjson.loads(body)["facts"]]
            await app.state.pool.execute(_MANY, facts)
            accepted = len(facts)
        else:
            await app.state.pool.execute(_ONE, body)
            accepted = 1
        return Response(b'{"accepted":%d}' % accepted, 202, media_type="application/json")

    return app


if __name__ == "__main__":
    uvicorn.run(
        application(sys.argv[2]), port=int(sys.argv[1]), loop="uvloop", http="httptools", access_log=False, ws="none"
    )
