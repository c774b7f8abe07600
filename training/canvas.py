"""The drawing surface: a picture and its id map painted together, seen through a movable view.

World coordinates: x to the right, y down, one unit is the edge of the picture (128 or 256 px).  A scene may be larger
than the window; `view` says which square of the world is seen, so a window cut out of a larger canvas costs nothing
extra.  Pictures are painted at twice the size and reduced with a box filter; the id map (`k` of the topmost thing at
every pixel) is painted at the final size, without smoothing.  `tint` is the light of the hour: it colours all that does
not glow by itself.
"""
import math

import numpy as np
from PIL import Image, ImageDraw

SIZES = (128, 256)       # edges of finished pictures


def mix(a, b, t):
    return tuple(a[i] * (1 - t) + b[i] * t for i in range(3))


def shade(c, t=0.22):
    """Towards the cool dark of the shadow side."""
    return mix(c, (26, 22, 52), t)


def light(c, t=0.25):
    """Towards the warm light of the lit side (light always comes from the left)."""
    return mix(c, (255, 250, 230), t)


class Canvas:
    def __init__(self, rng, view=(0.0, 0.0, 1.0), ground=(200, 200, 200), px=128):
        self.rng, self.view, self.tint, self.k = rng, view, (1.0, 1.0, 1.0), 0
        self.edge, self.big = px, 2 * px                 # edge of the finished picture, and while painting
        self.picture = Image.new("RGB", (self.big, self.big), tuple(int(v) for v in ground))
        self.ids = Image.new("L", (px, px), 0)
        self.draw, self.mark = ImageDraw.Draw(self.picture), ImageDraw.Draw(self.ids)

    # ------------------------------------------------------------ chance
    def u(self, a=0.0, b=1.0):
        return a + (b - a) * self.rng.random()

    def n(self, a, b):
        return int(self.rng.integers(a, b + 1))

    def pick(self, items):
        return items[int(self.rng.integers(len(items)))]

    def chance(self, p):
        return self.rng.random() < p

    def vary(self, c, amount=10):
        """The same colour, a little lighter or darker, warmer or cooler."""
        d = self.u(-amount, amount)
        return tuple(v + d + self.u(-amount, amount) * 0.4 for v in c)

    # ------------------------------------------------------------ marks
    @property
    def dark(self):
        """Night: lamps are lit."""
        return sum(self.tint) < 2.3

    def lit(self, c, glow=False):
        t = (1, 1, 1) if glow else self.tint
        return tuple(max(0, min(255, int(c[i] * t[i]))) for i in range(3))

    def px(self, points, scale=None):
        x0, y0, s = self.view
        f = (scale or self.big) / s
        return [((x - x0) * f, (y - y0) * f) for x, y in points]

    def poly(self, points, c, glow=False):
        self.draw.polygon(self.px(points), fill=self.lit(c, glow))
        self.mark.polygon(self.px(points, self.edge), fill=self.k)

    def rect(self, x0, y0, x1, y1, c, glow=False):
        (ax, ay), (bx, by) = self.px([(min(x0, x1), min(y0, y1)), (max(x0, x1), max(y0, y1))])
        self.draw.rectangle([ax, ay, bx, by], fill=self.lit(c, glow))
        self.mark.rectangle([ax / 2, ay / 2, bx / 2, by / 2], fill=self.k)

    def oval(self, x, y, rx, ry, c, glow=False):
        (ax, ay), (bx, by) = self.px([(x - rx, y - ry), (x + rx, y + ry)])
        self.draw.ellipse([ax, ay, bx, by], fill=self.lit(c, glow))
        self.mark.ellipse([ax / 2, ay / 2, bx / 2, by / 2], fill=self.k)

    def line(self, x0, y0, x1, y1, width, c, glow=False):
        q = self.px([(x0, y0), (x1, y1)])
        w = max(1, round(width * self.big / self.view[2]))
        self.draw.line(q, fill=self.lit(c, glow), width=w)
        self.mark.line([(a / 2, b / 2) for a, b in q], fill=self.k, width=max(1, w // 2))

    def arc(self, x, y, r, width, c):
        """The upper half of a ring of outer radius r."""
        (ax, ay), (bx, by) = self.px([(x - r, y - r), (x + r, y + r)])
        w = max(1, round(width * self.big / self.view[2]))
        self.draw.arc([ax, ay, bx, by], 180, 360, fill=self.lit(c, True), width=w)
        self.mark.arc([ax / 2, ay / 2, bx / 2, by / 2], 180, 360, fill=self.k, width=max(1, w // 2))

    def gradient(self, points, stops, glow=False):
        """A polygon filled with a vertical gradient; stops are (y, colour) from above to below."""
        q = self.px(points)
        top, bottom = max(0, int(min(y for _, y in q))), min(self.big, int(max(y for _, y in q)) + 1)
        if bottom <= top:
            return
        ys = self.view[1] + (np.arange(top, bottom) + 0.5) / self.big * self.view[2]
        at = [y for y, _ in stops]
        colours = np.array([self.lit(c, glow) for _, c in stops], np.float32)
        rows = np.stack([np.interp(ys, at, colours[:, i]) for i in range(3)], 1).astype(np.uint8)
        band = Image.fromarray(rows[:, None].copy()).resize((self.big, bottom - top), Image.NEAREST)
        mask = Image.new("L", (self.big, bottom - top), 0)
        ImageDraw.Draw(mask).polygon([(x, y - top) for x, y in q], fill=255)
        self.picture.paste(band, (0, top), mask)
        self.mark.polygon([(x / 2, y / 2) for x, y in q], fill=self.k)

    # ------------------------------------------------------------ shapes
    def span(self):
        """Left and right end of the view, a little beyond."""
        return self.view[0] - 0.1, self.view[0] + self.view[2] + 0.1

    def ridge(self, y, height, rough=0.5, pieces=20):
        """Points of a soft wavy line across the view."""
        waves = [(self.u(0.5, 1.4), self.u(0, 6.3), 1.0), (self.u(2, 3.5), self.u(0, 6.3), 0.45 * rough), (self.u(5, 8), self.u(0, 6.3), 0.2 * rough)]
        a, b = self.span()
        xs = [a + (b - a) * i / pieces for i in range(pieces + 1)]
        return [(x, y + height * sum(m * math.sin(6.283 * f * x + p) for f, p, m in waves)) for x in xs]

    def down(self, line, bottom=None):
        """A line closed downwards, beyond the view."""
        a, b = self.span()
        y = self.view[1] + self.view[2] + 0.1 if bottom is None else bottom
        return line + [(b, y), (a, y)]

    def whole(self):
        a, b = self.span()
        y0, y1 = self.view[1] - 0.1, self.view[1] + self.view[2] + 0.1
        return [(a, y0), (b, y0), (b, y1), (a, y1)]

    def place(self, x, y, h):
        return Place(self, x, y, h)

    def finish(self):
        """(picture, ids): uint8 arrays of the finished size."""
        return np.asarray(self.picture.reduce(2)), np.asarray(self.ids)


class Place:
    """The frame in which one thing is painted: foot at (0, 0), y upwards, top at 1."""

    def __init__(self, canvas, x, y, h):
        self.canvas, self.x, self.y, self.h = canvas, x, y, h

    def at(self, x, y):
        return self.x + x * self.h, self.y - y * self.h

    def poly(self, points, c, glow=False):
        self.canvas.poly([self.at(*p) for p in points], c, glow)

    def rect(self, x0, y0, x1, y1, c, glow=False):
        self.canvas.rect(*self.at(x0, y0), *self.at(x1, y1), c, glow)

    def oval(self, x, y, rx, ry, c, glow=False):
        self.canvas.oval(*self.at(x, y), rx * self.h, ry * self.h, c, glow)

    def line(self, x0, y0, x1, y1, width, c, glow=False):
        self.canvas.line(*self.at(x0, y0), *self.at(x1, y1), width * self.h, c, glow)

    def arc(self, x, y, r, width, c):
        self.canvas.arc(*self.at(x, y), r * self.h, width * self.h, c)
