"""What can be read at the moment when somebody asks, and `GET /metrics`.

Law of this file: it looks, and counts nothing (what is counted stands in metrics.py). Two readings cost the
same, and no backend is asked.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import get_args

from aiohttp import web
from prometheus_client import exposition
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from tokenweir.gateway.gateway import GATEWAY, Gateway, Phase
from tokenweir.gateway.live import State


async def metrics(request: web.Request) -> web.Response:
    """The figures in Prometheus' own form, or in OpenMetrics' where the client asks for that."""
    encode, content_type = exposition.choose_encoder(request.headers.get("Accept", ""))
    return web.Response(body=encode(Figures(request.app[GATEWAY])), headers={"Content-Type": content_type})


class Figures(Collector):
    """All figures of one gateway: those that were counted, and those that are read now."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def collect(self) -> Iterator[Metric]:
        """Every metric with its samples."""
        for metric in self._gateway.metrics.registry.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric
        yield from self._streams()
        yield from self._backends()
        yield from self._life()

    def _streams(self) -> Iterator[Metric]:
        live = self._gateway.live
        states = Counter(answer.state for answer in live)
        yield _counter("streams_started", "Answers that began", live.begun)
        yield _gauges(
            "streams_active",
            "Answers under way, by state",
            "state",
            ((name, states[name]) for name in get_args(State)),
        )
        lost = live.begun - self._gateway.metrics.over - len(live)
        yield _gauge("streams_unaccounted", "Answers that began, and neither ended nor go on: always 0", lost)

    def _backends(self) -> Iterator[Metric]:
        setup = self._gateway.setup
        backends = setup.backends.values()
        known = [one for one in backends if one.catalog.checked is not None and one.catalog.listable]
        yield _gauges(
            "backend_up", "Whether a backend answers; absent where that is unknown", "backend",
            ((one.name, one.catalog.failure is None) for one in known),
        )  # fmt: skip
        yield _gauges(
            "slots_taken",
            "Answers that a backend gives",
            "backend",
            ((one.name, one.slots.taken) for one in backends),
        )
        yield _gauges(
            "queue_length", "Requests that wait for a backend", "backend",
            ((one.name, one.slots.waiting) for one in backends),
        )  # fmt: skip
        loads = Counter(load.backend for load in setup.warm.loads)
        yield _gauges(
            "models_loading",
            "Loads of models under way",
            "backend",
            ((one.name, loads[one.name]) for one in backends),
        )

    def _life(self) -> Iterator[Metric]:
        gateway = self._gateway
        yield _gauge("ready", "Whether requests are taken", gateway.phase is Phase.READY)
        yield _gauge(
            "config_generation", "Which configuration is in force: 1 is the first", gateway.generation
        )
        yield _counter("config_reload_failures", "Configurations that were refused", gateway.failed_reloads)


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(f"tokenweir_{name}", what, value)


def _counter(name: str, what: str, value: float) -> Metric:
    return CounterMetricFamily(f"tokenweir_{name}", what, value)


def _gauges(name: str, what: str, label: str, values: Iterable[tuple[str, float]]) -> Metric:
    family = GaugeMetricFamily(f"tokenweir_{name}", what, labels=[label])
    for key, value in values:
        family.add_metric([key], value)
    return family
