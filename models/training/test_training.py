"""What training on short clips rests on."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import tokenizer
import world
from cache_latents import choose, shows, statistics
from dit_model import build_transformer, encode_captions
from labels import CLASSES, KINDS, PLACES, WORD_CLASSES, label
from lessons import CaptionLesson, LatentLesson
from optim import Clock
from parallel import Group
from sprites import COLOURS, SUBJECTS
from train_decoder import FEATURES, FLOOR, MARGIN, WINDOW, aim, window_loss, windows
from train_dit import LENGTHS, step_length
from vae_model import build_vae, decode_raw, encode_mode


@pytest.mark.parametrize("latent_frames", sorted({n for _, cycle in LENGTHS for n in cycle}))
def test_first_latent_frames_are_those_of_a_shorter_clip(latent_frames):
    torch.manual_seed(0)
    vae = build_vae(8).eval()
    clip = torch.rand(1, 3, 25, 32, 32) * 2 - 1
    with torch.no_grad():
        whole = encode_mode(vae, clip)
        short = encode_mode(vae, clip[:, :, : 4 * latent_frames - 3])
    torch.testing.assert_close(short, whole[:, :, :latent_frames], rtol=1e-4, atol=1e-5)


def test_whole_clips_come_more_often_towards_the_end():
    share = lambda progress: sum(step_length(s, progress) == 7 for s in range(60)) / 60  # noqa: E731
    assert 0 < share(0.1) < share(0.9) == share(1.0)


def test_the_rate_falls_to_nothing_over_the_share_asked_for():
    def rate(minute: float, decay: float) -> float:
        return Clock(100, minute * 60, Group()).rate(1.0, decay=decay)

    assert rate(0, 0.2) == pytest.approx(0.05)
    assert rate(79, 0.2) == rate(20, 0.8) == 1
    assert rate(90, 0.2) == pytest.approx(rate(60, 0.8)) == pytest.approx(0.5)
    assert rate(100, 0.2) == rate(100, 0.8) == 0


def test_what_is_to_be_shown_often_comes_twice_as_often():
    names = ["circles", "fish"]

    def share(often: list[str]) -> float:
        rng = random.Random(3)
        return sum(shows(choose(rng, 0.15, often), names) for _ in range(2000)) / 2000

    plain = share([])
    assert share(names) == pytest.approx(2 * plain / (1 + plain), abs=0.03)


def test_a_model_that_goes_on_keeps_its_mean_and_deviation(tmp_path):
    (tmp_path / "vae").mkdir()
    (tmp_path / "vae/config.json").write_text(json.dumps({"latents_mean": [1.0, 2.0], "latents_std": [3.0, 4.0]}))
    z = torch.randn(5, 2, 3, 4, 4)
    mean, std = statistics(tmp_path, None, z)
    assert mean.tolist() == [1, 2] and std.tolist() == [3, 4]
    kept = {"mean": torch.tensor([5.0, 6.0]), "std": torch.tensor([7.0, 8.0])}
    assert statistics(tmp_path, kept, z) == (kept["mean"], kept["std"])
    mean, std = statistics(None, None, z)
    torch.testing.assert_close(mean, z.transpose(0, 1).flatten(1).mean(1))
    torch.testing.assert_close(std, z.transpose(0, 1).flatten(1).std(1))


def test_labels_are_where_a_clip_differs_from_its_ground():
    rng = random.Random(5)
    for _ in range(20):
        scene = world.sample_scene(rng)
        ground = np.stack([world.draw_ground(scene, f) for f in range(world.FRAMES)])
        shown = (world.draw(scene) != ground).any(-1).reshape(world.FRAMES, 12, 4, 12, 4).any((2, 4))
        shown = np.concatenate([shown[:1], shown[1:].reshape(-1, 4, 12, 12).any(1)])
        answers = label(scene)
        np.testing.assert_array_equal(answers[..., 0] > 0, shown)
        names = {scene.subject, scene.subject2} - {""}
        assert {SUBJECTS[i - 1] for i in np.unique(answers[..., 0]) if i} <= names


def test_parts_follow_the_sprite():
    def across(scene: world.Scene) -> list[float]:
        middle = label(scene)[3]
        columns = np.nonzero(middle[..., 0].any(0))[0]
        return [np.median(middle[:, c, 2][middle[:, c, 2] > 0]) for c in columns]

    scene = world.Scene("red", "fish", "right", "sea")
    parts = across(scene)
    assert parts == sorted(parts) and len(set(parts)) > 2
    parts = across(replace(scene, motion="left"))
    assert parts == sorted(parts, reverse=True)


def test_a_perfect_answer_passes_the_lesson():
    transformer = build_transformer()
    lesson = LatentLesson(transformer)
    labels = torch.from_numpy(label(world.sample_scene(random.Random(6))))[None]
    # Fifty for the right class, in the order in which the transformer takes its patches.
    onehot = [F.one_hot(labels[..., i].long(), n) for i, n in enumerate(CLASSES)]
    wanted = 50.0 * torch.cat(onehot, -1)
    wanted = wanted.view(1, 7, 6, 2, 6, 2, -1).permute(0, 1, 2, 4, 3, 5, 6).reshape(1, 7 * 36, -1)
    lesson.answer = torch.nn.Identity()
    lesson.heard = wanted
    weight = torch.ones(labels.shape[:-1])
    assert lesson(labels, weight) < 1e-6
    assert lesson(labels.roll(1, dims=3), weight) > 1


def test_words_of_a_pair_are_asked_about_their_own_subject(tmp_path):
    tokenizer.save(tmp_path)
    tokens = tokenizer.load(tmp_path)
    lesson = CaptionLesson(tokens, 8)
    scene = world.Scene("red", "ball", "spins", "sea", relation="right", colour2="blue", subject2="star")
    ids, _ = encode_captions(tokens, ["a red ball spins right of a blue star on the sea"])
    asked, right = lesson.questions(ids, [scene])
    pieces = tokens.convert_ids_to_tokens(ids[0])
    answers = {pieces[column]: answer for (_, column), answer in zip(asked, right)}
    assert set(answers) == {"▁red", "▁ball", "▁blue", "▁star"}
    assert answers["▁red"] == answers["▁ball"] != answers["▁blue"] == answers["▁star"]
    place, subject, colour, kind = answers["▁star"]
    assert PLACES[place] == "left"
    assert (SUBJECTS[subject - 1], list(COLOURS)[colour - 1], KINDS[kind]) == ("star", "blue", "still")
    assert all(0 <= a < n for a, n in zip(answers["▁ball"], WORD_CLASSES, strict=True))


def test_a_window_is_decoded_as_that_part_of_the_whole_clip():
    torch.manual_seed(0)
    vae = build_vae(8).eval().requires_grad_(False)
    for module in vae.decoder.modules():
        # Without neighbours across cuts the two must be equal; over time they stay.
        if isinstance(module, torch.nn.Conv2d | torch.nn.Conv3d) and module.kernel_size[-1] == 3:
            middle = module.weight[..., 1:2, 1:2].clone()
            module.weight.zero_()[..., 1:2, 1:2] = middle
    latents = torch.randn(2, 16, 3, 12, 12)
    clips = decode_raw(vae, latents)
    corners = [(0, 5), (12, 3)]
    scale = clips.shape[-1] // FEATURES
    with windows(vae.decoder, corners):
        parts = decode_raw(vae, latents)
    for part, clip, (x, y) in zip(parts, clips, corners):
        seen = clip[..., y * scale : (y + WINDOW) * scale, x * scale : (x + WINDOW) * scale]
        torch.testing.assert_close(part, seen, rtol=1e-4, atol=1e-5)

    none = math.log(FLOOR)
    assert window_loss(vae, latents, clips, corners).item() == pytest.approx(none, abs=1e-3)
    # The margin at a cut does not count, that at the picture's edge does.
    cut, edge = clips.clone(), clips.clone()
    cut[0, ..., (WINDOW - MARGIN) * scale : WINDOW * scale] += 1
    edge[0, ..., : MARGIN * scale] += 1
    assert window_loss(vae, latents, cut, corners).item() == pytest.approx(none, abs=1e-3)
    assert window_loss(vae, latents, edge, corners).item() > none + 1


def test_windows_follow_subjects():
    rng = random.Random(7)
    reach = WINDOW + 2
    close = 0
    for _ in range(200):
        scene = world.sample_scene(rng)
        x, y = aim(rng, scene)
        assert 0 <= x <= FEATURES - WINDOW and 0 <= y <= FEATURES - WINDOW
        poses = [world.pose(scene, f) for f in range(world.FRAMES)]
        poses += [world.pose2(scene)] if scene.relation else []
        close += any(max(abs(p.x - 2 * x - WINDOW), abs(p.y - 2 * y - WINDOW)) <= reach for p in poses)
    assert close > 150
