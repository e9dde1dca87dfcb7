"""The Wan autoencoder's decoder, as it runs: one latent frame at a time, with its causal caches."""

import torch
from diffusers import AutoencoderKLWan

from fixture_io import case_folder, keep_weights, randn, save_tensors
from random_weights import fill

LATENT_FRAMES = 4
# From the third chunk on every cache is full and nothing new happens: the fourth keeps its last output only.
FULL_CHUNKS = 3
MAX_CHECKPOINT_BYTES = 400_000

CASES = {
    "wan-vae-21": dict(
        config=dict(
            base_dim=4, dim_mult=[1, 2, 4, 4], z_dim=4, num_res_blocks=1, temperal_downsample=[False, True, True],
            scale_factor_temporal=4, scale_factor_spatial=8,
        ),
        size=(2, 3),
    ),
    "wan-vae-21-b": dict(
        config=dict(
            base_dim=6, dim_mult=[1, 2, 2], z_dim=3, num_res_blocks=2, temperal_downsample=[True, False],
            scale_factor_temporal=2, scale_factor_spatial=4,
        ),
        size=(3, 2),
    ),
    "wan-vae-22": dict(
        config=dict(
            base_dim=4, decoder_base_dim=6, dim_mult=[1, 2, 2], z_dim=6, num_res_blocks=1,
            temperal_downsample=[True, True], is_residual=True, patch_size=2, in_channels=12, out_channels=12,
            scale_factor_temporal=4, scale_factor_spatial=8,
        ),
        size=(2, 3),
    ),
    "wan-vae-22-b": dict(
        config=dict(
            base_dim=2, decoder_base_dim=3, dim_mult=[1, 2, 4, 4], z_dim=8, num_res_blocks=2,
            temperal_downsample=[False, True, True], is_residual=True, patch_size=2, in_channels=12,
            out_channels=12, scale_factor_temporal=4, scale_factor_spatial=16,
        ),
        size=(1, 2),
    ),
}  # fmt: skip


def stages(decoder):
    """(name, module) of every step of the decoder, by the library's attribute paths."""
    for name, module in decoder.named_modules():
        parts = name.split(".")
        is_step = parts[0] in ("conv_in", "norm_out", "conv_out") and len(parts) == 1
        is_part = parts[0] in ("mid_block", "up_blocks") and parts[-1].isdigit() and len(parts) in (2, 3, 4)
        if is_step or (is_part and parts[-2] != "resample") or parts[-1] == "upsampler":
            yield name, module


def decode(vae, latents, keep=lambda chunk, stage: True):
    """The decoded sample, and the output of every stage for every latent frame.

    Where a block returns its last part's output unchanged, that tensor is kept once, under the block's name.
    """
    record = {}
    chunk = -1

    def next_chunk(*_):
        nonlocal chunk
        chunk += 1

    def keep_output(stage):
        def hook(_module, _args, out):
            if record and next(reversed(record.values())) is out:
                record.popitem()
            if keep(chunk, stage):
                record[f"chunk.{chunk}.{stage}"] = out

        return hook

    hooks = [vae.decoder.register_forward_pre_hook(next_chunk)]
    hooks += [module.register_forward_hook(keep_output(name)) for name, module in stages(vae.decoder)]
    hooks += [vae.post_quant_conv.register_forward_hook(lambda _m, _a, out: record.update(post_quant_conv=out))]
    with torch.no_grad():
        sample = vae.decode(latents).sample
    for hook in hooks:
        hook.remove()
    return {"latents": latents, "sample": sample, **record}


def check(vae, record):
    """The chunks' last outputs, put side by side and unpatched, must be the sample."""
    chunks = range(record["latents"].shape[2])
    frames = torch.cat([record[f"chunk.{n}.conv_out"] for n in chunks], dim=2)
    if patch := vae.config.patch_size:
        batch, channels, length, height, width = frames.shape
        # The first of the two patch axes of a channel index is the horizontal one.
        frames = frames.view(batch, channels // patch**2, patch, patch, length, height, width)
        frames = frames.permute(0, 1, 4, 5, 3, 6, 2).reshape(batch, -1, length, height * patch, width * patch)
    torch.testing.assert_close(frames.clamp(-1, 1), record["sample"], rtol=0, atol=0)


def make_case(name, seed):
    """One random autoencoder and one clip of latents."""
    case = CASES[name]
    z_dim = case["config"]["z_dim"]
    statistics = dict(
        latents_mean=[round(0.4 * (-1) ** i * (i + 1) / z_dim, 4) for i in range(z_dim)],
        latents_std=[round(0.7 + 1.6 * i / z_dim, 4) for i in range(z_dim)],
    )
    vae = AutoencoderKLWan(**case["config"], **statistics, attn_scales=[])
    # The last convolution is damped so that some values reach the clamp, but few.
    fill(vae, seed, gains=[("decoder.conv_out.weight", 0.8)])
    folder = case_folder(name)
    vae.save_pretrained(folder)
    weights = folder / "diffusion_pytorch_model.safetensors"
    if weights.stat().st_size > MAX_CHECKPOINT_BYTES:
        keep_weights(weights, ("decoder.", "post_quant_conv."))

    latents = randn(seed + 1, 1, z_dim, LATENT_FRAMES, *case["size"])
    record = decode(vae, latents, keep=lambda chunk, stage: chunk < FULL_CHUNKS or stage == "conv_out")
    check(vae, record)
    save_tensors(folder / "reference.safetensors", record)


def make():
    for number, name in enumerate(CASES):
        make_case(name, 20_000 + 1000 * number)
