"""A backend that loads its model for six seconds, in real time: no client breaks, and silence is filled.

Law of this file: the one place where tests wait for real; clients measure their own timeouts by their clocks.
"""

import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TypeVar

import pytest

from tests.clients.asking import Asking, asking
from tests.clients.gateway_process import KEY, GatewayProcess, serving_simulated
from tests.clients.said import HARD, Said, talker

LOAD = 6.0
COLD = {
    "lmstudio": ("lmstudio", talker("lmstudio", "lmstudio-model", load_seconds=LOAD, cumulative=True)),
    "ollama": ("ollama", talker("ollama", "ollama-model", load_seconds=LOAD)),
    "silent": ("openai-compatible", talker("openai", "silent-model", load_seconds=LOAD)),
}
"""None of them says a word while it loads; all but the last can be asked how far they are."""

T = TypeVar("T")
Watched = list[tuple[float, bytes]]


@pytest.fixture(scope="module")
def cold() -> Iterator[GatewayProcess]:
    """A gateway in front of them."""
    with serving_simulated(COLD) as one:
        yield one


def of_all(cold: GatewayProcess, ask: Callable[[str], T]) -> dict[str, T]:
    """What came of a question to each of them, cold, all at once."""
    for simulator in cold.simulators.values():
        simulator.unload()
    with ThreadPoolExecutor(len(COLD)) as threads:
        return dict(zip(COLD, threads.map(ask, COLD), strict=True))


def test_a_cold_backend_breaks_no_client(client: Asking, cold: GatewayProcess) -> None:
    """P16: the first piece comes after the load, all of it is right, and nothing was asked twice."""

    def ask(backend: str) -> Said:
        with asking(client.client) as one:
            return one.ask(cold, f"{backend}-model", retries=2)

    before = {name: len(one.log) for name, one in cold.simulators.items()}
    for backend, said in of_all(cold, ask).items():
        assert said.error is None, backend
        assert (said.text, said.finish) == (HARD, "stop"), backend
        assert said.waited is not None
        assert said.waited >= LOAD - 0.5, backend
        assert len(cold.simulators[backend].log) == before[backend] + 1


def test_what_is_seen_of_a_cold_backend(cold: GatewayProcess) -> None:
    """P16: comments, the first at once where the backend can be asked, and never five seconds of silence."""
    for backend, seen in of_all(cold, lambda name: watched(cold, f"{name}-model")).items():
        times = [0.0, *(when for when, _ in seen)]
        comments = [(when, line) for when, line in seen if line.startswith(b":")]

        assert max(after - before for before, after in pairwise(times)) <= 5.5, backend
        assert comments, backend
        if backend != "silent":
            assert comments[0][0] < 2.0
            assert comments[0][1].startswith(b": loading")
        assert seen[-2][1].strip() == b"data: [DONE]"


def watched(gateway: GatewayProcess, model: str) -> Watched:
    """Each line that curl shows of an answer, and when (seconds)."""
    body = f'{{"model":"{model}","stream":true,"messages":[{{"role":"user","content":"Hi"}}]}}'
    command = ["curl", "-sN", "-H", f"Authorization: Bearer {KEY}", "-H", "Content-Type: application/json"]
    command += ["-d", body, f"{gateway.base_url}/chat/completions"]
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as curl:
        assert curl.stdout is not None
        return [(time.perf_counter() - began, line) for line in iter(curl.stdout.readline, b"")]
