"""P24, S06: secrets in every place, and every output searched for them."""

import base64
import logging
from collections.abc import AsyncIterator, Callable
from io import StringIO
from pathlib import Path
from typing import Any, get_args
from urllib.parse import quote

import msgspec
import pytest

from tests.config.configs import read
from tests.gateway.echoing import Echoing, Manner, echoing
from tests.gateway.logged import kept_log
from tests.gateway.raw import CHAT_BODY, asked, request, sent
from tokenweir.config.read import Loaded
from tokenweir.config.shown import print_config
from tokenweir.gateway import runner
from tokenweir.gateway.server import Server
from tokenweir.pipeline.retry import Retry

pytestmark = pytest.mark.anyio

CLIENT, BACKEND = "sk-Zc7nq41xVw0-client", "sk-Tb2mh98kRu5-backend"
WRONG, COOKIE, PROMPT = "sk-Ye6wd03sJf8-wrong", "Lg5vp72aHk1-cookie", "Mo9rt46bXi3-prompt"
SECRETS = (CLIENT, BACKEND, WRONG, COOKIE, PROMPT)
JSON, KEY = "Content-Type: application/json", f"Authorization: Bearer {CLIENT}"
SECRET_BODY = b'{"messages":[{"role":"user","content":"%b"}]}' % PROMPT.encode()
CHAT = "POST /v1/chat/completions"
SECRET_HEADERS = (
    f"Cookie: session={COOKIE}",
    f"X-Api-Key: {WRONG}",
    f"X-Forwarded-For: {COOKIE}",
    f"Proxy-Authorization: Basic {WRONG}",
    f"User-Agent: {COOKIE}",
)


def found(output: str) -> list[str]:
    """The secrets that stand in a text: as they are, their beginnings, and in other clothes."""
    return [
        secret
        for secret in SECRETS
        for form in (
            secret,
            secret[:12],
            secret[::-1],
            quote(secret, safe=""),
            base64.b64encode(secret.encode()).decode()[:-4],
            secret.encode().hex(),
        )
        if form in output
    ]


@pytest.fixture
async def backend() -> AsyncIterator[Echoing]:
    """One that repeats its key."""
    async with echoing() as one:
        yield one


@pytest.fixture
def loaded(backend: Echoing, tmp_path: Path) -> Loaded:
    """A configuration whose secrets come from the environment and from a file."""
    file = tmp_path / "client.key"
    file.write_text(CLIENT + "\n")
    file.chmod(0o600)
    text = f"""
inference: {{provider: openai-compatible, base_url: '{backend.url}', api_key_env: BACKEND_KEY}}
server: {{api_keys: [{{name: laptop, file: '{file}'}}], log: json}}
limits: {{max_body_bytes: 2000, body_timeout_secs: 0.05}}
"""
    return read(tmp_path, text, {"BACKEND_KEY": BACKEND})


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> StringIO:
    """All that is logged, at any level."""
    caplog.set_level(logging.DEBUG)
    return kept_log()


