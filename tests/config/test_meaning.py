"""What fits together, and who could reach it."""

from pathlib import Path

import pytest

from tests.config.configs import BACKEND, read, wrong

KEY = {"KEY": "a-key"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "backends: {inference: {provider: ollama}}",
            "backends.inference: this is what the section `inference` is called: rename it",
        ),
        (
            "routes: [{model: a, backends: [infrence]}]",
            "routes[0].backends[0]: there is no backend 'infrence'; did you mean 'inference'?",
        ),
        (
            "routes: [{model: a, backends: [x]}]",
            "routes[0].backends[0]: there is no backend 'x'. There are: inference",
        ),
        (
            "routes: [{model: a, backends: [inference, inference]}]",
            "routes[0].backends[1]: 'inference' a second time",
        ),
        (
            "routes: [{model: a, backends: [inference]}, {model: a, backends: [inference]}]",
            "routes[1].model: routes[0] is for the same model: this one would never be asked",
        ),
    ],
)
def test_names(text: str, said: str, tmp_path: Path) -> None:
    """C07: there once, and there at all."""
    assert wrong(tmp_path, BACKEND + text) == [f"gateway.yaml:2: {said}"]


def test_a_backend_that_is_wrong_is_there(tmp_path: Path) -> None:
    """P21: a route to it is no second fault."""
    text = "backends: {a: {prvider: ollama}}\nroutes: [{model: x, backends: [a]}]"

    assert [line.split(": ")[1] for line in wrong(tmp_path, text)] == [
        "backends.a.prvider",
        "backends.a.provider",
    ]


@pytest.mark.parametrize("without", ["", "provider: 5, ", "provider: '', ", "prvider: ollama, "])
def test_without_a_provider(without: str, tmp_path: Path) -> None:
    """P21: what can be checked of a backend without its provider is told in the same run."""
    text = (
        f"inference: {{{without}base_url: 'localhost:1234', api_key_env: GONE, profile: /no/such,\n"
        "  defaults: {temperature: 0.2, stream: true}, stages: [throttl],\n"
        "  default_model: a, allowed_models: [b],\n"
        "  options: {base_url: x}, http: {timeout_secs: 9, total_timeout_secs: 5}}\n"
    )
    found = [line.split(": ")[1].removeprefix("inference.") for line in wrong(tmp_path, text)]

    assert {
        "provider",
        "base_url",
        "api_key_env",
        "profile",
        "defaults.stream",
        "stages[0]",
        "default_model",
        "options.base_url",
        "http.timeout_secs",
    } == set(found) - {"prvider"}


def test_below_a_name_that_is_none(tmp_path: Path) -> None:
    """P21: what stands there is told by the name that the file has; two such names keep apart."""
    text = (
        "backends:\n  My Box: {provider: vllm, base_url: x}\n  MY BOX: {provider: vllm, base_url: x}\n"
        "  --: {provider: vllm, base_url: x}\n  my-pc: {provider: vllm, base_url: x}\n"
        "  MY PC: {provider: vllm}\n"
        "routes: [{model: a, backends: [my-pc]}, {backends: [my-pc]}, {backends: [your-pc]}]\n"
        "prompts: {A b: {system: '{{'}}\nserver: {api_keys: [{env: GONE}, {env: GONE}]}\n"
    )

    assert [line.split(": ")[1] for line in wrong(tmp_path, text)] == [
        "backends.My Box",
        "backends.My Box.base_url",
        "backends.MY BOX",
        "backends.--",
        "backends.my-pc.base_url",
        "backends.MY PC",
        "routes[1].model",
        "routes[2].model",
        "routes[2].backends[0]",
        "prompts.A b.template",
        "prompts.A b",
        "prompts.A b.system",
        "server.api_keys[0].name",
        "server.api_keys[1].name",
        "server.api_keys[0].env",
        "server.api_keys[1].env",
    ]


def test_a_route_that_is_never_asked(tmp_path: Path) -> None:
    """C07: told, since it does no harm."""
    text = "routes: [{model: '*', backends: [inference]}, {model: a, backends: [inference]}]"

    assert read(tmp_path, BACKEND + text).warnings == (
        f"{tmp_path}/gateway.yaml:2: routes[1].model: it is never asked: routes[0] is for all models",
    )


OPEN = ["0.0.0.0", "::", "192.168.1.5", "gateway", "::ffff:10.0.0.1", "fe80::1%eth0"]  # noqa: S104 - the subject


