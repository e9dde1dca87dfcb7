"""A training run that can be stopped and started again: steps, seeds, checkpoints, log lines."""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from optim import Clock, set_rate
from parallel import Group

SAVE_SECONDS = 90


def stage_parser(doc: str, minutes: float, seed: int) -> argparse.ArgumentParser:
    """The options that every training stage has; it may add its own."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="folder for checkpoints")
    parser.add_argument("--minutes", type=float, default=minutes)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=seed)
    return parser


class Run:
    """Saves ``parts`` (anything with a ``state_dict``) and ``facts`` to ``path``, and goes on from it."""

    def __init__(
        self, path: Path, group: Group, minutes: float, seed: int, optimisers: list, parts: dict,
        facts: dict | None = None, device: str = "cpu", log_seconds: float = 30,
    ):  # fmt: skip
        self.path, self.group, self.seed = path, group, seed
        self.optimisers, self.parts, self.facts = optimisers, parts, facts or {}
        self.log_seconds = log_seconds
        self.step, spent, self.average = 0, 0.0, math.nan
        if path.exists():
            state = torch.load(path, map_location=device)
            for name, part in parts.items():
                part.load_state_dict(state[name])
            for optimiser, saved in zip(optimisers, state["optimisers"]):
                optimiser.load_state_dict(saved)
            self.step, spent = state["step"], state["spent"]
            print(f"resumed at step {self.step}, {spent / 60:.1f} min", flush=True)
        self.clock = Clock(minutes, spent, group)
        self.logged = self.saved = spent

    def steps(self, lr: float, decay: float = 0.2) -> Iterator[random.Random]:
        """A generator of random numbers for each step, until time is up; torch is seeded with it."""
        while self.clock.tick():
            seed = self.group.seed(self.seed, self.step)
            torch.manual_seed(seed)
            self.rate = self.clock.rate(lr, decay=decay)
            set_rate(self.optimisers, self.rate)
            yield random.Random(seed)
        if self.group.is_first:
            self.save()
            print(f"done: {self.line()}", flush=True)

    def update(self, loss: torch.Tensor, note: Callable[[], str] = lambda: "") -> None:
        """Go down the gradients of ``loss``, and log and save when it is time."""
        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none=True)
        loss.backward()
        trained = [p for o in self.optimisers for g in o.param_groups for p in g["params"]]
        self.group.average_gradients(trained)
        torch.nn.utils.clip_grad_norm_([p for g in self.optimisers[-1].param_groups for p in g["params"]], 1.0)
        for optimiser in self.optimisers:
            optimiser.step()
        self.step += 1
        value = loss.item()
        self.average = value if math.isnan(self.average) else 0.97 * self.average + 0.03 * value
        if not self.group.is_first:
            return
        spent = self.clock.spent
        if spent - self.logged > self.log_seconds:
            self.logged = spent
            print(f"{self.line()}  lr {self.rate:.1e}{note()}", flush=True)
        if spent - self.saved > SAVE_SECONDS:
            self.saved = spent
            self.save()

    def follow(self, ema: torch.nn.Module, module: torch.nn.Module, decay: float) -> None:
        """Move an exponential moving average; it forgets its start quickly."""
        decay = min(decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            torch._foreach_lerp_(list(ema.parameters()), list(module.parameters()), 1 - decay)

    def line(self) -> str:
        return f"{self.clock.spent / 60:6.2f} min  step {self.step}  loss {self.average:.4f}"

    def save(self) -> None:
        state = {name: part.state_dict() for name, part in self.parts.items()}
        state["optimisers"] = [o.state_dict() for o in self.optimisers]
        temporary = self.path.with_suffix(".tmp")
        torch.save({**state, **self.facts, "step": self.step, "spent": self.clock.spent}, temporary)
        temporary.replace(self.path)
