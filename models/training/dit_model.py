"""The pocket text encoder and diffusion transformer, and how captions reach the latter."""

from __future__ import annotations

from functools import lru_cache

import torch
from diffusers import UniPCMultistepScheduler, WanTransformer3DModel
from transformers import UMT5Config, UMT5EncoderModel

TEXT_LENGTH = 64

# Steps of the distilled model.
STEPS = 4


def few_step_scheduler() -> UniPCMultistepScheduler:
    """Of the first order and without a corrector: Euler's steps, which is what the student learns."""
    return UniPCMultistepScheduler(
        num_train_timesteps=1000,
        prediction_type="flow_prediction",
        use_flow_sigmas=True,
        flow_shift=3.0,
        solver_order=1,
        solver_type="bh2",
        disable_corrector=list(range(STEPS)),
        final_sigmas_type="zero",
    )


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


def compile_blocks(transformer: WanTransformer3DModel) -> None:
    """Compile what runs inside each block, once for each length of clip; hooks stay outside."""
    for block in transformer.blocks:
        block.forward = torch.compile(block.forward, dynamic=False)


@lru_cache(maxsize=None)
def few_step_levels() -> torch.Tensor:
    """Noise levels of the distilled model's steps, and zero."""
    scheduler = few_step_scheduler()
    scheduler.set_timesteps(STEPS)
    return scheduler.sigmas.float()


def load_modules(state: dict, weights: dict) -> torch.nn.ModuleDict:
    """Text encoder and transformer of the sizes that a training's state tells."""
    modules = torch.nn.ModuleDict(
        {
            "text_encoder": build_text_encoder(state["vocab"], state["text_width"]),
            "transformer": build_transformer(
                state["text_width"],
                heads=state["heads"],
                ffn_dim=state["heads"] * 256,
                layers=state["layers"],
            ),
        }
    )
    modules.load_state_dict(weights)
    return modules


def embed(text_encoder: UMT5EncoderModel, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Embeddings as WanPipeline feeds them: zero after the last token, TEXT_LENGTH long."""
    hidden = text_encoder(input_ids=ids, attention_mask=mask).last_hidden_state
    hidden = hidden * mask[..., None].to(hidden.dtype)
    return torch.nn.functional.pad(hidden, (0, 0, 0, TEXT_LENGTH - hidden.shape[1]))


def velocity(
    transformer: WanTransformer3DModel, x: torch.Tensor, level: torch.Tensor, texts: torch.Tensor
) -> torch.Tensor:
    """What the transformer predicts for latents ``x`` [b, 16, t, h, w] at noise levels [b] in (0, 1]."""
    return transformer(
        hidden_states=x, timestep=level * 1000, encoder_hidden_states=texts, return_dict=False
    )[0]


def encode_captions(tokenizer, texts: list[str], device="cpu"):
    """Token ids and mask, padded to the longest caption only: what is cut off is zeroed anyway."""
    batch = tokenizer(
        texts, padding="longest", max_length=TEXT_LENGTH, truncation=True, return_tensors="pt"
    )
    return batch.input_ids.to(device), batch.attention_mask.to(device)
