"""The things that can be drawn: a registry of names, synonyms, colours and painters.

Adding a thing is one decorated function at the end of its group (class numbers follow the order of registration, so
never insert in the middle of a file whose masks are still in use).  Four groups:

    sky, ground    fill the view (a ground from its horizon y downwards):      paint(canvas, y, colour)
    far            stands on the line y across the whole view, `h` high:       paint(canvas, y, h, colour)
    air, object    one thing with its foot at (0, 0) and its top at (0, 1):    paint(place, colour)

`colour` is the RGB of the colour word in the caption, already varied a little.  `where` names the grounds an object
stands on; `wide` is width / height; `size` is the usual height inside a scene.
"""
import math
from dataclasses import dataclass, field
from typing import Callable

import numpy as np

from canvas import light, mix, shade

COLOURS = {
    "red": (206, 58, 52), "orange": (234, 134, 50), "yellow": (244, 204, 76), "green": (88, 160, 80), "blue": (60, 116, 200),
    "purple": (132, 84, 174), "pink": (238, 148, 178), "white": (240, 240, 236), "grey": (142, 146, 152), "brown": (140, 98, 66),
}


@dataclass
class Thing:
    name: str
    group: str
    paint: Callable
    words: list                                   # noun phrases without article; the first is used most
    colours: dict = field(default_factory=dict)   # colour word -> RGB; empty: the thing has its own colours
    plural: bool = False                          # no article
    definite: bool = False                        # "the sea"
    where: tuple = ()
    wide: float = 1.0
    size: tuple = (0.3, 0.45)
    number: int = 0


THINGS: dict[str, Thing] = {}


def thing(name, group, words=(), colours=(), **more):
    """Registers the decorated painter."""
    named = colours if isinstance(colours, dict) else {c: COLOURS[c] for c in colours}

    def register(paint):
        THINGS[name] = Thing(name, group, paint, [name, *words], named, number=len(THINGS) + 1, **more)
        return paint
    return register


def of(group):
    return [t for t in THINGS.values() if t.group == group]


# ---------------------------------------------------------------- skies
LIGHT = {"blue sky": (1, 1, 1), "sunset sky": (1.0, 0.84, 0.80), "night sky": (0.50, 0.55, 0.78), "cloudy sky": (0.90, 0.92, 0.95)}


@thing("blue sky", "sky", ["clear blue sky", "sunny sky", "day sky"])
def blue_sky(c, y, colour):
    c.gradient(c.whole(), [(y - 1.0, c.vary((66, 140, 218), 8)), (y, c.vary((196, 229, 247), 6))], True)


@thing("sunset sky", "sky", ["orange sunset sky", "sunset", "evening sky"])
def sunset_sky(c, y, colour):
    middle = c.vary((238, 118, 92), 8)
    c.gradient(c.whole(), [(y - 1.0, c.vary((88, 62, 134), 8)), (y - 0.38, middle), (y, c.vary((253, 206, 118), 6))], True)
    a, b = c.span()
    for _ in range(c.n(0, 4)):
        c.oval(c.u(a, b), y - c.u(0.1, 0.8), c.u(0.12, 0.3), 0.012, mix(middle, (255, 190, 150), c.u(0.3, 0.9)), True)


@thing("night sky", "sky", ["starry night sky", "starry sky", "night sky with stars"])
def night_sky(c, y, colour):
    c.gradient(c.whole(), [(y - 1.0, c.vary((14, 18, 50), 5)), (y, c.vary((48, 62, 120), 6))], True)
    a, b = c.span()
    for _ in range(c.n(28, 46)):
        r = c.u(0.006, 0.013)
        c.oval(c.u(a, b), c.u(c.view[1], max(c.view[1] + 0.3, min(y, c.view[1] + c.view[2]))), r, r, mix((255, 255, 255), (255, 232, 170), c.u()), True)


@thing("cloudy sky", "sky", ["grey sky", "overcast sky", "grey cloudy sky"])
def cloudy_sky(c, y, colour):
    c.gradient(c.whole(), [(y - 1.0, c.vary((122, 132, 148), 8)), (y, c.vary((200, 206, 212), 6))], True)
    a, b = c.span()
    for i in range(c.n(4, 6)):
        cloud_shape(c.place(c.u(a, b), y - c.u(0.25, 1.0), c.u(0.22, 0.34)), (168, 176, 188), (206, 212, 219))


