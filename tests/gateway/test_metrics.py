"""What is counted when something ends."""

import pytest
from prometheus_client import REGISTRY

from tokenweir.gateway.live import Answer
from tokenweir.gateway.loads import Load
from tokenweir.gateway.metrics import Metrics
from tokenweir.pipeline.events import End, Failure, FailureKind, Stats, Usage

pytestmark = pytest.mark.anyio


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    """One sample's value."""
    return metrics.registry.get_sample_value(f"tokenweir_{name}", labels)


def ended(failure: Failure | None = None, stats: Stats | None = None, backend: str | None = "b") -> Answer:
    """An answer that is over."""
    answer = Answer("r", "chat", "somebody", "model-of-a-request")
    answer.backend = backend
    answer.started, answer.first_token, answer.ended = 10.0, 10.5, 14.0
    answer.end = End("complete" if failure is None else "error", failure, stats or Stats())
    answer.failure = failure
    return answer


async def test_an_answer_is_counted_with_its_figures() -> None:
    """Its outcome, times, tokens and bytes."""
    metrics = Metrics()
    stats = Stats(
        gap_p99=0.2, gap_max=0.7, characters=9, wire_bytes=1000, amplification=4.0, attempts=2, revisions=3
    )
    answer = ended(stats=stats)
    answer.wire_bytes, answer.usage = 300, Usage(7, 11, cached=2, source="estimated")
    metrics.ended(answer)

    assert metrics.over == 1
    assert (
        value(metrics, "streams_ended_total", endpoint="chat", backend="b", outcome="complete", kind="none")
        == 1
    )
    assert value(metrics, "stream_duration_seconds_sum", backend="b") == 4.0
    assert value(metrics, "first_token_seconds_sum", backend="b") == 0.5
    assert value(metrics, "gap_p99_seconds_sum", backend="b") == 0.2
    assert value(metrics, "gap_max_seconds_sum", backend="b") == 0.7
    assert value(metrics, "amplification_ratio_sum", backend="b") == 4.0
    assert value(metrics, "tokens_total", backend="b", kind="input", source="estimated") == 7
    assert value(metrics, "tokens_total", backend="b", kind="output", source="estimated") == 11
    assert value(metrics, "tokens_total", backend="b", kind="cached", source="estimated") == 2
    assert value(metrics, "upstream_bytes_total", backend="b") == 1000
    assert value(metrics, "client_bytes_total", endpoint="chat") == 300
    assert value(metrics, "upstream_attempts_total", backend="b") == 2
    assert value(metrics, "upstream_retries_total", backend="b") == 1
    assert value(metrics, "revisions_total", backend="b") == 3


@pytest.mark.parametrize(
    ("failure", "errors", "limit"),
    [
        (Failure("connect", "x"), 1, None),
        (Failure("timeout", "x", "first_token"), 1, None),
        (Failure("timeout", "the client took no byte", "write"), None, "write_time"),
        (Failure("overloaded", "our queue"), None, None),
        (Failure("overloaded", "theirs", None, 503), 1, None),
        (Failure("limit", "too long a line"), None, "stream_size"),
        (Failure("cancelled", "the client left"), None, None),
    ],
    ids=lambda part: part.kind if isinstance(part, Failure) else "",
)
async def test_a_failure_is_the_backends_or_ours(
    failure: Failure, errors: int | None, limit: str | None
) -> None:
    """What a client or a limit of ours did is no error of the backend."""
    metrics = Metrics()
    metrics.ended(ended(failure))

    assert value(metrics, "upstream_errors_total", backend="b", kind=failure.kind) == errors
    for name in ("write_time", "stream_size"):
        assert value(metrics, "limit_hits_total", limit=name) == (1 if name == limit else None)


@pytest.mark.parametrize(
    ("status", "limit"), [(408, "body_time"), (413, "size"), (429, "rate"), (503, "capacity"), (404, None)]
)
async def test_refusals_by_status_and_limit(status: int, limit: str | None) -> None:
    """Those that a limit caused are counted as that too."""
    metrics = Metrics()
    metrics.refused(status)

    assert value(metrics, "refusals_total", status=str(status)) == 1
    assert limit is None or value(metrics, "limit_hits_total", limit=limit) == 1


async def test_labels_never_come_from_a_request() -> None:
    """X08: a thousand models in requests are one series, and no name of them is shown."""
    metrics = Metrics()
    kinds: list[FailureKind] = ["model_not_found", "cancelled"]
    for number in range(1000):
        answer = ended(Failure(kinds[number % 2], f"no {number}", code=f"code{number}"), backend=None)
        answer.model = answer.asked = answer.key = f"name{number}"
        metrics.ended(answer)
    samples = [sample for metric in metrics.registry.collect() for sample in metric.samples]

    assert len(samples) < 100
    assert not any("name" in str(sample.labels) or "code1" in str(sample.labels) for sample in samples)


async def test_each_gateway_has_its_own_registry() -> None:
    """Two in one process do not meet, and nothing stands in the global one."""
    one, other = Metrics(), Metrics()
    one.ticked(0.003)
    load = Load("b", "m")
    load.ended = load.started + 2
    one.loaded(load)

    assert value(one, "event_loop_lag_seconds_count") == 1
    assert value(one, "model_load_seconds_sum", backend="b", outcome="loaded") == 2
    assert value(other, "event_loop_lag_seconds_count") == 0
    assert REGISTRY.get_sample_value("tokenweir_event_loop_lag_seconds_count") is None
