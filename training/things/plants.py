"""Trees and other plants."""
import math

import numpy as np

from canvas import light, mix, shade
from things import thing
from things.far import fir
from things.shapes import LAND, smooth


@thing("tree", "object", ["round tree", "leafy tree"], {"green": (84, 156, 74), "orange": (226, 134, 50), "red": (200, 72, 54), "pink": (240, 164, 190), "yellow": (234, 194, 70)},
        where=LAND, wide=0.85, size=(0.4, 0.6))
def tree(p, b):
    p.poly([(-0.075, 0), (0.075, 0), (0.05, 0.50), (-0.05, 0.50)], (114, 82, 60))
    p.poly([(0.02, 0), (0.075, 0), (0.05, 0.50), (0.01, 0.50)], (92, 64, 50))
    crown = [(0, 0.74, 0.26), (-0.22, 0.58, 0.20), (0.22, 0.58, 0.20), (0, 0.56, 0.22)]
    for x, y, r in crown:
        p.oval(x + 0.02, y - 0.02, r, r, shade(b, 0.24))
    for x, y, r in crown:
        p.oval(x - 0.02, y + 0.02, r * 0.9, r * 0.88, b)
    for x, y, r in ((-0.08, 0.82, 0.10), (-0.28, 0.64, 0.08), (0.14, 0.66, 0.08)):
        p.oval(x, y, r, r * 0.85, light(b, 0.28))


@thing("pine", "object", ["pine tree", "fir tree"], {"green": (52, 120, 84)}, where=LAND, wide=0.68, size=(0.4, 0.65))
def pine(p, b):
    fir(p, b)


def frond(dx, rise, drop, w):
    """A hanging leaf from (0, 0): its upper edge, then its lower edge."""
    upper = [(dx * t, 4 * rise * t * (1 - t) + drop * t * t + w * math.sin(math.pi * min(1, t * 1.05)) * 0.5) for t in (0, 0.2, 0.4, 0.6, 0.8, 1)]
    lower = [(dx * t, 4 * rise * t * (1 - t) + drop * t * t - w * math.sin(math.pi * t)) for t in (0.85, 0.7, 0.55, 0.4, 0.25, 0.1)]
    return upper + lower


FRONDS = [frond(*f) for f in ((0.20, 0.16, -0.30, 0.06), (0.40, 0.12, -0.22, 0.07), (-0.22, 0.16, -0.28, 0.06), (-0.43, 0.12, -0.16, 0.07), (0.32, 0.13, 0.08, 0.07), (-0.34, 0.13, 0.08, 0.07))]


@thing("palm", "object", ["palm tree", "tall palm tree"], {"green": (66, 152, 82)}, where=("desert", "meadow", "beach"), wide=0.95, size=(0.4, 0.65))
def palm(p, b):
    lean = 0.06
    for i in range(7):
        t0, t1 = i / 7, (i + 1) / 7
        w = 0.048 - 0.018 * t0
        p.poly([(lean * t0 * t0 - w, 0.74 * t0), (lean * t0 * t0 + w, 0.74 * t0), (lean * t1 * t1 + w * 0.9, 0.74 * t1), (lean * t1 * t1 - w * 0.9, 0.74 * t1)], (152, 114, 76) if i % 2 else (128, 92, 62))
    for i, frond in enumerate(FRONDS):
        g = shade(b, 0.20) if i in (0, 1, 4) else b
        p.poly([(x + lean, y + 0.76) for x, y in frond], g)
        p.poly([(x + lean, y + 0.76) for x, y in frond[:7]], light(g, 0.22))


@thing("mushroom", "object", ["toadstool", "spotted mushroom"], ["red", "brown", "orange", "purple", "blue"],
        where=("meadow", "flower field"), wide=0.95, size=(0.3, 0.45))
def mushroom(p, b):
    p.poly([(-0.15, 0), (0.15, 0), (0.10, 0.52), (-0.10, 0.52)], (244, 234, 216))
    p.poly([(0.04, 0), (0.15, 0), (0.10, 0.52), (0.03, 0.52)], (214, 200, 184))
    p.poly([(0.46 * math.cos(t), 0.46 + 0.54 * math.sin(t)) for t in np.linspace(0, math.pi, 24)], b)
    p.oval(0, 0.46, 0.46, 0.075, shade(b, 0.3))
    for x, y, r in ((-0.22, 0.68, 0.075), (0.06, 0.84, 0.085), (0.27, 0.64, 0.065), (0.02, 0.61, 0.055)):
        p.oval(x, y, r, r * 0.9, (252, 248, 240))


