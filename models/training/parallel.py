"""Training by several processes at once, each on a share of the batch.

On a CPU two processes of one thread do half as much again as one of two threads, and far more
where other work shares the processors: threads meet after every small operation, processes
once a step. Started by ``python -m torch.distributed.run --nproc_per_node N script.py …``;
without that, everything here does nothing.
"""

from __future__ import annotations

import os

import torch
import torch.distributed as dist


class Group:
    """This process among the others."""

    def __init__(self) -> None:
        self.count = int(os.environ.get("WORLD_SIZE", "1"))
        self.rank = int(os.environ.get("RANK", "0"))
        if self.count > 1:
            dist.init_process_group("gloo")

    @property
    def is_first(self) -> bool:
        """Whether this is the process that logs and saves."""
        return self.rank == 0

    def share(self, batch: int) -> int:
        """This process's part of a batch."""
        return max(1, batch // self.count)

    def seed(self, seed: int, step: int) -> int:
        """Another number for each step and process."""
        return seed * 1_000_003 + step * self.count + self.rank

    def average_gradients(self, parameters: list[torch.nn.Parameter]) -> None:
        if self.count == 1:
            return
        grads = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([g.flatten() for g in grads])
        dist.all_reduce(flat)
        flat /= self.count
        for grad, part in zip(grads, flat.split([g.numel() for g in grads])):
            grad.copy_(part.view_as(grad))

    def agree(self, value: float) -> float:
        """The first process's value: clocks differ, and all must stop at the same step."""
        if self.count == 1:
            return value
        box = torch.tensor([value], dtype=torch.float64)
        dist.broadcast(box, 0)
        return box.item()

    def gather(self, value: object) -> list | None:
        """Every process's value, for the first one; the others get nothing."""
        if self.count == 1:
            return [value]
        values = [None] * self.count if self.is_first else None
        dist.gather_object(value, values)
        return values