@pytest.fixture
async def server(loaded: Loaded, log: StringIO, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    """A gateway that asks once, does not linger, and logs all it can."""
    assert not log.getvalue()
    monkeypatch.setattr(runner, "LINGER", 0.01)
    async with Server(loaded, port=0) as one:
        for served in one.gateway.setup.backends.values():
            served.source.retry = Retry(attempts=1)
        yield one


@pytest.fixture
def logged(
    log: StringIO, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> Callable[[], str]:
    """All that was written anywhere but to the client."""
    return lambda: log.getvalue() + caplog.text + "".join(capfd.readouterr())


REFUSED: dict[str, tuple[bytes, int]] = {
    "no key": (request(CHAT, [JSON, *SECRET_HEADERS], SECRET_BODY), 401),
    "a wrong key": (request(CHAT, [JSON, f"Authorization: Bearer {WRONG}"], SECRET_BODY), 401),
    "another scheme": (request(CHAT, [JSON, f"Authorization: Basic {CLIENT}"]), 401),
    "two keys": (request(CHAT, [JSON, KEY, f"Authorization: Bearer {WRONG}"]), 401),
    "a key in the address": (request(f"{CHAT}?api_key={CLIENT}&x={WRONG}", [JSON, KEY]), 400),
    "a secret in the address": (request(f"{CHAT}?x={WRONG}", [KEY, "Content-Type: text/plain"]), 415),
    "no JSON": (request(CHAT, [JSON, KEY], PROMPT.encode()), 400),
    "half a character": (request(CHAT, [JSON, KEY], SECRET_BODY[:-4] + b'\\ud83d"}]}'), 400),
    "no object": (request(CHAT, [JSON, KEY], b'["%b"]' % PROMPT.encode()), 400),
    "a key in the body": (request(CHAT, [JSON, KEY], b'{"api_key":"%b"}' % WRONG.encode()), 400),
    "a wrong type": (request(CHAT, [JSON, KEY], b'{"messages":"%b"}' % PROMPT.encode()), 400),
    "a wrong parameter": (
        request(CHAT, [JSON, KEY], SECRET_BODY[:-1] + b',"stop":{"a":"%b"}}' % WRONG.encode()),
        400,
    ),
    "no such model": (request(CHAT, [JSON, KEY], SECRET_BODY[:-1] + b',"model":"other"}'), 404),
    "no such route": (request(f"GET /x?{COOKIE}", [KEY, *SECRET_HEADERS], b""), 404),
    "no such method": (request("PATCH /v1/models", [KEY, *SECRET_HEADERS], b""), 405),
    "too large": (request(CHAT, [JSON, KEY], SECRET_BODY * 40), 413),
    "too slow": (request(CHAT, [JSON, KEY, "Content-Length: 999"], SECRET_BODY), 408),
    "packed": (request(CHAT, [JSON, KEY, f"Content-Encoding: {WRONG}"]), 415),
    "a foreign name": (request(CHAT, [JSON, KEY], host=f"{COOKIE}.test"), 421),
    "a foreign page": (request(CHAT, [JSON, KEY, f"Origin: https://{COOKIE}.test"]), 403),
    "another progress": (request(CHAT, [JSON, KEY, f"X-Tokenweir-Progress: {WRONG}"]), 400),
    "no HTTP": (request(f"GET /{WRONG}\0", [KEY]), 400),
    "a broken header": (request(CHAT, [f"{KEY}\0"]), 400),
    "a long header": (request(CHAT, [KEY, f"X: {WRONG * 1000}"]), 431),
}


@pytest.mark.parametrize(("data", "status"), REFUSED.values(), ids=REFUSED.keys())
async def test_refusals_repeat_no_secret(
    server: Server, data: bytes, status: int, logged: Callable[[], str]
) -> None:
    """P24, S06: every way to be refused, what the client was told, and all logs."""
    answer = (await sent(server, data)).decode()
    written = logged()

    assert int(answer.split(" ")[1]) == status
    assert found(answer + written) == []
    assert "Traceback" not in written
    assert written.count('"event": "refused"') + written.count('"event": "answer"') == 1


@pytest.mark.parametrize("manner", get_args(Manner))
@pytest.mark.parametrize("stream", [b"true", b"false"])
async def test_answers_repeat_no_secret(
    server: Server, backend: Echoing, manner: Manner, stream: bytes, logged: Callable[[], str]
) -> None:
    """S10, R10: a backend that quotes our key, wherever it can; of the client's headers it gets nothing."""
    backend.manner = manner
    body = SECRET_BODY[:-1] + b',"stream":%b}' % stream
    answer = (await sent(server, request(CHAT, [JSON, KEY, *SECRET_HEADERS], body))).decode()
    written = logged()

    assert found(answer + written) == []
    assert '"event": "answer"' in written
    assert {headers["Authorization"] for headers, _ in backend.seen} == {f"Bearer {BACKEND}"}
    sent_on = "".join(f"{name}: {value}\n" for headers, _ in backend.seen for name, value in headers.items())
    assert set(found(sent_on)) == {BACKEND}
    assert {host for headers, _ in backend.seen if (host := headers["Host"])} == {backend.url[7:-3]}


@pytest.mark.parametrize(
    "path", ["/health", "/health/ready", "/metrics", "/api/status", "/v1/models", "/v1/models/m/status"]
)
async def test_what_it_tells_of_itself_has_no_secret(server: Server, path: str) -> None:
    """P22, P24: nor the address of a backend where no key is asked for."""
    told = await asked(server, request(f"GET {path}", [KEY], b""))

    assert told.status == 200
    assert found(told.body.decode()) == []


async def test_nothing_that_is_shown_has_a_secret(server: Server, loaded: Loaded) -> None:
    """P24: a value in a traceback, a debugger, `--print-config`."""
    setup = server.gateway.setup
    shown: list[Any] = [
        loaded,
        setup,
        *setup.backends.values(),
        *(one.source for one in setup.backends.values()),
    ]

    assert found("".join(map(repr, shown)) + print_config(loaded, everything=True)) == []


@pytest.mark.parametrize("field", ["api_base", "base_url", "provider", "extra_headers", "headers"])
async def test_a_request_reaches_no_other_host(server: Server, backend: Echoing, field: str) -> None:
    """P25, R09: refused, and nobody was asked."""
    body = CHAT_BODY[:-1] + b',"%b":"%b"}' % (field.encode(), backend.url.encode())
    told = await asked(server, request(CHAT, [JSON, KEY], body))

    assert (told.status, told.error["param"]) == (400, field)
    assert backend.seen == []


@pytest.mark.parametrize(
    "name", ["../../x", "a\r\nX-Evil: 1", "\x1b[31mred", "g\u0440t", "x" * 512, "\u202em", "{0.__class__}"]
)
async def test_a_hostile_model_name(
    server: Server, backend: Echoing, name: str, logged: Callable[[], str]
) -> None:
    """R08, S07, S09, S11: 404, no backend is asked, and neither a header nor the log obeys it."""
    body = CHAT_BODY[:-1] + b',"model":%b}' % msgspec.json.encode(name)
    told = await asked(server, request(CHAT, [JSON, KEY], body))
    lines = [line for line in logged().splitlines() if '"request"' in line]

    assert (told.status, told.error["code"]) == (404, "model_not_found")
    assert "x-evil" not in told.headers
    assert backend.seen == []
    assert len(lines) == 1
    assert len(lines[0]) < 1000
    assert "\x1b" not in lines[0] + told.body.decode()
    assert "\u202e" not in lines[0] + told.body.decode()
