"""The drawn world is what it says, and the ruler that judges generated clips can read it."""

import random

import numpy as np
import pytest

import measure
import world


def test_a_seed_is_a_clip():
    first, again = world.sample(5), world.sample(5)
    assert (first[0] == again[0]).all() and first[1:] == again[1:]
    assert first[0].shape == (17, 32, 32, 3) and first[0].dtype == np.uint8


def test_held_out_combinations_are_never_sampled():
    rng = random.Random(0)
    assert len(world.held_out_combinations()) >= 15
    for _ in range(5000):
        scene = world.sample_scene(rng)
        assert not world.held_out(scene.colour, scene.shape, scene.motion)


def test_shapes_stay_in_frame_and_captions_name_the_scene():
    rng = random.Random(1)
    for _ in range(2000):
        scene = world.sample_scene(rng)
        for frame in range(world.FRAMES):
            cx, cy, r = world.pose(scene, frame)
            assert r <= min(cx, cy) and max(cx, cy) + r < world.GRID
        text = world.caption(rng, scene).lower()
        assert any(w in text for w in world.COLOUR_WORDS[scene.colour])
        assert any(w in text for w in world.SHAPE_WORDS[scene.shape])


@pytest.mark.parametrize("aspect", ["colour", "motion", "ground", "shape"])
def test_the_ruler_reads_drawn_clips(aspect):
    rng = random.Random(2)
    scenes = [world.sample_scene(rng) for _ in range(150)]
    right = sum(
        getattr(measure.read(world.enlarge(world.draw(s))), aspect) == getattr(s, aspect)
        for s in scenes
    )
    assert right / len(scenes) >= 0.97
