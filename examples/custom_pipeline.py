"""A pipeline gathered by hand, from the bytes on, with a stage of your own.

    python examples/custom_pipeline.py

A stage is a pure core: `feed` takes what one network read produced and gives what follows from it,
`finish` gives up what is held when the input ends.
"""

import asyncio
from collections.abc import Sequence

from tokenweir import Delta, Event, Pipeline, Stage, connect
from tokenweir.stages import cumulative_detect, decode_protocol, delta_extract, sse_decode, token_count


class Shout:
    """LOUD TEXT; everything else passes unchanged."""

    def feed(self, items: Sequence[Event]) -> list[Event]:
        return [
            Delta(event.text.upper(), event.channel, event.index) if isinstance(event, Delta) else event
            for event in items
        ]

    def finish(self) -> list[Event]:
        return []


def shout() -> Stage[Event, Event]:
    """The stage: a recipe for one core per stream."""
    return Stage(Shout)


async def main() -> str:
    """Ask the simulator, a backend that resends everything, and shout its answer."""
    async with connect("simulator", cumulative=True) as source:
        pipeline = Pipeline(
            source.bytes("Who are you?"),
            sse_decode(strict=True),
            decode_protocol("openai-chat"),
            cumulative_detect("cumulative"),
            delta_extract() | shout(),
            token_count(),
        )
        report = await pipeline.run()
        return f"{report.text}\n({report.usage.output if report.usage else '?'} tokens)"


if __name__ == "__main__":
    print(asyncio.run(main()))
