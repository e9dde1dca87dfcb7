"""The Wan diffusion transformer: every value at a block's joints, for one timestep, and the output for another."""

import torch
from diffusers import WanTransformer3DModel

from fixture_io import case_folder, randn, save_json, save_tensors
from random_weights import fill
from wan_names import transformer_pairs

TEXT_LENGTH = 10
CASES = {
    "wan-transformer-a": dict(
        config=dict(
            num_attention_heads=2, attention_head_dim=24, num_layers=2, ffn_dim=80, patch_size=(1, 2, 2),
            in_channels=16, out_channels=16, text_dim=32, freq_dim=64, cross_attn_norm=True, eps=1e-6,
        ),
        latents=(1, 16, 3, 8, 6),
    ),
    "wan-transformer-b": dict(
        config=dict(
            num_attention_heads=3, attention_head_dim=16, num_layers=1, ffn_dim=64, patch_size=(1, 1, 1),
            in_channels=4, out_channels=4, text_dim=20, freq_dim=32, cross_attn_norm=False, eps=1e-6,
        ),
        latents=(1, 4, 3, 5, 4),
    ),
    "wan-transformer-c": dict(
        config=dict(
            num_attention_heads=4, attention_head_dim=12, num_layers=3, ffn_dim=48, patch_size=(1, 2, 2),
            in_channels=8, out_channels=8, text_dim=24, freq_dim=32, cross_attn_norm=True, eps=1e-5,
        ),
        latents=(1, 8, 2, 6, 10),
    ),
    "wan-transformer-d": dict(
        config=dict(
            num_attention_heads=5, attention_head_dim=8, num_layers=2, ffn_dim=56, patch_size=(2, 2, 2),
            in_channels=6, out_channels=6, text_dim=28, freq_dim=48, cross_attn_norm=True, eps=1e-6,
        ),
        latents=(1, 6, 4, 8, 6),
    ),
    "wan-transformer-e": dict(
        config=dict(
            num_attention_heads=5, attention_head_dim=12, num_layers=2, ffn_dim=139, patch_size=(1, 2, 2),
            in_channels=16, out_channels=16, text_dim=36, freq_dim=64, cross_attn_norm=True, eps=1e-6,
        ),
        latents=(1, 16, 2, 6, 10),
        original=True,
    ),
}  # fmt: skip
TIMESTEP_A = 999.0
TIMESTEP_B = 312.5


class Recorder:
    """Forward hooks that put a module's first input or its output under a name."""

    def __init__(self):
        self.tensors = {}
        self._hooks = []

    def input(self, module, name):
        def hook(_module, args, kwargs):
            self.tensors[name] = args[0] if args else kwargs["hidden_states"]

        self._hooks.append(module.register_forward_pre_hook(hook, with_kwargs=True))

    def output(self, module, name, of=lambda out: out):
        def hook(_module, _args, out):
            self.tensors[name] = of(out)

        self._hooks.append(module.register_forward_hook(hook))

    def remove(self):
        for hook in self._hooks:
            hook.remove()


def watch_stem(recorder, model):
    """What is computed once a step: positions, the condition and the patches."""
    recorder.output(model.rope, "rotary_cos", lambda out: out[0])
    recorder.output(model.rope, "rotary_sin", lambda out: out[1])
    recorder.output(model.condition_embedder, "temb", lambda out: out[0])
    recorder.output(model.condition_embedder, "timestep_proj", lambda out: out[1].unflatten(1, (6, -1)))
    recorder.output(model.condition_embedder, "text", lambda out: out[2])
    recorder.output(model.patch_embedding, "patch_embedding", lambda out: out.flatten(2).transpose(1, 2))


def watch_block_ends(recorder, model):
    """The residual stream between blocks, and the head."""
    for i, block in enumerate(model.blocks):
        recorder.input(block, f"blocks.{i}.input")
        recorder.output(block, f"blocks.{i}.output")
    recorder.input(model.proj_out, "head.input")
    recorder.output(model.proj_out, "head")


