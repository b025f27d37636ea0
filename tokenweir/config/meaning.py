"""What the structs cannot say of the whole: what fits together, and who could reach it.

Law of this file: pure questions of a configuration whose every value is right by itself. What is wrong is
told at its key, all of it.
"""

import re
from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address

from tokenweir.config.backend_meaning import check_backend, check_request
from tokenweir.config.near import nearest
from tokenweir.config.reading import Key, Reading
from tokenweir.config.schema import Config
from tokenweir.config.surprises import note_surprises
from tokenweir.pipeline.json_value import as_list, as_object

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})")
_HOST_AND_PORT = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})|\[[0-9a-fA-F:.]+\])(?::[0-9]{1,5})?")
_PLACEHOLDER = re.compile(r"\{\{ *[^\W\d]\w* *\}\}")


def check_meaning(reading: Reading, config: Config) -> None:
    """Tell the reading all that is wrong."""
    if config.inference is not None and "inference" in config.backends:
        reading.wrong(("backends", "inference"), "this is what the section `inference` is called: rename it")
    everybody = config.all_backends()
    for name, way in config.ways().items():
        check_backend(reading, way, everybody[name])
    note_surprises(reading, config)
    _check_routes(reading, config)
    _check_server(reading, config)
    _check_limits(reading, config)
    _check_prompts(reading, config)


def _check_routes(reading: Reading, config: Config) -> None:
    there = [*as_object(reading.values.get("backends"))]
    there += ["inference"] if reading.values.get("inference") is not None else []
    seen: dict[str, int] = {}
    for number, route in enumerate(config.routes):
        way: Key = ("routes", number)
        before = number if reading.faulty(*way, "model") else seen.setdefault(route.model, number)
        if before != number:
            what = f"routes[{before}] is for the same model: this one would never be asked"
            reading.wrong((*way, "model"), what)
        elif "*" in seen and route.model != "*":
            reading.note((*way, "model"), f"it is never asked: routes[{seen['*']}] is for all models")
        for place, name in enumerate(route.backends):
            if name not in there:
                what = f"there is no backend {name!r}{nearest(name, there)}"
                reading.wrong((*way, "backends", place), what)
            elif name in route.backends[:place]:
                reading.wrong((*way, "backends", place), f"{name!r} a second time")


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address.

    >>> [is_loopback(host) for host in ("localhost", "127.0.0.2", "::1", "0.0.0.0", "::", "box")]
    [True, True, True, False, False, False]
    """
    try:
        address = ip_address(host)
    except ValueError:
        return host.lower() == "localhost"
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def _check_server(reading: Reading, config: Config) -> None:
    server, key = config.server, ("server", "host")
    keys = as_list(as_object(reading.values.get("server")).get("api_keys"))  # wrong ones count too
    if not _is_host(server.host):
        reading.wrong(key, "this is no address or name of this machine; the port is a key of its own")
    elif not (is_loopback(server.host) or server.allow_no_key or keys):
        what = "others can reach it, and nobody needs a key: give api_keys, or set allow_no_key to true"
        reading.wrong(key, what)
    for number, name in enumerate(server.allowed_hosts):
        if not _HOST_AND_PORT.fullmatch(name):
            what = "this is no name as llm.example.org, without a scheme and a path"
            reading.wrong(("server", "allowed_hosts", number), what)
    for number, origin in enumerate(server.allowed_origins):
        if not _is_origin(origin):
            what = "this is no origin as https://chat.example.org, without a path; each is named by itself"
            reading.wrong(("server", "allowed_origins", number), what)


def _is_host(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return _HOST.fullmatch(host) is not None
    return True


def _is_origin(origin: str) -> bool:
    scheme, _, rest = origin.partition("://")
    return scheme in ("http", "https") and _HOST_AND_PORT.fullmatch(rest) is not None


def _check_limits(reading: Reading, config: Config) -> None:
    """What cannot work together. A default gives way: only what was given is wrong."""
    limits = config.limits
    both = reading.given("server", "heartbeat_secs") and reading.given("limits", "write_timeout_secs")
    if both and config.server.heartbeat_secs >= limits.write_timeout_secs:
        what = (
            "it is not less than limits.write_timeout_secs: a client would be cut between two signs of life"
        )
        reading.wrong(("server", "heartbeat_secs"), what)
    each = limits.max_streams_per_key
    if each is not None and each > limits.max_streams:
        what = "it is more than max_streams: it would never be reached"
        reading.wrong(("limits", "max_streams_per_key"), what)
    for name, way in config.ways().items():
        most = config.all_backends()[name].defaults.get("max_tokens")
        if limits.max_tokens is not None and isinstance(most, int) and most > limits.max_tokens:
            reading.wrong((*way, "defaults", "max_tokens"), "it is more than limits.max_tokens allows")


def _check_prompts(reading: Reading, config: Config) -> None:
    for name, prompt in config.prompts.items():
        way: Key = ("prompts", name)
        texts: Mapping[str, str | None] = {"template": prompt.template, "system": prompt.system}
        for field, text in texts.items():
            if "{{" in _PLACEHOLDER.sub("", text or ""):
                what = "`{{` begins a variable: {{name}}, with letters, digits and _"
                reading.wrong((*way, field), what)
        check_request(reading, (*way, "parameters"), prompt.parameters, "")
