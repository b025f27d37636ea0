"""Which names this server goes by: what may stand in `Host`.

Law of this file: pure; a name and a list. A page whose name was made to point here (DNS rebinding, fault
S01) sends its own name, and is none of ours. An address in digits cannot be rebound, so where the server
listens for others too, each of its addresses will do.
"""

import re
from collections.abc import Iterable
from ipaddress import ip_address

_FORM = re.compile(r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9_.-]{1,255}))(?::[0-9]{1,5})?", re.ASCII)
_EVERYWHERE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - compared with, not bound to


def host_of(value: str) -> str | None:
    """The name in a `Host`, in one spelling, without its port. None where it is no name at all.

    >>> host_of("LocalHost.:3000"), host_of("[0:0::1]:80"), host_of("me@localhost"), host_of("a b")
    ('localhost', '::1', None, None)
    """
    form = _FORM.fullmatch(value)
    if form is None:
        return None
    name = (form[1] or form[2]).lower().removesuffix(".")
    try:
        return str(ip_address(name))
    except ValueError:
        return name if name and form[1] is None else None


def is_ours(host: str, bound: str, allowed: Iterable[str]) -> bool:
    """Whether a name, as `host_of` gives it, is one of this server's, which listens at `bound`.

    >>> is_ours("127.0.0.1", "127.0.0.1", []), is_ours("10.0.0.7", "0.0.0.0", []), is_ours("a.test", "::", [])
    (True, True, False)
    """
    if host in _EVERYWHERE:
        return False
    if host == "localhost" or any(host == _configured(name) for name in (bound, *allowed)):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or bound in _EVERYWHERE


def why_refused(host: str | None) -> str:
    """What is told where a `Host` is none of ours; `host` as `host_of` gives it. What is no name is not
    repeated: it may be anything.

    >>> why_refused("llm.lan")
    "this server does not go by the name 'llm.lan': server.allowed_hosts lists those that it does go by"
    """
    if host is None:
        return "what stands in Host is no name of a server; server.allowed_hosts lists those of this one"
    return (
        f"this server does not go by the name {host!r}: server.allowed_hosts lists those that it does go by"
    )


def _configured(name: str) -> str | None:
    """A name as `host_of` gives it; here an IPv6 address may stand without its brackets."""
    return host_of(name) or host_of(f"[{name}]")