@thing("cactus", "object", ["green cactus", "desert cactus"], {"green": (70, 146, 86)}, where=("desert", "rocks"), wide=0.75, size=(0.35, 0.55))
def cactus(p, b):
    for s, y in ((-1, 0.36), (1, 0.48)):
        p.rect(0, y - 0.065, s * 0.29, y + 0.065, b if s < 0 else shade(b, 0.12))
        p.rect(s * 0.29 - 0.072, y, s * 0.29 + 0.072, y + 0.24, b if s < 0 else shade(b, 0.12))
        p.oval(s * 0.29, y + 0.24, 0.072, 0.072, b if s < 0 else shade(b, 0.12))
        p.oval(s * 0.29, y, 0.072, 0.066, b if s < 0 else shade(b, 0.12))
    p.rect(-0.105, 0, 0.105, 0.90, b)
    p.oval(0, 0.895, 0.105, 0.105, b)
    p.rect(0.045, 0, 0.105, 0.89, shade(b, 0.15))
    for x in (-0.055, 0.01):
        p.line(x, 0.06, x, 0.90, 0.016, light(b, 0.3))


@thing("oak", "object", ["oak tree", "old oak", "big oak"], {"green": (92, 142, 62), "orange": (214, 128, 48), "brown": (156, 104, 58)},
        where=LAND + ("rocks",), wide=1.2, size=(0.42, 0.6))
def oak(p, b):
    bark = (104, 76, 58)
    p.poly([(-0.17, 0), (0.17, 0), (0.09, 0.16), (0.10, 0.34), (0.30, 0.52), (0.24, 0.58), (0.03, 0.44), (0, 0.6), (-0.04, 0.44), (-0.24, 0.56), (-0.30, 0.50), (-0.10, 0.34), (-0.08, 0.16)], bark)
    p.poly([(0.04, 0), (0.17, 0), (0.09, 0.16), (0.10, 0.34), (0.30, 0.52), (0.24, 0.56), (0.03, 0.36)], shade(bark, 0.3))
    crown = [(-0.40, 0.56, 0.19), (0.40, 0.56, 0.19), (-0.20, 0.76, 0.23), (0.20, 0.76, 0.23), (0, 0.62, 0.24)]
    for x, y, r in crown:
        p.oval(x, y, r, r, shade(b, 0.28))
    for x, y, r in crown:
        p.oval(x - 0.03, y + 0.025, r * 0.88, r * 0.86, b)
    for x, y, r in ((-0.26, 0.85, 0.11), (-0.46, 0.62, 0.09), (0.12, 0.84, 0.10), (-0.02, 0.66, 0.09), (0.34, 0.62, 0.07)):
        p.oval(x, y, r, r * 0.75, light(b, 0.26))


@thing("bush", "object", ["round bush", "shrub", "leafy bush"], {"green": (96, 162, 78), "pink": (236, 140, 172), "red": (202, 74, 60), "yellow": (236, 200, 78)},
        where=LAND + ("rocks", "desert", "road"), wide=1.55, size=(0.18, 0.3), weight=0.8)
def bush(p, b):
    crown = [(-0.46, 0.32, 0.31), (0.46, 0.32, 0.31), (-0.16, 0.60, 0.38), (0.24, 0.54, 0.36), (0, 0.34, 0.34)]
    for x, y, r in crown:
        p.oval(x, y, r, r, shade(b, 0.28))
    p.rect(-0.48, 0, 0.48, 0.14, shade(b, 0.28))
    for x, y, r in crown:
        p.oval(x - 0.04, y + 0.03, r * 0.86, r * 0.86, b)
    for x, y, r in ((-0.26, 0.76, 0.16), (-0.56, 0.44, 0.13), (0.16, 0.68, 0.13), (-0.06, 0.42, 0.12), (0.42, 0.42, 0.11)):
        p.oval(x, y, r, r * 0.8, light(b, 0.28))


