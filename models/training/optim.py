"""Optimisers and the wall-clock learning-rate schedule.

For the VAE, Muon (momentum, orthogonalised by Newton-Schulz) takes the weights that are
matrices and AdamW the rest: that needs clearly fewer steps than AdamW alone. Updates are scaled
to the root mean square that AdamW's have, so that one learning rate serves both. For the
transformer AdamW alone is better: its steps are small and many, and Muon's cost as much again.
"""

from __future__ import annotations

import math
import time

import torch

from parallel import Group


def orthogonalise(g: torch.Tensor, steps: int = 5) -> torch.Tensor:
    """The nearest (semi-)orthogonal matrices to a stack of wide matrices, roughly."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g / (g.flatten(1).norm(dim=1)[:, None, None] + 1e-7)
    for _ in range(steps):
        s = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(s, s, s, beta=b, alpha=c), x, beta=a)
    return x


class Muon(torch.optim.Optimizer):
    """Matrices of one shape are orthogonalised together: many small products are slow."""

    def __init__(self, params, lr=1e-3, momentum=0.95):
        super().__init__(params, dict(lr=lr, momentum=momentum))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            stacks: dict[tuple, list] = {}
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if "m" not in state:
                    state["m"] = torch.zeros_like(p)
                state["m"].lerp_(p.grad, 1 - group["momentum"])
                g = p.grad.lerp(state["m"], group["momentum"]).flatten(1)
                tall = g.shape[0] > g.shape[1]
                stacks.setdefault(tuple(sorted(g.shape)), []).append((p, g.T if tall else g, tall))
            for (_, long), items in stacks.items():
                updates = orthogonalise(torch.stack([g for _, g, _ in items]))
                for (p, _, tall), update in zip(items, updates):
                    update = (update.T if tall else update).reshape(p.shape)
                    p.add_(update, alpha=-group["lr"] * 0.2 * math.sqrt(long))


def build_optimisers(module: torch.nn.Module, lr: float) -> list[torch.optim.Optimizer]:
    """For what is trained of a module: Muon takes the matrices, AdamW the rest."""
    trained = [p for p in module.parameters() if p.requires_grad]
    is_matrix = [p.ndim >= 4 and min(p.flatten(1).shape) > 1 for p in trained]
    matrices, others = ([p for p, m in zip(trained, is_matrix) if m == wanted] for wanted in (True, False))
    return [
        Muon(matrices, lr=lr),
        torch.optim.AdamW(others, lr=lr, betas=(0.9, 0.98), weight_decay=0.0),
    ]


class Clock:
    """Seconds of training spent, over all restarts, against a budget in minutes.

    ``spent`` stands still until ``tick``, so that all processes see the same.
    """

    def __init__(self, minutes: float, spent: float, group: Group):
        self.total = minutes * 60
        self.spent = spent
        self.group = group
        self.start = time.monotonic() - spent

    def tick(self) -> bool:
        """Read the clock; false once the budget is spent."""
        self.spent = self.group.agree(time.monotonic() - self.start)
        return self.spent < self.total

    @property
    def progress(self) -> float:
        return min(1.0, self.spent / self.total)

    def rate(self, base: float, warmup: float = 0.01, decay: float = 0.2) -> float:
        """Linear warm-up, the base rate, and over the last ``decay`` (a share) of the time linearly to nothing.

        The rate does not depend on how long is still to come until then, so that a run can be
        given more time; and little is spent at rates at which nothing is learnt any more.
        """
        p = self.progress
        return base * min(1.0, 0.05 + 0.95 * p / warmup, (1 - p) / decay)


def set_rate(optimisers, lr: float) -> None:
    """A group's ``scale`` says how many times as fast it learns."""
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = lr * group.get("scale", 1)
