"""UMT5 text encoders: ids in, hidden states of every block out."""

import torch
from transformers import UMT5Config, UMT5EncoderModel

from fixture_io import case_folder, save_tensors, seeded
from random_weights import fill

CASES = {
    "umt5-a": dict(
        vocab_size=64, d_model=32, d_kv=8, num_heads=4, d_ff=48, num_layers=2,
        relative_attention_num_buckets=32, relative_attention_max_distance=128, layer_norm_epsilon=1e-6,
    ),
    "umt5-b": dict(
        vocab_size=50, d_model=24, d_kv=8, num_heads=2, d_ff=40, num_layers=3,
        relative_attention_num_buckets=16, relative_attention_max_distance=20, layer_norm_epsilon=1e-5,
    ),
}  # fmt: skip
LENGTHS = (1, 7, 40)
PADDED_LENGTH = 16
REAL_LENGTH = 7


def encode(model, ids, mask=None):
    """Every block's output and the final hidden states."""
    blocks = []
    hooks = [b.register_forward_hook(lambda _m, _i, out: blocks.append(out)) for b in model.encoder.block]
    with torch.no_grad():
        last = model(input_ids=ids, attention_mask=mask).last_hidden_state
    for hook in hooks:
        hook.remove()
    torch.testing.assert_close(model.encoder.final_layer_norm(blocks[-1]), last)
    return {**{f"block.{i}": out for i, out in enumerate(blocks)}, "last_hidden_state": last}


def make_case(name, seed):
    """One random encoder, run on unpadded ids of several lengths and on padded ids with a mask."""
    config = UMT5Config(
        **CASES[name], feed_forward_proj="gated-gelu", is_encoder_decoder=False, tie_word_embeddings=False,
        use_cache=False, architectures=["UMT5EncoderModel"],
    )  # fmt: skip
    config._attn_implementation = "eager"
    # UMT5 does not divide by sqrt(d_kv): the trained query weights absorb it, so the random ones must too.
    model = fill(UMT5EncoderModel(config), seed, gains=[("SelfAttention.q.weight", config.d_kv**-0.5)])
    folder = case_folder(name)
    model.save_pretrained(folder)

    tensors = {}
    for length in LENGTHS:
        ids = torch.randint(2, config.vocab_size, (1, length), generator=seeded(seed + length))
        ids[0, -1] = config.eos_token_id
        tensors[f"length{length}.input_ids"] = ids
        tensors |= {f"length{length}.{k}": v for k, v in encode(model, ids).items()}
    tensors |= padded(model, tensors[f"length{REAL_LENGTH}.input_ids"])
    torch.testing.assert_close(tensors["padded.last_hidden_state"], tensors["length7.last_hidden_state"])
    save_tensors(folder / "reference.safetensors", tensors)


def padded(model, ids):
    """The same ids as a pipeline feeds them; only the rows of real tokens are kept, the others mean nothing."""
    padding = torch.full((1, PADDED_LENGTH - REAL_LENGTH), model.config.pad_token_id)
    padded_ids = torch.cat([ids, padding], dim=1)
    mask = (torch.arange(PADDED_LENGTH) < REAL_LENGTH).long()[None]
    outputs = {f"padded.{k}": v[:, :REAL_LENGTH] for k, v in encode(model, padded_ids, mask).items()}
    return {"padded.input_ids": padded_ids, "padded.attention_mask": mask, **outputs}


def make():
    for number, name in enumerate(CASES):
        make_case(name, 100 + 1000 * number)
