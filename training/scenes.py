"""Pictures for training: composed from the things of the registry, each with its words and exact masks, from a seed alone.

    make(seed, px) -> Example(picture, ids, caption, labels, kind, pose, style, mood)
    layout(seed, px) -> (picture, class map, background words, [(words, mask, thing, colour)])       for evaluation
    python scenes.py --sheet SHEET.png [--px 256] [--seed N] [--kind K] [--style S] [--mood M] [--layouts]

A MultiDiffusion window sees only a piece of the canvas, a bootstrapped region sees its thing on a plain colour, and later
the same words while other things stand around.  So only part of the pictures are finished scenes; the kinds and their
shares are in KINDS:

    portrait   one thing, large, in front of a fitting sky and ground          "a red house", "a red house on a meadow"
    plain      one thing, large, on a plain colour                             "a red house"
    cut        something seen through a mask, one plain colour outside: half of them the thing's own silhouette, grown
    material   one sky, ground or far layer filling the picture                "a green meadow"
    window     a window somewhere in a larger scene: only sky, the middle of the mountains, half a castle ...
    scene      a whole small picture                                           "a house and a tree on a meadow, blue sky"
    beside     two to four things apart from each other, the caption mostly naming just one of them

Captions name the main thing first; more than half of them are short, because that is how people write in a region.  A
style or a mood (looks.py) is nearly always said.  Plain surroundings are exactly one colour in every style.
"""
import argparse
import math
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

import looks
from canvas import SIZES, Canvas
from things import CLASSES, LIGHT, THINGS, of

KINDS = {"portrait": 0.22, "plain": 0.09, "cut": 0.18, "material": 0.11, "window": 0.08, "scene": 0.13, "beside": 0.19}
MOODY = {"portrait": 0.24, "plain": 0.0, "cut": 0.0, "material": 0.20, "window": 0.24, "scene": 0.34, "beside": 0.24}
BEHIND = {"portrait": 0.12, "window": 0.15, "scene": 0.3, "beside": 0.3}      # share whose words tell only what is behind the things
STYLED = 0.40                # share of pictures in a style; of the others FLAT say that they are flat illustrations
FLAT = 0.07
SKY_SHARE = {"blue sky": 4.0, "sunset sky": 1.6, "night sky": 1.5, "cloudy sky": 1.4}      # others: 1, times their weight
HOURS = {"sunset sky": ["at sunset", "in the evening"], "night sky": ["at night"], "blue sky": ["by day", "on a sunny day"], "cloudy sky": ["on a cloudy day"],
         "dawn sky": ["at dawn", "in the morning"], "stormy sky": ["in stormy weather"], "aurora": ["under northern lights"], "pink sky": ["in the evening"]}
WATER = {"sea", "lake", "river", "pond"}
PLACES = {"meadow": ["on a meadow", "on the grass", "on a green meadow", "in a meadow"], "snow": ["in the snow", "on snow", "on white snow"], "desert": ["in the desert", "in a desert", "on sand"],
          "flower field": ["in a field of {c}flowers", "on a {c}flower field", "among {c}flowers"], "sea": ["on the sea", "on the ocean", "on the water"],
          "lake": ["on a lake", "on the lake", "on the water"], "river": ["on a river", "on the river"], "beach": ["on a beach", "on the beach"],
          "wheat field": ["in a wheat field", "in a field of wheat"], "rocks": ["on rocks", "on the rocks"], "road": ["on a road", "by a road"]}
BESIDE_WATER = {"sea": ["by the sea", "at the sea", "by the ocean"], "lake": ["by a lake", "at the lake"], "river": ["by a river", "at the river"], "pond": ["by a pond"]}
NIGHT_ONLY, DAY_ONLY = {"moon", "crescent moon", "star", "stars", "comet"}, {"sun", "rainbow", "butterfly", "kite"}
LEAFY = ("tree", "bush", "oak", "birch", "hills", "forest")
BACK = {"mountain", "volcano", "island", "waterfall", "iceberg"}      # stand far behind in a scene
AUTUMNAL = {"meadow", "lake", "river", "road", "forest", "pine forest", "hills"}
BEFORE_COLOUR = {"big", "little", "small", "tall", "high", "old", "beautiful", "happy", "wise", "tiny", "large"}    # "a big red ship"
MOIST = ("rainy", "stormy", "misty", "moonlit", "winter")            # no sun, no rainbow


def uncounted(noun):
    """Whether a noun has no article of its own: plural or a mass."""
    last = noun.split()[-1]
    return last.endswith("s") and last not in ("cactus", "cumulus", "grass") and not last.endswith("ss") or last in ("grass", "sand", "snow", "wheat", "weather", "water", "ice", "lightning")


