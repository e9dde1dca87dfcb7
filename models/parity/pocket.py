"""Stage by stage on the bundled checkpoint's own weights, which are read from models/pocket and not copied."""

import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel
from transformers import AutoTokenizer, UMT5EncoderModel

import umt5
import wan_transformer
import wan_vae
from fixture_io import FIXTURES, POCKET, randn, save_json, save_tensors, weight_hashes

PROMPT = "a red circle moves right"
TEXT_LENGTH = 64
TIMESTEP = 500.0
# The decoder's last stages are large; its smaller outputs are kept up to this many bytes.
DECODER_BYTES = 160_000


def text_encoder():
    """Hidden states of one unpadded prompt."""
    ids = AutoTokenizer.from_pretrained(POCKET / "tokenizer")(PROMPT, return_tensors="pt").input_ids
    model = UMT5EncoderModel.from_pretrained(POCKET / "text_encoder", dtype=torch.float32, attn_implementation="eager")
    return {"input_ids": ids, **umt5.encode(model.eval(), ids)}


def transformer():
    """One forward pass; of the blocks, the residual stream only."""
    model = WanTransformer3DModel.from_pretrained(POCKET / "transformer", dtype=torch.float32).eval()
    latents = randn(40_001, 1, model.config.in_channels, 2, 4, 4)
    text = randn(40_002, 1, TEXT_LENGTH, model.config.text_dim)
    timestep = torch.tensor([TIMESTEP])
    watchers = (wan_transformer.watch_stem, wan_transformer.watch_block_ends)
    output, record = wan_transformer.forward(model, latents, timestep, text, watchers)
    return record | {"latents": latents, "encoder_hidden_states": text, "timestep": timestep, "output": output}


def vae():
    """Three latent frames decoded, with the stages' outputs that fit the budget, the smallest first."""
    model = AutoencoderKLWan.from_pretrained(POCKET / "vae", dtype=torch.float32).eval()
    latents = randn(40_003, 1, model.config.z_dim, 3, 4, 4)
    record = wan_vae.decode(model, latents)
    wan_vae.check(model, record)
    kept = {name: record.pop(name) for name in ("latents", "sample", "post_quant_conv")}
    spent = 0
    for name, tensor in sorted(record.items(), key=lambda item: item[1].nbytes):
        spent += tensor.nbytes
        if spent <= DECODER_BYTES:
            kept[name] = tensor
    return kept


def make():
    parts = {"text_encoder": text_encoder(), "transformer": transformer(), "vae": vae()}
    tensors = {f"{part}.{name}": value for part, record in parts.items() for name, value in record.items()}
    save_tensors(FIXTURES / "pocket" / "reference.safetensors", tensors)
    save_json(FIXTURES / "pocket" / "reference.json", {"prompt": PROMPT, "weights_sha256": weight_hashes(POCKET)})
