"""What `torch.randn` gives on the CPU for a seed, and the same numbers from first principles.

`TorchGenerator` is the algorithm to port; noise.md describes it. It reproduces an x86 build of PyTorch with AVX2,
bit for bit, and `make` refuses to write a fixture that it does not reproduce.
"""

import math

import numpy as np
import torch

from fixture_io import FIXTURES, save_json, shortest

SEEDS = (0, 1, 42, 123456789, 2**32 + 5, 2**53 - 1)
# At the ends of what manual_seed takes, and around the widths where digits or bits are lost. As text in JSON, whose
# numbers most readers round.
WIDE_SEEDS = (-1, 2**64 - 1, 2**63, -(2**63), 2**53 + 1, 2**32, 2**32 + 7)
COUNTS = (1, 2, 5, 8, 15, 16, 17, 20, 31, 32, 33, 100, 1000)
KEPT_WHOLE = 100
# Drawn one after the other from one generator: 3 leaves half a pair behind, which the next short draw uses up. The
# second is a sampler's: latents, and noise of the same size again and again, with a tail that is drawn anew; long enough
# for the engine to renew its state.
SEQUENCES = ((3, 5, 16, 2, 1, 40), (75, 75, 75, 7, 75, 150, 75, 7))

F32 = np.float32
TWO_PI = F32(2 * math.pi)
LOG_POLYNOMIAL = [
    7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
    -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
]  # fmt: skip
SIN_POLYNOMIAL = [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1]
COS_POLYNOMIAL = [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2]
# ln 2 and pi/4, each as a sum of float32 values whose products with small integers are exact.
LN2_HIGH, LN2_LOW = 0.693359375, -2.12194440e-4
QUARTER_PI_PARTS = (0.78515625, 2.4187564849853515625e-4, 3.77489497744594108e-8)


def fused(a, b, c):
    """a * b + c with one rounding: the product of two float32 is exact in float64."""
    return (np.asarray(a, np.float64) * np.asarray(b, np.float64) + np.asarray(c, np.float64)).astype(F32)


def horner(coefficients, x):
    value = np.full_like(x, F32(coefficients[0]))
    for coefficient in coefficients[1:]:
        value = fused(value, x, F32(coefficient))
    return value


def log(x):
    """Natural logarithm of positive float32 values, as Cephes computes it."""
    bits = x.view(np.int32)
    exponent = ((bits >> 23) - 126).astype(F32)
    mantissa = ((bits & 0x007FFFFF) | 0x3F000000).view(F32)  # in [0.5, 1)
    small = mantissa < F32(0.707106781186547524)
    exponent = np.where(small, exponent - F32(1), exponent)
    x = mantissa - F32(1) + np.where(small, mantissa, F32(0))
    square = x * x
    y = fused(horner(LOG_POLYNOMIAL, x) * x, square, exponent * F32(LN2_LOW))
    y = fused(square, F32(-0.5), y)
    return fused(exponent, F32(LN2_HIGH), x + y)


def sincos(x):
    """Sine and cosine of float32 values in [0, 2 pi], as Cephes computes them."""
    octant = ((x * F32(4 / math.pi)).astype(np.int32) + 1) & ~1
    multiple = octant.astype(F32)
    for part in QUARTER_PI_PARTS:
        x = fused(multiple, F32(-part), x)
    square = x * x
    sine = fused(horner(SIN_POLYNOMIAL, square) * square, x, x)
    cosine = fused(horner(COS_POLYNOMIAL, square) * square, square, square * F32(-0.5)) + F32(1)
    swap = (octant & 2) != 0
    sine, cosine = np.where(swap, cosine, sine), np.where(swap, sine, cosine)
    return np.where(octant & 4, -sine, sine), np.where((octant - 2) & 4, cosine, -cosine)