# ---------------------------------------------------------------- in the air
def cloud_shape(p, below, above):
    blobs = [(-0.62, 0.26, 0.24), (-0.26, 0.40, 0.34), (0.18, 0.50, 0.40), (0.58, 0.30, 0.27)]
    for x, y, r in blobs:
        p.oval(x, y, r, r, below, True)
    p.rect(-0.62, 0.02, 0.58, 0.30, below, True)
    for x, y, r in blobs:
        p.oval(x - 0.02, y + 0.08, r * 0.88, r * 0.84, above, True)


@thing("cloud", "air", ["white cloud"], wide=1.8, size=(0.12, 0.24))
def cloud(p, colour):
    cloud_shape(p, (132, 142, 178) if p.canvas.dark else (204, 218, 236), (172, 180, 208) if p.canvas.dark else (252, 252, 254))


@thing("sun", "air", ["yellow sun", "bright sun"], definite=True, size=(0.22, 0.36))
def sun(p, colour):
    gold, rim = (254, 214, 84), (250, 172, 62)
    for i in range(12):
        a, q = i * math.pi / 6, 0.13
        ring = lambda t, r: (0.5 * r * math.cos(t), 0.5 + 0.5 * r * math.sin(t))
        p.poly([ring(a - q, 0.70), ring(a + q, 0.70), ring(a, 1.0)], rim, True)
    p.oval(0, 0.5, 0.31, 0.31, rim, True)
    p.oval(0, 0.5, 0.275, 0.275, gold, True)


@thing("moon", "air", ["full moon", "white moon"], size=(0.2, 0.32))
def moon(p, colour):
    c = (246, 240, 208)
    p.oval(0, 0.5, 0.5, 0.5, c, True)
    for x, y, r in ((-0.16, 0.62, 0.11), (0.16, 0.36, 0.09), (0.14, 0.72, 0.06), (-0.18, 0.28, 0.07)):
        p.oval(x, y, r, r, mix(c, (168, 162, 146), 0.5), True)


@thing("crescent moon", "air", ["crescent", "half moon"], wide=0.8, size=(0.2, 0.32))
def crescent(p, colour):
    outer = [(0.12 - 0.5 * math.cos(t), 0.5 + 0.5 * math.sin(t)) for t in np.linspace(-1.9, 1.9, 28)]
    inner = [(0.34 - 0.52 * math.cos(t), 0.5 + 0.472 * math.sin(t) / math.sin(1.2)) for t in np.linspace(1.2, -1.2, 24)]
    p.poly(outer + inner, (250, 238, 186), True)


@thing("rainbow", "air", ["colourful rainbow"], wide=2.0, size=(0.4, 0.6))
def rainbow(p, colour):
    for i, c in enumerate([(226, 74, 68), (242, 150, 62), (250, 216, 88), (108, 188, 98), (78, 140, 214), (142, 96, 188)]):
        p.arc(0, 0, 1.0 - 0.066 * i, 0.075, c)


@thing("balloon", "air", ["hot air balloon", "air balloon"], ["red", "yellow", "blue", "purple", "orange", "green", "pink"], wide=0.72, size=(0.28, 0.42))
def balloon(p, b):
    rope, stripe = (96, 74, 62), light(b, 0.6)
    for s in (-1, 1):
        p.line(s * 0.20, 0.42, s * 0.07, 0.14, 0.014, rope)
    for w, c in ((1.0, b), (0.58, stripe), (0.22, b)):
        p.poly([(-0.31 * w, 0.50), (0.31 * w, 0.50), (0.10 * w, 0.26), (-0.10 * w, 0.26)], c)
        p.oval(0, 0.65, 0.35 * w, 0.35, c)
    p.poly([(0.20, 0.40), (0.31, 0.50), (0.345, 0.60), (0.27, 0.60)], shade(b, 0.18))
    p.rect(-0.085, 0, 0.085, 0.14, (150, 104, 64))
    p.rect(-0.085, 0.105, 0.085, 0.14, (108, 72, 48))


