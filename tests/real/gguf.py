"""The tiny model as a GGUF file: for everything that is made of llama.cpp.

Law of this file: GGUF version 3 as its specification says, written without any library.
"""

import struct
from collections.abc import Sequence
from pathlib import Path

from tests.real import weights
from tests.real.vocabulary import ADDED, CONTROL, END, NUMBER, TEMPLATE, TOKENS

_ALIGNMENT = 32
_UINT32, _INT32, _FLOAT32, _BOOL, _STRING, _ARRAY = 4, 5, 6, 7, 8, 9
_NORMAL, _CONTROL, _USER_DEFINED = 1, 3, 4
_NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "model.layers": "blk",
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
"""transformers' name -> llama.cpp's."""


def write(file: Path) -> None:
    """Make the file, or make it anew."""
    file.parent.mkdir(parents=True, exist_ok=True)
    facts, data = _facts(), bytearray()
    told: list[bytes] = []
    for name, (shape, numbers) in weights.tensors():
        told.append(_tensor(name, shape, len(data)))
        data += numbers.tobytes()
        data += bytes(-len(data) % _ALIGNMENT)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(told), len(facts)) + b"".join([*facts, *told])
    file.write_bytes(head + bytes(-len(head) % _ALIGNMENT) + data)


def _tensor(name: str, shape: Sequence[int], begin: int) -> bytes:
    for theirs, ours in _NAMES.items():
        name = name.replace(theirs, ours)
    sizes = struct.pack(f"<I{len(shape)}Q", len(shape), *reversed(shape))
    return _text(name) + sizes + struct.pack("<IQ", 0, begin)  # 0: float32


def _facts() -> list[bytes]:
    kinds = [
        _CONTROL if token in CONTROL else _USER_DEFINED if token in ADDED else _NORMAL for token in TOKENS
    ]
    return [
        _string("general.architecture", "qwen2"),
        _string("general.name", "tiny"),
        _number("qwen2.context_length", weights.CONTEXT),
        _number("qwen2.embedding_length", weights.WIDTH),
        _number("qwen2.feed_forward_length", weights.INNER),
        _number("qwen2.block_count", weights.LAYERS),
        _number("qwen2.attention.head_count", weights.HEADS),
        _number("qwen2.attention.head_count_kv", weights.HEADS),
        _fraction("qwen2.attention.layer_norm_rms_epsilon", 1e-6),
        _fraction("qwen2.rope.freq_base", weights.ROPE),
        _string("tokenizer.ggml.model", "gpt2"),
        _string("tokenizer.ggml.pre", "qwen2"),
        _list("tokenizer.ggml.tokens", _STRING, [_text(token) for token in TOKENS]),
        _list("tokenizer.ggml.token_type", _INT32, [struct.pack("<i", kind) for kind in kinds]),
        _list("tokenizer.ggml.merges", _STRING, []),
        _number("tokenizer.ggml.eos_token_id", NUMBER[END]),
        _key("tokenizer.ggml.add_bos_token", _BOOL) + b"\0",
        _string("tokenizer.chat_template", TEMPLATE),
    ]


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def _key(name: str, kind: int) -> bytes:
    return _text(name) + struct.pack("<I", kind)


def _string(name: str, value: str) -> bytes:
    return _key(name, _STRING) + _text(value)


def _number(name: str, value: int) -> bytes:
    return _key(name, _UINT32) + struct.pack("<I", value)


def _fraction(name: str, value: float) -> bytes:
    return _key(name, _FLOAT32) + struct.pack("<f", value)


def _list(name: str, kind: int, values: Sequence[bytes]) -> bytes:
    return _key(name, _ARRAY) + struct.pack("<IQ", kind, len(values)) + b"".join(values)
