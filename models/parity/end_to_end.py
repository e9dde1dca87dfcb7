"""Whole runs of WanPipeline on the bundled checkpoint in float32: prompt and seed in, frames out."""

import functools
import json

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, FlowMatchLCMScheduler, WanPipeline

from fixture_io import FIXTURES, POCKET, save_json, save_tensors, seeded, weight_hashes

MAX_SEQUENCE_LENGTH = 64
CASES = {
    "guided-32x32": dict(
        prompt="a red ball moves right", negative_prompt="a blue star", seed=7,
        width=32, height=32, num_frames=5, num_inference_steps=3, guidance_scale=4.0,
    ),
    # The checkpoint's own size, steps and guidance; fewer frames, to stay small.
    "own-96x96": dict(
        prompt="a blue heart bounces at night", negative_prompt=None, seed=42,
        width=96, height=96, num_frames=9, num_inference_steps=4, guidance_scale=1.0,
    ),
    "unguided-euler-64x32": dict(
        prompt="a green star moves left", negative_prompt=None, seed=123456789,
        width=64, height=32, num_frames=9, num_inference_steps=4, guidance_scale=1.0, scheduler="euler",
    ),
    "unguided-lcm-32x32": dict(
        prompt="a yellow fish moves down", negative_prompt=None, seed=11,
        width=32, height=32, num_frames=5, num_inference_steps=3, guidance_scale=1.0, scheduler="lcm",
        sigmas=[1.0, 0.75, 0.4],
    ),
}  # fmt: skip


def load():
    pipeline = WanPipeline.from_pretrained(POCKET, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def scheduler_for(pipeline, name):
    """The checkpoint's own scheduler, or another one with the same shift."""
    if name == "euler":
        return FlowMatchEulerDiscreteScheduler(shift=pipeline.scheduler.config.flow_shift)
    if name == "lcm":
        return FlowMatchLCMScheduler(shift=pipeline.scheduler.config.flow_shift)
    return pipeline.scheduler


def run(pipeline, seed, sigmas=None, **arguments):
    """Every tensor at the joints of one run."""
    record = {}
    generator = seeded(seed)
    scheduler = pipeline.scheduler
    if isinstance(scheduler, FlowMatchLCMScheduler):
        # WanPipeline passes neither on.
        scheduler.step = functools.partial(scheduler.step, generator=generator)
    if sigmas is not None:
        set_timesteps = scheduler.set_timesteps
        scheduler.set_timesteps = lambda count, device: set_timesteps(count, device, sigmas=sigmas)

    def keep_noise(_module, args, kwargs):
        record.setdefault("noise", kwargs["hidden_states"])

    def keep_step(_pipeline, step, _timestep, tensors):
        record[f"latents.{step}"] = tensors["latents"]
        record["prompt_embeds"] = tensors["prompt_embeds"]
        if tensors["negative_prompt_embeds"] is not None:
            record["negative_prompt_embeds"] = tensors["negative_prompt_embeds"]
        return {}

    hook = pipeline.transformer.register_forward_pre_hook(keep_noise, with_kwargs=True)
    frames = pipeline(
        **arguments,
        generator=generator,
        max_sequence_length=MAX_SEQUENCE_LENGTH,
        callback_on_step_end=keep_step,
        callback_on_step_end_tensor_inputs=["latents", "prompt_embeds", "negative_prompt_embeds"],
    ).frames[0]
    hook.remove()
    torch.testing.assert_close(record["noise"], torch.randn(record["noise"].shape, generator=seeded(seed)))
    return record | {"frames": torch.from_numpy((frames * 255).round()).to(torch.uint8)}


def make_case(name, hashes):
    """One run, from freshly loaded parts, and what it was asked for."""
    parameters = dict(CASES[name])
    pipeline = load()
    pipeline.scheduler = scheduler_for(pipeline, parameters.pop("scheduler", None))
    record = run(pipeline, **parameters)
    save_tensors(FIXTURES / "end-to-end" / f"{name}.safetensors", record)
    scheduler = pipeline.scheduler
    description = {
        **parameters,
        "max_sequence_length": MAX_SEQUENCE_LENGTH,
        "scheduler": json.loads(scheduler.to_json_string()),
        "timesteps": scheduler.timesteps.tolist(),
        "weights_sha256": hashes,
    }
    save_json(FIXTURES / "end-to-end" / f"{name}.json", description)


def make():
    hashes = weight_hashes(POCKET)
    for name in CASES:
        make_case(name, hashes)