def watch_block_joints(recorder, model):
    """What goes into and comes out of each of the three parts of every block."""
    for i, block in enumerate(model.blocks):
        recorder.input(block.attn1, f"blocks.{i}.norm1")
        recorder.output(block.attn1, f"blocks.{i}.attn1")
        recorder.input(block.attn2, f"blocks.{i}.attn2.input")
        recorder.output(block.attn2, f"blocks.{i}.attn2")
        recorder.input(block.ffn, f"blocks.{i}.ffn.input")
        recorder.output(block.ffn, f"blocks.{i}.ffn")


def forward(model, latents, timestep, text, watchers=()):
    """Run the model; return its sample and what the watchers recorded."""
    recorder = Recorder()
    for watch in watchers:
        watch(recorder, model)
    with torch.no_grad():
        output = model(latents, timestep=timestep, encoder_hidden_states=text, return_dict=False)[0]
    recorder.remove()
    return output, recorder.tensors


def check(model, record):
    """Rebuild each block from the recorded joints and the sample from the head's tokens."""
    for i, block in enumerate(model.blocks):
        table = block.scale_shift_table + record["timestep_proj"]
        gate, ffn_gate = table[:, 2:3], table[:, 5:6]
        hidden = record[f"blocks.{i}.input"] + record[f"blocks.{i}.attn1"] * gate
        torch.testing.assert_close(block.norm2(hidden), record[f"blocks.{i}.attn2.input"])
        hidden = hidden + record[f"blocks.{i}.attn2"] + record[f"blocks.{i}.ffn"] * ffn_gate
        torch.testing.assert_close(hidden, record[f"blocks.{i}.output"])
    frames, height, width = record["latents"].shape[2:]
    p_t, p_h, p_w = model.config.patch_size
    tokens = record["head"].view(frames // p_t, height // p_h, width // p_w, p_t, p_h, p_w, -1)
    sample = tokens.permute(6, 0, 3, 1, 4, 2, 5).reshape(record["output"].shape)
    torch.testing.assert_close(sample, record["output"])


def save_original(model, folder):
    """As Wan's own repositories have it: their names, and a config.json of their model's arguments."""
    weights = model.state_dict()
    pairs = transformer_pairs(model.config.num_layers)
    save_tensors(folder / "diffusion_pytorch_model.safetensors", {old: weights[new] for old, new in pairs})
    config = model.config
    save_json(
        folder / "config.json",
        {
            "_class_name": "WanModel", "dim": config.num_attention_heads * config.attention_head_dim,
            "eps": config.eps, "ffn_dim": config.ffn_dim, "freq_dim": config.freq_dim, "in_dim": config.in_channels,
            "model_type": "t2v", "num_heads": config.num_attention_heads, "num_layers": config.num_layers,
            "out_dim": config.out_channels, "text_len": TEXT_LENGTH,
        },
    )  # fmt: skip


def make_case(name, seed):
    """One random transformer on one input: everything at the first timestep, the output at the second."""
    case = CASES[name]
    model = fill(WanTransformer3DModel(**case["config"]), seed)
    folder = case_folder(name)
    if case.get("original"):
        save_original(model, folder)
    else:
        model.save_pretrained(folder)

    latents = randn(seed + 1, *case["latents"])
    text = randn(seed + 2, 1, TEXT_LENGTH, model.config.text_dim)
    timestep, timestep_b = torch.tensor([TIMESTEP_A]), torch.tensor([TIMESTEP_B])
    watchers = (watch_stem, watch_block_ends, watch_block_joints)
    output, record = forward(model, latents, timestep, text, watchers)
    record |= {"latents": latents, "encoder_hidden_states": text, "timestep": timestep, "output": output}
    check(model, record)
    record |= {"b.timestep": timestep_b, "b.output": forward(model, latents, timestep_b, text)[0]}
    save_tensors(folder / "reference.safetensors", record)


def make():
    for number, name in enumerate(CASES):
        make_case(name, 10_000 + 1000 * number)