class MersenneTwister:
    """MT19937 seeded from the low 32 bits, yielding 32-bit words."""

    def __init__(self, seed):
        state = [seed & 0xFFFFFFFF]
        for i in range(1, 624):
            state.append((1812433253 * (state[-1] ^ (state[-1] >> 30)) + i) & 0xFFFFFFFF)
        self._state = state
        self._next = 624

    def word(self):
        if self._next == 624:
            self._twist()
        y = self._state[self._next]
        self._next += 1
        y ^= y >> 11
        y ^= (y << 7) & 0x9D2C5680
        y ^= (y << 15) & 0xEFC60000
        return y ^ (y >> 18)

    def _twist(self):
        state = self._state
        for i in range(624):
            y = (state[i] & 0x80000000) | (state[(i + 1) % 624] & 0x7FFFFFFF)
            state[i] = state[(i + 397) % 624] ^ (y >> 1) ^ (0x9908B0DF if y & 1 else 0)
        self._next = 0


class TorchGenerator:
    """`torch.Generator('cpu').manual_seed(seed)`, as far as `torch.randn` goes."""

    def __init__(self, seed):
        self._engine = MersenneTwister(seed)
        self._spare = None

    def randn(self, count):
        """`count` float32 normals; more than one dimension is the same numbers in row-major order."""
        if count < 16:
            return np.array([self._scalar() for _ in range(count)], dtype=F32)
        values = self._uniforms(count)
        for start in range(0, count - 15, 16):
            values[start : start + 16] = self._block(values[start : start + 16])
        if count % 16:
            values[-16:] = self._block(self._uniforms(16))
        return values

    def _uniforms(self, count):
        """Multiples of 2^-24 in [0, 1), from the low 24 bits of a word each."""
        words = np.array([self._engine.word() & 0xFFFFFF for _ in range(count)], dtype=np.uint32)
        return words.astype(F32) * F32(2**-24)

    def _double(self):
        """A multiple of 2^-53 in [0, 1), from the low 53 bits of two words, the high one drawn first."""
        high, low = self._engine.word(), self._engine.word()
        return (((high << 32) | low) & (2**53 - 1)) * 2.0**-53

    def _scalar(self):
        """Box-Muller in float64; the sine of a pair waits for the next call."""
        if self._spare is not None:
            value, self._spare = self._spare, None
            return value
        angle, radius = 2 * math.pi * self._double(), math.sqrt(-2 * math.log1p(-self._double()))
        self._spare = radius * math.sin(angle)
        return radius * math.cos(angle)

    def _block(self, uniforms):
        """Box-Muller in float32 on 16 uniforms: eight for the radius, eight for the angle."""
        radius = np.sqrt(log(F32(1) - uniforms[:8]) * F32(-2))
        sine, cosine = sincos(uniforms[8:] * TWO_PI)
        return np.concatenate([radius * cosine, radius * sine])


def drawn(seed, counts):
    """PyTorch's draws, after checking that `TorchGenerator` gives the same bits."""
    theirs, ours = torch.Generator("cpu").manual_seed(seed), TorchGenerator(seed)
    draws = [torch.randn(count, generator=theirs) for count in counts]
    for draw in draws:
        if not np.array_equal(ours.randn(draw.numel()).view(np.uint32), draw.numpy().view(np.uint32)):
            raise RuntimeError(f"torch.randn is not the AVX2 one here (seed {seed}, {draw.numel()} values): see noise.md")
    return draws


def case(seed, count):
    """All values of a short draw; both ends and the sum of a long one."""
    (values,) = drawn(seed, [count])
    record = {"seed": seed, "count": count}
    if count <= KEPT_WHOLE:
        return record | {"values": shortest(values)}
    return record | {
        "first": shortest(values[:20]),
        "last": shortest(values[-40:]),
        "sum": values.double().sum().item(),
    }


def make():
    cases = [case(seed, count) for seed in SEEDS for count in COUNTS]
    sequences = [
        {"seed": seed, "counts": list(counts), "values": [shortest(draw) for draw in drawn(seed, counts)]}
        for counts in SEQUENCES
        for seed in SEEDS[:3]
    ]
    wide = [{"seed": str(seed), "values": shortest(drawn(seed, [20])[0])} for seed in WIDE_SEEDS]
    save_json(FIXTURES / "noise.json", {"cases": cases, "sequences": sequences, "wideSeeds": wide})
