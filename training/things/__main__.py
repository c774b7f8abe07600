"""python -m things SHEET.png [--small] [--only NAME,NAME]: everything in all its colours, to look at."""
import argparse

import numpy as np
from PIL import Image

from canvas import Canvas
from common import sheet
from things import LIGHT, THINGS, of

NIGHT = ("moon", "crescent moon", "star", "rocket")


def picture(t, word, seed=0, sky=None):
    """One thing alone, large, on a fitting backdrop."""
    c = Canvas(np.random.default_rng(seed))

    def paint(name, *where):
        other = THINGS[name]
        c.k = other.number
        chosen = word if name == t.name else c.pick(list(other.colours) or [""])
        target = c.place(*where) if other.group in ("air", "object") else None
        other.paint(*((target,) if target else (c, *where)), other.colours.get(chosen))

    horizon = {"sky": 1.05, "air": 1.4, "far": 0.85}.get(t.group, 0.42 if t.group == "ground" else 0.62)
    sky = t.name if t.group == "sky" else sky or ("night sky" if t.name in NIGHT else "stormy sky" if t.name == "lightning" else "blue sky")
    paint(sky, horizon)
    c.tint = LIGHT[sky]
    if t.group == "far":
        paint(t.name, horizon, 0.5)
        paint("meadow", horizon)
    elif t.group == "ground":
        paint(t.name, horizon)
    elif t.group == "object":
        paint(t.where[seed % len(t.where)], horizon)
        paint(t.name, 0.5, 0.92, min(0.84, 0.94 / t.wide))
    elif t.group == "air":
        h = min(0.86, 0.9 / t.wide)
        paint(t.name, 0.5, 0.5 + h / 2, h)
    return c.finish()[0]


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("sheet")
    ap.add_argument("--small", action="store_true", help="reduced to 48 px and enlarged again: still recognisable?")
    ap.add_argument("--only", help="names, separated by commas")
    ap.add_argument("--sky")
    a = ap.parse_args()
    names = a.only.split(",") if a.only else [t.name for g in ("sky", "air", "far", "ground", "object") for t in of(g)]
    pictures, labels = [], []
    for name in names:
        t = THINGS[name]
        for i, word in enumerate(list(t.colours) or ["", ""] if t.group in ("sky", "far", "ground") or a.only else list(t.colours) or [""]):
            p = Image.fromarray(picture(t, word, i, a.sky))
            if a.small:
                p = p.resize((48, 48), Image.BOX).resize((96, 96), Image.NEAREST)
            pictures.append(np.asarray(p))
            labels.append(f"{word} {name}".strip())
    sheet(pictures, 16 if a.small else 12, a.sheet, labels)


if __name__ == "__main__":
    main()