@dataclass
class Example:
    picture: np.ndarray      # px x px x 3, uint8
    ids: np.ndarray          # px x px, uint8: class number of the topmost thing (things.CLASSES), 0 = plain
    caption: str
    labels: list             # (thing, colour word or "") for everything the caption names, main thing first
    kind: str
    pose: tuple = None       # (x, y, height, width / height) of a single large thing, in units of the picture
    style: str = ""          # looks.STYLES
    mood: str = ""           # looks.MOODS


@dataclass
class Seen:
    """One thing painted into a picture, once or several times."""
    name: str
    colour: str = ""
    role: str = ""
    marks: list = field(default_factory=list)        # its numbers in the canvas's id map


class Composer:
    def __init__(self, seed, px=128):
        self.rng, self.px, self.wide = np.random.default_rng([seed, px]), px, px >= 256
        self.mood, self.style, self.pose, self.main = "", "", None, None
        self.new()

    def new(self, view=(0.0, 0.0, 1.0), ground=(200, 200, 200)):
        self.c, self.seen, self.numbers, self.ranks = Canvas(self.rng, view, ground, self.px), [], [0], [0]
        self.horizon, self.outside, self.plain_colour = 0.45, None, None
        return self.c

    # ------------------------------------------------------------ choosing
    def weighted(self, pool, weight=lambda t: getattr(t, "weight", 1.0)):
        w = np.cumsum([weight(t) for t in pool])
        return pool[min(len(pool) - 1, int(np.searchsorted(w, self.rng.random() * w[-1], side="right")))]

    def a_ground(self):
        pool = of("ground")
        if self.mood in ("winter", "autumn"):
            pool = [t for t in pool if t.name in ("meadow", "snow", "lake", "river", "road", "rocks", "path") and (self.mood == "winter" or t.name != "snow")] or pool
        return self.weighted(pool).name

    def a_sky(self):
        fitting = looks.MOODS[self.mood][3] if self.mood else None
        pool = [t for t in of("sky") if not fitting or t.name in fitting] or of("sky")
        return self.weighted(pool, lambda t: SKY_SHARE.get(t.name, 1.0) * getattr(t, "weight", 1.0)).name

    def a_far(self, ground):
        pool = [t for t in of("far") if (ground in t.where if t.where else not (ground in ("desert", "sea") and "forest" in t.name))]
        return self.weighted(pool or of("far"))

    def objects(self, ground):
        """What may stand on a ground; rather land things where nothing is said about it."""
        return [t for t in of("object") if ground in t.where] or [t for t in of("object") if "meadow" in t.where]

    def grounds(self, t):
        pool = [g for g in of("ground") if g.name in t.where] or [THINGS["meadow"]]
        if self.mood in ("winter", "autumn"):
            pool = [g for g in pool if g.name in ("meadow", "snow", "lake", "river", "road", "rocks") and (self.mood == "winter" or g.name != "snow")] or pool
        return self.weighted(pool).name

    def airy(self, sky):
        """What may hang in a sky."""
        night = sum(LIGHT.get(sky, (1, 1, 1))) < 2.3
        out = set(DAY_ONLY if night else NIGHT_ONLY)
        if self.mood in MOIST or "cloud" in sky or "storm" in sky:
            out |= {"sun"} | ({"rainbow"} if self.mood in ("winter", "misty", "stormy") else set())
        return [t for t in of("air") if t.name not in out and (not any(w in THINGS for w in t.where) or sky in t.where)]

    # ------------------------------------------------------------ painting
    def paint(self, name, *where, colour_word=None):
        """Paints a thing: (y) for sky and ground, (y, h) for far, (x, y, h) for the rest; returns its mark."""
        c, t = self.c, THINGS[name]
        self.numbers.append(t.number)
        self.ranks.append(looks.RANKS[t.group])
        c.k = min(255, len(self.numbers) - 1)
        words = list(t.colours)
        if self.mood == "autumn" and "orange" in words and any(w in name for w in LEAFY):
            words = [w for w in words if w in ("orange", "red", "yellow", "brown")]
        word = colour_word or (c.pick(words) if words else "")
        colour = c.vary(t.colours[word]) if word else None
        if t.group in ("air", "object"):
            t.paint(c.place(*where), colour)
        else:
            t.paint(c, *where, colour)
        for s in self.seen:
            if (s.name, s.colour) == (name, word) or s.name == name and t.group != "object":
                s.marks.append(c.k)
                break
        else:
            self.seen.append(Seen(name, word, t.group, [c.k]))
        return c.k

    def sky(self, y, name=None):
        name = name or self.a_sky()
        self.paint(name, y)
        self.c.tint = LIGHT.get(name, (1, 1, 1))
        self.horizon = (y - self.c.view[1]) / self.c.view[2]
        return name

    def hour(self):
        """Only the light of an hour, without a sky."""
        if self.c.chance(0.12):
            self.c.tint = LIGHT[self.c.pick(list(LIGHT))]

    def in_air(self, horizon, sky, p=0.5):
        c, (vx, vy, v) = self.c, self.c.view
        taken = []
        for _ in range(3 if self.wide else 2):
            if not c.chance(p):
                continue
            pool = self.airy(sky)
            if not pool:
                return
            t = self.weighted(pool, lambda t: getattr(t, "weight", 1.0) * {"sun": 1.6, "cloud": 2.2}.get(t.name, 1.0))
            h = c.u(*t.size) * (0.8 if self.wide else 1.0) * v
            if t.name != "cloud" and any(s.name == t.name or "moon" in t.name and "moon" in s.name for s in self.seen):
                continue
            if t.name == "rainbow":
                self.paint("rainbow", vx + c.u(0.35, 0.65) * v, horizon + 0.04 * v, h)
                continue
            for _ in range(8):
                x, y = vx + c.u(0.12, 0.88) * v, max(vy + h + 0.04 * v, horizon - c.u(0.1, 0.45) * v)
                if all(abs(x - a) > 0.55 * (h * t.wide + w) or abs(y - h / 2 - b) > 0.55 * (h + g) for a, b, w, g in taken):
                    taken.append((x, y - h / 2, h * t.wide, h))
                    self.paint(t.name, x, y, h)
                    break

    def backdrop(self, ground, horizon, far=0.3, air=0.2, low=1.0):
        """Sky, sometimes a far layer, ground."""
        c = self.c
        sky = self.sky(horizon + 0.03)
        self.in_air(horizon, sky, air)
        if c.chance(far):
            t = self.a_far(ground)
            self.paint(t.name, horizon + 0.012, c.u(*t.size) * low)
        self.paint(ground, horizon)
        self.horizon = horizon

    # ------------------------------------------------------------ the kinds
    def alone(self, name, low=0.48, high=0.95):
        """Where a single thing stands, small only in large pictures: mostly whole and near the middle, sometimes cut by the border."""
        c, t = self.c, THINGS[name]
        if self.wide and c.chance(0.6):
            low, high = 0.25, c.u(0.5, high)
        h = c.u(low, high) * min(1.0, 1.0 / t.wide)
        if c.chance(0.87):
            x, y = 0.5 + c.u(-1, 1) * max(0.02, 0.46 - h * t.wide / 2), 0.5 + h / 2 + c.u(-1, 1) * max(0.02, 0.47 - h / 2)
        else:
            x, y = c.u(0.0, 1.0), c.u(0.35, 1.0) + h * 0.3
        self.pose = (round(x, 3), round(y, 3), round(h, 3), t.wide)
        return x, y, h

    def any_thing(self):
        return self.weighted(of("object") if self.c.chance(0.78) else of("air"))

    def portrait(self):
        c = self.new()
        t = self.any_thing()
        if t.group == "object":
            ground = self.grounds(t)
            x, y, h = self.alone(t.name)
            self.backdrop(ground, min(0.92, max(0.35, y - c.u(0.05, 0.28))), 0.35, 0.2, c.u(0.8, 1.3))
            self.paint(t.name, x, y, h)
        else:
            x, y, h = self.alone(t.name, 0.4, 0.85)
            if self.mood in MOIST and t.name in ("sun", "rainbow") or self.mood == "moonlit" and t.name in DAY_ONLY:
                self.mood = ""
            horizon = c.u(1.0, 1.8) if c.chance(0.7) else c.u(0.75, 0.95)
            fitting = looks.MOODS[self.mood][3] if self.mood else None
            pool = [s for s in of("sky") if t in self.airy(s.name)] or of("sky")
            if fitting and not any(s.name in fitting for s in pool):
                self.mood, fitting = "", None
            pool = [s for s in pool if not fitting or s.name in fitting]
            self.sky(horizon, self.weighted(pool, lambda s: SKY_SHARE.get(s.name, 1.0) * getattr(s, "weight", 1.0)).name)
            if t.name == "rainbow":
                y = min(y, 1.0)
            self.paint(t.name, x, y, h)
            if horizon < 1:
                self.paint(self.a_ground(), horizon)
        self.main = t.name

    def plain(self):
        colour = tuple(int(v) for v in self.rng.integers(0, 256, 3))
        self.new(ground=colour)
        self.plain_colour = colour
        t = self.any_thing()
        self.hour()
        self.paint(t.name, *self.alone(t.name))
        self.main = t.name

    def material(self):
        c = self.new((0.0, 0.0, self.rng.choice([1.0, 1.3, 1.7]) if self.wide else 1.0))
        v = c.view[2]
        group = c.pick(["sky", "sky", "ground", "ground", "ground", "far", "far"])
        if group == "sky":
            horizon, name = c.u(0.95, 2.0) * v, self.a_sky()
            self.sky(horizon, name)
            self.in_air(v, name, 0.15)
        elif group == "ground":
            name = self.a_ground()
            if self.mood or c.chance(0.4):
                self.sky(0.3 * v)
                self.horizon = c.u(0.08, 0.32)
                self.paint(name, self.horizon * v)
            else:
                self.hour()
                self.paint(name, c.u(-0.8, -0.02))
        else:
            ground = self.a_ground()
            name = self.a_far(ground).name
            y, h = c.u(0.8, 1.3) * v, c.u(0.55, 0.95) * v
            if self.mood or c.chance(0.65):
                self.sky(y)
            else:
                self.hour()
                self.plain_colour = tuple(int(v) for v in self.rng.integers(0, 256, 3))
                c.draw.rectangle([0, 0, c.big, c.big], fill=self.plain_colour)
            self.paint(name, y, h * (0.5 if THINGS[name].size[1] < 0.3 else 1.0))
            if y < v:
                self.paint(ground, y)
        self.main = name

    def window(self):
        """A view of a scene of 1.5 to 2.5 windows: things are large, the horizon is anywhere or nowhere."""
        c = self.new()
        horizon, ground = c.u(-0.5, 1.5), self.a_ground()
        self.backdrop_large(ground, horizon)
        for _ in range(c.n(0, 2 if self.wide else 1)):
            t = self.weighted(self.objects(ground))
            h = c.u(0.35 if self.wide else 0.5, 1.1) / max(0.8, t.wide)
            self.paint(t.name, c.u(0.05, 0.95), max(horizon + 0.04, c.u(0.5, 1.2)), h)
        self.main = None

    def backdrop_large(self, ground, horizon):
        c = self.c
        if horizon > -0.1 or c.chance(0.3):
            sky = self.sky(horizon + 0.03)
            self.in_air(min(horizon, 1.2), sky, 0.3)
            if c.chance(0.5):
                t = self.a_far(ground)
                self.paint(t.name, horizon + 0.012, c.u(*t.size) * c.u(1.0, 2.0))
        else:
            self.hour()
        if horizon < 1.1:
            self.paint(ground, horizon)
        self.horizon = min(1.2, max(-0.3, horizon))

    def scene(self):
        c = self.new()
        ground, horizon = self.a_ground(), c.u(0.38, 0.66)
        self.backdrop(ground, horizon, 0.55, 0.4, c.u(0.7, 1.1) if self.wide else 1.0)
        coarse = self.style == "pixel art"                 # large blocks need large things
        n = c.n(2, 3 if coarse else 5) if self.wide else c.n(1, 2 if coarse else 3)
        spots = self.spread(self.objects(ground), n, horizon, (0.74 if self.wide else 0.9) * (1.35 if coarse else 1.0), 0.35)
        for t, word, x, y, h in spots:
            self.paint(t.name, x, y, h, colour_word=word)
        self.main = None

    def beside(self):
        c = self.new()
        ground = self.a_ground()
        pool, rows = self.objects(ground), self.wide and c.chance(0.35)
        horizon = c.u(0.28, 0.42) if rows else c.u(0.35, 0.7)
        self.backdrop(ground, horizon, 0.35, 0.1, 0.9)
        for t, word, x, y, h in self.two_rows(pool, horizon) if rows else self.spread(pool, c.n(2, 3) if self.wide else 2, horizon, 1.0, 0.0, 0.2):
            self.paint(t.name, x, y, h, colour_word=word)
        self.main = None

    def spread(self, pool, n, horizon, scale, overlap, twice=0.12):
        """n things side by side, far ones first and smaller: [(thing, colour word, x, y, h)]."""
        c, chosen = self.c, []
        for _ in range(4 * n):
            if len(chosen) == n:
                break
            t = self.weighted(pool)
            words = list(t.colours)
            if self.mood == "autumn" and "orange" in words and any(w in t.name for w in LEAFY):
                words = [w for w in words if w in ("orange", "red", "yellow", "brown")]
            word = c.pick(words) if words else ""
            same = [b for a, b in chosen if a is t]
            if not same or word and word not in same and c.chance(twice):
                chosen.append((t, word))
        cuts = np.cumsum([math.sqrt(max(0.5, t.wide) * sum(t.size)) for t, _ in chosen])
        cuts = np.concatenate([[0], cuts]) / cuts[-1]
        spots = []
        for i, (t, word) in enumerate(chosen):
            slot = cuts[i + 1] - cuts[i]
            depth = c.u(0.05, 0.25) if t.name in BACK else c.u(0.10, 0.96) ** 0.8
            y = horizon + 0.03 + (0.97 - horizon - 0.03) * depth
            h = c.u(*t.size) * scale * (1.0 if t.name in BACK else 0.62 + 0.60 * depth) * (1.35 if not overlap else 1.0)
            h = min(h, slot * (0.92 + overlap) / max(0.4, t.wide), y - 0.03)
            free = max(0.0, slot - h * t.wide) / 2
            spots.append((t, word, (cuts[i] + cuts[i + 1]) / 2 + c.u(-1, 1) * free, y, h))
        return sorted(spots, key=lambda s: s[3])

    def two_rows(self, pool, horizon):
        """Four things, two behind and two in front: as `spread` returns them."""
        c, spots = self.c, []
        for low, high in ((0.47, 0.50), (0.95, 0.98)):
            y = c.u(low, high)
            for t, word, x, _, _ in self.spread(pool, 2, horizon, 1.0, 0.0, 0.15):
                spots.append((t, word, (0.25 if x < 0.5 else 0.75) + c.u(-0.02, 0.02), y, min(c.u(0.38, 0.44), 0.46 / max(0.5, t.wide))))
        return spots

    # ------------------------------------------------------------ cuts
    def cut(self):
        """One plain colour outside of a mask, as a bootstrapped region is seen by the network."""
        r, c0 = self.rng, self.c
        silhouette = r.random() < 0.62
        self.pick_kind(["portrait", "beside"])                       # never a material: its words would then call for a shape
        c, n = self.c, self.px
        ids = np.asarray(c.ids)
        things = [s for s in self.seen if s.role in ("object", "air") and 0.02 < np.isin(ids, s.marks).mean() < 0.85]
        if silhouette and things:
            s = next((s for s in things if s.name == self.main), None) or things[int(r.integers(len(things)))]
            self.main, own = s.name, np.isin(ids, s.marks)
            mask = self.silhouette(own) if r.random() < 0.8 else self.around(own)
            self.seen = [s] + [o for o in self.seen if o is not s]
        else:
            mask = self.around(np.isin(ids, [m for s in self.seen if s.name == self.main for m in s.marks])) if self.main in [t.name for t in things] else self.anywhere(ids)
        if r.random() < 0.5:                               # as coarse as masks are among latents
            mask = mask[4::8, 4::8].repeat(8, 0).repeat(8, 1)
        if not (ids[mask] > 0).any():
            mask = np.ones_like(mask)
        self.outside = (self.plain_colour or tuple(int(v) for v in r.integers(0, 256, 3)), mask)
        c.ids = Image.fromarray(np.where(mask, ids, 0).astype(np.uint8))

    def silhouette(self, own):
        """The thing's own mask, grown a little, sometimes softly wavy."""
        r, n = self.rng, self.px
        grow = r.uniform(0.0, 0.07) * n
        soft = looks.blur(own.astype(np.float32), max(0.6, grow))
        level = 0.5 if grow < 0.01 * n else r.uniform(0.10, 0.35)
        if r.random() < 0.4:
            soft = soft + 0.12 * looks.noise(r, n, 7) * (soft > 0.02)
        return (soft > level) | own

    def around(self, own):
        """A box, an ellipse or a blob around the thing."""
        r, n = self.rng, self.px
        ys, xs = np.nonzero(own)
        if not len(ys):
            return self.anywhere(np.asarray(self.c.ids))
        x0, x1, y0, y1 = xs.min(), xs.max() + 1, ys.min(), ys.max() + 1
        shape = r.random()
        g = r.uniform(0.02, 0.22 if shape < 0.4 else 0.3, 4) * max(x1 - x0, y1 - y0)
        box = [x0 - g[0], y0 - g[1], x1 + g[2], y1 + g[3]]
        mask = Image.new("1", (n, n))
        d = ImageDraw.Draw(mask)
        if shape < 0.4:
            d.rectangle(box, fill=1)
        elif shape < 0.7:
            d.ellipse(box, fill=1)
        else:
            a, waves = np.linspace(0, 2 * math.pi, 40, endpoint=False), r.uniform(0, 6.3, 3)
            q = 1 + 0.10 * np.sin(2 * a + waves[0]) + 0.08 * np.sin(3 * a + waves[1]) + 0.05 * np.sin(5 * a + waves[2])
            square = (np.abs(np.cos(a)) ** 4 + np.abs(np.sin(a)) ** 4) ** -0.25
            cx, cy, rx, ry = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2, (box[2] - box[0]) / 2, (box[3] - box[1]) / 2
            d.polygon(list(zip(cx + rx * q * square * np.cos(a), cy + ry * q * square * np.sin(a))), fill=1)
        return np.asarray(mask)

    def anywhere(self, ids):
        """A box or an ellipse that shows enough of something."""
        r, n = self.rng, self.px
        for _ in range(12):
            w, h = r.uniform(0.45, 1.05, 2)
            x, y = r.uniform(-0.1, 1.1 - w), r.uniform(-0.1, 1.1 - h)
            mask = Image.new("1", (n, n))
            d = ImageDraw.Draw(mask)
            (d.rectangle if r.random() < 0.5 else d.ellipse)([x * n, y * n, (x + w) * n, (y + h) * n], fill=1)
            mask = np.asarray(mask)
            main = [m for s in self.seen if s.name == self.main for m in s.marks]
            if (np.isin(ids, main) if main else ids > 0)[mask].sum() > 0.15 * n * n:
                break
        return mask

    def pick_kind(self, kinds):
        getattr(self, kinds[int(self.rng.integers(len(kinds)))])()
        return self.main

    # ------------------------------------------------------------ looks
    def finish(self, style=""):
        """(picture, class map), after mood and style."""
        c = self.c
        picture, ids = c.finish()
        numbers, ranks = np.array(self.numbers, np.uint8), np.array(self.ranks, np.uint8)
        if style or self.mood:
            alpha = None
            if self.plain_colour:
                big = np.asarray(c.picture) != np.array(self.plain_colour, np.uint8)
                big = big[..., 0] | big[..., 1] | big[..., 2]
                alpha = np.asarray(Image.fromarray(big).convert("L").reduce(2), np.float32) / 255
            look = looks.Look(picture.astype(np.float32), ids, ranks[ids], self.rng, self.horizon, c.dark, alpha)
            looks.apply(look, self.mood, style)
            picture, ids = look.picture, look.ids
            if look.alpha is not None:
                picture = looks.over(np.array(self.plain_colour, np.float32), picture, look.alpha[..., None]) + 0.01
            picture = np.clip(picture, 0, 255).astype(np.uint8)
        ids = numbers[ids]
        if self.outside:
            colour, mask = self.outside
            picture, ids = np.where(mask[..., None], picture, np.array(colour, np.uint8)), ids * mask
        return picture, ids

    # ------------------------------------------------------------ words
    def noun(self, s, usual=0.7):
        """(noun phrase without article, plural)."""
        t, r = THINGS[s.name], self.rng
        noun = t.words[0] if r.random() < usual else t.words[int(r.integers(len(t.words)))]
        plural = t.plural or uncounted(noun)
        if s.colour and s.colour not in noun and r.random() < (0.87 if len(t.colours) > 1 else 0.12):
            first, _, rest = noun.partition(" ")
            noun = noun.replace("field of", f"field of {s.colour}") if noun.startswith("field of") else f"{first} {s.colour} {rest}" if first in BEFORE_COLOUR else f"{s.colour} {noun}"
        return noun, plural

    def phrase(self, s, adjective=""):
        """A noun phrase for a thing: sometimes without article, sometimes a synonym, nearly always with its colour."""
        (noun, plural), q, t = self.noun(s), self.rng.random(), THINGS[s.name]
        noun = f"{adjective} {noun}".strip()
        if plural or q < 0.22:
            return noun
        if t.definite and q < 0.8:
            return f"the {noun}"
        return ("an " if noun[0] in "aeiou" else "a ") + noun

    def place(self, main, ground):
        """Where the main thing is, as people say it."""
        r, t = self.rng, THINGS[main.name]
        afloat = bool(t.where) and set(t.where) <= WATER
        options = BESIDE_WATER.get(ground.name) if ground.name in WATER and not afloat else PLACES.get(ground.name)
        if not options or r.random() < 0.3:
            return ("by " if ground.name in WATER and not afloat else "on ") + self.phrase(ground)
        return options[int(r.integers(len(options)))].replace("{c}", f"{ground.colour} " if ground.colour and r.random() < 0.8 else "")

    def visible(self):
        """What is seen well enough to be named: [(seen, share of the picture)], main thing first."""
        ids = np.asarray(self.c.ids)
        count = np.bincount(ids.ravel(), minlength=len(self.numbers)) / ids.size
        share = {id(s): float(count[s.marks].sum()) for s in self.seen}
        seen = [s for s in self.seen if share[id(s)] > (0.012 if s.role in ("air", "object") else 0.04)]
        seen = seen or [max(self.seen, key=lambda s: share[id(s)])]
        rank = {"object": 3, "air": 2.5, "far": 2, "ground": 1, "sky": 0}
        seen.sort(key=lambda s: -(10 * (s.name == self.main) + rank[s.role] + share[id(s)]))
        if not self.main and seen[0].role not in ("object", "air"):
            seen.sort(key=lambda s: -share[id(s)])
        return seen, share

    def words(self, kind, style):
        """(caption, labels): main thing first; longer captions add where it is and what else is seen."""
        r = self.rng
        seen, share = self.visible()
        behind = [s for s in seen if s.role in ("sky", "ground", "far")] if r.random() < BEHIND.get(kind, 0.0) else []
        single = not behind and kind in ("scene", "window", "beside") and r.random() < (0.75 if kind == "beside" else 0.5)
        if behind:
            # a background's words, whatever stands in front of it
            main = behind[int(r.integers(len(behind)))]
            if "ground" in (s.role for s in behind) and r.random() < 0.6:
                main = next(s for s in behind if s.role == "ground")
            seen = [main] + [s for s in behind if s is not main]
        elif single:
            # a region's words: one of the things, rather a foreground one, whatever stands around
            front = ("object",) if kind == "beside" or r.random() < 0.5 else ("object", "air")
            pool = [s for s in seen if s.role in front] if r.random() < 0.85 or kind == "beside" else seen
            pool = pool or seen
            main = pool[int(r.integers(len(pool)))]
            seen = [main] + [s for s in seen if s is not main]
        main, rest = seen[0], seen[1:]
        by = {s.role: s for s in rest}
        mood_told = self.mood and r.random() < 0.92
        adjective = ""
        if mood_told and main.role in ("sky", "ground", "far") and r.random() < 0.6:
            options = looks.MOODS[self.mood][1]
            adjective, mood_told = options[int(r.integers(len(options)))], False
        text, told, q = self.phrase(main, adjective), [main], r.random()
        only = 0.3 if behind else 0.85 if kind == "cut" else 0.72 if single else 0.5 if self.main else 0.0      # share that names nothing more
        if not rest or q < only:
            pass
        elif single or q < (0.95 if behind else 0.75):
            # one thing more, as people say it
            s = rest[int(r.integers(len(rest)))] if self.main else rest[0]
            if single or behind:
                s = by.get("ground") or by.get("sky") or s
                s = by["sky"] if "sky" in by and r.random() < (0.8 if behind else 0.4) else s
            elif "ground" in by and main.role in ("object", "far") and r.random() < 0.6:
                s = by["ground"]
            told.append(s)
            if s.role == "ground" and main.role == "object":
                text += " " + self.place(main, s)
            elif s.role == "sky":
                hours = HOURS.get(s.name, [])
                if hours and r.random() < 0.4:
                    text += f" {hours[int(r.integers(len(hours)))]}"
                else:
                    text += (" in " if main.role == "air" else " under ") + self.phrase(s)
            else:
                text += str(r.choice([" and ", ", ", " with "])) + self.phrase(s)
        else:
            others = [s for s in rest if r.random() < 0.85][:4]
            told += others
            if others and others[0].role == "object" and "ground" in by and by["ground"] in others and r.random() < 0.5:
                # "a red house and a tree on a meadow, blue sky"
                text += f" and {self.phrase(others[0])} {self.place(main, by['ground'])}"
                left = [s for s in others[1:] if s is not by["ground"]]
            else:
                left = others
            text = ", ".join([text] + [self.phrase(s) for s in left])
        if mood_told:
            options = looks.MOODS[self.mood][2]
            word = options[int(r.integers(len(options)))]
            text += f" {word}" if word.startswith(("in ", "on ")) and r.random() < 0.7 else f", {word}"
        options = looks.STYLES[style][1:] if style and r.random() < 0.95 else looks.FLAT if not style and r.random() < FLAT else None
        if options:
            if r.random() < 0.45:
                text = f"{options[0][int(r.integers(len(options[0])))]} {text}"
            else:
                word = options[1][int(r.integers(len(options[1])))]
                text += f" {word}" if word.startswith("in ") and r.random() < 0.6 else f", {word}"
        return text.replace(" a orange ", " an orange "), [(s.name, s.colour) for s in told]


