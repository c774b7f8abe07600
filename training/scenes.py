"""Pictures for training: composed from the things of things.py, each with its words and exact masks, from a seed alone.

    make(seed) -> Example(picture, ids, caption, labels, kind)
    python scenes.py --sheet SHEET.png [--seed N]        a sheet to look at

A MultiDiffusion window sees only a piece of the canvas, and a bootstrapped region sees its thing on a plain colour.  So
only part of the pictures are finished scenes; the kinds and their shares are in KINDS:

    portrait   one thing, large, in front of a fitting sky and ground          "a red house", "a red house on a meadow"
    plain      one thing, large, on a plain colour                             "a red house"
    cut        a portrait or a material seen through a rectangle or ellipse, plain colour outside
    material   one sky, ground or far layer filling the picture                "a green meadow"
    window     a window somewhere in a larger scene: only sky, the middle of the mountains, half a castle ...
    scene      a whole small picture                                           "a house and a tree on a meadow, blue sky"

Captions name the main thing first; more than half of them are short, because that is how people write in a region.
"""
import argparse
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw

from canvas import PX, Canvas
from things import CLASSES, LIGHT, THINGS, of

KINDS = {"portrait": 0.36, "plain": 0.14, "cut": 0.10, "material": 0.14, "window": 0.13, "scene": 0.13}
SKIES = {"blue sky": 0.46, "sunset sky": 0.20, "night sky": 0.18, "cloudy sky": 0.16}
GROUNDS = ["meadow", "flower field", "desert", "snow", "sea"]
HOURS = {"sunset sky": ["at sunset", "in the evening"], "night sky": ["at night"], "blue sky": ["by day", "on a sunny day"], "cloudy sky": ["on a cloudy day"]}


@dataclass
class Example:
    picture: np.ndarray      # 128 x 128 x 3, uint8
    ids: np.ndarray          # 128 x 128, uint8: class number of the topmost thing (things.CLASSES), 0 = plain
    caption: str
    labels: list             # (thing, colour word or "") for everything the caption names, main thing first
    kind: str
    pose: tuple = None       # (x, y, height, width / height) of a single large thing, in units of the picture


@dataclass
class Seen:
    """One thing painted into a picture."""
    name: str
    colour: str = ""
    role: str = field(default="")