@pytest.mark.parametrize("host", OPEN)
def test_an_address_that_others_reach(host: str, tmp_path: Path) -> None:
    """C10, P27: it needs a key, or a word that it needs none; whether file, variable or flag names it."""
    said = "others can reach it, and nobody needs a key: give api_keys, or set allow_no_key to true"
    open_ = f"{BACKEND}server: {{host: '{host}', allow_no_key: true}}"
    keyed = f"{BACKEND}server: {{host: '{host}', api_keys: [{{name: x, env: KEY}}]}}"
    broken = f"{BACKEND}server: {{host: '{host}', api_keys: [{{name: x, env: GONE}}]}}"
    none = f"{BACKEND}server: {{host: '{host}', api_keys: []}}"

    assert wrong(tmp_path, f"{BACKEND}server: {{host: '{host}'}}") == [f"gateway.yaml:2: server.host: {said}"]
    assert wrong(tmp_path, none) == [f"gateway.yaml:2: server.host: {said}"]
    assert wrong(tmp_path, BACKEND, {"INFERENCE_SERVER_HOST": host}) == [
        f"environment: INFERENCE_SERVER_HOST: {said}"
    ]
    assert wrong(tmp_path, BACKEND, host=host) == [f"--host: {said}"]
    assert "GONE is not set" in " ".join(wrong(tmp_path, broken))
    assert len(wrong(tmp_path, broken)) == 1
    assert read(tmp_path, open_).config.server.host == host
    assert read(tmp_path, keyed, KEY).keys == {"x": b"a-key"}


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "LOCALHOST", "::1", "127.9.9.9", "::ffff:127.0.0.1"]
)
def test_an_address_of_this_machine(host: str, tmp_path: Path) -> None:
    """C10: it needs none."""
    assert read(tmp_path, f"{BACKEND}server: {{host: '{host}'}}").config.server.host == host


@pytest.mark.parametrize(
    "host", ["[::1]", "localhost:80", "http://localhost", "a b", "-a", "a/b", "1.2.3.4/8"]
)
def test_what_is_no_host(host: str, tmp_path: Path) -> None:
    """C06: a name or a number, and nothing beside it."""
    [said] = wrong(tmp_path, f"{BACKEND}server: {{host: '{host}', allow_no_key: true}}")

    assert said.startswith("gateway.yaml:2: server.host: this is no address or name of this machine")


def test_who_may_ask(tmp_path: Path) -> None:
    """P26: names and origins one by one; an asterisk is none."""
    good = "server: {allowed_hosts: [llm.example.org, 'box:3000', '[::1]:80'], allowed_origins: ['https://a.b:9']}"
    bad = (
        "server: {allowed_hosts: ['*', 'http://a', 'a/b'], allowed_origins: ['*', a.b, 'https://a/', 'null']}"
    )
    found = wrong(tmp_path, BACKEND + bad)

    assert len(read(tmp_path, BACKEND + good).config.server.allowed_hosts) == 3
    assert [line.split(": ")[1] for line in found] == [
        *(f"server.allowed_hosts[{number}]" for number in range(3)),
        *(f"server.allowed_origins[{number}]" for number in range(4)),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "{server: {heartbeat_secs: 9}, limits: {write_timeout_secs: 9}}",
            "server.heartbeat_secs: it is not less than limits.write_timeout_secs",
        ),
        (
            "{limits: {max_streams_per_key: 9, max_streams: 5}}",
            "limits.max_streams_per_key: it is more than max_streams",
        ),
        (
            "{limits: {max_tokens: 5}, inference: {provider: mlx, defaults: {max_tokens: 9}}}",
            "inference.defaults.max_tokens: it is more than limits.max_tokens allows",
        ),
    ],
)
def test_limits_that_cannot_work(text: str, said: str, tmp_path: Path) -> None:
    """C05: the one that is to be changed is named."""
    [found] = wrong(tmp_path, text)

    assert found.startswith(f"gateway.yaml:1: {said}")


def test_a_default_gives_way(tmp_path: Path) -> None:
    """C05: nobody has to know the other limit to set one."""
    assert read(tmp_path, "limits: {write_timeout_secs: 2}").config.limits.write_timeout_secs == 2


@pytest.mark.parametrize(
    "text",
    ["{{a}}", "{{ ü }}", "{{a_1}} and {{B}}", "}}", '{"a": {"b": 1}}', "{0.__class__}", "{% x %}", "{a}"],
)
def test_texts_of_prompts(text: str, tmp_path: Path) -> None:
    """S11: only `{{name}}` means anything."""
    prompts = read(tmp_path, f"prompts: {{p: {{template: '{text}'}}}}").config.prompts

    assert prompts["p"].template == text


@pytest.mark.parametrize("text", ["{{7*7}}", "{{a b}}", "{{a", "{{}}", "{{a.b}}", "{{1}}"])
@pytest.mark.parametrize("field", ["template", "system"])
def test_variables_that_are_none(text: str, field: str, tmp_path: Path) -> None:
    """S11: what looks like a variable and is none is found before anybody asks."""
    texts = {"template": "x", "system": "x", field: text}
    found = wrong(
        tmp_path, f"prompts: {{p: {{template: '{texts['template']}', system: '{texts['system']}'}}}}"
    )

    assert len(found) == 1
    assert found[0].startswith(f"gateway.yaml:1: prompts.p.{field}: `{{{{` begins a variable")


def test_parameters_of_prompts(tmp_path: Path) -> None:
    """C04: as those of a backend's defaults."""
    [model, heat] = wrong(tmp_path, "prompts: {p: {template: x, parameters: {model: a, temperature: -1}}}")

    assert model.endswith("prompts.p.parameters.model: the request itself says that: leave it out")
    assert heat.endswith("prompts.p.parameters.temperature: temperature is a number of at least 0")
