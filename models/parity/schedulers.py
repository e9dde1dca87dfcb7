"""Schedules and whole trajectories of the samplers, with a stand-in for the model."""

import json

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, UniPCMultistepScheduler

from fixture_io import FIXTURES, randn, save_json, shortest

STEPS = (1, 2, 3, 4, 12, 50)
SIZE = 8
# Wan's scheduler_config.json, as far as it differs from the class's defaults.
WAN = dict(prediction_type="flow_prediction", use_flow_sigmas=True, num_train_timesteps=1000)
CASES = {
    "unipc-shift-3": (UniPCMultistepScheduler, dict(WAN, flow_shift=3.0), {}),
    "unipc-shift-5": (UniPCMultistepScheduler, dict(WAN, flow_shift=5.0), {}),
    "unipc-shift-1": (UniPCMultistepScheduler, dict(WAN, flow_shift=1.0), {}),
    "unipc-order-1": (UniPCMultistepScheduler, dict(WAN, flow_shift=3.0, solver_order=1), {}),
    "unipc-order-3": (UniPCMultistepScheduler, dict(WAN, flow_shift=3.0, solver_order=3), {}),
    "unipc-bh1": (UniPCMultistepScheduler, dict(WAN, flow_shift=5.0, solver_type="bh1"), {}),
    "unipc-final-sigma-min": (UniPCMultistepScheduler, dict(WAN, flow_shift=3.0, final_sigmas_type="sigma_min"), {}),
    "unipc-corrector-off-at-0": (UniPCMultistepScheduler, dict(WAN, flow_shift=3.0, disable_corrector=[0]), {}),
    "euler-default": (FlowMatchEulerDiscreteScheduler, dict(), {}),
    "euler-shift-3": (FlowMatchEulerDiscreteScheduler, dict(shift=3.0, use_dynamic_shifting=False), {}),
    "euler-shift-5": (FlowMatchEulerDiscreteScheduler, dict(shift=5.0), {}),
    "euler-dynamic": (FlowMatchEulerDiscreteScheduler, dict(use_dynamic_shifting=True, shift_terminal=0.1), dict(mu=1.2)),
}  # fmt: skip


def velocity(sample, step):
    """The stand-in for the model: smooth in the sample, different at every step and index."""
    index = torch.arange(SIZE, dtype=torch.float32)
    return 0.7 * sample + 0.3 * torch.sin(index + step)


def run(scheduler, initial, steps, schedule_arguments):
    """One trajectory, as a pipeline drives it."""
    scheduler.set_timesteps(steps, **schedule_arguments)
    scheduler.set_begin_index(0)
    sample, outputs, samples = initial, [], []
    for step, timestep in enumerate(scheduler.timesteps):
        output = velocity(sample, step)
        sample = scheduler.step(output, timestep, sample, return_dict=False)[0]
        outputs.append(output[0])
        samples.append(sample[0])
    return {
        "steps": steps,
        "sigmas": shortest(scheduler.sigmas),
        "timesteps": shortest(scheduler.timesteps),
        "timesteps_dtype": str(scheduler.timesteps.dtype).removeprefix("torch."),
        "model_outputs": shortest(torch.stack(outputs)),
        "samples": shortest(torch.stack(samples)),
    }


def make():
    initial = randn(30_000, 1, SIZE)
    cases = {}
    for name, (scheduler_class, arguments, schedule_arguments) in CASES.items():
        runs = [run(scheduler_class(**arguments), initial, steps, schedule_arguments) for steps in STEPS]
        config = json.loads(scheduler_class(**arguments).to_json_string())
        cases[name] = {"config": config, "set_timesteps": schedule_arguments, "runs": runs}
    save_json(FIXTURES / "schedulers.json", {"initial_sample": shortest(initial[0]), "cases": cases})
