"""What the library says, for those who type commands."""

import pytest
from anyio.from_thread import start_blocking_portal

from tests.servers import Visit, serve
from tokenweir.cli import app
from tokenweir.cli.worded import here, worded

CHAT = {"provider", "model", "base_url", "api_key_env", "prompt"}
SIMULATE = {"fault", "load_seconds", "models"}
DOCTOR = {"url", "model", "api_key_env"}


@pytest.mark.parametrize(
    ("options", "message", "said"),
    [
        (CHAT, "x needs a model: connect('x', model='...')", "x needs a model: --model M"),
        (CHAT, "or use connect('y', ...)", "or use --provider y"),
        (CHAT, "connect('y'): got an odd one", "--provider y: got an odd one"),
        (CHAT, "base_url='z' for y: give another", "--base-url 'z' for y: give another"),
        (CHAT, "set base_url to the final address", "set --base-url to the final address"),
        (CHAT, "there is no switch 'base_url'", "there is no switch 'base_url'"),
        (CHAT, "no credential: use api_key=...", "no credential: use --api-key-env VAR"),
        (CHAT, "api_key has white space around it", "the key has white space around it"),
        (
            CHAT,
            "waited 5 s. Allow more with Deadlines(silence=...)",
            "waited 5 s. More is allowed from Python: Deadlines(silence=...)",
        ),
        (DOCTOR, "name one with model=", "name one with --model M"),
        (DOCTOR, "set base_url to the final address", "set URL to the final address"),
        (DOCTOR, "base_url='z' for doctor: give", "URL 'z' for doctor: give"),
        (SIMULATE, "fault='x': one of y", "--fault 'x': one of y"),
        (SIMULATE, "x: use load_seconds", "x: use --load-seconds"),
        (SIMULATE, "load_seconds=nan: seconds", "--load-seconds nan: seconds"),
        (SIMULATE, "models=('a', 'a'): none twice", "--model: none twice"),
        (set[str](), "base_url and connect('x') and model=", "base_url and connect('x') and model="),
    ],
)
def test_arguments_are_options(options: set[str], message: str, said: str) -> None:
    """Only those that the command has; what is quoted is what somebody wrote."""
    assert worded(message, options) == said


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("chat --provider ollama Hi", "Error: ollama needs a model: --model M\n"),
        (
            "chat --provider ollama --model m --base-url http://127.0.0.1:1/v1 Hi",
            "face: give 'http://127.0.0.1:1', or use --provider openai-compatible\n",
        ),
        (
            "models --provider vllm --base-url ftp://x",
            "Error: --base-url 'ftp://x' for vllm: give an address",
        ),
        ("doctor ftp://x", "Error: URL 'ftp://x' for doctor: give an address"),
    ],
)
def test_every_command_says_its_own_options(line: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong use is answered with the right one, in the words of the one who used it."""
    assert app.run(line.split()) == app.WRONG_USE
    assert said in capsys.readouterr().err


async def none(visit: Visit) -> None:
    """A server that has no models, or redirects a chat."""
    await visit.asked()
    moved = b"HTTP/1.1 308 Moved\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n"
    empty = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"data":[]}'
    visit.send(moved if visit.received.startswith(b"POST") else empty)
    visit.fin()


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("chat --provider vllm --model m --base-url", 1, "set --base-url to the final address"),
        ("doctor", 1, "-> name one with --model M"),
    ],
)
def test_what_comes_of_an_answer(line: str, code: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Failures and findings too."""
    with start_blocking_portal("asyncio") as portal, portal.wrap_async_context_manager(serve(none)) as server:
        prompt = ["Hi"] if line.startswith("chat") else []
        assert app.run([*line.split(), server.url, *prompt]) == code

    told = capsys.readouterr()
    assert said in told.out + told.err


def test_outside_of_a_command() -> None:
    """Nobody typed anything: as the library says it."""
    assert here("set base_url") == "set base_url"
