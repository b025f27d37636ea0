"""What the tiny model of these tests can say, and what its tokens are.

Law of this file: words only. A token exists once, and leads to one other token: so an answer is a chain of
fragments of which none stands in another chain. A question is read byte by byte. The switch in it says
which chain follows.
"""

from collections.abc import Mapping, Sequence

START, END = "<|im_start|>", "<|im_end|>"
THINK, THOUGHT = "<think>", "</think>"
CALL, CALLED = "<tool_call>", "</tool_call>"
CONTROL = (END, START)
"""Tokens that are never text."""

TEXT = ("Rivers", " carry", " what", " they", " are", " given", ".")
REASONING = ("\nSomebody", " asks", " about", " rain", ", so", " look", " at", " clouds")
REPLY = ("It", " will", " pour", " soon", "!")
UNICODE: Sequence[str | bytes] = (*(bytes([byte]) for byte in "é中🙂\u2028".encode()), " (four)")
"""Each character in several tokens; the last of them is a line separator, which ends no line on the wire."""
ARGUMENTS = ('{"ci', 'ty": ', '"Os', 'lo", "da', 'ys": ', "3}")
ENDLESS = tuple(f"{tens}{ones} " for tens in "abcdefgh" for ones in "aeiou")
"""This goes round and round."""

TOOL = "forecast"
_CALL = ('\n{"name": "', TOOL, '", "argu', 'ments": ', *ARGUMENTS, "}\n")

Chain = Sequence[str | bytes]
CHAINS: Mapping[str, Chain] = {
    "[text]": (*TEXT, END),
    "[think]": (THINK, *REASONING, ".\n", THOUGHT, "\n\n", *REPLY, END),
    "[call]": (CALL, *_CALL, CALLED, END),
    "[unicode]": (*UNICODE, END),
    "[endless]": (*ENDLESS, ENDLESS[0]),
}
"""Switch -> what is said; the first chain where there is no switch."""

SAID: Mapping[str, str] = {
    "[text]": "".join(TEXT),
    "[think]": "".join(REPLY),
    "[call]": "",
    "[unicode]": "é中🙂\u2028 (four)",
}
"""Switch -> the text of an answer, where its tags are told apart from it."""
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": TOOL,
            "description": "The weather of the next days",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
                "required": ["city", "days"],
            },
        },
    }
]

ADDED = (*CONTROL, THINK, THOUGHT, CALL, CALLED, *CHAINS)
"""Tokens that are found in a text before anything else is."""


def _byte_names() -> list[str]:
    """GPT-2's way of writing each byte as one visible character."""
    plain = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    hidden = iter(range(256))
    return [chr(byte if byte in plain else 256 + next(hidden)) for byte in range(256)]


BYTES = _byte_names()


def as_bytes(text: str | bytes) -> str:
    """A fragment as it stands in a byte-level vocabulary.

    >>> as_bytes(" rain")
    'Ġrain'
    """
    return "".join(BYTES[byte] for byte in (text.encode() if isinstance(text, str) else text))


def _tokens() -> list[str]:
    said = [piece for chain in CHAINS.values() for piece in chain if isinstance(piece, str)]
    return list(dict.fromkeys([*BYTES, *(as_bytes(piece) for piece in said if piece not in ADDED), *ADDED]))


TOKENS = _tokens()
NUMBER = {token: number for number, token in enumerate(TOKENS)}


def number_of(piece: str | bytes) -> int:
    """The token that says this fragment."""
    return NUMBER[piece if isinstance(piece, str) and piece in ADDED else as_bytes(piece)]


TEMPLATE = """\
{%- if tools %}
{{- '<|im_start|>system\\nTools, one JSON object a line:\\n<tools>' }}
{%- for tool in tools %}{{ '\\n' + (tool | tojson) }}{% endfor %}
{{- '\\n</tools>\\nCall one with\\n<tool_call>\\n' }}
{{- '{"name": NAME, "arguments": OBJECT}\\n</tool_call><|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
{%- if message.role == 'tool' %}
{{- '<|im_start|>user\\n<tool_response>\\n' + message.content + '\\n</tool_response><|im_end|>\\n' }}
{%- else %}
{{- '<|im_start|>' + message.role + '\\n' }}
{%- if message.reasoning_content %}
{{- '<think>\\n' + message.reasoning_content + '\\n</think>\\n\\n' }}
{%- endif %}
{%- if message.content %}{{ message.content }}{% endif %}
{%- for call in message.tool_calls or [] %}
{%- set tool_call = call.function if call.function else call %}
{{- '\\n<tool_call>\\n{"name": "' + tool_call.name + '", "arguments": ' }}
{%- set given = tool_call.arguments %}
{%- if given is string %}{{ given }}{% else %}{{ given | tojson }}{% endif %}
{{- '}\\n</tool_call>' }}
{%- endfor %}
{{- '<|im_end|>\\n' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"""
"""A chat template of the form that servers know: reasoning in tags, tool calls as JSON in tags."""
