"""Whom an address belongs to: this machine and its neighbours, or somebody who may ask for money.

Law of this file: pure; a URL in, an Address out. It asks no name server: what a name resolves to can
change, and says nothing of who pays.
"""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from msgspec import Struct

from tokenweir.pipeline.sources.credentials import read_base_url

HOSTS: Mapping[str, str] = {
    "api.anthropic.com": "anthropic",
    "api.openai.com": "openai",
    "generativelanguage.googleapis.com": "gemini",
    "ollama.com": "ollama",
}
"""Host name of a hosted API -> its provider. Every other public host is asked as openai-compatible."""

_OURS = (".local", ".lan", ".internal", ".home.arpa", ".localhost", ".test")
_ENDS = ("/chat/completions", "/messages", "/responses", "/models", "/v1beta", "/v1", "/v0")
_LOCAL_END = "/api"
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]+", re.IGNORECASE)  # an address of the internet, oddly written


class Address(Struct, frozen=True):
    """`root` is what stands before `/v1`. `local` says that no bill comes from there: loopback, a private
    network, a name without a domain. `provider` is told where the host is a known one."""

    root: str
    local: bool
    provider: str | None = None

    def base_url(self, provider: str) -> str:
        """The address as the provider's source takes it."""
        return self.root + _BASES.get(provider, "/v1")


_BASES: Mapping[str, str] = {"ollama": "", "gemini": "/v1beta"}


def read_address(url: str) -> Address:
    """The address in a URL, with or without its scheme, or with the path of some API behind it.

    Raises MisuseError for what is no address, and for one that holds a credential.

    >>> read_address("localhost:1234/v1")
    Address(root='http://localhost:1234', local=True, provider=None)
    >>> read_address("api.openai.com/v1")
    Address(root='https://api.openai.com', local=False, provider='openai')
    """
    whole = read_base_url(url if "://" in url else f"http://{url}", "doctor", "")
    host = urlsplit(whole).hostname or ""
    local = is_local(host)
    if "://" not in url and not local:  # a key must not go out in clear text because nobody wrote the s
        whole = whole.replace("http://", "https://", 1)
    return Address(_root(whole, local=local), local, HOSTS.get(host))


def is_local(host: str) -> bool:
    """Whether a host is this machine or a neighbour of it, by its name or number alone.

    >>> [is_local(host) for host in ("localhost", "192.168.1.9", "::1", "gpu-box", "api.example.com")]
    [True, True, True, True, False]
    """
    try:
        return not ip_address(host.partition("%")[0]).is_global
    except ValueError:
        return ("." not in host and not _NUMBER.fullmatch(host)) or host.endswith(_OURS)


def _root(url: str, *, local: bool) -> str:
    shorter = True
    while shorter:
        shorter = False
        for end in (*_ENDS, _LOCAL_END) if local else _ENDS:
            if url.endswith(end):
                url, shorter = url.removesuffix(end).rstrip("/"), True
    return url
