"""The pocket text encoder and diffusion transformer, and how captions reach the latter."""

from __future__ import annotations

import torch
from diffusers import WanTransformer3DModel
from transformers import UMT5Config, UMT5EncoderModel

TEXT_LENGTH = 64


def build_text_encoder(vocab_size: int, width: int = 128) -> UMT5EncoderModel:
    return UMT5EncoderModel(
        UMT5Config(
            vocab_size=vocab_size,
            d_model=width,
            d_kv=32,
            num_heads=width // 32,
            d_ff=2 * width,
            num_layers=2,
            relative_attention_num_buckets=32,
            relative_attention_max_distance=128,
            dropout_rate=0.0,
            feed_forward_proj="gated-gelu",
            pad_token_id=0,
            eos_token_id=1,
            decoder_start_token_id=0,
        )
    )


def build_transformer(
    text_dim: int = 128, heads: int = 3, ffn_dim: int = 768, layers: int = 6
) -> WanTransformer3DModel:
    return WanTransformer3DModel(
        patch_size=(1, 2, 2),
        num_attention_heads=heads,
        attention_head_dim=64,
        in_channels=16,
        out_channels=16,
        text_dim=text_dim,
        freq_dim=256,
        ffn_dim=ffn_dim,
        num_layers=layers,
        cross_attn_norm=True,
        qk_norm="rms_norm_across_heads",
        rope_max_seq_len=1024,
    )


def embed(text_encoder: UMT5EncoderModel, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Embeddings as WanPipeline feeds them: zero after the last token, TEXT_LENGTH long."""
    hidden = text_encoder(input_ids=ids, attention_mask=mask).last_hidden_state
    hidden = hidden * mask[..., None].to(hidden.dtype)
    return torch.nn.functional.pad(hidden, (0, 0, 0, TEXT_LENGTH - hidden.shape[1]))


def encode_captions(tokenizer, texts: list[str], device="cpu"):
    """Token ids and mask, padded to the longest caption only: what is cut off is zeroed anyway."""
    batch = tokenizer(
        texts, padding="longest", max_length=TEXT_LENGTH, truncation=True, return_tensors="pt"
    )
    return batch.input_ids.to(device), batch.attention_mask.to(device)
