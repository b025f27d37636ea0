"""The status page, in a real browser, against a gateway with the simulator behind it."""

import re
from contextlib import AsyncExitStack
from importlib.resources import files

import pytest

from tests.gateway.configured import backend, loaded
from tests.gateway.paging import ENTER, shown, until
from tests.gateway.serving import gateway, get
from tokenweir.gateway.server import Server
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.server import Simulator
from tokenweir.simulator.text import ABOUT, script_of

pytestmark = pytest.mark.anyio

FILES = {
    found.name: found.read_text("utf-8") for found in files("tokenweir.gateway").joinpath("page").iterdir()
}
ENDLESS = script_of("and on it goes " * 2000)
WIDTHS = "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"


def test_the_files_load_nothing_from_elsewhere_and_make_no_markup_of_text() -> None:
    """What a backend says is never markup, and the page works where there is no internet."""
    namespace = "http://www.w3.org/2000/svg"
    for name, text in FILES.items():
        assert re.findall(
            r"https?://\S+|innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b", text
        ) in (
            [],
            [f"{namespace}'"],
        ), name
    assert not re.search(r"<script>|<style|\sstyle=|\son\w+=", FILES["index.html"])


async def test_the_page_is_open_and_runs_nothing_but_itself() -> None:
    """P27: no key is needed to get it, and it holds nothing; what it shows needs one."""
    async with gateway(backend("openai", "http://127.0.0.1:9"), {"tester": b"secret"}) as server:
        page = await get(f"{server.url}/")
        script, style = await get(f"{server.url}/page/page.js"), await get(f"{server.url}/page/style.css")
        missing = [
            (await get(f"{server.url}/page/{name}")).status
            for name in ("none.js", "..%2Fpage.py", "__init__.py", "%00", "page.js%2F")
        ]
        status = await get(f"{server.url}/api/status")

    policy = page.headers["Content-Security-Policy"]
    assert (page.status, page.text) == (200, FILES["index.html"])
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';")
    assert "unsafe" not in policy
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert script.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert style.headers["Content-Type"] == "text/css; charset=utf-8"
    assert missing == [404] * 5
    assert status.status == 401


async def test_there_may_be_no_page() -> None:
    """`server.page: false`."""
    config = backend("openai", "http://127.0.0.1:9") | {"server": {"page": False}}
    async with gateway(config) as server:
        statuses = [(await get(f"{server.url}/{path}")).status for path in ("", "page/page.js")]

    assert statuses == [404, 404]


async def test_a_prompt_from_loading_to_its_end() -> None:
    """P16: loading shows as progress, then tokens as they come; then the truth of how it ended."""
    quirks = Quirks(provider="lmstudio", models=("m",), load_seconds=1.6, rate=60, reasoning="Let me see.")
    async with (
        Simulator(quirks) as sim,
        gateway(backend("lmstudio", sim.url, default_model="m")) as server,
        shown(f"{server.url}/") as page,
    ):
        await page.until_seen("#phase", "ready")
        await page.until_seen("#backends", "not loaded")
        await page.ask()
        await page.until_seen("#answer", "loading the model")
        await until(lambda: page.run("return document.querySelector('#answer progress').value > 0.1"))
        await page.until_seen("#live", "loading the model")
        await page.until_seen("#backends", "loading")
        await page.until_seen("#answer", "answering")
        await page.until_seen("#answer", "I am")
        early = await page.see('[data-part="text"]')
        await page.until_seen("#live", "answering")
        speed = float((await page.see("#live .speed strong")).replace("\u2013", "0"))
        await page.until_seen("#answer", "complete")
        text, figures = await page.see('[data-part="text"]'), await page.see('[data-part="figures"]')
        await page.click("#answer summary")
        reasoning = await page.see('[data-part="reasoning"]')
        await page.until_seen("#recent", "complete")
        await page.until_seen("#no-live", "Nothing is being answered")
        complaints = await page.complaints()

    assert ABOUT.text.startswith(early)
    assert early != ABOUT.text
    assert (text, reasoning) == (ABOUT.text, "Let me see.")
    assert 5 < speed < 100
    assert re.fullmatch(r"\d+ tokens · first token after 1\.\d s · \d+ tokens/s · \d\.\d s", figures)
    assert complaints == []