# ---------------------------------------------------------------- far away
@thing("mountains", "far", ["mountain range", "mountain peaks"], {"snowy": (106, 122, 156), "grey": (124, 128, 138), "brown": (146, 108, 82), "blue": (84, 122, 178), "purple": (124, 98, 162)}, plural=True, size=(0.25, 0.45))
def mountains(c, y, h, base):
    a, b = c.span()
    snowy = max(base) - min(base) > 40 and base[2] > base[0] and base[0] > 95 and base[1] > 112
    n = max(3, round((b - a) * c.u(2.2, 3.4) * 0.42 / max(0.25, h)))
    peaks = sorted(((a + (i + c.u(0.15, 0.85)) * (b - a) / n, h * c.u(0.6, 1.0)) for i in range(n)), key=lambda t: -t[1])
    for x, top in peaks:
        w, body = top * c.u(0.8, 1.05), c.vary(base, 7)
        p = c.place(x, y, top)
        q = w / top
        lean = c.u(-0.05, 0.10)
        p.poly([(0, 1), (q, -0.05), (-q, -0.05)], light(body, 0.12))
        p.poly([(0, 1), (lean + 0.06, 0.62), (lean - 0.05, 0.34), (lean + 0.10, -0.05), (q, -0.05)], shade(body, 0.24))
        if snowy:
            p.poly([(0, 1), (-0.36 * q, 0.64), (-0.20 * q, 0.69), (-0.04 * q, 0.58), (0.12 * q, 0.69), (0.26 * q, 0.62), (0.36 * q, 0.64)], (246, 249, 253))
            p.poly([(0, 1), (0.06, 0.72), (0.12 * q, 0.69), (0.26 * q, 0.62), (0.36 * q, 0.64)], (202, 216, 238))


@thing("hills", "far", ["rolling hills"], {"green": (104, 168, 94), "orange": (212, 146, 74), "blue": (98, 146, 172)}, plural=True, size=(0.12, 0.25))
def hills(c, y, h, base):
    for i in range(3):
        top = y - h * (0.85 - 0.36 * i)
        body = mix(base, (222, 236, 242), 0.42 - 0.19 * i)
        line = c.ridge(top, 0.22 * h * c.u(0.7, 1.1), 0.15)
        c.gradient(c.down(line, y + 0.03), [(top - 0.1 * h, light(body, 0.18)), (top + 0.6 * h, shade(body, 0.16))])


def fir(p, b, trunk=(106, 76, 56)):
    p.rect(-0.045, 0, 0.045, 0.18, trunk)
    for y0, y1, w in ((0.12, 0.50, 0.34), (0.34, 0.72, 0.27), (0.56, 1.0, 0.20)):
        p.poly([(-w, y0), (w, y0), (0, y1)], shade(b, 0.20))
        p.poly([(-w, y0), (w * 0.12, y0), (0, y1)], light(b, 0.10))


@thing("pine forest", "far", ["forest", "fir forest", "dark forest"], {"green": (50, 116, 82)}, size=(0.2, 0.35))
def pine_forest(c, y, h, base):
    a, b = c.span()
    for row in (0, 1):
        body, x = mix(base, (176, 206, 206), 0.34 * (1 - row)), a
        while x < b:
            fir(c.place(x, y + 0.02 * row, h * c.u(0.78, 1.0) * (1.0 - 0.18 * row)), c.vary(body, 7))
            x += h * c.u(0.34, 0.48)


@thing("city", "far", ["city skyline", "skyscrapers", "big city"], size=(0.28, 0.5))
def city(c, y, h, base):
    a, b = c.span()
    for row in (0, 1):
        x = a - c.u(0, 0.05)
        while x < b:
            w, top = h * c.u(0.22, 0.34), h * c.u(0.45, 1.0) * (1 - 0.25 * row)
            body = mix(c.vary(c.pick([(96, 112, 146), (124, 118, 136), (152, 130, 122)]), 7), (192, 206, 222), 0.34 * (1 - row))
            c.rect(x, y - top, x + w, y + 0.01, body)
            c.rect(x + w * 0.74, y - top, x + w, y + 0.01, shade(body, 0.2))
            if row:
                step = max(0.05, 0.13 * h)
                for wy in np.arange(y - top + 0.35 * step, y - 0.3 * step, step):
                    for wx in (0.12, 0.43):
                        if c.chance(0.85):
                            c.rect(x + w * wx, wy, x + w * (wx + 0.2), wy + 0.5 * step, (255, 220, 124) if c.dark else light(body, 0.6), c.dark)
            x += w * c.u(1.0, 1.12)


