"""The pocket VAE: diffusers' AutoencoderKLWan in its residual (Wan 2.2) form, made small.

``encode_mode`` and ``decode_raw`` run the same modules as ``AutoencoderKLWan`` but in
two chunks (the first frame, then all the others) instead of one chunk per latent frame.
The caches make both orders equal, and fewer, larger convolutions train faster.
``decode_raw`` also leaves out the final clamp, through which no gradient would pass.
"""

from __future__ import annotations

import contextlib

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKLWan
from diffusers.models.autoencoders.autoencoder_kl_wan import (
    WanCausalConv3d,
    patchify,
    unpatchify,
)


def build_vae(base_dim: int) -> AutoencoderKLWan:
    return AutoencoderKLWan(
        is_residual=True,
        patch_size=2,
        base_dim=base_dim,
        decoder_base_dim=base_dim,
        dim_mult=[1, 2, 2],
        num_res_blocks=1,
        z_dim=16,
        temperal_downsample=[True, True],
        in_channels=12,
        out_channels=12,
        latents_mean=[0.0] * 16,
        latents_std=[1.0] * 16,
        scale_factor_temporal=4,
        scale_factor_spatial=8,
    )


def encode_mode(vae: AutoencoderKLWan, pixels: torch.Tensor) -> torch.Tensor:
    """Pixels in [-1, 1], [b, 3, t, h, w], to the mean of the latent distribution."""
    vae.clear_cache()
    x = patchify(pixels, patch_size=vae.config.patch_size)
    parts = []
    for chunk in (x[:, :, :1], x[:, :, 1:]):
        if chunk.shape[2]:
            vae._enc_conv_idx = [0]
            parts.append(
                vae.encoder(chunk, feat_cache=vae._enc_feat_map, feat_idx=vae._enc_conv_idx)
            )
    moments = vae.quant_conv(torch.cat(parts, 2))
    vae.clear_cache()
    return moments.chunk(2, dim=1)[0]


def decode_raw(vae: AutoencoderKLWan, latents: torch.Tensor) -> torch.Tensor:
    """Latents to pixels, not clamped."""
    vae.clear_cache()
    x = vae.post_quant_conv(latents)
    parts = []
    for first, chunk in ((True, x[:, :, :1]), (False, x[:, :, 1:])):
        if chunk.shape[2]:
            vae._conv_idx = [0]
            parts.append(
                vae.decoder(
                    chunk,
                    feat_cache=vae._feat_map,
                    feat_idx=vae._conv_idx,
                    first_chunk=first,
                )
            )
    vae.clear_cache()
    return unpatchify(torch.cat(parts, 2), patch_size=vae.config.patch_size)


@contextlib.contextmanager
def flat_convolutions():
    """Run causal 3-D convolutions of single frames as 2-D ones.

    Of a single frame only the last temporal tap meets anything but zero padding; the
    result is the same for a third of the work.
    """
    original = WanCausalConv3d.forward

    def forward(self, x, cache_x=None):
        if x.shape[2] != 1 or cache_x is not None or self._padding[4] != self.kernel_size[0] - 1:
            return original(self, x, cache_x)
        flat = F.conv2d(
            F.pad(x[:, :, 0], self._padding[:4]),
            self.weight[:, :, -1],
            self.bias,
            stride=self.stride[1:],
        )
        return flat[:, :, None]

    WanCausalConv3d.forward = forward
    try:
        yield
    finally:
        WanCausalConv3d.forward = original
