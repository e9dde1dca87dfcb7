"""The drawn world is what it says, and its captions name what it shows."""

import random

import numpy as np

import world
from captions import COLOUR_WORDS, SUBJECT_WORDS, caption
from grounds import GROUNDS
from sprites import COLOURS, SIDE, SUBJECTS, art


def test_the_vocabulary_is_rich():
    assert len(SUBJECTS) >= 12 and len(COLOURS) >= 10 and len(GROUNDS) >= 6
    assert len(world.MOTIONS) >= 12 and len(world.RELATIONS) == 4
    for subject in SUBJECTS:
        assert art(subject).shape == (SIDE, SIDE)
        assert (art(subject) == "#").sum() >= 40, subject


def test_a_seed_is_a_clip():
    first, again = world.sample(5), world.sample(5)
    assert (first[0] == again[0]).all() and first[1:] == again[1:]
    assert first[0].shape == (25, 48, 48, 3) and first[0].dtype == np.uint8


def test_held_out_combinations_are_never_sampled():
    rng = random.Random(0)
    kinds = (*world.MOTIONS, *world.CAMERAS)
    held = [(c, s, m) for c in COLOURS for s in SUBJECTS for m in kinds if world.held_out(c, s, m)]
    assert len(held) >= 90
    # Every word is trained on, only not in every company.
    assert {c for c, _, _ in held} == set(COLOURS) and {s for _, s, _ in held} == set(SUBJECTS)
    for _ in range(3000):
        assert not world.is_held_out(world.sample_scene(rng))
        assert world.is_held_out(world.sample_scene(rng, held=True))


def test_subjects_stay_in_the_picture():
    rng = random.Random(1)
    for _ in range(3000):
        scene = world.sample_scene(rng)
        for frame in range(world.FRAMES):
            poses = [world.pose(scene, frame)] + ([world.pose2(scene)] if scene.relation else [])
            for p in poses:
                left, top = p.x - p.width // 2, p.y - p.height // 2
                assert left >= 0 and left + p.width <= world.GRID, scene
                assert top >= 0 and top + p.height <= world.GRID, scene


def test_captions_name_the_scene():
    rng = random.Random(2)
    for _ in range(2000):
        scene = world.sample_scene(rng)
        words = caption(rng, scene).lower().replace(",", " ").replace(".", " ").split()
        named = [(COLOUR_WORDS, scene.colour), (SUBJECT_WORDS, scene.subject)]
        if scene.relation:
            named += [(COLOUR_WORDS, scene.colour2), (SUBJECT_WORDS, scene.subject2)]
        for table, name in named:
            assert any(w in words for w in table[name]), (scene, words)
