"""Train the diffusion transformer, and the text encoder along with it, by flow matching.

x_t = (1 - s) x_0 + s noise, target noise - x_0, timestep 1000 s. One caption in ten is dropped
for the empty prompt, so that classifier-free guidance has something to push away from. Latents
that show a subject count four times: they are few, and they are what is looked at. What is
exported is an exponential moving average of the weights.

Steps take clips of different lengths, and as many of them as cost the same: what a fish looks
like is learnt from single frames, seven of them for one clip. The VAE is causal, so the first
latent frames of a clip are the latents of a shorter one.
"""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from diffusers import WanTransformer3DModel
from transformers import UMT5EncoderModel

import tokenizer as pocket_tokenizer
import world
from captions import caption
from dit_model import STEPS, build_text_encoder, build_transformer, embed, encode_captions, few_step_levels
from optim import build_optimisers
from parallel import Group
from run import Run, stage_parser

DROP = 0.1
SUBJECT_WEIGHT = 4.0

# Until this share of the time, the latent frames of the clips of one step after another.
LENGTHS = ((0.4, (1, 1, 3, 1, 1, 7)), (1.0, (7, 3, 7, 1)))


def step_length(step: int, progress: float) -> int:
    """Latent frames of this step's clips."""
    lengths = next(cycle for share, cycle in LENGTHS if progress <= share)
    return lengths[step % len(lengths)]


def sample_levels(count: int, shift: float = 3.0) -> torch.Tensor:
    """Noise levels in (0, 1]: half anywhere, shifted towards noise; half those of the few steps.

    The distilled model is asked at its few levels only, and starts from this one's weights.
    """
    u = torch.rand(count)
    anywhere = shift * u / (1 + (shift - 1) * u)
    few = few_step_levels()[torch.randint(STEPS, (count,))]
    return torch.where(torch.rand(count) < 0.5, anywhere, few)


def split_parameters(modules):
    """Matrices inside layers for Muon; embeddings, output, modulation and norms for AdamW."""
    matrices, others = [], []
    for module in modules:
        for name, p in module.named_parameters():
            inner = p.ndim == 2 and ("blocks." in name or "encoder.block" in name)
            inner = inner and "relative_attention_bias" not in name and "scale_shift" not in name
            (matrices if inner else others).append(p)
    return matrices, others


def start_from(folder: Path, modules: torch.nn.ModuleDict, tokenizer) -> None:
    """Take over the weights of an exported model; rows of embeddings by their piece of text."""
    old = pocket_tokenizer.load(folder / "tokenizer").get_vocab()
    parts = {"text_encoder": UMT5EncoderModel, "transformer": WanTransformer3DModel}
    for name, build in parts.items():
        weights = build.from_pretrained(folder / name, torch_dtype=torch.float32).state_dict()
        for key in [k for k in weights if k in ("shared.weight", "encoder.embed_tokens.weight")]:
            rows = modules[name].state_dict()[key].clone()
            for piece, row in tokenizer.get_vocab().items():
                if piece in old:
                    rows[row] = weights[key][old[piece]]
            weights[key] = rows
        modules[name].load_state_dict(weights)


def main() -> None:
    parser = stage_parser(__doc__, minutes=60, seed=3)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--ema", type=float, default=0.998)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--heads", type=int, default=3)
    parser.add_argument("--text-width", type=int, default=128)
    parser.add_argument("--init", type=Path, help="a model's folder to go on from")
    args = parser.parse_args()

    group = Group()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    tokenizer = pocket_tokenizer.load(args.work / "tokenizer")
    data = torch.load(args.work / "latents.pt")
    latents, masks, scenes = data["latents"], data["masks"], [world.Scene(*s) for s in data["scenes"]]
    print(f"{len(scenes)} clips", flush=True)

    text_encoder = build_text_encoder(len(tokenizer), args.text_width).to(args.device)
    transformer = build_transformer(
        args.text_width, heads=args.heads, ffn_dim=args.heads * 256, layers=args.layers
    ).to(args.device)
    modules = torch.nn.ModuleDict({"text_encoder": text_encoder, "transformer": transformer})
    if args.init:
        start_from(args.init, modules, tokenizer)
    ema = copy.deepcopy(modules).requires_grad_(False)
    matrices, others = split_parameters(modules.values())
    optimisers = build_optimisers(matrices, others, args.lr, weight_decay=0.01)

    run = Run(
        args.work / "dit.pt", group, args.minutes, args.seed, optimisers, {"modules": modules, "ema": ema},
        {"heads": args.heads, "layers": args.layers, "text_width": args.text_width, "vocab": len(tokenizer)},
        args.device,
    )  # fmt: skip
    longest = latents.shape[2]
    for rng in run.steps(args.lr):
        length = step_length(run.step, run.clock.progress)
        batch = group.share(args.batch * longest // length)
        picks = [rng.randrange(len(scenes)) for _ in range(batch)]
        texts = ["" if rng.random() < DROP else caption(rng, scenes[i]) for i in picks]
        x0 = latents[picks, :, :length].float().to(args.device)
        ids, mask = encode_captions(tokenizer, texts, args.device)

        s = sample_levels(batch).to(args.device)
        noise = torch.randn(x0.shape).to(args.device)
        level = s.view(-1, 1, 1, 1, 1)
        predicted = transformer(
            hidden_states=(1 - level) * x0 + level * noise,
            timestep=s * 1000,
            encoder_hidden_states=embed(text_encoder, ids, mask),
            return_dict=False,
        )[0]
        weight = 1 + (SUBJECT_WEIGHT - 1) * masks[picks, :length].to(x0).unsqueeze(1)
        run.update((weight * (predicted - noise + x0).square()).mean() / weight.mean())
        run.follow(ema, modules, args.ema)


if __name__ == "__main__":
    main()