PETALS = [(math.cos(a), math.sin(a)) for a in np.linspace(0, 2 * math.pi, 14, endpoint=False).tolist()]


@thing("sunflower", "object", ["big sunflower", "yellow sunflower"], where=("meadow", "flower field", "wheat field"), wide=0.62, size=(0.4, 0.6))
def sunflower(p, colour):
    gold, green = p.canvas.vary((250, 196, 52), 5), (92, 152, 72)
    p.rect(-0.03, 0, 0.03, 0.55, green)
    p.rect(0.006, 0, 0.03, 0.55, shade(green, 0.25))
    p.poly([(0, 0.16), (-0.10, 0.32), (-0.28, 0.36), (-0.22, 0.22)], light(green, 0.15))
    p.poly([(0, 0.10), (0.10, 0.26), (0.28, 0.30), (0.22, 0.15)], shade(green, 0.10))
    x0, y0 = 0, 0.70
    for k, (r, w, c) in enumerate(((0.31, 0.085, mix(gold, (226, 130, 36), 0.5)), (0.30, 0.075, gold))):
        for i, (u, v) in enumerate(PETALS):
            if i % 2 == k:
                p.poly([(x0 + 0.10 * u, y0 + 0.10 * v), (x0 + 0.20 * u - w * v, y0 + 0.20 * v + w * u), (x0 + r * u, y0 + r * v), (x0 + 0.20 * u + w * v, y0 + 0.20 * v - w * u)], c)
    p.oval(x0, y0, 0.150, 0.150, (92, 60, 40))
    p.oval(x0 - 0.012, y0 + 0.012, 0.105, 0.105, (132, 84, 46))


TULIP = smooth([(0, 0.56), (-0.17, 0.62), (-0.20, 0.80), (-0.185, 0.99), (-0.10, 0.86), (0, 1.0), (0.10, 0.86), (0.185, 0.99), (0.20, 0.80), (0.17, 0.62)], 3)


@thing("tulip", "object", ["big tulip", "tulip flower"], ["red", "yellow", "pink", "purple", "orange", "white"],
        where=("meadow", "flower field"), wide=0.6, size=(0.34, 0.5))
def tulip(p, b):
    green = (92, 160, 84)
    p.rect(-0.028, 0, 0.028, 0.60, green)
    for s, c in ((-1, light(green, 0.12)), (1, shade(green, 0.16))):
        p.poly([(0, 0), (s * 0.14, 0.10), (s * 0.27, 0.46), (s * 0.12, 0.32), (0, 0.10)], c)
    p.poly(TULIP, b)
    p.poly([(0.06, 0.58), (0.17, 0.62), (0.20, 0.80), (0.185, 0.97), (0.10, 0.84), (0.06, 0.70)], shade(b, 0.24))
    p.poly([(-0.15, 0.66), (-0.17, 0.82), (-0.16, 0.90), (-0.10, 0.80), (-0.09, 0.66)], light(b, 0.32))
    p.poly([(0, 0.98), (-0.085, 0.84), (-0.06, 0.64), (0.06, 0.64), (0.085, 0.84)], light(b, 0.12))


@thing("pumpkin", "object", ["round pumpkin", "big pumpkin"], {"orange": (238, 136, 44), "yellow": (242, 196, 82), "white": (242, 234, 216), "green": (98, 140, 76)},
        where=("meadow", "wheat field", "road"), wide=1.3, size=(0.2, 0.34))
def pumpkin(p, b):
    p.poly([(-0.07, 0.72), (0.08, 0.72), (0.06, 0.90), (0.14, 1.0), (0.0, 0.98), (-0.05, 0.90)], (100, 128, 62))
    for x, rx, c in ((0.40, 0.25, shade(b, 0.36)), (-0.40, 0.25, shade(b, 0.08)), (0.24, 0.25, shade(b, 0.20)), (-0.24, 0.25, light(b, 0.10)), (0, 0.22, b)):
        p.oval(x, 0.40, rx, 0.40 - abs(x) * 0.10, c)
    p.oval(-0.27, 0.54, 0.06, 0.15, light(b, 0.42))
