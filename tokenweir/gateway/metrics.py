"""What is counted: the gateway's figures for Prometheus.

Law of this file: adding numbers, where something has ended. What can be read when somebody asks stands in
gauges.py. Labels come from the configuration and from our own enums alone: no name of a model, a user or a
key that a request chose may become a series (fault X08). docs/metrics.md lists them all.
"""

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector

from tokenweir.gateway.live import Answer
from tokenweir.gateway.loads import Load
from tokenweir.pipeline.events import End, Failure, Usage

_WAITS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
_GAPS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_LAGS = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
_TIMES = (1.0, 1.1, 1.5, 2.0, 5.0, 10.0, 50.0, 100.0, 500.0)

_UPSTREAM = frozenset(
    {"connect", "timeout", "auth", "rate_limited", "model_loading", "model_crashed", "upstream", "truncated"}
    | {"protocol", "producer_lost"}
)
"""Failures that are the backend's."""

_LIMITS = {408: "body_time", 413: "size", 429: "rate", 431: "headers", 503: "capacity"}
"""Status of a refusal -> which kind of limit was hit."""


class Metrics:
    """The figures of one gateway, in a registry of its own: several may run in one process."""

    def __init__(self) -> None:
        self.over = 0
        """Answers that ended."""
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._ended = self._counter(
            "streams_ended", "Answers that ended, by how and why", "endpoint", "backend", "outcome", "kind"
        )
        self._duration = self._histogram("stream_duration_seconds", "How long answers took", _WAITS)
        self._first = self._histogram("first_token_seconds", "From the request to its first token", _WAITS)
        self._gap_p99 = self._histogram("gap_p99_seconds", "99th percentile of an answer's gaps", _GAPS)
        self._gap_max = self._histogram("gap_max_seconds", "Longest gap of an answer", _GAPS)
        self._amplification = self._histogram(
            "amplification_ratio", "Text bytes that a backend sent, divided by those that were new", _TIMES
        )
        self._tokens = self._counter(
            "tokens", "Tokens, by kind and by who counted", "backend", "kind", "source"
        )
        self._received = self._counter("upstream_bytes", "Bytes that came from backends", "backend")
        self._sent = self._counter("client_bytes", "Bytes of answers that went to clients", "endpoint")
        self._attempts = self._counter("upstream_attempts", "Requests that were sent to backends", "backend")
        self._retries = self._counter(
            "upstream_retries", "Of these, those after a first one failed", "backend"
        )
        self._errors = self._counter("upstream_errors", "Answers that a backend failed", "backend", "kind")
        self._revisions = self._counter("revisions", "Times that a backend rewrote its text", "backend")
        self._refusals = self._counter("refusals", "Requests that got no answer", "status")
        self._limits = self._counter("limit_hits", "Limits that were hit", "limit")
        self._load = Histogram(
            "tokenweir_model_load_seconds", "How long models took to load", ["backend", "outcome"],
            buckets=_WAITS, registry=self.registry,
        )  # fmt: skip
        self._lag = Histogram(
            "tokenweir_event_loop_lag_seconds",
            "How late the event loop was",
            buckets=_LAGS,
            registry=self.registry,
        )

    def ended(self, answer: Answer) -> None:
        """An answer is over, well or not, or was refused after it had begun."""
        self.over += 1
        backend, failure = answer.backend or "none", answer.failure
        kind = "none" if failure is None else failure.kind
        self._ended.labels(answer.endpoint, backend, answer.outcome, kind).inc()
        self._sent.labels(answer.endpoint).inc(answer.wire_bytes)
        if answer.ended is not None:
            self._duration.labels(backend).observe(answer.ended - answer.started)
        if answer.first_token is not None:
            self._first.labels(backend).observe(answer.first_token - answer.started)
        if answer.usage is not None:
            self._count_tokens(backend, answer.usage)
        if answer.end is not None:
            self._count_end(backend, answer.end)
        if failure is not None:
            self._count_failure(backend, failure)

    def refused(self, status: int) -> None:
        """A request got this status in place of an answer."""
        self._refusals.labels(str(status)).inc()
        if status in _LIMITS:
            self._limits.labels(_LIMITS[status]).inc()

    def loaded(self, load: Load) -> None:
        """A load is over."""
        self._load.labels(load.backend, load.outcome).observe(load.seconds)

    def ticked(self, late: float) -> None:
        """The event loop came to a timer so many seconds late."""
        self._lag.observe(late)

    def _count_tokens(self, backend: str, usage: Usage) -> None:
        counts = {
            "input": usage.input,
            "output": usage.output,
            "reasoning": usage.reasoning,
            "cached": usage.cached,
        }
        for kind, count in counts.items():
            if count:
                self._tokens.labels(backend, kind, usage.source).inc(count)

    def _count_end(self, backend: str, end: End) -> None:
        stats = end.stats
        self._received.labels(backend).inc(stats.wire_bytes)
        self._attempts.labels(backend).inc(stats.attempts)
        self._retries.labels(backend).inc(stats.attempts - 1)
        self._revisions.labels(backend).inc(stats.revisions)
        if stats.characters:
            self._amplification.labels(backend).observe(stats.amplification)
        if stats.gap_p99 is not None:
            self._gap_p99.labels(backend).observe(stats.gap_p99)
        if stats.gap_max is not None:
            self._gap_max.labels(backend).observe(stats.gap_max)

    def _count_failure(self, backend: str, failure: Failure) -> None:
        """A busy backend told so with a status; without one it is our own limit."""
        ours = failure.phase == "write" or backend == "none"
        if not ours and (failure.kind in _UPSTREAM or failure.status is not None):
            self._errors.labels(backend, failure.kind).inc()
        if failure.phase == "write":
            self._limits.labels("write_time").inc()
        elif failure.kind == "limit" and failure.status is None:
            self._limits.labels("stream_size").inc()

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(f"tokenweir_{name}", what, labels, registry=self.registry)

    def _histogram(self, name: str, what: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"tokenweir_{name}", what, ["backend"], buckets=buckets, registry=self.registry)
