"""What aiohttp's exceptions mean, without anything that the request carried.

Law of this file: the mapping from an exception to a Failure. No exception of aiohttp gets further:
its `repr` shows the request's headers, and so its credentials.
"""

import ssl

import aiohttp
from aiohttp.http_exceptions import ContentLengthError, HttpProcessingError
from msgspec.structs import replace

from tokenweir.pipeline.deadlines import late
from tokenweir.pipeline.events import Failure


class BrokenBodyError(aiohttp.ClientError):
    """The framing of the body cannot be read."""


def failure_of(fault: Exception, host: str, connect: float | None, *, answered: bool) -> Failure | None:
    """What an exception of a request to `host` means; None if it is not one of aiohttp's. `connect` is
    the deadline for connecting, in seconds; `answered` says whether the headers had come."""
    if isinstance(fault, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError | ssl.SSLError):
        return Failure("connect", f"TLS with {host} failed: {_tls_reason(fault)}")
    if isinstance(fault, aiohttp.ClientConnectorError):
        return Failure("connect", f"nobody answers at {host}: {_reason(fault.os_error)}", retryable=True)
    if isinstance(fault, aiohttp.ConnectionTimeoutError):
        hint = "Is the address right, and the server up?"
        return replace(late("connect", connect or 0.0, f"a connection to {host}", hint), retryable=True)
    if isinstance(fault, aiohttp.InvalidURL):
        return Failure("bad_request", f"not a URL that can be asked: {host}")
    if not isinstance(fault, aiohttp.ClientError | OSError | HttpProcessingError):
        return None
    broken = _broken(fault)
    if broken is not None:
        return Failure("protocol", f"{host} sent broken HTTP: {broken}")
    if not answered:
        return Failure("connect", f"{host} closed the connection without an answer", retryable=True)
    return Failure("truncated", f"{host} closed the connection in the middle of its answer")


def _broken(fault: Exception) -> str | None:
    """The name of what is wrong with the peer's HTTP; None where it was only cut short."""
    if isinstance(fault, BrokenBodyError):
        return "its body is framed wrongly"
    found: BaseException | None = None
    seen: BaseException | None = fault
    while seen is not None:
        if isinstance(seen, HttpProcessingError):
            found = seen
        seen = seen.__cause__
    if found is None:
        return type(fault).__name__ if isinstance(fault, aiohttp.ClientResponseError) else None
    short = isinstance(found, ContentLengthError) or "Not enough data" in str(found)
    return None if short else type(found).__name__


def _tls_reason(fault: Exception) -> str:
    inner = getattr(fault, "certificate_error", None) or getattr(fault, "os_error", fault)
    if isinstance(inner, ssl.SSLCertVerificationError):
        return f"its certificate is refused: {inner.verify_message}"
    if isinstance(inner, ssl.SSLError) and inner.reason:
        return inner.reason.replace("_", " ").lower()
    return type(inner).__name__


def _reason(fault: BaseException | None) -> str:
    """Why, without anything that the request carried."""
    if isinstance(fault, ConnectionRefusedError):
        return "connection refused (is the server running?)"
    if isinstance(fault, OSError) and fault.strerror:
        return fault.strerror.split("[", 1)[0].strip() or type(fault).__name__
    return type(fault).__name__
