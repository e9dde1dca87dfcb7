"""The ruler that judges generated clips is right on drawn ones, and sees what is wrong."""

import random
from dataclasses import replace

import numpy as np
import pytest

import evaluate
import measure
import world
from sprites import COLOURS

COUNT = 300


@pytest.fixture(scope="module")
def judged():
    rng = random.Random(3)
    scenes = [world.sample_scene(rng, held=i % 2 == 0) for i in range(COUNT)]
    return [(s, measure.read(world.enlarge(world.draw(s)))) for s in scenes]


def test_at_least_99_of_100_drawn_clips_are_read_right(judged):
    tally = {}
    for scene, reading in judged:
        for name, right in evaluate.judge(reading, scene).items():
            tally.setdefault(name, []).append(right)
    assert len(tally) == 10
    assert {n: np.mean(r) for n, r in tally.items() if np.mean(r) < 0.99} == {}


@pytest.mark.parametrize("aspect", ["colour", "subject", "motion", "ground"])
def test_another_prompt_is_not_right(judged, aspect):
    """A ruler that always says yes would pass the test above."""
    kinds = {
        "colour": world.COLOURS, "subject": world.SUBJECTS, "motion": world.MOTIONS, "ground": world.GROUNDS,
    }  # fmt: skip
    singles = [(s, r) for s, r in judged if not s.relation and s.motion not in world.CAMERAS]
    for scene, reading in singles:
        names = list(kinds[aspect])
        other = names[(names.index(getattr(scene, aspect)) + 1) % len(names)]
        assert not evaluate.judge(reading, replace(scene, **{aspect: other}))[aspect]


def test_swapped_colours_are_not_bound(judged):
    for scene, reading in judged:
        if scene.relation:
            swapped = replace(scene, colour=scene.colour2, colour2=scene.colour)
            assert not evaluate.judge(reading, swapped)["pair_colour_binding"]


def worn(rng: np.random.Generator, scene: world.Scene) -> np.ndarray:
    """A drawn clip with two specks at the subject's edge in every frame, soft where the subject is, with noise."""
    clip = world.draw(scene).astype(np.float32)
    shown = (clip != np.stack([world.draw_ground(scene, f) for f in range(world.FRAMES)])).any(-1, keepdims=True)
    clip = np.where(shown, (clip + measure.soft(clip)) / 2, clip)
    for frame in range(world.FRAMES):
        at = world.pose(scene, frame)
        for angle in rng.uniform(0, 2 * np.pi, 2):
            x, y = int(at.x + 0.55 * at.width * np.cos(angle)), int(at.y + 0.55 * at.height * np.sin(angle))
            clip[frame, max(y - 1, 0) : y + 1, max(x - 1, 0) : x + 1] = 0.8 * np.array(COLOURS[scene.colour])
    return world.enlarge((clip + rng.normal(0, 8, clip.shape)).clip(0, 255).astype(np.uint8))


def test_worn_clips_are_read_right_too():
    """Generated clips are never as clean as drawn ones; what a person sees in them is what is to be read."""
    rng, noise = random.Random(4), np.random.default_rng(4)
    scenes = [world.sample_scene(rng, pairs=0) for _ in range(120)]
    scenes = [s for s in scenes if s.motion not in world.CAMERAS]
    judged = [evaluate.judge(measure.read(worn(noise, s)), s) for s in scenes]
    assert np.mean([j["subject"] for j in judged]) >= 0.98
    assert np.mean([j["colour"] for j in judged]) >= 0.98


def test_noise_shows_nothing():
    clip = np.random.default_rng(0).integers(0, 256, (25, 96, 96, 3), dtype=np.uint8)
    scene = world.sample_scene(random.Random(0), pairs=0)
    assert not all(evaluate.judge(measure.read(clip), scene).values())
