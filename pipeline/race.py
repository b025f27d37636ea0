"""Race: several streams of one request, of which the first with content is the answer.

Law of this file: who wins, and that the others are left. Until somebody has won, it waits with a task
for each, since nothing flows yet; from then on a step of this stream is a step of the winner, without
a task or a scope of its own.
"""
# ruff: noqa: SLF001 - the runners are streams too: this is how one of them is read by another

from collections.abc import Sequence

import anyio

from tokenweir.pipeline.arrival import Route
from tokenweir.pipeline.events import Failure, Outcome
from tokenweir.pipeline.stream import Stream

_LEFT = Failure("cancelled", "another backend answered first")


class Race(Stream):
    """The stream of `first_token_wins`. Until there is content, the phases are those of the first backend
    that has not failed."""

    def __init__(self, routes: Sequence[Route], *, check: bool = True) -> None:
        super().__init__(routes[0], check=check)
        self._runners = [Stream(route, check=False) for route in routes]
        self._winner: Stream | None = None

    async def _pull(self) -> None:
        if self._winner is None:
            with anyio.move_on_at(self._wake):
                await self._run()
            self._judge()
            self._follow(self._winner or self._runners[0])
        else:
            self._winner._wake = self._wake
            await self._winner._pull()
            self._follow(self._winner)

    async def _run(self) -> None:
        """Until somebody has news. Who is cut off in its wait goes on with it at the next step."""
        async with anyio.create_task_group() as group:
            for runner in self._runners:
                group.start_soon(self._ahead, runner, group.cancel_scope)

    async def _ahead(self, runner: Stream, scope: anyio.CancelScope) -> None:
        while not self._has_news(runner):
            try:
                await runner._pull()
            except Exception as bug:  # noqa: BLE001 - what a source raises is that backend's failure
                runner._break(bug)
        scope.cancel()

    def _has_news(self, runner: Stream) -> bool:
        if runner._answered or runner.end is not None:
            return True
        if runner is not self._runners[0]:
            runner._ready.clear()  # phases that nobody asked for
        return bool(runner._ready)

    def _judge(self) -> None:
        """The first that has content wins. Failures count when nobody is left."""
        answered = [runner for runner in self._runners if runner._answered]
        going = [runner for runner in self._runners if runner.end is None]
        if answered:
            self._win(answered[0])
        elif not going:
            self._win(self._runners[-1])
        else:
            self._runners = going

    def _win(self, winner: Stream) -> None:
        self._winner = winner
        self._source, self._request = winner._source, winner._request
        for runner in self._runners:
            if runner is not winner:
                runner._begin()
                runner._shut("cancelled", _LEFT)
        self._runners = [winner]

    def _follow(self, runner: Stream) -> None:
        """What has come is ours."""
        self._ready, runner._ready = runner._ready + self._ready, []
        self.end, self._content, self._answered = runner.end, runner._content, runner._answered
        self._phases, self._core, self._cause = runner._phases, runner._core, runner._cause
        if runner is not self._winner:
            self.end = None

    def _shut(self, outcome: Outcome, failure: Failure | None = None) -> None:
        for runner in self._runners:
            runner._begin()
            runner._shut(outcome, failure)
        self._follow(self._winner or self._runners[0])
        self.end = (self._winner or self._runners[0]).end
