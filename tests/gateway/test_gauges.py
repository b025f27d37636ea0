"""`GET /metrics`, and its page in the documentation."""

# pyright: reportPrivateUsage=false, reportUnknownVariableType=false

import re
from pathlib import Path

import anyio
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_plain

from tests.gateway.configured import backend
from tests.gateway.serving import CHAT, HI, gateway, get, post
from tests.gateway.until import until
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.server import Simulator

pytestmark = pytest.mark.anyio

PAGE = (Path(__file__).parents[2] / "docs/metrics.md").read_text("utf-8")
ROW = re.compile(r"^\| `(tokenweir_\w+)` \| (\w+) \| ([^|]*)\|", re.MULTILINE)


async def test_what_goes_on_is_read_at_the_moment() -> None:
    """Streams by state, places, queue, and whether the backend is there."""
    told: list[str] = []
    async with (
        Simulator(Quirks(models=("m",), rate=200)) as server,
        gateway(backend("openai-compatible", server.url + "/v1", max_concurrent=1)) as gate,
        anyio.create_task_group() as group,
    ):
        live = gate.gateway.live
        for _ in range(2):
            group.start_soon(post, gate.url + CHAT, {**HI, "stream": True})
        await until(lambda: [answer.state for answer in live] == ["streaming", "queued"])
        told.append((await get(f"{gate.url}/metrics")).text)
        await until(lambda: not len(live))
        told.append((await get(f"{gate.url}/metrics")).text)

    text, after = told
    assert 'tokenweir_streams_active{state="queued"} 1.0' in text
    assert 'tokenweir_streams_active{state="streaming"} 1.0' in text
    assert 'tokenweir_slots_taken{backend="inference"} 1.0' in text
    assert 'tokenweir_queue_length{backend="inference"} 1.0' in text
    assert 'tokenweir_backend_up{backend="inference"} 1.0' in text
    for name in ("streams_started_total 2.0", "streams_unaccounted 0.0", "ready 1.0"):
        assert all(f"tokenweir_{name}" in page for page in told)
    assert 'tokenweir_slots_taken{backend="inference"} 0.0' in after
    assert 'backend="inference",endpoint="chat",kind="none",outcome="complete"} 2.0' in after


async def test_both_forms_can_be_read() -> None:
    """By Prometheus' own parsers."""
    async with gateway({"inference": {"provider": "simulator"}}) as gate:
        plain = await get(f"{gate.url}/metrics")
        opened = await get(f"{gate.url}/metrics", {"Accept": "application/openmetrics-text; version=1.0.0"})

    assert plain.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert opened.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    names = {family.name for family in read_plain(plain.text)}
    assert "process_resident_memory_bytes" in names
    families = read_openmetrics(opened.text)  # type: ignore[no-untyped-call]
    assert {family.name for family in families} >= {"tokenweir_ready", "tokenweir_tokens"}


async def test_the_page_lists_every_metric() -> None:
    """With its type and its labels."""
    async with gateway({"inference": {"provider": "simulator"}}) as gate:
        text = (await get(f"{gate.url}/metrics")).text
        counted = list(gate.gateway.metrics.registry._collector_to_names)
    served = dict(re.findall(r"^# TYPE (tokenweir_\w+) (\w+)$", text, re.MULTILINE))
    rows = {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in ROW.findall(PAGE)}

    assert {name: kind for name, (kind, _) in rows.items()} == served
    for collector in counted:
        name = getattr(collector, "_name", "")
        if name:
            kind = "_total" if f"{name}_total" in rows else ""
            assert rows[name + kind][1] == set(getattr(collector, "_labelnames", ())), name