async def test_a_key_is_asked_for_when_it_is_needed_and_only_then() -> None:
    """P24: it is kept by this tab alone, and in no address."""
    async with (
        Simulator() as sim,
        gateway(backend("openai", sim.url), {"tester": b"right-key"}) as server,
        shown(f"{server.url}/") as page,
    ):
        await page.until_seen("#key-form", "asks for an API key")
        await page.until_seen("#phase", "locked")
        first = await page.focused()
        await page.type("wrong-key")
        await page.press(ENTER)
        await page.until_seen("#key-note", "not one of this gateway's")
        await page.click("#key")
        await page.type("right-key")
        await page.press(ENTER)
        await page.until_seen("#phase", "ready")
        hidden = await page.see("#key-form")
        await page.ask()
        await page.until_seen("#answer", "complete")
        kept = await page.run("return [localStorage.length, document.cookie, location.href]")

    assert (first, hidden) == ("key", "")
    assert kept == [0, "", f"{server.url}/"]


async def test_what_a_model_says_is_text() -> None:
    """P28: in an answer, in its reasoning, and in its name."""
    bad = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    quirks = Quirks(provider="lmstudio", models=(bad,), script=script_of(bad), reasoning=bad)
    async with (
        Simulator(quirks) as sim,
        gateway(backend("lmstudio", sim.url)) as server,
        shown(f"{server.url}/") as page,
    ):
        await page.until_seen("#backends", bad)
        await page.ask()
        await page.until_seen("#answer", "complete")
        await page.until_seen("#recent", bad)
        text = await page.see('[data-part="text"]')
        made = await page.run("return [document.title, document.images.length, document.scripts.length]")
        complaints = await page.complaints()

    assert text == bad
    assert made == ["tokenweir", 0, 1]
    assert complaints == []


@pytest.mark.parametrize(
    ("fault", "outcome", "told", "ended"),
    [
        ("status-404", "failed", "model_not_found (404): ", "error: no such model"),
        ("error", "failed", "server_error: ", "error: the backend failed"),
        ("cut", "truncated", "truncated: ", "truncated"),
    ],
)
async def test_what_goes_wrong_is_said(fault: str, outcome: str, told: str, ended: str) -> None:
    """P2: half an answer is shown, and never called a whole one."""
    async with (
        Simulator(Quirks(fault=fault)) as sim,
        gateway(backend("openai", sim.url)) as server,
        shown(f"{server.url}/") as page,
    ):
        await page.until_seen("#phase", "ready")
        await page.ask()
        await page.until_seen('[data-part="error"]', told)
        doing, text = await page.see('[data-part="doing"]'), await page.see('[data-part="text"]')
        await page.until_seen("#recent", ended)

    assert doing == outcome
    assert ABOUT.text.startswith(text)
    assert text != ABOUT.text


async def test_a_gateway_that_goes_and_comes_back() -> None:
    """What was there stays on the page, and is called old."""
    config = loaded({"inference": {"provider": "simulator"}})
    async with AsyncExitStack() as running:
        server = await running.enter_async_context(Server(config, port=0))
        async with shown(f"{server.url}/") as page:
            await page.until_seen("#phase", "ready")
            await running.aclose()
            await page.until_seen("#gone", "does not answer")
            kept = await page.see("#backends h3")
            await running.enter_async_context(Server(config, port=int(server.url.rpartition(":")[2])))
            await page.until_seen("#phase", "ready")
            gone = await page.see("#gone")

    assert (kept, gone) == ("inference", "")
