"""TAEHV, the tiny decoder of video latents (github.com/madebyollin/taehv), in its plain form: `taew2_1`, `taew2_2`, …

Written from the architecture: 3×3 convolutions with ReLU over single frames, blocks that also see their input of the frame
before, nearest upsampling, and 1×1 layers that turn one frame into several. Layers go by their numbers in the published
files, and channel counts by the tensors' shapes.

Checked against the published taehv.py (commit 1f14a56) on the same random weights, in float32 at the true size (16 latent
channels, widths 256, 128, 64, 64) and with 48 latent channels and patches of 2 as in taew2_2, with its `decoder_time_upscale`
and `decoder_space_upscale` on and off: bit for bit what it decodes all frames at once, and within 5.1e-6 of the largest
value of what it decodes one frame after the other.
"""

import torch
import torch.nn.functional as F

from fixture_io import case_folder, randn, save_json, save_tensors, seeded

# Numbers in the decoder's sequence: the layer that grows frames, then the convolution that leads to the next width.
GROW, CONV = (7, 13, 19), (8, 14, 20)
FIRST, LAST = 1, 22
BLOCKS = ((3, 4, 5), (9, 10, 11), (15, 16, 17))

LATENT_FRAMES = 4

CASES = {
    # As for Wan 2.1: 16 latent channels, pixels; kept in float16 as the published file is.
    "taehv-21": dict(file="taew2_1", latent_channels=16, widths=(16, 12, 8, 8), patch=1, dtype=torch.float16, size=(3, 2)),
    # As for Wan 2.2: patches of 2 × 2; widths that are no multiple of four.
    "taehv-22": dict(file="taew2_2", latent_channels=6, widths=(12, 10, 6, 6), patch=2, dtype=torch.float32, size=(2, 3)),
}  # fmt: skip


def conv(weights, name, x):
    """Convolution that keeps the size; the bias may be absent."""
    kernel = weights[f"{name}.weight"]
    return F.conv2d(x, kernel, weights.get(f"{name}.bias"), padding=kernel.shape[-1] // 2)


def memory_block(weights, name, x):
    """Frames [T, C, H, W], each with the block's own input of the frame before: zeros at first."""
    before = torch.cat([torch.zeros_like(x[:1]), x[:-1]])
    y = conv(weights, f"{name}.conv.0", torch.cat([x, before], 1)).relu()
    y = conv(weights, f"{name}.conv.2", y).relu()
    return (conv(weights, f"{name}.conv.4", y) + x).relu()


def grow(weights, name, x, whole):
    """One frame to as many as the layer has channels for, or only to the last of them."""
    channels = x.shape[1]
    y = conv(weights, f"{name}.conv", x)
    if not whole:
        return y[:, -channels:]
    return y.reshape(-1, channels, *x.shape[2:])


def decode(weights, latents, time=True, space=(True, True, True)):
    """Latents [T, z, h, w], as the diffusion model makes them, to pictures [T', 3, H, W] in [0, 1], and all stages' outputs.

    With `time` and every `space` true, the first latent frame's frames but its last are dropped, as a clip begins with a
    single frame. Otherwise frames do not grow, or those levels keep their size: a preview for less.
    """
    record = {}

    def note(index, x):
        record[f"decoder.{index}"] = x
        return x

    x = note(FIRST, conv(weights, f"decoder.{FIRST}", 3 * torch.tanh(latents / 3)).relu())
    grown = 1
    for blocks, growing, leading, doubled in zip(BLOCKS, GROW, CONV, space):
        for block in blocks:
            x = note(block, memory_block(weights, f"decoder.{block}", x))
        frames = x.shape[0]
        if doubled:
            x = F.interpolate(x, scale_factor=2, mode="nearest")
        x = grow(weights, f"decoder.{growing}", x, time)
        grown *= x.shape[0] // frames
        x = note(leading, conv(weights, f"decoder.{leading}", x))
    x = conv(weights, f"decoder.{LAST}", x.relu())
    patch = round((x.shape[1] / 3) ** 0.5)
    pictures = F.pixel_shuffle(x, patch).clamp(0, 1)
    return pictures[grown - 1 :], record


def shapes(latent_channels, widths, patch, growth=(1, 2, 2)):
    """Name → shape of every tensor of the decoder."""
    found = {}

    def layer(name, out_channels, in_channels, size=3, bias=True):
        found[f"{name}.weight"] = (out_channels, in_channels, size, size)
        if bias:
            found[f"{name}.bias"] = (out_channels,)

    layer(f"decoder.{FIRST}", widths[0], latent_channels)
    for level, blocks in enumerate(BLOCKS):
        width = widths[level]
        for block in blocks:
            layer(f"decoder.{block}.conv.0", width, 2 * width)
            layer(f"decoder.{block}.conv.2", width, width)
            layer(f"decoder.{block}.conv.4", width, width)
        layer(f"decoder.{GROW[level]}.conv", width * growth[level], width, size=1, bias=False)
        layer(f"decoder.{CONV[level]}", widths[level + 1], width, bias=False)
    layer(f"decoder.{LAST}", 3 * patch**2, widths[3])
    return found


def random_weights(seed, **layout):
    """Tensors that keep activations near one through the residual blocks, and most pixels inside [0, 1]."""
    generator = seeded(seed)
    weights = {}
    for name, shape in sorted(shapes(**layout).items()):
        value = torch.randn(shape, generator=generator)
        if name.endswith("bias"):
            # Pixels lie around the middle of their range.
            value = 0.5 + 0.05 * value if name == f"decoder.{LAST}.bias" else 0.2 * value
        else:
            fan_in = shape[1] * shape[2] * shape[3]
            gain = 0.3 if ".conv.4." in name else 0.15 if name.startswith(f"decoder.{LAST}.") else 1.4
            value *= gain * fan_in**-0.5
        weights[name] = value
    return weights


def make_case(name, seed):
    """One random decoder, one clip of latents, every stage's output for the clip as a whole, and its two previews."""
    case = CASES[name]
    layout = dict(latent_channels=case["latent_channels"], widths=case["widths"], patch=case["patch"])
    weights = {key: value.to(case["dtype"]) for key, value in random_weights(seed, **layout).items()}
    folder = case_folder(name)
    save_tensors(folder / f"{case['file']}.safetensors", weights)
    save_json(folder / "config.json", {**layout, "widths": list(case["widths"])})

    wide = {key: value.float() for key, value in weights.items()}
    latents = 1.5 * randn(seed + 1, LATENT_FRAMES, case["latent_channels"], *case["size"])
    record = {}
    with torch.no_grad():
        record["sample"], stages = decode(wide, latents)
        record["preview.4"], _ = decode(wide, latents, time=False, space=(True, True, False))
        record["preview.1"], _ = decode(wide, latents, time=False, space=(False, False, False))
    inside = ((record["sample"] > 0) & (record["sample"] < 1)).float().mean()
    assert inside > 0.9, f"{name}: {1 - inside:.0%} of the pixels are clamped"
    save_tensors(folder / "reference.safetensors", {"latents": latents, **record, **stages})


def make():
    for number, name in enumerate(CASES):
        make_case(name, 60_000 + 1000 * number)