# ---------------------------------------------------------------- grounds
def blades(c, y, n, colour):
    a, b = c.span()
    y0, y1 = max(y, c.view[1]), c.view[1] + c.view[2]
    if y1 - y0 < 0.02:
        return
    for _ in range(int(n * (y1 - y0))):
        x, yy = c.u(a, b), c.u(y0, y1)
        c.line(x, yy, x + c.u(-0.006, 0.006), yy - 0.024, 0.008, c.vary(colour, 14))


@thing("meadow", "ground", ["green meadow", "grass", "green field"], size=(0, 0))
def meadow(c, y, colour):
    g = c.vary((122, 188, 84), 8)
    c.gradient(c.down(c.ridge(y, 0.010)), [(y, mix(g, (206, 228, 128), 0.35)), (y + 0.9, mix(g, (46, 112, 62), 0.45))])
    blades(c, y + 0.04, 60, mix(g, (56, 128, 60), 0.5))


@thing("flower field", "ground", ["flowers", "flower meadow", "field of flowers"], ["red", "yellow", "purple", "pink", "white", "orange", "blue"])
def flower_field(c, y, f):
    g = c.vary((100, 164, 82), 6)
    c.gradient(c.down(c.ridge(y, 0.010)), [(y, mix(g, f, 0.4)), (y + 0.9, mix(g, (48, 108, 58), 0.4))])
    a, b = c.span()
    y0, y1 = max(y + 0.03, c.view[1] - 0.02), c.view[1] + c.view[2] + 0.02
    if y1 <= y0:
        return
    for yy in sorted(c.u(y0, y1) for _ in range(int(85 * (y1 - y0)))):
        x, r = c.u(a, b), 0.016 + 0.014 * min(1, yy - y)
        c.oval(x, yy, r, r * 0.9, c.vary(f, 10))
        c.oval(x, yy, r * 0.4, r * 0.36, (252, 222, 110) if f[0] < 225 or f[1] < 180 or f[2] > 200 else (190, 120, 50))


def dunes(c, y, top, bottom):
    yy = max(y, c.view[1] - 0.35 - c.u(0, 0.1)) if y < c.view[1] - 0.35 else y
    while yy < c.view[1] + c.view[2] + 0.05:
        line = c.ridge(yy, 0.014 + 0.022 * min(1, max(0, yy - y)), 0.35)
        c.gradient(c.down(line), [(yy - 0.03, top), (yy + 0.30, bottom)])
        yy += c.u(0.15, 0.24)


@thing("desert", "ground", ["sand", "sandy desert", "sand dunes"])
def desert(c, y, colour):
    s = c.vary((234, 192, 122), 7)
    dunes(c, y, mix(s, (255, 234, 184), 0.5), mix(s, (182, 118, 66), 0.5))


@thing("snow", "ground", ["white snow", "snowy field", "snowy ground"])
def snow(c, y, colour):
    dunes(c, y, (254, 254, 255), c.vary((178, 202, 232), 5))


@thing("sea", "ground", ["blue sea", "ocean", "sea with waves"], definite=True)
def sea(c, y, colour):
    w = c.vary((46, 124, 184), 7)
    c.gradient(c.down([(c.span()[0], y), (c.span()[1], y)]), [(y, mix(w, (176, 220, 234), 0.4)), (y + 0.9, mix(w, (14, 58, 112), 0.5))])
    a, b = c.span()
    y0, y1 = max(y + 0.02, c.view[1]), c.view[1] + c.view[2]
    for _ in range(int(34 * max(0, y1 - y0))):
        yy, x = c.u(y0, y1), c.u(a, b)
        k = 0.03 + 0.05 * min(1, yy - y)
        c.line(x - k, yy, x + k, yy, 0.010, mix(w, (220, 240, 248), c.u(0.35, 0.7)))


# ---------------------------------------------------------------- things on the ground
LAND, ALL = ("meadow", "flower field", "snow"), ("meadow", "flower field", "snow", "desert")


@thing("house", "object", ["cottage", "little house"], ["red", "blue", "white", "yellow", "pink", "green", "orange", "purple", "brown"], where=ALL, wide=1.0, size=(0.3, 0.5))
def house(p, b):
    roof = (122, 66, 54) if b[0] < 190 or b[1] > 110 else (82, 76, 92)
    p.rect(0.20, 0.66, 0.32, 0.96, shade(b, 0.35))
    p.rect(-0.40, 0, 0.40, 0.52, b)
    p.poly([(-0.40, 0.50), (0.40, 0.50), (0, 0.94)], b)
    p.rect(0.16, 0, 0.40, 0.50, shade(b, 0.13))
    p.poly([(-0.54, 0.42), (-0.46, 0.38), (0, 0.86), (0.46, 0.38), (0.54, 0.42), (0, 1.0)], roof)
    p.rect(-0.09, 0, 0.09, 0.28, (112, 72, 50))
    pane = (255, 218, 112) if p.canvas.dark else (186, 222, 244)
    for x in (-0.26, 0.26):
        p.rect(x - 0.095, 0.19, x + 0.095, 0.40, (250, 248, 240))
        p.rect(x - 0.07, 0.215, x + 0.07, 0.375, pane, p.canvas.dark)


