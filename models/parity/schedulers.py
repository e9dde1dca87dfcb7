"""Schedules and whole trajectories of the samplers, with a stand-in for the model."""

import inspect
import json

import numpy
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, FlowMatchLCMScheduler, UniPCMultistepScheduler

from fixture_io import FIXTURES, randn, save_json, seeded, shortest

STEPS = (1, 2, 3, 4, 12, 50)
STOCHASTIC_STEPS = (1, 2, 4, 12)
SIZE = 8
NOISE_SEED = 30_001
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
    "euler-stochastic": (FlowMatchEulerDiscreteScheduler, dict(shift=3.0, stochastic_sampling=True), {}),
    "lcm-default": (FlowMatchLCMScheduler, dict(), {}),
    "lcm-shift-5": (FlowMatchLCMScheduler, dict(shift=5.0), {}),
    "euler-dynamic": (FlowMatchEulerDiscreteScheduler, dict(use_dynamic_shifting=True, shift_terminal=0.1), dict(mu=1.2)),
}  # fmt: skip
FOUR = dict(sigmas=[1.0, 0.75, 0.5, 0.25])
THREE = dict(timesteps=[1000, 757, 522])
BOTH = dict(timesteps=[1000, 757, 522], sigmas=[1.0, 0.7567, 0.5217])
# rCM's first four times, from angles to shares of noise.
ANGLES = numpy.array([numpy.arctan(80), 1.5, 1.4, 1.0])
RCM = dict(sigmas=(numpy.sin(ANGLES) / (numpy.cos(ANGLES) + numpy.sin(ANGLES))).tolist())
# Times of the caller's own, as `set_timesteps` takes them.
CUSTOM = {
    "euler-sigmas": (FlowMatchEulerDiscreteScheduler, dict(shift=5.0), FOUR),
    "euler-timesteps": (FlowMatchEulerDiscreteScheduler, dict(shift=8.0), THREE),
    "euler-both": (FlowMatchEulerDiscreteScheduler, dict(shift=1.0), BOTH),
    "lcm-sigmas": (FlowMatchLCMScheduler, dict(shift=8.0), FOUR),
    "lcm-timesteps": (FlowMatchLCMScheduler, dict(shift=1.0), THREE),
    "lcm-timesteps-shift-8": (FlowMatchLCMScheduler, dict(shift=8.0), THREE),
    "lcm-both": (FlowMatchLCMScheduler, dict(shift=1.0), BOTH),
    "lcm-rcm": (FlowMatchLCMScheduler, dict(shift=1.0), RCM),
    "unipc-sigmas": (UniPCMultistepScheduler, dict(WAN, flow_shift=5.0), FOUR),
    "unipc-sigmas-order-3": (UniPCMultistepScheduler, dict(WAN, flow_shift=1.0, solver_order=3), RCM),
}  # fmt: skip


def velocity(sample, step):
    """The stand-in for the model: smooth in the sample, different at every step and index."""
    index = torch.arange(SIZE, dtype=torch.float32)
    return 0.7 * sample + 0.3 * torch.sin(index + step)


def is_stochastic(scheduler):
    return isinstance(scheduler, FlowMatchLCMScheduler) or scheduler.config.get("stochastic_sampling", False)


def run(scheduler, initial, steps, schedule_arguments):
    """One trajectory, as a pipeline drives it. What the scheduler draws is drawn a second time, to be recorded."""
    scheduler.set_timesteps(steps, **schedule_arguments)
    scheduler.set_begin_index(0)
    sample, outputs, samples, noise = initial, [], [], []
    theirs, ours = seeded(NOISE_SEED), seeded(NOISE_SEED)
    takes_generator = "generator" in inspect.signature(scheduler.step).parameters
    for step, timestep in enumerate(scheduler.timesteps):
        output = velocity(sample, step)
        generator = dict(generator=theirs) if takes_generator else {}
        sample = scheduler.step(output, timestep, sample, return_dict=False, **generator)[0]
        outputs.append(output[0])
        samples.append(sample[0])
        noise.append(torch.randn(SIZE, generator=ours))
    return {
        "steps": len(scheduler.timesteps),
        "sigmas": shortest(scheduler.sigmas),
        "timesteps": shortest(scheduler.timesteps),
        "timesteps_dtype": str(scheduler.timesteps.dtype).removeprefix("torch."),
        "model_outputs": shortest(torch.stack(outputs)),
        "samples": shortest(torch.stack(samples)),
        **({"noise": shortest(torch.stack(noise))} if is_stochastic(scheduler) else {}),
    }


def custom_run(scheduler_class, arguments, times, initial):
    """A trajectory over given times. UniPC multiplies what it is given: an array, where the others take lists."""
    scheduler = scheduler_class(**arguments)
    config = json.loads(scheduler.to_json_string())
    given = {name: numpy.array(values) for name, values in times.items()} if "flow_shift" in config else times
    count = len(next(iter(times.values())))
    return {"config": config, "set_timesteps": times, "run": run(scheduler, initial, count, given)}


def make():
    initial = randn(30_000, 1, SIZE)
    cases = {}
    for name, (scheduler_class, arguments, schedule_arguments) in CASES.items():
        config = json.loads(scheduler_class(**arguments).to_json_string())
        counts = STOCHASTIC_STEPS if is_stochastic(scheduler_class(**arguments)) else STEPS
        runs = [run(scheduler_class(**arguments), initial, steps, schedule_arguments) for steps in counts]
        cases[name] = {"config": config, "set_timesteps": schedule_arguments, "runs": runs}
    custom = {name: custom_run(*case, initial) for name, case in CUSTOM.items()}
    record = {"initial_sample": shortest(initial[0]), "cases": cases, "custom": custom}
    save_json(FIXTURES / "schedulers.json", record)
