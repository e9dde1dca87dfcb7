"""What training on short clips rests on."""

from __future__ import annotations

import pytest
import torch

from train_dit import LENGTHS, step_length
from vae_model import build_vae, encode_mode


@pytest.mark.parametrize("latent_frames", sorted({n for _, cycle in LENGTHS for n in cycle}))
def test_first_latent_frames_are_those_of_a_shorter_clip(latent_frames):
    torch.manual_seed(0)
    vae = build_vae(8).eval()
    clip = torch.rand(1, 3, 25, 32, 32) * 2 - 1
    with torch.no_grad():
        whole = encode_mode(vae, clip)
        short = encode_mode(vae, clip[:, :, : 4 * latent_frames - 3])
    torch.testing.assert_close(short, whole[:, :, :latent_frames], rtol=1e-4, atol=1e-5)


def test_whole_clips_come_more_often_towards_the_end():
    share = lambda progress: sum(step_length(s, progress) == 7 for s in range(60)) / 60  # noqa: E731
    assert 0 < share(0.1) < share(0.9) == share(1.0)
