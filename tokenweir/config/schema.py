"""The gateway's configuration as values: every key, its type, its bounds and its default.

Law of this file: the structs are the schema. What a file or the environment may say, what an error calls
the nearest right name, and what `--print-config` shows is all read from them; nothing here reads anything.
A field's `Meta(description=...)` is its one line of documentation.

Seconds are numbers without a unit, bytes whole numbers; the key says which (`_secs`, `_bytes`).
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from tokenweir.stages.cumulative_detect import Mode

Seconds = Annotated[float, Meta(gt=0)]
Count = Annotated[int, Meta(ge=1)]
Name = Annotated[str, Meta(min_length=1, max_length=64, pattern="^[a-z0-9][a-z0-9_-]*\\Z")]
"""What a backend, a key or a prompt is called: it stands in URLs, metrics and variables."""
ModelName = Annotated[str, Meta(min_length=1, max_length=512)]
Progress = Literal["comments", "events", "reasoning", "none"]
ReasoningField = Literal["reasoning_content", "reasoning", "both"]


class HTTPSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a backend may take, by phase, and which of its connections are kept."""

    connect_timeout_secs: Annotated[Seconds | None, Meta(description="until there is a connection")] = 5.0
    first_token_timeout_secs: Annotated[
        Seconds | None, Meta(description="from the request to the first token; a model may load meanwhile")
    ] = None
    timeout_secs: Annotated[Seconds | None, Meta(description="between two tokens")] = 120.0
    silence_timeout_secs: Annotated[
        Seconds | None, Meta(description="without any byte, once tokens have come; keep-alives count")
    ] = 60.0
    total_timeout_secs: Annotated[Seconds | None, Meta(description="the whole answer; null for no limit")] = (
        None
    )
    keep_alive_secs: Annotated[Seconds, Meta(description="how long an idle connection is kept")] = 15.0
    max_idle_connections: Annotated[
        Annotated[int, Meta(ge=0)], Meta(description="idle connections that are kept; 0 for none")
    ] = 100


