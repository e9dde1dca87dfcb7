"""Train the diffusion transformer, and the text encoder along with it, by flow matching.

x_t = (1 - s) x_0 + s noise, target noise - x_0, timestep 1000 s. One caption in ten is dropped
for the empty prompt, so that classifier-free guidance has something to push away from. Latents
that show a subject count eight times: they are few, and they are what is looked at. What is
exported is an exponential moving average of the weights.

The velocity alone is a slow teacher of what words mean. So two lessons go along (``lessons.py``):
the middle of the transformer must tell each latent's subject, its colour and which part of it
is seen, and the text encoder what stands where. They are not part of the model and are left out
of what is exported.

Steps take clips of different lengths, and as many of them as cost the same: what a fish looks
like is learnt from single frames, seven of them for one clip. The VAE is causal, so the first
latent frames of a clip are the latents of a shorter one.
"""

from __future__ import annotations

import copy
import random
from pathlib import Path

import torch
from diffusers import WanTransformer3DModel
from transformers import UMT5EncoderModel

import tokenizer as pocket_tokenizer
import world
from captions import caption
from dit_model import (
    STEPS,
    build_text_encoder,
    build_transformer,
    compile_blocks,
    embed,
    encode_captions,
    few_step_levels,
    velocity,
)
from lessons import CaptionLesson, LatentLesson
from parallel import Group
from run import Run, stage_parser

DROP = 0.1
SUBJECT_WEIGHT = 8.0
LESSON_WEIGHT = 0.1
# Captions of other scenes, most of them pairs, that the text encoder is asked about in each step.
CAPTIONS = 16
CAPTION_PAIRS = 0.8
# The text encoder's tables of distances, and how many times as fast they learn: attention to the
# word before needs entries of five or more, which at the common rate take an hour.
DISTANCES = "relative_attention_bias"
DISTANCE_RATE = 15
# Clips that are not trained on but measured with, at these noise levels.
UNSEEN = 64
MEASURED = (0.9, 0.75, 0.5)

# Until this share of the time, the latent frames of the clips of one step after another. What goes
# on from a model has its single frames behind it, and is at the end of the time in this.
LENGTHS = ((0.2, (1, 3, 1, 7)), (0.6, (7, 3, 7, 1)), (1.0, (7, 7, 7, 3)))


def step_length(step: int, progress: float) -> int:
    """Latent frames of this step's clips."""
    lengths = next(cycle for share, cycle in LENGTHS if progress <= share)
    return lengths[step % len(lengths)]


def sample_levels(count: int, shift: float = 3.0) -> torch.Tensor:
    """Noise levels in (0, 1]: a quarter anywhere, shifted towards noise; the others those of the few steps.

    The distilled model is asked at its few levels only, and starts from this one's weights.
    """
    u = torch.rand(count)
    anywhere = shift * u / (1 + (shift - 1) * u)
    few = few_step_levels()[torch.randint(STEPS, (count,))]
    return torch.where(torch.rand(count) < 0.25, anywhere, few)


