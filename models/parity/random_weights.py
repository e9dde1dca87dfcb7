"""Random weights that keep activations near one and leave no parameter at its neutral value.

Freshly constructed modules have norms of exactly one and biases of exactly zero; a port that forgot one of them
would still agree with the reference.
"""

import math

import torch

from fixture_io import seeded


def fill(model, seed, gains=()):
    """Overwrite every parameter of `model`; `gains` is a list of (name ending, factor)."""
    generator = seeded(seed)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            value = torch.randn(parameter.shape, generator=generator) * _scale(name, parameter)
            if _is_norm(name, parameter):
                value += 1.0
            parameter.copy_(value * math.prod(factor for ending, factor in gains if name.endswith(ending)))
    return model.eval()


def _is_norm(name, parameter):
    return name.endswith("gamma") or (name.endswith("weight") and parameter.ndim == 1)


def _scale(name, parameter):
    if name.endswith(("bias", "scale_shift_table")) or _is_norm(name, parameter):
        return 0.3
    if name.endswith(("shared.weight", "embed_tokens.weight", "relative_attention_bias.weight")):
        return 1.0
    return math.prod(parameter.shape[1:]) ** -0.5
