"""Encoders of contexts: a small one that is trained with the rest, or a pretrained one with its own tokenizer.

Shapes: P contexts, S words or tokens a context, U distinct ones, D the width of the model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .tokenizer import Words, as_words


def small_encoder(width: int, heads: int, layers: int, soft_cap: float | None) -> Any:
    """A small encoder of the T5Gemma architecture (transformers), which reads embeddings, not ids."""
    from transformers import T5GemmaConfig, T5GemmaEncoderModel, T5GemmaModuleConfig

    shape = T5GemmaModuleConfig(
        vocab_size=1,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        head_dim=width // heads,
        query_pre_attn_scalar=width // heads,
        attn_logit_softcapping=soft_cap,
        bos_token_id=None,
        eos_token_id=None,
    )
    decoder = shape.to_dict()  # a copy, as it is marked causal, which the fused kernel would obey
    whole = T5GemmaConfig(encoder=shape, decoder=decoder, is_encoder_decoder=False, dropout_rate=0.0)
    encoder: Any = T5GemmaEncoderModel(whole)
    if soft_cap is None:  # nothing else keeps T5Gemma from the fused kernel
        encoder.encoder.config._attn_implementation = "sdpa"
    return encoder


class PretrainedEncoder(nn.Module):
    """The encoder of a T5Gemma or T5Gemma-2 model (transformers), and a linear projection to the width of ours.

    Args:
        name: Folder or hub name of the model and its tokenizer.
        width: D.
        frozen: Leave its weights as they are. They then are no part of the state that is trained and saved.
        config: The model's configuration, of a trained encoder whose weights are loaded elsewhere; None reads them.

    Raises:
        OSError: If there is no such model.
    """

    def __init__(
        self, name: str | Path, width: int, frozen: bool = True, config: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__()
        name = str(Path(name).resolve()) if Path(name).is_dir() else str(name)
        self.tokenizer = EncoderTokenizer(name)
        encoder, config = _opened(name, None if frozen else config)
        self.description: dict[str, Any] = {"name": name, "frozen": frozen, "config": config}
        self.trained = None if frozen else encoder
        self._encoder = [encoder]  # in a list, torch does not take it for a part of this module
        self.project = nn.Linear(encoder.config.hidden_size, width, bias=False)

    @property
    def frozen(self) -> bool:
        """Whether the weights stay as they are."""
        return self.trained is None

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Tokens of contexts and which there are, (P, S) each -> states, (P, S, D)."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            states = self._encoder[0](input_ids=ids, attention_mask=mask).last_hidden_state
        projected: Tensor = self.project(states)
        return projected

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> PretrainedEncoder:
        if self.frozen:
            self._encoder[0]._apply(fn)
        return super()._apply(fn, recurse)


class EncoderTokenizer:
    """The tokenizer of a pretrained encoder, called as ours is; a word has one piece, its token.

    Args:
        name: Folder or hub name.
    """

    def __init__(self, name: str) -> None:
        from transformers import AutoTokenizer

        self._tokenizer: Any = AutoTokenizer.from_pretrained(name)

    def __call__(self, texts: Sequence[str], limit: int) -> Words:
        """Encode texts, at most limit tokens each; a cut text is reported by a `TruncationWarning`."""
        rows = self._tokenizer(list(texts), verbose=False)["input_ids"]
        padding = (self._tokenizer.pad_token_id or 0,)
        return as_words(texts, [[(token,) for token in row] for row in rows], limit, padding)


def _opened(name: str, config: Mapping[str, Any] | None) -> tuple[Any, dict[str, Any]]:
    """The encoder of a whole model, and the model's configuration."""
    import transformers

    library: Any = transformers
    if config is None:
        whole = library.AutoModel.from_pretrained(name, dtype=torch.float32)
    else:
        whole = library.AutoModel.from_config(library.AutoConfig.for_model(**config))
    encoder = whole.get_encoder()
    return getattr(encoder, "text_model", encoder), whole.config.to_dict()  # T5Gemma-2 has one for images as well
