"""How an answer ended, where its stream did not say so.

Law of this file: one verdict for each way in which an answer is broken off, so that log, metrics and page
tell the truth of it (PROMISES P3). A client that left is not a fault, one that took no byte is; a shutdown
that could not wait and a bug are neither.
"""

from tokenweir.gateway.live import Answer
from tokenweir.gateway.reader import Reader
from tokenweir.pipeline.events import End, Failure, Stats


def broken_off(note: Answer, reader: Reader, fault: BaseException, stats: Stats) -> End:
    """The end of an answer that `fault` broke off, with the figures so far."""
    if reader.dead:
        failure = Failure("timeout", f"the client took no byte for {reader.patience:g} s", "write")
        return End("timeout", failure, stats)
    if isinstance(fault, Exception) and not isinstance(fault, ConnectionError):
        return End("error", Failure("stage", "something went wrong in the gateway; its log tells"), stats)
    if note.stopped is not None:
        return End("error", note.stopped, stats)
    return End("cancelled", Failure("cancelled", "the client left"), stats)


def failure_of(end: End | None) -> Failure:
    """Why there is no answer; an end without a failure came too early."""
    if end is None or end.failure is None:
        return Failure("truncated", "the backend ended its answer before its end")
    return end.failure
