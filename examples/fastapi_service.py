"""Stream an answer from FastAPI, as server-sent events that a browser's EventSource reads.

    pip install fastapi uvicorn
    python examples/fastapi_service.py     # then: curl -N 'http://127.0.0.1:8000/answer?q=Hello'

In the page:

    const source = new EventSource("/answer?q=" + encodeURIComponent(question));
    source.addEventListener("delta", (e) => shown.append(JSON.parse(e.data).text));
    source.addEventListener("end", () => source.close());    // else EventSource asks again

A browser that leaves frees the backend: Starlette stops reading, and the background task closes what it
was reading from.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated

import uvicorn
from fastapi import FastAPI, Query
from fastapi.responses import StreamingResponse
from starlette.background import BackgroundTask

from tokenweir import Pipeline, Source, connect
from tokenweir.sinks import SSE_HEADERS, sse_frames
from tokenweir.stages import append_only


def service(source: Source) -> FastAPI:
    """The service over one source, which lives as long as the service does."""
    pipeline = Pipeline(source, append_only())  # what is sent cannot be taken back

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncGenerator[None]:
        async with source:
            yield

    app = FastAPI(lifespan=life)

    async def answer(q: Annotated[str, Query(min_length=1, max_length=4000)]) -> StreamingResponse:
        """The answer to `q`: `phase`, `delta`, ... and at last one `end`, which says how it ended."""
        frames = sse_frames(pipeline.stream(q))
        return StreamingResponse(frames, headers=SSE_HEADERS, background=BackgroundTask(frames.aclose))

    app.add_api_route("/answer", answer, response_class=StreamingResponse)
    return app


if __name__ == "__main__":
    uvicorn.run(service(connect("simulator", cumulative=True, load_seconds=2, rate=30)), host="127.0.0.1")