@thing("castle", "object", ["old castle"], ["grey", "white", "pink", "brown", "blue", "purple"], where=ALL, wide=1.05, size=(0.42, 0.6))
def castle(p, b):
    roof = (190, 58, 58) if b[2] > b[0] + 20 or max(b) - min(b) < 30 else (72, 92, 168)

    def tower(x, w, top, cone):
        p.rect(x - w, 0, x + w, top, b)
        p.rect(x + w * 0.3, 0, x + w, top, shade(b, 0.17))
        p.rect(x - w * 1.2, top - 0.03, x + w * 1.2, top + 0.025, light(b, 0.3))
        p.poly([(x - w * 1.35, top + 0.02), (x + w * 1.35, top + 0.02), (x, top + cone)], roof)
        p.poly([(x + w * 0.15, top + 0.02), (x + w * 1.35, top + 0.02), (x, top + cone)], shade(roof, 0.25))
        p.rect(x - w * 0.28, top - 0.17, x + w * 0.28, top - 0.07, (255, 218, 112) if p.canvas.dark else shade(b, 0.6), p.canvas.dark)
    tower(0, 0.13, 0.70, 0.30)
    p.rect(-0.36, 0, 0.36, 0.38, light(b, 0.1))
    for i in range(7):
        p.rect(-0.36 + i * 0.11, 0.37, -0.30 + i * 0.11, 0.44, light(b, 0.1))
    for x in (-0.40, 0.40):
        tower(x, 0.11, 0.52, 0.26)
    p.rect(-0.10, 0, 0.10, 0.18, (84, 58, 46))
    p.oval(0, 0.18, 0.10, 0.10, (84, 58, 46))


@thing("lighthouse", "object", ["striped lighthouse"], ["red", "blue", "green"], where=("meadow", "sea", "snow"), wide=0.5, size=(0.5, 0.75))
def lighthouse(p, b):
    p.poly([(-0.30, 0), (-0.24, 0.07), (-0.08, 0.11), (0.14, 0.10), (0.26, 0.05), (0.30, 0)], (112, 108, 112))
    white, w = (246, 244, 238), 0.15
    for i in range(5):
        y0, y1 = 0.08 + 0.135 * i, 0.08 + 0.135 * (i + 1)
        w0, w1 = w - 0.012 * i, w - 0.012 * (i + 1)
        c = b if i % 2 == 0 else white
        p.poly([(-w0, y0), (w0, y0), (w1, y1), (-w1, y1)], c)
        p.poly([(w0 * 0.3, y0), (w0, y0), (w1, y1), (w1 * 0.3, y1)], shade(c, 0.16))
    p.rect(-0.14, 0.75, 0.14, 0.79, (70, 70, 82))
    p.rect(-0.075, 0.79, 0.075, 0.90, (255, 236, 146), True)
    p.poly([(-0.12, 0.90), (0.12, 0.90), (0, 1.0)], b)


@thing("windmill", "object", ["old windmill"], ["white", "red", "brown", "blue"], where=LAND, wide=0.9, size=(0.42, 0.6))
def windmill(p, b):
    p.poly([(-0.20, 0), (0.20, 0), (0.13, 0.60), (-0.13, 0.60)], b)
    p.poly([(0.05, 0), (0.20, 0), (0.13, 0.60), (0.04, 0.60)], shade(b, 0.17))
    roof = (150, 70, 56) if b[0] < 180 or b[1] > 120 else (84, 78, 94)
    p.poly([(-0.17, 0.59), (0.17, 0.59), (0, 0.80)], roof)
    p.rect(-0.06, 0, 0.06, 0.19, (96, 68, 50))
    p.rect(-0.05, 0.32, 0.05, 0.42, (255, 218, 112) if p.canvas.dark else shade(b, 0.55), p.canvas.dark)
    turn = math.pi / 4 + p.canvas.u(-0.12, 0.12)
    for i in range(4):
        a = turn + i * math.pi / 2
        at = lambda l, s: (math.cos(a) * l - math.sin(a) * s, 0.60 + math.sin(a) * l + math.cos(a) * s)
        p.poly([at(0.08, 0), at(0.08, 0.115), at(0.44, 0.115), at(0.44, 0)], (250, 244, 226))
        p.line(*at(0, 0), *at(0.44, 0), 0.028, (104, 76, 58))
    p.oval(0, 0.60, 0.036, 0.036, (84, 62, 50))


