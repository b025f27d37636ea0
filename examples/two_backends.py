"""Two backends side by side: one question, two columns, each at its own pace.

    pip install 'tokenweir[cli]'          # rich draws the columns
    python examples/two_backends.py

The left one answers at once; the right one loads its model first, and then resends everything with each
chunk. Put `connect("lmstudio", model="...")` and `connect("openai", model="...")` in their places. A
backend that fails tells so in its own column and leaves the other alone.
"""

import asyncio

import anyio
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tokenweir import Delta, End, Phase, Pipeline, Revise, Source, connect
from tokenweir.pipeline.visible import visible


class Column:
    """What one backend has said so far, and how it goes."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.state = "connecting"
        self.text = ""

    async def ask(self, pipeline: Pipeline, question: str) -> None:
        """Follow one answer to its end, whatever that is."""
        async with pipeline.stream(question, check=False) as stream:
            async for event in stream:
                match event:
                    case Phase(name=name, elapsed=seconds):
                        self.state = f"{name} {seconds or 0:.0f} s"
                    case Delta(text=text, channel="text", index=0):
                        self.state = "answering"
                        self.text += text
                    case Revise(keep=keep, text=text, channel="text", index=0):
                        self.text = self.text[:keep] + text
                    case End(failure=None, stats=stats):
                        self.state = f"complete, first token after {stats.first_token or 0:.2f} s"
                    case End(outcome=outcome, failure=failure):
                        self.state = f"{outcome}: {failure.message if failure else ''}"
                    case _:
                        pass


def table(columns: list[Column]) -> Table:
    """The columns as they are now. A model's text steers nothing: no markup of rich, no terminal."""
    drawn = Table(expand=True)
    for column in columns:
        drawn.add_column(Text(column.title), footer=Text(visible(column.state), style="dim"), ratio=1)
    drawn.add_row(*[Text(visible(column.text)) for column in columns])
    drawn.show_footer = True
    return drawn


async def side_by_side(question: str, **sources: Source) -> list[Column]:
    """Ask all at once; return when the last one has ended."""
    columns = [Column(name) for name in sources]
    with Live(get_renderable=lambda: table(columns), refresh_per_second=12):
        async with anyio.create_task_group() as group:
            for column, source in zip(columns, sources.values(), strict=True):
                group.start_soon(column.ask, Pipeline(source), question)
    return columns


async def main() -> None:
    """Two simulated backends, of which one has a hard time."""
    async with (
        connect("simulator", rate=30) as quick,
        connect("simulator", cumulative=True, load_seconds=2, rate=30) as loading,
    ):
        await side_by_side("Who are you?", quick=quick, loading=loading)


if __name__ == "__main__":
    asyncio.run(main())
