"""What the stdout sink makes of an answer."""

import io
from collections.abc import Sequence
from typing import Any

import anyio

from tokenweir.pipeline.events import Event
from tokenweir.sinks import stdout


def show(stream: io.StringIO, *batches: Sequence[Event], **options: Any) -> str:
    """What a stream got of an answer."""

    async def send() -> None:
        sink = stdout(stream, **options)
        for batch in batches:
            await sink.send(batch)
        await sink.aclose()

    anyio.run(send)
    return stream.getvalue()