def make(seed, px=128, kind=None, style=None, mood=None):
    """The picture of a seed; the same on every machine with the same Pillow and numpy."""
    m = Composer(seed, px)
    kind = kind or str(m.rng.choice(list(KINDS), p=np.array(list(KINDS.values())) / sum(KINDS.values())))
    chosen = looks.choose(m.rng, looks.MOODS, MOODY[kind])
    m.mood = chosen if mood is None or not MOODY[kind] else mood
    drawn = looks.choose(m.rng, looks.STYLES, STYLED)
    m.style = style = drawn if style is None else style
    getattr(m, kind)()
    if m.mood == "autumn" and not any(s.name in AUTUMNAL or s.role == "object" and s.colour != "green" and any(w in s.name for w in LEAFY) for s in m.visible()[0]):
        m.mood = ""                                        # nothing there to turn its colour
    caption, labels = m.words(kind, style)
    picture, ids = m.finish(style)
    return Example(picture, ids, caption, labels, kind, m.pose if kind in ("portrait", "plain") else None, style, m.mood)


def layout(seed, px=256, style=""):
    """A scene to be painted from its regions: two to four things that do not touch, each with its exact mask.

    Returns (picture, class map, background words, [(words, mask, thing, colour word)]); give it seeds below data.FIRST_SEED.
    """
    n = 2 + seed % 3
    for attempt in range(1000):
        m = Composer(seed * 1000 + attempt + 7_000_000_000, px)
        c = m.new()
        ground, horizon = m.a_ground(), c.u(0.30, 0.40) if n == 4 else c.u(0.38, 0.55)
        pool = m.objects(ground)
        if len(pool) < 2:
            continue
        if n < 4:
            spots = m.spread(pool, n, horizon, 1.3, 0.0, 0.15)
        else:                                              # two behind, two in front
            spots = m.two_rows(pool, horizon)
        if len(spots) < n or len({(t.name, word) for t, word, *_ in spots}) < n:
            continue
        inside = [h * t.wide / 2 < min(x, 1 - x) + 0.02 and y < 1.0 for t, _, x, y, h in spots]
        if not all(inside) or any(h * h * t.wide < 0.055 for t, _, x, y, h in spots):
            continue
        sky = m.sky(horizon + 0.03)
        m.paint(ground, horizon)
        m.horizon = horizon
        alone, marks = [], []
        for t, word, x, y, h in spots:
            k = m.paint(t.name, x, y, h, colour_word=word or None)
            alone.append(int((np.asarray(m.c.ids) == k).sum()))
            marks.append((k, t, word))
        ids = np.asarray(c.ids)
        masks = [ids == k for k, _, _ in marks]
        tall = [np.ptp(np.nonzero(a.any(1))[0]) + 1 if a.any() else 0 for a in masks]
        near = any((np.asarray(Image.fromarray(a).convert("L").filter(ImageFilter.MaxFilter(2 * (px // 64) + 1))) > 0)[b].any() for i, a in enumerate(masks) for b in masks[:i])
        if not near and all(a.mean() >= 0.04 for a in masks) and min(tall) >= 0.22 * px and alone == [int(a.sum()) for a in masks]:
            break
    else:
        raise ValueError(f"no layout for seed {seed}")
    picture, classes = m.finish(style)
    say = lambda name, word="": next(w if uncounted(w) or THINGS[name].plural else f"the {w}" if THINGS[name].definite else ("an " if w[0] in "aeiou" else "a ") + w
                                     for w in [f"{word} {THINGS[name].words[0]}".strip()])
    ground_seen = next(s for s in m.seen if s.name == ground)
    return picture, classes, f"{say(ground, ground_seen.colour)} under {say(sky)}", [(say(t.name, word), mask, t.name, word) for (_, t, word), mask in zip(marks, masks)]


def layout_sheet(path, seed, count, px):
    """Pictures beside their region masks."""
    from common import sheet
    rows, labels = [], []
    for i in range(count):
        picture, _, background, regions = layout(seed + i, px)
        flat = np.full_like(picture, 225)
        for j, (_, mask, _, _) in enumerate(regions):
            flat[mask] = [(214, 84, 74), (84, 140, 206), (98, 172, 96), (232, 184, 76)][j]
        rows += [picture, flat]
        labels += [background, ", ".join(r[0] for r in regions)]
        print(f"{background}: {', '.join(f'{r[0]} {r[1].mean():.2f}' for r in regions)}")
    sheet(rows, 6, path, labels)


def main():
    ap = argparse.ArgumentParser(description="a sheet of pictures with their captions")
    ap.add_argument("--sheet", required=True)
    ap.add_argument("--px", type=int, default=128, choices=SIZES)
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--count", type=int, default=60)
    ap.add_argument("--columns", type=int, default=10)
    ap.add_argument("--kind", choices=list(KINDS))
    ap.add_argument("--style", help="one style for all, or none")
    ap.add_argument("--mood", help="one mood for all, or none")
    ap.add_argument("--layouts", action="store_true", help="evaluation layouts with their masks")
    a = ap.parse_args()
    if a.layouts:
        return layout_sheet(a.sheet, a.seed, a.count, a.px)
    from common import sheet
    only = lambda v: "" if v == "none" else v
    examples = [make(a.seed + i, a.px, a.kind, only(a.style), only(a.mood)) for i in range(a.count)]
    sheet([e.picture for e in examples], a.columns, a.sheet, [e.caption for e in examples])
    for e in examples:
        print(f"{e.kind:9s} {e.style:12s} {e.mood:8s} {e.caption}")


if __name__ == "__main__":
    main()