class Composer:
    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.seen, self.pose = [], None

    def new(self, view=(0.0, 0.0, 1.0), ground=(200, 200, 200)):
        self.c, self.seen = Canvas(self.rng, view, ground), []
        return self.c

    # ------------------------------------------------------------ painting
    def paint(self, name, *where):
        """Paints a thing: (y) for sky and ground, (y, h) for far, (x, y, h) for the rest."""
        c, t = self.c, THINGS[name]
        c.k = t.number
        word = c.pick(list(t.colours)) if t.colours else ""
        colour = c.vary(t.colours[word]) if word else None
        if t.group in ("air", "object"):
            t.paint(c.place(*where), colour)
        else:
            t.paint(c, *where, colour)
        if all(s.name != name for s in self.seen):
            self.seen.append(Seen(name, word, t.group))

    def sky(self, y, name=None):
        name = name or str(self.rng.choice(list(SKIES), p=list(SKIES.values())))
        self.paint(name, y)
        self.c.tint = LIGHT[name]
        return name

    def hour(self):
        """Only the light of an hour, without a sky."""
        if self.c.chance(0.12):
            self.c.tint = LIGHT[self.c.pick(list(LIGHT))]

    def in_air(self, horizon, sky, p=0.5):
        c = self.c
        for _ in range(2):
            if not c.chance(p):
                continue
            pool = {"night sky": ["moon", "crescent moon", "balloon", "cloud"], "cloudy sky": ["rainbow", "balloon"]}.get(sky, ["sun", "sun", "cloud", "cloud", "balloon", "rainbow"])
            name = c.pick(pool)
            t = THINGS[name]
            h = c.u(*t.size)
            if name != "cloud" and any(s.name == name or "moon" in name and "moon" in s.name for s in self.seen):
                continue
            if name == "rainbow":
                self.paint(name, c.u(0.35, 0.65) + c.view[0], horizon + 0.04, h)
            else:
                self.paint(name, c.view[0] + c.u(0.15, 0.85), max(c.view[1] + h + 0.04, horizon - c.u(0.1, 0.45)), h)

    def backdrop(self, ground, horizon, far=0.3, air=0.2):
        """Sky, sometimes a far layer, ground."""
        c = self.c
        sky = self.sky(horizon + 0.03)
        self.in_air(horizon, sky, air)
        if c.chance(far):
            name = c.pick(["mountains", "hills"] if ground in ("desert", "sea") else ["mountains", "mountains", "hills", "pine forest", "city"])
            self.paint(name, horizon + 0.012, c.u(*THINGS[name].size))
        self.paint(ground, horizon)

    # ------------------------------------------------------------ the kinds
    def alone(self, name, low=0.48, high=0.95):
        """Where a single large thing stands: mostly whole and near the middle, sometimes cut by the border."""
        c, t = self.c, THINGS[name]
        h = c.u(low, high) * min(1.0, 1.0 / t.wide)
        if c.chance(0.85):
            x, y = 0.5 + c.u(-1, 1) * max(0.02, 0.46 - h * t.wide / 2), 0.5 + h / 2 + c.u(-1, 1) * max(0.02, 0.47 - h / 2)
        else:
            x, y = c.u(0.0, 1.0), c.u(0.35, 1.0) + h * 0.3
        self.pose = (round(x, 3), round(y, 3), round(h, 3), t.wide)
        return x, y, h

    def portrait(self):
        c = self.new()
        t = c.pick(of("object") * 2 + of("air"))
        if t.group == "object":
            ground = c.pick(list(t.where))
            x, y, h = self.alone(t.name)
            self.backdrop(ground, min(0.92, max(0.35, y - c.u(0.05, 0.28))))
            self.paint(t.name, x, y, h)
        else:
            x, y, h = self.alone(t.name, 0.4, 0.85)
            night = t.name in ("moon", "crescent moon")
            horizon = c.u(1.0, 1.8) if c.chance(0.7) else c.u(0.75, 0.95)
            pool = ["night sky"] if night and c.chance(0.8) else ["blue sky", "cloudy sky"] if t.name == "rainbow" else ["blue sky", "blue sky", "sunset sky", "cloudy sky"] + ["night sky"] * (t.name not in ("sun",))
            self.sky(horizon, c.pick(pool))
            if t.name == "rainbow":
                y = min(y, 1.0)
            self.paint(t.name, x, y, h)
            if horizon < 1:
                self.paint(c.pick(GROUNDS), horizon)
        self.main = t.name

    def plain(self):
        c = self.new(ground=self.rng.integers(0, 256, 3))
        t = c.pick(of("object") * 2 + of("air"))
        self.hour()
        self.paint(t.name, *self.alone(t.name))
        self.main = t.name

    def material(self):
        c = self.new()
        group = c.pick(["sky", "ground", "far"])
        name = str(self.rng.choice(list(SKIES))) if group == "sky" else c.pick(GROUNDS) if group == "ground" else c.pick(of("far")).name
        if group == "sky":
            horizon = c.u(0.95, 2.0)
            self.sky(horizon, name)
            self.in_air(1.0, name, 0.15)
        elif group == "ground":
            self.hour()
            if c.chance(0.35):
                self.sky(0.3)
                self.paint(name, c.u(0.08, 0.3))
            else:
                self.paint(name, c.u(-0.8, -0.02))
        else:
            y, h = c.u(0.85, 1.3), c.u(0.55, 0.95)
            if c.chance(0.6):
                self.sky(y)
            else:
                self.hour()
                self.c.draw.rectangle([0, 0, 2 * PX, 2 * PX], fill=tuple(int(v) for v in self.rng.integers(0, 256, 3)))
            self.paint(name, y, h * (0.5 if name == "hills" else 1.0))
            if y < 1:
                self.paint(c.pick(["meadow", "snow"] if name != "mountains" else GROUNDS), y)
        self.main = name

    def window(self):
        """A view of a scene of 1.5 to 2.5 windows: things are large, the horizon is anywhere or nowhere."""
        c = self.new()
        horizon, ground = c.u(-0.5, 1.5), c.pick(GROUNDS)
        self.backdrop_large(ground, horizon)
        if c.chance(0.55):
            t = c.pick([t for t in of("object") if ground in t.where])
            h = c.u(0.5, 1.1) / max(0.8, t.wide)
            self.paint(t.name, c.u(0.05, 0.95), max(horizon + 0.04, c.u(0.5, 1.2)), h)
        self.main = None

    def backdrop_large(self, ground, horizon):
        c = self.c
        if horizon > -0.1 or c.chance(0.3):
            sky = self.sky(horizon + 0.03)
            self.in_air(min(horizon, 1.2), sky, 0.3)
            if c.chance(0.5):
                name = c.pick(["mountains", "hills"] if ground in ("desert", "sea") else ["mountains", "mountains", "hills", "pine forest", "city"])
                self.paint(name, horizon + 0.012, c.u(*THINGS[name].size) * c.u(1.0, 2.0))
        else:
            self.hour()
        if horizon < 1.1:
            self.paint(ground, horizon)

    def scene(self):
        c = self.new()
        ground, horizon = c.pick(GROUNDS), c.u(0.42, 0.7)
        self.backdrop(ground, horizon, 0.5, 0.35)
        pool = [t for t in of("object") if ground in t.where]
        n = c.n(1, 2)
        for i in range(n):
            t = c.pick(pool)
            if any(s.name == t.name for s in self.seen):
                continue
            y = min(0.96, horizon + c.u(0.06, 0.3))
            self.paint(t.name, (i + c.u(0.3, 0.7)) / n, y, c.u(*t.size) * (1.0 + 0.5 * (y - horizon)))
        self.main = None

    def cut(self):
        c0 = self.pick_kind(["portrait", "portrait", "material", "window"])
        c, bg = self.c, tuple(int(v) for v in self.rng.integers(0, 256, 3))
        for _ in range(20):
            w, h = self.rng.uniform(0.5, 1.1, 2)
            x, y = self.rng.uniform(-0.1, 1.1 - w), self.rng.uniform(-0.1, 1.1 - h)
            mask = Image.new("L", (2 * PX, 2 * PX), 0)
            shape = ImageDraw.Draw(mask)
            (shape.rectangle if self.rng.random() < 0.5 else shape.ellipse)([x * 2 * PX, y * 2 * PX, (x + w) * 2 * PX, (y + h) * 2 * PX], fill=255)
            ids = Image.new("L", (PX, PX), 0)
            ids.paste(c.ids, (0, 0), mask.reduce(2))
            share = np.bincount(np.asarray(ids).ravel(), minlength=len(CLASSES)) / PX ** 2
            if max(share[THINGS[s.name].number] for s in self.seen) > 0.12 and (c0 is None or share[THINGS[c0].number] > 0.6 * self.share(c0)):
                break
        out = Image.new("RGB", (2 * PX, 2 * PX), bg)
        out.paste(c.picture, (0, 0), mask)
        c.picture, c.ids = out, ids

    def pick_kind(self, kinds):
        getattr(self, kinds[int(self.rng.integers(len(kinds)))])()
        return self.main

    def share(self, name):
        return float((np.asarray(self.c.ids) == THINGS[name].number).mean())

    # ------------------------------------------------------------ words
    def phrase(self, s):
        """A noun phrase for a thing: sometimes without article, sometimes a synonym, nearly always with its colour."""
        t, r = THINGS[s.name], self.rng
        noun = t.words[0] if r.random() < 0.7 else t.words[int(r.integers(len(t.words)))]
        plural = t.plural or noun.endswith("s") and noun not in ("grass",) or noun in ("grass", "sand", "snow", "white snow")
        if s.colour and s.colour not in noun and r.random() < (0.85 if len(t.colours) > 1 else 0.12):
            if noun.startswith("field of"):
                noun = noun.replace("field of", f"field of {s.colour}")
            else:
                noun = f"{s.colour} {noun}"
        q = r.random()
        if plural or q < 0.22:
            return noun
        if t.definite and q < 0.8:
            return f"the {noun}"
        return ("an " if noun[0] in "aeiou" else "a ") + noun

    def words(self):
        """(caption, labels): main thing first; longer captions add where it is and what else is seen."""
        ids, r = np.asarray(self.c.ids), self.rng
        share = np.bincount(ids.ravel(), minlength=len(CLASSES)) / ids.size
        seen = [s for s in self.seen if share[THINGS[s.name].number] > (0.012 if s.role in ("air", "object") else 0.04)]
        seen = seen or [max(self.seen, key=lambda s: share[THINGS[s.name].number])]
        rank = {"object": 3, "air": 2.5, "far": 2, "ground": 1, "sky": 0}
        seen.sort(key=lambda s: -(10 * (s.name == self.main) + rank[s.role] + share[THINGS[s.name].number]))
        if not self.main and seen[0].role not in ("object", "air"):
            seen.sort(key=lambda s: -share[THINGS[s.name].number])
        main, rest = seen[0], seen[1:]
        q = r.random()
        short = q < (0.5 if self.main else 0.0) or not rest
        told = [main]
        text = self.phrase(main)
        by = {s.role: s for s in rest}
        if not short and q < 0.75:
            # one thing more, as people say it
            s = rest[int(r.integers(len(rest)))] if self.main else rest[0]
            if "ground" in by and main.role in ("object", "far") and r.random() < 0.6:
                s = by["ground"]
            told.append(s)
            if s.role == "ground" and main.role == "object":
                text += (" on " if s.name != "desert" or r.random() < 0.4 else " in ") + self.phrase(s)
            elif s.role == "sky":
                text += f" {r.choice(HOURS[s.name])}" if r.random() < 0.4 else f" under {self.phrase(s)}" if main.role != "air" else f" in {self.phrase(s)}"
            else:
                text += r.choice([" and ", ", ", " with "]) + self.phrase(s)
        elif not short:
            others = [s for s in rest if r.random() < 0.85][:4]
            told += others
            text = ", ".join([text] + [self.phrase(s) for s in others])
        return text, [(s.name, s.colour) for s in told]


def make(seed):
    """The picture of a seed; the same on every machine with the same Pillow and numpy."""
    m = Composer(seed)
    kind = str(m.rng.choice(list(KINDS), p=list(KINDS.values())))
    getattr(m, kind)()
    caption, labels = m.words()
    picture, ids = m.c.finish()
    return Example(picture, ids, caption, labels, kind, m.pose if kind in ("portrait", "plain") else None)


def main():
    ap = argparse.ArgumentParser(description="a sheet of pictures with their captions")
    ap.add_argument("--sheet", required=True)
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--count", type=int, default=60)
    a = ap.parse_args()
    from common import sheet
    examples = [make(a.seed + i) for i in range(a.count)]
    sheet([e.picture for e in examples], 10, a.sheet, [e.caption for e in examples])
    for e in examples:
        print(f"{e.kind:9s} {e.caption}")


if __name__ == "__main__":
    main()
