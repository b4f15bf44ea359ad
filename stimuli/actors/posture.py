"""Where an actor's head and eyes point: the part of a picture that is drawn once per head pose.

    posture = take_up(sitter, actor, (10.0, -5.0, 0.0))   # yaw, pitch, roll (headpose.py)

The head at rest costs nothing; any other pose draws the hair again (mane.py) and lets the key
light fall through it anew.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from stimuli.actors import camera, eyes, hair, headpose, mane, shading
from stimuli.actors.anatomy import load_anatomy
from stimuli.actors.scene import Scene, layout, stage
from stimuli.actors.sitter import Sitter

THROUGH = 7  # column of Sitter.static: share of the key light that comes through the hair


@dataclass(frozen=True, eq=False)
class Posture:
    """A sitter in a head pose."""

    sitter: Sitter  # hair layers and light through the hair are those of the pose
    pose: headpose.Pose
    shares: np.ndarray  # (R,): how far rig vertices follow the head

    def turn(self, rig_points: np.ndarray) -> np.ndarray:
        """Rig vertices (R, 3) in studio space, turned with the head."""
        if self.pose == headpose.AHEAD:
            return rig_points
        return headpose.turn(rig_points, self.shares, self.pose)

    def gaze(self, actions: dict[str, float], aside: tuple[float, float]) -> eyes.Gaze:
        """Where the eyes are and look; aside as in eyes.gaze."""
        centres = np.array([[0.5, 0, 0], [-0.5, 0, 0]])
        if self.pose != headpose.AHEAD:
            centres = headpose.turn(centres, np.ones(2, np.float32), self.pose).astype(np.float64)
        return eyes.gaze(centres, actions, aside)


def take_up(sitter: Sitter, actor, pose: headpose.Pose, grain: int) -> Posture:
    """The posture of a sitter with its head in this pose, for pictures of grain x grain pixels."""
    rest = _at_rest(sitter)
    shares = headpose.share(rest)
    if pose == headpose.AHEAD:
        return Posture(sitter, pose, shares)
    grown, head = _grown(sitter, actor, grain)
    scene = stage(headpose.turn(rest, shares, pose), sitter.fold)
    front, behind = mane.layers(grown, pose, scene, grain)
    static = sitter.static.copy()
    follows = headpose.share(head.points)
    key = (headpose.rotation(pose).T @ shading.KEY_DIRECTION).astype(np.float32)
    through = grown.cloud.through(head.points, key)
    static[:, THROUGH] += follows * (through - static[:, THROUGH])
    turned = replace(sitter, static=static, hair_front=front, hair_behind=behind)
    return Posture(turned, pose, shares)


def eyes_in_head(pose: headpose.Pose, aside: tuple[float, float]) -> dict[str, float]:
    """Facial actions by which the lids follow eyes that look `aside` from a turned head."""
    left, up = np.radians(np.subtract(aside, pose[:2]))
    across, along = left / eyes.LOOKS["eyeLookOutLeft"][0], up / eyes.LOOKS["eyeLookUpLeft"][1]
    weights = {
        "eyeLookOutLeft": across, "eyeLookInRight": across,
        "eyeLookInLeft": -across, "eyeLookOutRight": -across,
        "eyeLookUpLeft": along, "eyeLookUpRight": along,
        "eyeLookDownLeft": -along, "eyeLookDownRight": -along,
    }  # fmt: skip
    return {action: float(min(w, 1.0)) for action, w in weights.items() if w > 0}


def _at_rest(sitter: Sitter) -> np.ndarray:
    return camera.to_studio(sitter.rig.base, sitter.turn, sitter.origin)


@lru_cache(maxsize=1)
def _grown(sitter: Sitter, actor, grain: int) -> tuple[mane.Mane, hair.Head]:
    """Hair and head at rest; the last sitter's are kept."""
    plan, anatomy = layout(), load_anatomy()
    scene: Scene = stage(_at_rest(sitter), sitter.fold)
    quads = anatomy.quads[: anatomy.faces["body"].stop // 2]
    rest = anatomy.rest[anatomy.body]
    head = hair.Head(scene.points[plan.body], scene.normals[plan.body], rest, quads)
    return mane.grow(actor, head, grain), head
