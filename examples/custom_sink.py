"""A sink of your own: sentences, for a voice that reads the answer aloud.

    python examples/custom_sink.py

A sink is any object with `send` and `aclose`. While it waits in `send`, the stream waits for it, down to
the backend's socket. Beside something that must not wait for the voice, give each a branch:

    fanout(stdout(), branch(Sentences(speak), "merge", patience=60))

There `patience` is how long the voice may go on speaking when the answer is complete.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence

import anyio

from tokenweir import Delta, End, Event, Pipeline, connect
from tokenweir.stages import append_only

SENTENCE = re.compile(r"\s*(.+?[.!?:;])\s", re.DOTALL)


class Sentences:
    """Gives `say` one sentence after the other, and waits while it speaks."""

    def __init__(self, say: Callable[[str], Awaitable[None]]) -> None:
        self._say = say
        self._text = ""  # what is no whole sentence yet

    async def send(self, batch: Sequence[Event]) -> None:
        for event in batch:
            if isinstance(event, Delta) and event.channel == "text" and event.index == 0:
                self._text += event.text
                await self._say_whole()
            elif isinstance(event, End) and event.outcome != "cancelled":
                if rest := self._text.strip():
                    await self._say(rest)
                if event.outcome != "complete":
                    await self._say("Here the answer breaks off.")

    async def _say_whole(self) -> None:
        while whole := SENTENCE.match(self._text):
            self._text = self._text[whole.end() :]
            await self._say(whole[1])

    async def aclose(self) -> None:
        """Nothing is left open."""


async def speak(sentence: str) -> None:
    """What a voice would do: `await anyio.run_process(["espeak-ng", "--", sentence])`."""
    print(f"(aloud) {sentence}")
    await anyio.sleep(len(sentence) / 200)


async def main() -> None:
    """The answer, read aloud while it comes."""
    async with connect("simulator", rate=100) as source:
        pipeline = Pipeline(source, append_only())  # what was said cannot be taken back
        await pipeline.run("Who are you?", into=Sentences(speak))


if __name__ == "__main__":
    asyncio.run(main())