class Streaming(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a backend streams, and how its answers are streamed on."""

    enabled: Annotated[bool, Meta(description="false: ask the backend for whole answers only")] = True
    mode: Annotated[
        Mode | None, Meta(description="what its chunks are: deltas, all so far, or found out; null: as usual")
    ] = None
    coalesce_secs: Annotated[
        Seconds | None, Meta(description="gather tokens for so long into one chunk; null: each at once")
    ] = None
    progress: Annotated[
        Progress, Meta(description="how a client is told of loading, where it does not ask for a form itself")
    ] = "comments"
    reasoning_field: Annotated[
        ReasoningField, Meta(description="the field in which clients get reasoning text")
    ] = "reasoning_content"


class KeepWarm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Models that stay loaded."""

    models: Annotated[list[ModelName], Meta(description="which; empty: the default model")] = []
    every_secs: Annotated[Seconds, Meta(description="after how long without a request one is made")] = 300.0


class Backend(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One backend: where it is, what it is asked, and what is done to its answers."""

    provider: Annotated[
        Annotated[str, Meta(min_length=1, max_length=64)],
        Meta(description="as in `connect`: lmstudio, ollama, openai, ..."),
    ]
    base_url: Annotated[str | None, Meta(description="its address; null: the provider's usual one")] = None
    default_model: Annotated[
        ModelName | None, Meta(description="for requests that name none, or `local-model`")
    ] = None
    allowed_models: Annotated[
        list[ModelName], Meta(description="names, or unique parts of names, that may be asked; empty: all")
    ] = []
    api_key_env: Annotated[str | None, Meta(description="the variable that holds its key")] = None
    api_key_file: Annotated[str | None, Meta(description="the file that holds its key")] = None
    http: Annotated[HTTPSettings, Meta(description="how long it may take, and its connections")] = (
        HTTPSettings()
    )
    streaming: Annotated[Streaming, Meta(description="how it streams, and is streamed on")] = Streaming()
    stages: Annotated[
        list[str | dict[str, Any]],
        Meta(description="`token_count`, or `{throttle: {rate: 60}}`, in their order"),
    ] = []
    defaults: Annotated[dict[str, Any], Meta(description="parameters for requests that do not set them")] = (
        field(default_factory=dict[str, Any])
    )
    options: Annotated[dict[str, Any], Meta(description="further options of `connect` for this provider")] = (
        field(default_factory=dict[str, Any])
    )
    profile: Annotated[str | None, Meta(description="a file that `tokenweir doctor --json` wrote")] = None
    max_concurrent: Annotated[
        Count | None, Meta(description="answers at once; more wait their turn; null: no limit")
    ] = None
    preload: Annotated[list[ModelName], Meta(description="models to load at the start")] = []
    keep_warm: Annotated[KeepWarm | None, Meta(description="models to keep loaded; null: none")] = None


class Route(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which backends answer requests for a model."""

    model: Annotated[ModelName, Meta(description="a name, or a pattern with `*`")]
    backends: Annotated[
        Annotated[list[Name], Meta(min_length=1)],
        Meta(description="asked in this order: the next one where one fails before its first token"),
    ]
    ask_for: Annotated[
        ModelName | None, Meta(description="the name by which the backends know it; null: the same")
    ] = None


class Key(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One client's key. Its `name` is what logs and metrics show."""

    name: Annotated[Name, Meta(description="what the client is called")]
    env: Annotated[str | None, Meta(description="the variable that holds it")] = None
    file: Annotated[str | None, Meta(description="the file that holds it")] = None


class Server(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where and for whom the gateway serves."""

    host: Annotated[
        Annotated[str, Meta(min_length=1)], Meta(description="an address of this machine; `0.0.0.0` for all")
    ] = "127.0.0.1"
    port: Annotated[Annotated[int, Meta(ge=1, le=65535)], Meta(description="where it listens")] = 3000
    api_keys: Annotated[list[Key], Meta(description="clients must have one of these; empty: none")] = []
    allow_no_key: Annotated[
        bool, Meta(description="serve an address that others can reach without any key")
    ] = False
    allowed_hosts: Annotated[
        list[str], Meta(description="names in `Host` beside the address itself, as `llm.example.org`")
    ] = []
    allowed_origins: Annotated[
        list[str], Meta(description="web pages that may ask, as `https://chat.example.org`")
    ] = []
    drain_timeout_secs: Annotated[Seconds, Meta(description="how long streams may go on after SIGTERM")] = (
        30.0
    )
    ready_after_preload: Annotated[
        bool, Meta(description="not ready before all models of `preload` are loaded")
    ] = False
    heartbeat_secs: Annotated[
        Annotated[float, Meta(gt=0, le=15)], Meta(description="the longest silence that a client sees")
    ] = 5.0
    page: Annotated[bool, Meta(description="serve the status page at `/`")] = True
    log: Annotated[Literal["text", "json"], Meta(description="the form of the log on standard error")] = (
        "text"
    )


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is refused before it costs anything."""

    max_streams: Annotated[Count, Meta(description="answers at once")] = 1000
    max_streams_per_key: Annotated[
        Count | None, Meta(description="of one key; null: no limit of its own")
    ] = None
    max_queued: Annotated[
        Annotated[int, Meta(ge=0)], Meta(description="requests that wait for a backend with max_concurrent")
    ] = 100
    queue_timeout_secs: Annotated[Seconds, Meta(description="how long one of them waits")] = 60.0
    max_body_bytes: Annotated[Count, Meta(description="of a request")] = 10 * 1024 * 1024
    body_timeout_secs: Annotated[Seconds, Meta(description="in which a request's body must have come")] = 30.0
    max_messages: Annotated[Count, Meta(description="in a request")] = 4096
    max_tools: Annotated[Count, Meta(description="in a request")] = 1024
    max_choices: Annotated[Count, Meta(description="`n` of a request")] = 8
    max_depth: Annotated[Count, Meta(description="of the JSON of a request")] = 64
    max_tokens: Annotated[
        Count | None, Meta(description="the most that `max_tokens` may ask for; null: the backend decides")
    ] = None
    write_timeout_secs: Annotated[
        Seconds, Meta(description="after which a client that takes no byte is cut")
    ] = 30.0


class Prompt(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stored prompt. `{{name}}` in its texts is replaced by the variable of that name, and nothing else."""

    template: Annotated[str, Meta(min_length=1, description="the user's message")]
    system: Annotated[str | None, Meta(description="the system message")] = None
    model: Annotated[ModelName | None, Meta(description="where the request names none")] = None
    parameters: Annotated[dict[str, Any], Meta(description="of the request: `{temperature: 0.2}`")] = field(
        default_factory=dict[str, Any]
    )


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of it. `inference` is the backend called `inference`, and comes before those in `backends`."""

    inference: Annotated[Backend | None, Meta(description="the first backend, or the only one")] = None
    backends: Annotated[dict[Name, Backend], Meta(description="several backends, by names of your own")] = (
        field(default_factory=dict[str, Backend])
    )
    routes: Annotated[
        list[Route], Meta(description="the first that fits counts; else whoever has the model")
    ] = []
    server: Annotated[Server, Meta(description="where and for whom it serves")] = field(
        default_factory=Server
    )
    limits: Annotated[Limits, Meta(description="what is refused")] = Limits()
    prompts: Annotated[dict[Name, Prompt], Meta(description="by their ids")] = field(
        default_factory=dict[str, Prompt]
    )

    def all_backends(self) -> dict[str, Backend]:
        """Every backend by its name, in the order in which they are asked."""
        first = {} if self.inference is None else {"inference": self.inference}
        return first | self.backends | first

    def ways(self) -> dict[str, tuple[str, ...]]:
        """Where each backend's settings stand: `inference`, or `backends` and the name."""
        first: dict[str, tuple[str, ...]] = {} if self.inference is None else {"inference": ("inference",)}
        return first | {name: ("backends", name) for name in self.backends} | first
