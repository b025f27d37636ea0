"""The tiny model as a folder of Hugging Face's form: for transformers, mlx_lm and vLLM.

Law of this file: the files of such a folder, written without any of their libraries.
"""

import json
import struct
from pathlib import Path
from typing import Any

from tests.real import weights
from tests.real.vocabulary import ADDED, CONTROL, END, NUMBER, TEMPLATE


def write(folder: Path) -> None:
    """Make the folder, or make it anew."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (
        ("config.json", _config()),
        ("generation_config.json", {"eos_token_id": NUMBER[END], "do_sample": False}),
        ("tokenizer.json", _tokenizer()),
        ("tokenizer_config.json", _tokenizer_config()),
    ):
        (folder / name).write_text(json.dumps(content), "utf-8")
    (folder / "model.safetensors").write_bytes(_safetensors())


def _config() -> dict[str, Any]:
    return {
        "architectures": ["Qwen2ForCausalLM"],
        "model_type": "qwen2",
        "vocab_size": len(NUMBER),
        "hidden_size": weights.WIDTH,
        "intermediate_size": weights.INNER,
        "num_hidden_layers": weights.LAYERS,
        "num_attention_heads": weights.HEADS,
        "num_key_value_heads": weights.HEADS,
        "max_position_embeddings": weights.CONTEXT,
        "rope_theta": weights.ROPE,
        "rms_norm_eps": 1e-6,
        "hidden_act": "silu",
        "tie_word_embeddings": False,
        "use_sliding_window": False,
        "torch_dtype": "float32",
        "eos_token_id": NUMBER[END],
        "bos_token_id": None,
    }


def _tokenizer() -> dict[str, Any]:
    """Byte-level BPE without a single merge: whatever is no added token is read byte by byte."""
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    return {
        "version": "1.0",
        "added_tokens": [_added(token) for token in ADDED],
        "pre_tokenizer": level,
        "decoder": level,
        "model": {
            "type": "BPE",
            "vocab": {token: number for token, number in NUMBER.items() if token not in ADDED},
            "merges": [],
            "byte_fallback": False,
            "ignore_merges": False,
        },
    }


def _added(token: str) -> dict[str, Any]:
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": NUMBER[token], "content": token, "special": token in CONTROL, **flags}


def _tokenizer_config() -> dict[str, Any]:
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": END,
        "pad_token": END,
        "model_max_length": weights.CONTEXT,
        "clean_up_tokenization_spaces": False,
        "chat_template": TEMPLATE,
    }


def _safetensors() -> bytes:
    head: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    data = bytearray()
    for name, (shape, numbers) in weights.tensors():
        begin = len(data)
        data += numbers.tobytes()
        head[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [begin, len(data)]}
    told = json.dumps(head).encode()
    told += b" " * (-len(told) % 8)
    return struct.pack("<Q", len(told)) + told + bytes(data)