@torch.no_grad()
def subject_error(modules, tokenizer, clips: torch.Tensor, labels: torch.Tensor, scenes, device) -> float:
    """Mean squared error of the velocity where subjects are, of clips that are not trained on."""
    noise = torch.randn(clips.shape, generator=torch.Generator().manual_seed(0)).to(device)
    rng = random.Random(0)
    ids, mask = encode_captions(tokenizer, [caption(rng, s) for s in scenes], device)
    texts = embed(modules["text_encoder"], ids, mask)
    shown = (labels[..., 0] > 0).unsqueeze(1).to(device)
    errors = []
    for s in MEASURED:
        x = (1 - s) * clips + s * noise
        wrong = velocity(modules["transformer"], x, torch.full((len(x),), s, device=device), texts)
        errors.append(((wrong - noise + clips).square() * shown).sum() / shown.sum() / clips.shape[1])
    return float(torch.stack(errors).mean())


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
    parser.add_argument("--batch", type=int, default=4, help="whole clips a step; of shorter ones, as many as cost the same")
    parser.add_argument("--lr", type=float, default=1.2e-3)
    parser.add_argument("--decay", type=float, default=0.2, help="share of the time over which the rate falls")
    parser.add_argument("--lesson", type=float, default=LESSON_WEIGHT, help="weight of the lessons")
    parser.add_argument("--ema", type=float, default=0.999)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--heads", type=int, default=3)
    parser.add_argument("--text-width", type=int, default=128)
    parser.add_argument("--init", type=Path, help="a model's folder to go on from")
    parser.add_argument("--compile", action="store_true", help="half as fast again; needs a C++ compiler")
    args = parser.parse_args()

    group = Group()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    tokenizer = pocket_tokenizer.load(args.work / "tokenizer")
    data = torch.load(args.work / "latents.pt")
    latents, labels, scenes = data["latents"], data["labels"], [world.Scene(*s) for s in data["scenes"]]
    print(f"{len(scenes)} clips", flush=True)

    text_encoder = build_text_encoder(len(tokenizer), args.text_width).to(args.device)
    transformer = build_transformer(
        args.text_width, heads=args.heads, ffn_dim=args.heads * 256, layers=args.layers
    ).to(args.device)
    modules = torch.nn.ModuleDict({"text_encoder": text_encoder, "transformer": transformer})
    if args.init:
        start_from(args.init, modules, tokenizer)
    ema = copy.deepcopy(modules).requires_grad_(False)
    lessons = torch.nn.ModuleDict({"latent": LatentLesson(transformer), "caption": CaptionLesson(tokenizer, args.text_width)})
    lessons.to(args.device)
    if args.compile:
        compile_blocks(transformer)
    named = [*modules.named_parameters(), *lessons.named_parameters()]
    distances = [p for name, p in named if DISTANCES in name]
    others = [p for name, p in named if DISTANCES not in name]
    groups = [{"params": others}, {"params": distances, "scale": DISTANCE_RATE}]
    optimisers = [torch.optim.AdamW(groups, args.lr, betas=(0.9, 0.98), weight_decay=0.01, fused=True)]

    run = Run(
        args.work / "dit.pt", group, args.minutes, args.seed, optimisers, {"modules": modules, "ema": ema, "lessons": lessons},
        {"heads": args.heads, "layers": args.layers, "text_width": args.text_width, "vocab": len(tokenizer)},
        args.device, log_seconds=600,
    )  # fmt: skip
    unseen = (latents[-UNSEEN:].float().to(args.device), labels[-UNSEEN:], scenes[-UNSEEN:], args.device)
    longest = latents.shape[2]
    known = len(scenes) - UNSEEN
    for rng in run.steps(args.lr, args.decay):
        length = step_length(run.step, 1.0 if args.init else run.clock.progress)
        batch = group.share(args.batch * longest // length)
        picks = [rng.randrange(known) for _ in range(batch)]
        texts = ["" if rng.random() < DROP else caption(rng, scenes[i]) for i in picks]
        x0 = latents[picks, :, :length].float().to(args.device)
        answers = labels[picks, :length].to(args.device)
        ids, mask = encode_captions(tokenizer, texts, args.device)

        s = sample_levels(batch).to(args.device)
        noise = torch.randn(x0.shape).to(args.device)
        level = s.view(-1, 1, 1, 1, 1)
        predicted = velocity(transformer, (1 - level) * x0 + level * noise, s, embed(text_encoder, ids, mask))
        weight = 1 + (SUBJECT_WEIGHT - 1) * (answers[..., 0] > 0).to(x0)
        error = (weight.unsqueeze(1) * (predicted - noise + x0).square()).mean() / weight.mean()

        asked = [world.sample_scene(rng, CAPTION_PAIRS) for _ in range(group.share(CAPTIONS))]
        ids, mask = encode_captions(tokenizer, [caption(rng, s) for s in asked], args.device)
        asking = lessons["latent"](answers, weight) + lessons["caption"](text_encoder, ids, mask, asked)
        run.update(
            error + args.lesson * asking,
            lambda: f"  unseen subjects {subject_error(ema, tokenizer, *unseen):.4f}",
        )
        run.follow(ema, modules, args.ema)


if __name__ == "__main__":
    main()
