"""What a source sends beside a request: its address, its key, its headers, and which of them are secret.

Law of this file: pure checks of what the application configured, answered with MisuseError before
anything is sent; and how a secret is taken out of a text again (PROMISES P25).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.sources.spellings import finder

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_USERINFO = re.compile(r"[^/]*@")
_SECRET = 6  # characters: anything shorter stands in ordinary words
_CUT = 3  # characters of a secret that may be seen
_SHORTEST_CUT = 200  # characters: no shorter text has been cut


def read_base_url(url: str, provider: str, default_path: str = "/v1") -> str:
    """The address without a trailing slash; `default_path` where it has no path.

    >>> read_base_url("http://localhost:1234", "lmstudio")
    'http://localhost:1234/v1'
    """
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        parts, port_is_fine = urlsplit(""), False
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_fine:
        shown = _USERINFO.sub("", url.partition("?")[0])
        msg = f"base_url={shown!r} for {provider}: give an address like http://localhost:1234{default_path}"
        raise MisuseError(msg)
    if "@" in parts.netloc or parts.query or parts.fragment:
        msg = f"base_url for {provider} must hold no credential, query or fragment: use api_key=..."
        raise MisuseError(msg)
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/') or default_path}"


def read_key(key: str | None) -> str | None:
    """The key; empty is none. Raises MisuseError for one that no header can hold."""
    if key is None or key == "":
        return None
    if key != key.strip() or not key.isascii() or not key.isprintable():
        msg = "api_key has white space around it, or characters that no header can hold"
        raise MisuseError(msg)
    return key


def read_headers(headers: Mapping[str, str], credential: Mapping[str, str]) -> dict[str, str]:
    """The caller's headers, checked; `credential` are those that carry the key.

    Raises MisuseError for what no header can hold, and for a second credential.
    """
    taken = {name.lower() for name in credential}
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name) or value != value.strip() or not value.isprintable():
            msg = f"the header {name!r} has white space around it, or characters that no header can hold"
            raise MisuseError(msg)
        if name.lower() in taken:
            msg = f"a credential comes once: as api_key=..., or as headers={{{name!r}: ...}}"
            raise MisuseError(msg)
    return dict(headers)


def secrets_of(*values: str) -> list[str]:
    """What must never be shown, the longest first: each value, and what stands behind its scheme
    (`Bearer`). How texts may spell them stands in spellings.py."""
    plain = {part for value in values for part in (value, value.rpartition(" ")[2]) if len(part) >= _SECRET}
    return sorted(plain, key=len, reverse=True)


def without(secrets: Sequence[str], text: str) -> str:
    """`text` without the secrets, however they are spelled; one that was cut may end in the beginning of
    one."""
    data = text.encode("utf-8", "surrogatepass")
    for secret in secrets:
        scan = finder(secret).scan(data)
        whole = len(text) < _SHORTEST_CUT or len(data) - scan.begun <= _CUT
        found = scan.found if whole else [*scan.found, (scan.begun, len(data))]
        data = _starred(data, found)
    return data.decode("utf-8", "surrogatepass")


def _starred(data: bytes, found: Iterable[tuple[int, int]]) -> bytes:
    """The data with three asterisks for each stretch; stretches that overlap are one."""
    kept: list[bytes] = []
    at = 0
    for begin, end in sorted(found):
        if begin >= at:
            kept += [data[at:begin], b"***"]
        at = max(at, end)
    return b"".join([*kept, data[at:]])
