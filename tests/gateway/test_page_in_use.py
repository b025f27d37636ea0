"""The status page in other hands: keys alone, a small screen, a reader in the middle of something."""

import pytest

from tests.gateway.configured import backend
from tests.gateway.paging import CONTROL, ENTER, ESCAPE, TAB, shown
from tests.gateway.serving import CHAT, gateway, post
from tokenweir.pipeline.sources.openai import OpenAI
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.server import Simulator
from tokenweir.simulator.text import script_of

pytestmark = pytest.mark.anyio

ENDLESS = script_of("and on it goes " * 2000)
WIDTHS = "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"

BUTTONS = """
return [...document.querySelectorAll('#backends button')].filter((button) => button.checkVisibility())
  .map((button) => [button.closest('#backends > *').dataset.key, button.innerText]);
"""
"""Of each backend, what can be pressed."""

CONTRASTS = """
const light = (colour) => {
  const [r, g, b] = colour.match(/[\\d.]+/g).map((one) => one / 255)
    .map((one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (node) => {
  while (node && getComputedStyle(node).backgroundColor === 'rgba(0, 0, 0, 0)') node = node.parentElement;
  return getComputedStyle(node ?? document.body).backgroundColor;
};
return [...document.querySelectorAll('body *')]
  .filter((node) => node.checkVisibility() && !node.closest(':disabled, .unseen, option'))
  .filter((node) => [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim()))
  .map((node) => [light(getComputedStyle(node).color), light(behind(node)), node.outerHTML.slice(0, 80)])
  .map(([a, b, what]) => [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), what])
  .filter(([ratio]) => ratio < 4.5);
"""
"""Texts whose colour is too near to what is behind them (WCAG 2.2, 1.4.3)."""


async def test_keys_alone_do_everything() -> None:
    """Every control is reached by Tab in the order in which it stands, and is seen to have the focus."""
    quirks = Quirks(provider="lmstudio", models=("m", "n"), script=ENDLESS, rate=50)
    async with (
        Simulator(quirks) as sim,
        gateway(backend("lmstudio", sim.url, default_model="m")) as server,
        shown(f"{server.url}/") as page,
    ):
        await page.until_seen("#backends", "not loaded")
        at, outlines = list[str](), list[str]()
        while "OpenAPI" not in at:
            await page.press(TAB)
            at.append(await page.focused())
            outlines.append(await page.run("return getComputedStyle(document.activeElement).outlineStyle"))
            if at[-1] == "Load m":
                await page.press(ENTER)
                await page.until_seen("[data-key=m] button", "Unload")
        await page.run("document.querySelector('.skip').focus()")
        await page.press(ENTER)
        await page.type("On")
        await page.press(CONTROL, ENTER)
        await page.until_seen("#answer", "and on it goes")
        await page.press(ESCAPE)
        await page.until_seen("#answer", "stopped by you")
        await sim.until_idle()
        last = await page.focused()

    asked = ["Skip to the prompt", "model", "prompt", "send", "Answer"]
    assert at == [*asked, "Load m", "Load n", "Health", "Metrics", "OpenAPI"]
    assert set(outlines) == {"solid"}
    assert last == "prompt"
    assert sim.log[-1].outcome == "client_left"


async def test_a_load_that_is_ordered_and_called_off() -> None:
    """P23: it goes on as long as somebody waits for it; the button keeps the focus whatever it is called."""
    async with (
        Simulator(Quirks(provider="lmstudio", models=("m",), load_seconds=60)) as sim,
        gateway(backend("lmstudio", sim.url)) as server,
        shown(f"{server.url}/") as page,
    ):
        await page.until_seen("#backends button", "Load")
        await page.click("#backends button")
        await page.until_seen("#backends button", "Cancel")
        await page.until_seen("#backends .model", "loading")
        loads = [load.model for load in server.gateway.setup.warm.loads]
        await page.press(ENTER)
        await page.until_seen("#backends button", "Load")
        await page.until_seen("#backends .model", "not loaded")
        left = list(server.gateway.setup.warm.loads)

    assert (loads, left) == (["m"], [])


async def test_there_is_no_button_for_what_a_backend_cannot_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway tells: a service of somebody's needs no orders, and not everything that runs here takes
    all of them."""
    monkeypatch.setattr(OpenAI, "hosted", True)
    providers = {"any": "openai-compatible", "theirs": "openai", "served": "vllm"}
    async with Simulator(Quirks(models=("m",))) as sim:
        backends = {
            name: {"provider": provider, "base_url": sim.url, "api_key_env": None}
            for name, provider in providers.items()
        }
        async with gateway({"backends": backends}) as server, shown(f"{server.url}/") as page:
            for name in providers:
                await page.until_seen(
                    f"#backends [data-key={name}] .model", "loaded" if name != "any" else "asked"
                )
            buttons = await page.run(BUTTONS)

    assert buttons == [["any", "Load"]]


async def test_what_is_selected_and_focused_stays_so_while_figures_come_in() -> None:
    """Nodes are changed in place: a poll takes nothing from the reader's hands."""
    async with Simulator(Quirks(provider="lmstudio", models=("m", "n"))) as sim:
        config = backend("lmstudio", sim.url, default_model="m")
        async with gateway(config) as server, shown(f"{server.url}/") as page:
            await page.until_seen("#backends", "not loaded")
            await page.run(
                "document.querySelector('#model').value = 'n'; document.querySelector('#model').focus()"
            )
            await page.run("getSelection().selectAllChildren(document.querySelector('#backends h3'))")
            await post(server.url + CHAT, {"model": "m", "messages": [{"role": "user", "content": "Hi"}]})
            await page.until_seen("#recent", "complete")
            await post(server.url + CHAT, {"model": "m", "messages": [{"role": "user", "content": "Hi"}]})
            await page.until_seen("#facts", "2 answers")
            chosen = await page.run("return document.querySelector('#model').value")
            focused, selected = await page.focused(), await page.run("return String(getSelection())")

    assert (chosen, focused, selected) == ("n", "model", "inference")


@pytest.mark.parametrize("colours", ["light", "dark"])
async def test_a_phone_and_both_colours(colours: str) -> None:
    """320 pixels without scrolling sideways, with long names; and contrast that WCAG calls enough."""
    long = "a-model-with-a-name-that-nobody-could-break/" * 3 + "x" * 60
    async with (
        Simulator(Quirks(provider="lmstudio", models=(long,))) as sim,
        gateway(backend("lmstudio", sim.url)) as server,
        shown(f"{server.url}/") as page,
    ):
        await page.look_like(320, 700, colours)
        await page.until_seen("#backends", long)
        await page.ask()
        await page.until_seen("#recent", long)
        scrolled, seen = await page.run(WIDTHS)
        ground = await page.run("return getComputedStyle(document.body).backgroundColor")
        contrasts = await page.run(CONTRASTS)

    assert scrolled <= seen <= 320
    assert (ground == "rgb(14, 20, 24)") is (colours == "dark")
    assert contrasts == []