@thing("tree", "object", ["round tree", "leafy tree"], {"green": (84, 156, 74), "orange": (226, 134, 50), "red": (200, 72, 54), "pink": (240, 164, 190), "yellow": (234, 194, 70)}, where=LAND, wide=0.85, size=(0.4, 0.6))
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


@thing("palm", "object", ["palm tree"], {"green": (66, 152, 82)}, where=("desert", "meadow"), wide=0.85, size=(0.4, 0.65))
def palm(p, b):
    lean = 0.10
    for i in range(7):
        t0, t1 = i / 7, (i + 1) / 7
        w = 0.048 - 0.018 * t0
        p.poly([(lean * t0 * t0 - w, 0.74 * t0), (lean * t0 * t0 + w, 0.74 * t0), (lean * t1 * t1 + w * 0.9, 0.74 * t1), (lean * t1 * t1 - w * 0.9, 0.74 * t1)], (152, 114, 76) if i % 2 else (128, 92, 62))
    for a in (2.75, 0.40, 3.35, -0.20, 2.2, 0.95, 1.55):
        ex, ey = lean + 0.40 * math.cos(a), 0.74 + 0.24 * math.sin(a) - 0.06
        mx, my = lean + 0.22 * math.cos(a), 0.74 + 0.20 * math.sin(a) + 0.07
        g = shade(b, 0.12) if a < 1 else b
        p.poly([(lean, 0.76), (mx, my + 0.045), (ex, ey), (mx, my - 0.05)], g)
        p.poly([(lean, 0.76), (mx, my + 0.045), (ex, ey), (mx, my)], light(g, 0.2))


@thing("boat", "object", ["sailing boat", "sailboat", "ship"], ["red", "blue", "white", "yellow", "green", "brown", "orange"], where=("sea",), wide=1.0, size=(0.3, 0.5))
def boat(p, b):
    p.rect(-0.018, 0.18, 0.018, 1.0, (112, 82, 60))
    p.poly([(0.04, 0.97), (0.04, 0.27), (0.44, 0.27)], (252, 248, 238))
    p.poly([(-0.04, 0.86), (-0.04, 0.27), (-0.36, 0.27)], (218, 212, 208))
    p.poly([(-0.52, 0.21), (0.52, 0.21), (0.36, 0), (-0.36, 0)], b)
    p.poly([(-0.52, 0.21), (0.52, 0.21), (0.48, 0.155), (-0.48, 0.155)], light(b, 0.5))
    p.poly([(-0.42, 0.08), (0.42, 0.08), (0.36, 0), (-0.36, 0)], shade(b, 0.28))


@thing("mushroom", "object", ["toadstool"], ["red", "brown", "orange", "purple", "blue"], where=("meadow", "flower field"), wide=0.95, size=(0.3, 0.45))
def mushroom(p, b):
    p.poly([(-0.15, 0), (0.15, 0), (0.10, 0.52), (-0.10, 0.52)], (244, 234, 216))
    p.poly([(0.04, 0), (0.15, 0), (0.10, 0.52), (0.03, 0.52)], (214, 200, 184))
    p.poly([(0.46 * math.cos(t), 0.46 + 0.54 * math.sin(t)) for t in np.linspace(0, math.pi, 24)], b)
    p.oval(0, 0.46, 0.46, 0.075, shade(b, 0.3))
    for x, y, r in ((-0.22, 0.68, 0.075), (0.06, 0.84, 0.085), (0.27, 0.64, 0.065), (0.02, 0.61, 0.055)):
        p.oval(x, y, r, r * 0.9, (252, 248, 240))


@thing("cactus", "object", ["green cactus"], {"green": (70, 146, 86)}, where=("desert",), wide=0.75, size=(0.35, 0.55))
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


CLASSES = ["plain"] + list(THINGS)
