"""How scenes are worded: many sentences for each, sometimes silent about the ground."""

from __future__ import annotations

import random

from world import CAMERAS, DIRECTIONS, Scene

SUBJECT_WORDS = {
    "ball": ["ball", "ball", "ball", "sphere"],
    "star": ["star"],
    "heart": ["heart"],
    "fish": ["fish"],
    "bird": ["bird"],
    "boat": ["boat", "boat", "boat", "ship", "sailboat"],
    "car": ["car"],
    "rocket": ["rocket", "rocket", "rocket", "spaceship"],
    "tree": ["tree"],
    "house": ["house", "house", "house", "hut"],
    "ghost": ["ghost"],
    "mushroom": ["mushroom", "mushroom", "mushroom", "toadstool"],
}

COLOUR_WORDS = {
    "red": ["red"], "orange": ["orange"], "yellow": ["yellow"], "green": ["green"],
    "cyan": ["cyan", "cyan", "turquoise"], "blue": ["blue"], "purple": ["purple", "purple", "violet"],
    "pink": ["pink"], "white": ["white"], "brown": ["brown"],
}  # fmt: skip

GROUND_WORDS = {
    "black": ["on black", "on a black background", "in the dark", "in front of black"],
    "sunset": ["at sunset", "at sunset", "at dusk", "in the sunset", "in the evening"],
    "sky": ["in the sky", "in the sky", "in a cloudy sky", "among the clouds", "by day"],
    "sea": ["on the sea", "at sea", "on the water", "by the sea", "on the waves"],
    "night": ["at night", "at night", "under the stars", "in the night sky", "in the moonlight"],
    "grass": ["on the grass", "on the grass", "in a meadow", "on a meadow", "in a field"],
}

RELATION_WORDS = {
    "left": ["left of", "to the left of", "on the left of"],
    "right": ["right of", "to the right of", "on the right of"],
    "above": ["above"],
    "below": ["below", "under", "beneath"],
}

GERUNDS = {
    "moves": "moving", "slides": "sliding", "drifts": "drifting", "glides": "gliding",
    "goes": "going", "travels": "travelling", "flies": "flying", "rises": "rising",
    "climbs": "climbing", "sinks": "sinking", "descends": "descending", "falls": "falling",
    "drops": "dropping", "grows": "growing", "gets": "getting", "shrinks": "shrinking",
    "stays": "staying", "stands": "standing", "rests": "resting", "waits": "waiting",
    "bounces": "bouncing", "hops": "hopping", "jumps": "jumping", "spins": "spinning",
    "turns": "turning", "rotates": "rotating", "circles": "circling", "orbits": "orbiting",
    "zigzags": "zigzagging", "swerves": "swerving",
}  # fmt: skip

GOING = ["moves", "moves", "moves", "slides", "drifts", "glides", "goes", "travels", "flies"]

MOTION_WORDS = {
    "grows": ["grows", "grows", "gets bigger", "gets larger"],
    "shrinks": ["shrinks", "shrinks", "gets smaller", "shrinks away"],
    "still": ["stays still", "stays still", "does not move", "stands still", "rests", "waits"],
    "bounces": ["bounces", "bounces", "bounces up and down", "hops", "jumps up and down"],
    "spins": ["spins", "spins", "turns around", "spins around", "rotates"],
    "circles": ["circles", "moves in a circle", "flies in a circle", "circles around", "orbits"],
    "zigzags": ["zigzags", "zigzags", "swerves", "moves in a zigzag"],
    "falls": ["falls", "falls", "falls to the ground", "drops", "drops to the ground", "falls down"],
}

CAMERA_WORDS = {
    "pan left": ["the camera pans left", "the camera pans to the left", "camera panning left"],
    "pan right": ["the camera pans right", "the camera pans to the right", "camera panning right"],
    "zoom in": ["the camera zooms in", "camera zooming in", "zooming in"],
    "zoom out": ["the camera zooms out", "camera zooming out", "zooming out"],
}


def direction_phrase(rng: random.Random, motion: str) -> str:
    way = rng.choice([motion, motion, f"to the {motion}"])
    if motion == "up" and rng.random() < 0.3:
        return rng.choice(["rises", "climbs"])
    if motion == "down" and rng.random() < 0.3:
        return rng.choice(["sinks", "descends"])
    if motion in ("up", "down"):
        way = rng.choice([motion, motion, f"{motion}wards"])
    elif " " in motion:
        upright, side = motion.split()
        way = rng.choice([
            f"{upright} and {side}", f"{upright} and to the {side}", f"{upright} {side}",
            f"diagonally {upright} and {side}", f"to the {'top' if upright == 'up' else 'bottom'} {side}",
        ])  # fmt: skip
    return f"{rng.choice(GOING)} {way}"


def motion_phrase(rng: random.Random, motion: str) -> str:
    """A finite phrase ("slides to the right") for what a subject does."""
    return direction_phrase(rng, motion) if motion in DIRECTIONS else rng.choice(MOTION_WORDS[motion])


def gerund(phrase: str) -> str:
    verb, _, rest = phrase.partition(" ")
    if verb == "does":
        return "not moving"
    return f"{GERUNDS[verb]} {rest}".strip()


def filler(rng: random.Random) -> str:
    """A word that says nothing about the scene, half the time one that does not exist.

    Made-up words reach the network as single letters, as any word outside the vocabulary
    does, and teach it to pass over them.
    """
    if rng.random() < 0.5:
        return rng.choice(["little", "bright", "shiny", "pretty", "small", "lonely"])
    return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(2, 7)))


def noun(rng: random.Random, colour: str, subject: str, article: str = "a") -> str:
    word = rng.choice(COLOUR_WORDS[colour])
    if rng.random() < 0.05:
        word = f"{filler(rng)} {word}"
    if article == "a" and word[0] in "aeiou":
        article = "an"
    return f"{article} {word} {rng.choice(SUBJECT_WORDS[subject])}".strip()


def sentence(rng: random.Random, scene: Scene) -> str:
    """The scene without its ground."""
    style = rng.random()
    article = "" if style > 0.9 else "the" if style > 0.85 else "a"
    who = noun(rng, scene.colour, scene.subject, article)
    if scene.motion in CAMERAS:
        return who
    verb = motion_phrase(rng, scene.motion)
    if style < 0.2:
        verb = gerund(verb)
    if not scene.relation:
        return f"{who} {verb}"
    where = rng.choice(RELATION_WORDS[scene.relation])
    other = noun(rng, scene.colour2, scene.subject2, "the" if article == "the" else "a")
    if scene.motion == "still" and rng.random() < 0.6:
        return f"{who} {rng.choice(['', 'is '])}{where} {other}"
    return f"{who} {verb} {where} {other}"


def caption(rng: random.Random, scene: Scene, ground_left_out: float = 0.12) -> str:
    """One of many wordings of a scene; whatever else it leaves out, never what moves how."""
    text = sentence(rng, scene)
    ground = "" if rng.random() < ground_left_out else rng.choice(GROUND_WORDS[scene.ground])
    if ground:
        text = f"{ground}, {text}" if rng.random() < 0.1 else f"{text} {ground}"
    if scene.motion in CAMERAS:
        text = f"{text}, {rng.choice(CAMERA_WORDS[scene.motion])}"
    if rng.random() < 0.1:
        text += "."
    return text[0].upper() + text[1:] if rng.random() < 0.1 else text
