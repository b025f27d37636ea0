"""What all sources over HTTP share: the address, the credential, the answer's head.

Law of this file: the credential goes to the configured origin and nowhere else, is in no `repr` and
no message; an error body becomes a normalised failure. Nothing a request carries can choose a host,
a header or a credential (PROMISES P25).
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar

import anyio
import msgspec

from tokenweir.pipeline.clock import wall_time
from tokenweir.pipeline.connection import Connection, HTTPRequest, Transport
from tokenweir.pipeline.deadlines import Deadlines
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Failure
from tokenweir.pipeline.models import Mismatch
from tokenweir.pipeline.protocols import openai_chat
from tokenweir.pipeline.protocols.failures import failure_from
from tokenweir.pipeline.request import Messages, Request
from tokenweir.pipeline.sources.base import Source
from tokenweir.pipeline.sources.credentials import (
    read_base_url,
    read_headers,
    read_key,
    secrets_of,
    without,
)
from tokenweir.pipeline.sources.parameters import check_parameters
from tokenweir.pipeline.transport import AiohttpTransport
from tokenweir.stages.cumulative_detect import Mode

_OK, _REDIRECTS, _ERRORS = 200, range(300, 400), range(400, 600)
_PACKED = "the answer is compressed, though identity was asked for"
_HEADERS: Mapping[str, str] = {
    "Content-Type": "application/json",
    "Accept": "text/event-stream, application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "tokenweir",
}
_NUMBER = re.compile(r"[0-9]+(\.[0-9]*)?")

BODY_LIMIT = 65_536
"""Bytes of an error body after which no more is read."""

Tap = Callable[[HTTPRequest, Connection, Sequence[str]], Connection]
"""What may stand between a source and its connections: a recorder. It is given the request, the connection
and what must never be shown, and gives the connection that is read in its place."""


class HTTPSource(Source):
    """A backend over HTTP; one that speaks openai-chat, if its class says nothing else.

    `base_url` may leave its path out (`http://localhost:1234`), and then means `default_path` under
    it. `api_key` is sent as a bearer token, and only to that origin; without one, the provider's own
    environment variable is read, but only for the provider's own address. `headers` are sent with each
    request, and are secrets too.

    Raises MisuseError for an address that cannot be asked, and for a key or header that cannot be sent.
    """

    default_base_url: ClassVar[str] = ""
    default_path: ClassVar[str] = "/v1"
    path: str = openai_chat.PATH
    """Where requests go, under `base_url`."""
    key_variable: ClassVar[str | None] = None
    key_base_url: ClassVar[str | None] = None
    """The address that the variable's key is for; None is the default one."""
    default_model: ClassVar[str | None] = None
    model_required: ClassVar[bool] = False
    stream_options: ClassVar[Mapping[str, Any]] = {}

    def __init__(
        self,
        base_url: str | None = None,
        *,
        model: str | None = None,
        api_key: str | None = None,
        mode: Mode | None = None,
        deadlines: Deadlines | None = None,
        model_mismatch: Mismatch = "warn",
        headers: Mapping[str, str] | None = None,
        transport: Transport | None = None,
    ) -> None:
        super().__init__(
            model=model or self.default_model, mode=mode, deadlines=deadlines, model_mismatch=model_mismatch
        )
        self.base_url = self._address(base_url or self.default_base_url)
        own = self.base_url == self._address(self.key_base_url or self.default_base_url or self.base_url)
        if api_key is None and self.key_variable is not None and own:
            api_key = os.environ.get(self.key_variable)
        self._key = read_key(api_key)
        self._headers = read_headers(headers or {}, self.credential(self._key) if self._key else {})
        self._secrets = secrets_of(self._key or "", *self._headers.values())
        self._transport = transport or AiohttpTransport()
        self.tap: Tap | None = None

    @property
    def hosted(self) -> bool:
        own = self.key_base_url or self.default_base_url
        return own.startswith("https://") and self.base_url == self._address(own)

    def _address(self, url: str) -> str:
        return read_base_url(url, self.provider, self.default_path)

    def request(self, messages: Messages, *, stream: bool = True, **options: Any) -> Request:
        made = super().request(messages, stream=stream, **options)
        check_parameters(self.provider, made.options, hosted=self.hosted)
        return made

    def body(self, request: Request) -> dict[str, Any]:
        """The JSON body of a request. Raises MisuseError for what the protocol cannot ask."""
        return openai_chat.body(request, stream_options=dict(self.stream_options))

    def path_of(self, request: Request) -> str:
        """Where this request goes, under `base_url`."""
        return self.path

    def url_of(self, request: Request) -> str:
        """The address of this request."""
        return self.base_url + self.path_of(request)

    def credential(self, key: str) -> Mapping[str, str]:
        """The headers that carry the key."""
        return {"Authorization": f"Bearer {key}"}

    def open(self, request: Request) -> Connection:
        if request.model is None and self.model_required:
            msg = f"{self.provider} needs a model: connect({self.provider!r}, model='...')"
            raise MisuseError(msg)
        ask = self.question(self.url_of(request), self.body(request))
        connection = self.connection(ask)
        return connection if self.tap is None else self.tap(ask, connection, self._secrets)

    def connection(self, asked: HTTPRequest) -> Connection:
        """A connection for a question of this source's own, that has sent nothing yet."""
        return self._transport.open(asked, self.deadlines.connect)

    def question(self, url: str, body: Mapping[str, Any] | None) -> HTTPRequest:
        """A question to this backend, with its headers; a GET where there is no body. Raises MisuseError
        for what is no JSON."""
        own = {name.lower() for name in self._headers}
        headers = {name: value for name, value in _HEADERS.items() if name.lower() not in own} | self._headers
        if self._key is not None:
            headers.update(self.credential(self._key))
        if body is None:
            return HTTPRequest("GET", url, headers, b"")
        try:
            encoded = msgspec.json.encode(body)
        except (TypeError, UnicodeEncodeError, ValueError) as bad:
            msg = f"the request cannot be written as JSON: {bad}"
            raise MisuseError(msg) from None
        return HTTPRequest("POST", url, headers, encoded)

    def accepts(self, status: int, headers: Mapping[str, str]) -> bool:
        return status == _OK and not _is_packed(headers)

    async def read_body(self, connection: Connection, seconds: float, body: bytearray) -> None:
        with anyio.move_on_after(max(0.0, seconds)):
            while len(body) < BODY_LIMIT:
                try:
                    data = await connection.read()
                except Exception:  # noqa: BLE001 - the refusal is what matters; its body may be cut
                    data = None
                    body += connection.rescue()
                if not data:
                    return
                body += data

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        """PROTOCOLS section 9: every backend's error body, a redirect (never followed: it would carry
        the key and the prompt away), or a compression nobody asked for."""
        if status in _REDIRECTS and "Location" in headers:
            message = f"HTTP {status}: redirects are not followed; set base_url to the final address"
            return Failure("upstream", message, None, status)
        if status == _OK:
            return Failure("protocol", _PACKED, None, status)
        if status not in _ERRORS:
            return Failure("protocol", f"HTTP {status}: that is no answer to a request", None, status)
        said = _PACKED if _is_packed(headers) else body.decode("utf-8", "replace")
        failure = failure_from(_readable(self._clean(said)), status)
        forced = {"true": True, "false": False}.get(headers.get("x-should-retry", ""), failure.retryable)
        return self.scrub(
            msgspec.structs.replace(
                failure,
                message=f"HTTP {status}: {failure.message}",
                retryable=forced,
                retry_after=_retry_after(headers),
            )
        )

    def scrub(self, failure: Failure) -> Failure:
        native = None if failure.native is None else self._clean(bytes(failure.native).decode())
        return msgspec.structs.replace(
            failure,
            message=self._clean(failure.message),
            code=None if failure.code is None else self._clean(failure.code),
            native=None if native is None else msgspec.Raw(native.encode()),
        )

    def _clean(self, text: str) -> str:
        return without(self._secrets, text)

    async def aclose(self) -> None:
        await self._transport.aclose()


def _is_packed(headers: Mapping[str, str]) -> bool:
    return headers.get("Content-Encoding", "").lower() not in ("", "identity")


def _readable(body: str) -> object:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        text = body.strip()
        return ascii(text[:200])[1:-1] if text[:1] == "<" else text


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from `Retry-After-Ms` or `Retry-After` (a number or a date); None where unreadable."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        if _NUMBER.fullmatch(value):
            return float(value) * unit
    value = headers.get("retry-after", "")
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - wall_time())
    except (TypeError, ValueError, OverflowError):
        return None
