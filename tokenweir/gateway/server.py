"""The gateway's life: it listens, serves, takes over another configuration, drains, and ends.

Law of this file: the order of these. Live answers are ended with true ends before anything is closed:
aiohttp's own cleanup cuts them, and a client cannot tell that from a crash (PROMISES P19).
"""

from collections.abc import Callable
from types import TracebackType
from typing import Self

import anyio
from aiohttp import web
from anyio.abc import TaskGroup

from tokenweir.config.meaning import is_loopback
from tokenweir.config.read import ConfigError, Loaded
from tokenweir.gateway.app import make_app
from tokenweir.gateway.attendant import attend
from tokenweir.gateway.gateway import Gateway, Phase
from tokenweir.gateway.log import log_life, log_trouble
from tokenweir.gateway.refused import SHUTTING_DOWN
from tokenweir.gateway.runner import runner_for
from tokenweir.gateway.setup import Setup
from tokenweir.gateway.watch import watch
from tokenweir.pipeline.errors import MisuseError

LAST_WORDS = 1.5
"""Seconds for the ends of answers that are stopped."""

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - it is looked up, and not bound here
"""Addresses that mean every one of this machine, and one of those that can be asked."""


class Server:
    """A gateway that serves while this is entered. `url` is where; `port` 0 takes a free one.

    Raises MisuseError where the configuration cannot work, OSError where the address cannot be had.
    """

    def __init__(self, loaded: Loaded, host: str | None = None, port: int | None = None) -> None:
        self.gateway = Gateway(loaded)
        self._host = loaded.config.server.host if host is None else host
        self._port = loaded.config.server.port if port is None else port
        self.url = ""
        self._runner: web.AppRunner | None = None
        self._group: TaskGroup | None = None
        self._warmth: anyio.CancelScope | None = None
        self._setups: list[Setup] = []
        self._hurry = anyio.Event()

    async def __aenter__(self) -> Self:
        self.gateway.bound_host = self._host
        runner = runner_for(make_app(self.gateway))
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except BaseException:
            await runner.cleanup()
            raise
        self._runner = runner
        host = _EVERYWHERE.get(self._host, self._host)
        host = f"[{host}]" if ":" in host else host
        self.url = f"http://{host}:{runner.addresses[0][1]}"
        self._group = anyio.create_task_group()
        await self._group.__aenter__()
        self._group.start_soon(attend, self.gateway)
        self._group.start_soon(watch, self.gateway)
        self._warm_up(self._group, self.gateway.setup)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            with anyio.CancelScope(shield=True):
                await self._stop_answers()
            if self._group is not None:  # outside of the shield, as it was entered
                self._group.cancel_scope.cancel()
                await self._group.__aexit__(None, None, None)
        finally:
            with anyio.CancelScope(shield=True):
                if self._runner is not None:
                    await self._runner.cleanup()
                for setup in self._setups:
                    await setup.aclose()

    async def drain(self) -> None:
        """Let what goes on come to its end, for as long as is configured, and take nothing new."""
        gateway = self.gateway
        gateway.phase = Phase.DRAINING
        seconds = gateway.setup.config.server.drain_timeout_secs
        log_life("draining", answers=len(gateway.live), seconds=seconds)
        with anyio.move_on_after(seconds):
            async with anyio.create_task_group() as group:
                group.start_soon(self._until_hurried, group.cancel_scope)
                await gateway.live.until_idle()
                group.cancel_scope.cancel()

    async def _until_hurried(self, scope: anyio.CancelScope) -> None:
        await self._hurry.wait()
        scope.cancel()

    def hurry(self) -> None:
        """Drain no longer."""
        self._hurry.set()

    def reload(self, read: Callable[[], Loaded]) -> bool:
        """Take over another configuration, all of it or nothing of it. Whether that was done; answers that
        go on keep the one that they began with."""
        gateway = self.gateway
        try:
            loaded = read()
            self._check_keys(loaded)
            setup = Setup(loaded)
        except Exception as wrong:  # noqa: BLE001 - what a plug-in makes of its settings may raise anything
            known = isinstance(wrong, (ConfigError, MisuseError))
            gateway.failed_reloads += 1
            log_trouble("reload_refused", why=str(wrong) if known else f"it broke: {type(wrong).__name__}")
            return False
        old, gateway.setup = gateway.setup, setup
        gateway.generation += 1
        if (loaded.config.server.host, loaded.config.server.port) != _address_of(old):
            log_trouble("reload_keeps_address", url=self.url)
        if self._group is not None:
            self._warm_up(self._group, setup)
        log_life("reloaded", generation=gateway.generation, backends=list(setup.backends))
        return True

    def _check_keys(self, loaded: Loaded) -> None:
        """The address stays the one that was bound, whatever the new configuration says: others may reach it
        without a key only where both know. Raises MisuseError."""
        if not (is_loopback(self._host) or loaded.keys or loaded.config.server.allow_no_key):
            msg = f"others reach {self.url}, which stays as it is, and nobody would need a key any more"
            raise MisuseError(msg)

    def _warm_up(self, group: TaskGroup, setup: Setup) -> None:
        """The models of this configuration, and no more those of the one before."""
        if self._warmth is not None:
            self._warmth.cancel()
        self._warmth = anyio.CancelScope()
        self._setups.append(setup)
        group.start_soon(self._work, setup, self._warmth)
        if not setup.config.server.ready_after_preload:
            self._be_ready()

    async def _work(self, setup: Setup, warmth: anyio.CancelScope) -> None:
        """Preload and keep warm until another configuration comes, and close it when its last answer is over.
        Where the end comes before, that closes it."""
        with warmth:
            setup.warm.loads.on_end = self.gateway.metrics.loaded
            async with setup.warm:
                await setup.warm.preloading_done()
                self._be_ready()
                await anyio.sleep_forever()
        await setup.aclose()
        self._setups.remove(setup)

    def _be_ready(self) -> None:
        if self.gateway.phase is Phase.STARTING:
            self.gateway.phase = Phase.READY

    async def _stop_answers(self) -> None:
        for answer in self.gateway.live:
            answer.stop(SHUTTING_DOWN)
        with anyio.move_on_after(LAST_WORDS):
            await self.gateway.live.until_idle()


def _address_of(setup: Setup) -> tuple[str, int]:
    return setup.config.server.host, setup.config.server.port
