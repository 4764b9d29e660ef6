"""Renders a script to pictures and exact boxes. OpenCV draws everything at twice the size."""

from collections.abc import Iterator

import cv2
import numpy as np

from ava_det.data.actors.actions import pose
from ava_det.data.actors.body import joints
from ava_det.data.actors.figure import Shapes, figure, solid
from ava_det.data.actors.scenes import MARGIN, backdrop
from ava_det.data.actors.script import Actor, Script, Stream, stream

SUPERSAMPLING = 2
VISIBLE = 0.25  # share of a person that must be seen for a box
_BITS = 4  # fraction bits of the coordinates given to OpenCV


class Renderer:
    """Draws the frames of a script, and finds the boxes of the people.

    Attributes:
        script: The script of the video.
        height, width: The size of the frames in pixels.
    """

    def __init__(self, script: Script, height: int) -> None:
        self.script = script
        self.height, self.width = height, round(height * script.width)
        self._canvas = (SUPERSAMPLING * self.height, SUPERSAMPLING * self.width)
        self._foreground = [
            solid(bar.start, bar.end, bar.radius, bar.colour) for bar in script.foreground
        ]

    def frames(self, times: np.ndarray) -> Iterator[np.ndarray]:
        """Yield (height, width, 3) uint8 RGB at each of `times`, in seconds."""
        scale, size = self._canvas[0], (self.width, self.height)
        height, width = (round(scale * (side + 2 * MARGIN)) for side in (1, self.script.width))
        rng = stream(self.script.seed, Stream.BACKDROP)
        place = backdrop(self.script.scene, height, width, rng)
        unroll = np.array([[1 / scale, 0, -MARGIN], [0, 1 / scale, -MARGIN]])
        for time in times:
            camera = self._camera(time)
            # The place is out of focus: it need not be drawn at twice the size.
            view = _compose(camera / SUPERSAMPLING, unroll)
            seen = cv2.warpAffine(place, view, size, borderMode=cv2.BORDER_REFLECT)
            canvas = cv2.resize(seen, self._canvas[::-1])
            self._paint(canvas, camera, time)
            small = cv2.resize(canvas, size, interpolation=cv2.INTER_AREA)
            tones = np.arange(256)[:, None] * self.script.light.at(time)
            yield cv2.LUT(small, np.clip(tones, 0, 255).astype(np.uint8)[None])

    def boxes(self, time: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the visible people at `time`.

        A box is the tight box around a person, without the shadow and a thing in the hands. It is
        cut at the border of the frame, but not by things in front. A person is left out if less
        than `VISIBLE` of the person is visible, because the rest is outside of the frame or hidden.

        Returns:
            ((R, 4) relative xyxy boxes, (R,) indices into the script's actors).
        """
        height, width = self._canvas
        inside = np.s_[height // 2 : height // 2 + height, width // 2 : width // 2 + width]
        masks = self._masks(time)
        boxes, indices = [], []
        for index in range(len(self.script.actors)):
            whole, before = masks[index], np.logical_or.reduce(masks[index + 1 :])
            if (whole & ~before)[inside].sum() < VISIBLE * whole.sum():
                continue
            rows, columns = (np.flatnonzero(whole[inside].any(axis=axis)) for axis in (1, 0))
            boxes.append((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))
            indices.append(index)
        corners = np.array(boxes, np.float64).reshape(-1, 4) / (width, height, width, height)
        return corners, np.array(indices, np.int64)

    def _masks(self, time: float) -> list[np.ndarray]:
        """Return masks of each actor and, last, of the foreground.

        The bool masks have twice the height and width of the canvas, with the canvas in the middle,
        so they also cover the outside of the frame.

        Bool masks of twice the height and width of the canvas, with the canvas in the middle. So
        they also cover the outside of the frame.
        """
        height, width = self._canvas
        camera = self._camera(time)
        camera[:, 2] += width // 2, height // 2
        layers = []
        for actor in self.script.actors:
            stand = _compose(camera, self._stand(actor, time))
            shapes = figure(actor.look, pose(actor.body, actor.arms, time))
            layers.append([_points(part, stand) for part in shapes])
        layers.append([_points(bar, camera) for bar in self._foreground])
        masks = []
        for layer in layers:
            mask = np.zeros((2 * height, 2 * width), np.uint8)
            for outline in (outline for outlines in layer for outline in outlines):
                cv2.fillConvexPoly(mask, outline, 1, shift=_BITS)
            masks.append(mask.astype(bool))
        return masks

    def _camera(self, time: float) -> np.ndarray:
        """Return the (2, 3) transform from the world to pixels of the canvas."""
        return self._canvas[0] * self.script.camera.at(time, self.script.width)

    def _stand(self, actor: Actor, time: float) -> np.ndarray:
        """Return the (2, 3) transform from the person's own coordinates to the world."""
        x, ground = actor.place_at(time - self.script.seconds / 2)
        return np.array([[actor.facing * actor.height, 0, x], [0, actor.height, ground]])

    def _paint(self, canvas: np.ndarray, camera: np.ndarray, time: float) -> None:
        """Paint everything but the place, the farthest thing first."""
        for actor in self.script.actors:
            draw_shadow(canvas, _compose(camera, self._stand(actor, time)))
        for actor in self.script.actors:
            posture = pose(actor.body, actor.arms, time)
            stand = _compose(camera, self._stand(actor, time))
            behind, front = figure(actor.look, posture)
            _draw(canvas, behind, stand)
            if actor.thing is not None:
                hands = _hands(joints(actor.look.build, posture))
                _draw(canvas, solid(hands, hands, 0.11, actor.thing), stand)
            _draw(canvas, front, stand)
        self._paint_ball(canvas, camera, time)
        for bar in self._foreground:
            _draw(canvas, bar, camera)

    def _paint_ball(self, canvas: np.ndarray, camera: np.ndarray, time: float) -> None:
        """Paint the ball of two people, if they have one."""
        ball = self.script.ball
        if ball is None:
            return
        ends = []
        for actor in (ball.giver, ball.taker):
            stand = self._stand(actor, time)
            hands = _hands(joints(actor.look.build, pose(actor.body, actor.arms, time)))
            ends.append(stand[:, :2] @ hands + stand[:, 2])
        u = ball.flight.at(time)
        place = (1 - u) * ends[0] + u * ends[1] - (0, 0.4 * ball.giver.height * u * (1 - u))
        _draw(canvas, solid(place, place, 0.085 * ball.giver.height, ball.colour), camera)


def _hands(at: dict[str, np.ndarray]) -> np.ndarray:
    """Return (2,) the point between the hands."""
    return (at["hand_near"] + at["hand_far"]) / 2


def _compose(outer: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """Return the (2, 3) affine map that applies `inner`, then `outer`."""
    return outer[:, :2] @ inner + np.pad(outer[:, 2:], ((0, 0), (2, 0)))


def _draw(canvas: np.ndarray, shapes: Shapes, transform: np.ndarray) -> None:
    """Paint shapes, the later ones over the earlier."""
    for points, colour in zip(_points(shapes, transform), shapes.colours.tolist(), strict=True):
        cv2.fillConvexPoly(canvas, points, colour, shift=_BITS)


def _points(shapes: Shapes, transform: np.ndarray) -> np.ndarray:
    """Return (M, 14, 2) int32, the outlines of shapes in OpenCV's fixed-point pixels."""
    return np.round(shapes.outlines(transform) * 2**_BITS).astype(np.int32)


def draw_shadow(canvas: np.ndarray, stand: np.ndarray) -> None:
    """Darken the ground under a person; `stand` (2, 3) goes from the body to the canvas."""
    x, y = stand[:, 2]
    across, deep = 0.22 * stand[1, 1], 0.035 * stand[1, 1]
    left, top = max(int(x - across) - 1, 0), max(int(y - deep) - 1, 0)
    patch = canvas[top : int(y + deep) + 2, left : int(x + across) + 2]
    if not patch.size:
        return
    dark = patch.copy()
    cv2.ellipse(dark, ((x - left, y - top), (2 * across, 2 * deep), 0), (0, 0, 0), -1)
    cv2.addWeighted(dark, 0.45, patch, 0.55, 0, dst=patch)
