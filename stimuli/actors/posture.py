"""Where an actor's head and eyes point: the part of a picture that is drawn once per head pose.

    posture = take_up(sitter, actor, (10.0, -5.0, 0.0), grain)   # yaw, pitch, roll (headpose.py)
    posture = follow(sitter, actor, (10.0, -5.0, 0.0), grain)    # one of many: of a clip

The head at rest costs nothing. In any other pose, take_up draws the hair again (mane.py) and lets
the key light fall through it anew; follow carries it there from key poses (hairpiece.py), which are
drawn once a process.
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from threading import Lock

import numpy as np

from stimuli.actors import camera, eyes, hair, hairpiece, headpose, mane, shading, store
from stimuli.actors.anatomy import load_anatomy
from stimuli.actors.scene import Scene, layout, stage
from stimuli.actors.sitter import Sitter
from stimuli.actors.volume import Cloud

THROUGH = 7  # column of Sitter.static: share of the key light that comes through the hair
KEPT = 12  # key poses that are kept: 5 MB each for pictures of 128 px, 20 MB for 256, 35 MB for 512
LARGEST = 1280  # pixels a side as drawn; hair of larger pictures is drawn anew in every pose
LITTLE = np.radians(8)  # turns of the light against the head in which `spans` holds
TURNED_AWAY = -0.4  # skin whose normal has a smaller z while the head is upright is never seen


@dataclass(frozen=True, eq=False)
class Posture:
    """A sitter in a head pose."""

    sitter: Sitter  # hair layers and light through the hair are those of the pose
    pose: headpose.Pose
    shares: np.ndarray  # (R,): how far rig vertices follow the head
    carried: hairpiece.Hair | None = None  # instead of the sitter's hair layers

    def turn(self, rig_points: np.ndarray) -> np.ndarray:
        """Rig vertices (R, 3) in studio space, turned with the head."""
        if self.pose == headpose.AHEAD:
            return rig_points
        return headpose.turn(rig_points, self.shares, self.pose)

    def hair(self, depth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Hair layers (H, H, 4) before and behind what is seen at this depth (H, H)."""
        if self.carried is None:
            return self.sitter.hair_front, self.sitter.hair_behind
        return self.carried.around(depth)

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


def follow(
    sitter: Sitter, actor, pose: headpose.Pose, grain: int, folder: Path | None = None
) -> Posture:
    """As take_up, much faster for many poses; the hair differs a little (see hairpiece.py).

    folder: where prepared actors are kept, None: store.default_folder().
    """
    if pose == headpose.AHEAD or grain > LARGEST:
        return take_up(sitter, actor, pose, grain)
    upright = _upright(sitter, actor, grain, folder or store.default_folder())
    static = sitter.static.copy()
    key = (headpose.rotation(pose).T @ shading.KEY_DIRECTION).astype(np.float32)
    little = float(key @ shading.KEY_DIRECTION) > np.cos(LITTLE)
    spans = upright.spans if little else None
    through = upright.cloud.through(upright.points, key, spans=spans)
    static[upright.seen, THROUGH] += upright.follows * (through - static[upright.seen, THROUGH])
    carried = hairpiece.in_pose(lambda at: _piece(sitter, actor, at, grain, upright.piece), pose)
    shares = headpose.share(_at_rest(sitter))
    return Posture(replace(sitter, static=static), pose, shares, carried)


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


@dataclass(frozen=True, eq=False)
class _Upright:
    """What poses of clips start from."""

    piece: hairpiece.Hairpiece
    cloud: Cloud
    seen: np.ndarray  # numbers of the skin vertices that turn, and that any pose may show
    points: np.ndarray  # (seen, 3)
    follows: np.ndarray  # (seen,)
    spans: np.ndarray  # (seen, 2): where light meets hair while the head turns little


_locks: defaultdict[tuple, Lock] = defaultdict(Lock)


def _upright(sitter: Sitter, actor, grain: int, folder: Path) -> _Upright:
    with _locks[id(sitter), "upright"]:  # threads wait for each other's work
        return _upright_once(sitter, actor, grain, folder)


@lru_cache(maxsize=3)
def _upright_once(sitter: Sitter, actor, grain: int, folder: Path) -> _Upright:
    def slowly() -> store.Arrays:
        grown, _ = _grown(sitter, actor, grain)
        piece = hairpiece.draw(grown, scene, headpose.AHEAD, grain, layers)
        far = {"front": piece.front.depth, "behind": piece.behind.depth}
        lessened = {name: depth - camera.DISTANCE for name, depth in far.items()}
        return {**lessened, "cloud": grown.cloud.density}

    layers = (sitter.hair_front, sitter.hair_behind)
    scene = stage(_at_rest(sitter), sitter.fold)
    key = store.key_of([repr(actor), sitter.rig.base.tobytes(), str(grain), "upright"])
    kept = store.fetch(folder, actor.id, key, slowly)
    front, behind = (
        hairpiece.Sheet(light, kept[name] + np.float32(camera.DISTANCE))
        for name, light in zip(("front", "behind"), layers, strict=True)
    )
    body = layout().body
    skin = scene.points[body]
    seen = np.flatnonzero((scene.normals[body][:, 2] > TURNED_AWAY) & (headpose.share(skin) > 0))
    points = np.ascontiguousarray(skin[seen])
    piece = hairpiece.Hairpiece(headpose.AHEAD, front, behind)
    cloud = Cloud(kept["cloud"])
    spans = cloud.spans(points, shading.KEY_DIRECTION, LITTLE + 0.01)
    return _Upright(piece, cloud, seen, points, headpose.share(points), spans)


def _piece(sitter: Sitter, actor, pose: headpose.Pose, grain: int, upright: hairpiece.Hairpiece):
    if pose == headpose.AHEAD:
        return upright
    with _locks[id(sitter), pose]:
        return _piece_once(sitter, actor, pose, grain)


@lru_cache(maxsize=KEPT)
def _piece_once(sitter: Sitter, actor, pose: headpose.Pose, grain: int) -> hairpiece.Hairpiece:
    with _locks[id(sitter), "grown"]:
        grown, _ = _grown(sitter, actor, grain)
    rest = _at_rest(sitter)
    scene = stage(headpose.turn(rest, headpose.share(rest), pose), sitter.fold)
    return hairpiece.draw(grown, scene, pose, grain)


@lru_cache(maxsize=1)
def _grown(sitter: Sitter, actor, grain: int) -> tuple[mane.Mane, hair.Head]:
    """Hair and head at rest; the last sitter's are kept."""
    plan, anatomy = layout(), load_anatomy()
    scene: Scene = stage(_at_rest(sitter), sitter.fold)
    quads = anatomy.quads[: anatomy.faces["body"].stop // 2]
    rest = anatomy.rest[anatomy.body]
    head = hair.Head(scene.points[plan.body], scene.normals[plan.body], rest, quads)
    return mane.grow(actor, head, grain), head
