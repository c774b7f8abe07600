"""Things in the air."""
import math

import numpy as np

from canvas import light, mix, shade
from things import thing
from things.shapes import curve, smooth
from things.skies import BOLT, cloud_shape


@thing("cloud", "air", ["white cloud", "fluffy cloud"], wide=1.8, size=(0.12, 0.24))
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


@thing("rainbow", "air", ["colourful rainbow", "bright rainbow"], wide=2.0, size=(0.4, 0.6))
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
    p.poly(curve(0, 0.65, 0.35, 0.35, -38, 62, 10) + curve(-0.10, 0.65, 0.35, 0.35, 62, -46, 10), shade(b, 0.24))
    p.rect(-0.085, 0, 0.085, 0.14, (150, 104, 64))
    p.rect(-0.085, 0.105, 0.085, 0.14, (108, 72, 48))


@thing("star", "air", ["bright star", "big star"], {"yellow": (252, 214, 92), "gold": (226, 172, 60), "white": (248, 246, 236)}, size=(0.14, 0.26),
        where=("night sky", "aurora", "sunset sky"), weight=0.7)
def star(p, b):
    for i in range(5):
        a = math.pi / 2 + i * 0.4 * math.pi
        tip = (0.5 * math.cos(a), 0.48 + 0.52 * math.sin(a))
        for s, c in ((0.2, light(b, 0.35)), (-0.2, shade(b, 0.16))):
            p.poly([(0, 0.48), tip, (0.22 * math.cos(a + s * math.pi), 0.48 + 0.22 * math.sin(a + s * math.pi))], c, True)


@thing("kite", "air", ["flying kite", "paper kite"], ["red", "yellow", "blue", "green", "purple", "orange", "pink"], wide=0.75, size=(0.24, 0.4), weight=0.8)
def kite(p, b):
    top, left, right, foot, middle = (0.10, 1.0), (-0.28, 0.66), (0.38, 0.74), (-0.02, 0.30), (0.055, 0.70)
    pale = light(b, 0.62)
    tail = [foot, (0.08, 0.22), (0.0, 0.14), (0.10, 0.07), (0.04, 0.0)]
    for (x0, y0), (x1, y1) in zip(tail, tail[1:]):
        p.line(x0, y0, x1, y1, 0.016, shade(b, 0.35))
    for x, y in tail[1:4]:
        p.poly([(x - 0.07, y + 0.045), (x - 0.07, y - 0.045), (x + 0.07, y + 0.045), (x + 0.07, y - 0.045)], b)
    p.poly([top, left, middle], b)
    p.poly([top, right, middle], shade(pale, 0.10))
    p.poly([foot, left, middle], pale)
    p.poly([foot, right, middle], shade(b, 0.20))


WING_NEAR = smooth([(-0.10, 0.42), (-0.30, 0.74), (-0.78, 1.0), (-0.52, 0.62), (-0.12, 0.24), (0.16, 0.30)], 4)
WING_FAR = smooth([(-0.10, 0.40), (0.14, 0.72), (0.76, 0.98), (0.56, 0.68), (0.30, 0.34), (0.10, 0.26)], 4)
BIRD_BODY = smooth([(-0.50, 0.32), (-0.42, 0.41), (-0.28, 0.42), (0.10, 0.40), (0.52, 0.16), (0.58, 0.06), (0.40, 0.07), (0.10, 0.06), (-0.22, 0.10), (-0.42, 0.22)], 3)


@thing("bird", "air", ["flying bird", "little bird"], ["white", "blue", "black", "red", "yellow"], wide=1.6, size=(0.12, 0.22))
def bird(p, b):
    p.poly(WING_FAR, shade(b, 0.24))
    p.poly([(-0.46, 0.36), (-0.64, 0.28), (-0.46, 0.24)], (242, 158, 52))
    p.poly(BIRD_BODY, b)
    p.poly(WING_NEAR, shade(b, 0.10) if min(b) > 200 else light(b, 0.22))
    p.oval(-0.40, 0.33, 0.035, 0.04, (34, 30, 44))


@thing("rocket", "air", ["space rocket", "rocket ship"], ["red", "blue", "green", "orange", "purple"], wide=0.55, size=(0.3, 0.45), weight=0.7)
def rocket(p, b):
    p.poly([(-0.11, 0.20), (0.11, 0.20), (0.07, 0.08), (0, 0), (-0.07, 0.08)], (248, 150, 50), True)
    p.poly([(-0.06, 0.20), (0.06, 0.20), (0, 0.06)], (255, 230, 120), True)
    for s in (-1, 1):
        p.poly([(s * 0.12, 0.48), (s * 0.27, 0.28), (s * 0.27, 0.12), (s * 0.10, 0.22)], b if s < 0 else shade(b, 0.25))
    white = (244, 243, 240)
    left, right = curve(0.06, 0.46, 0.22, 0.54, 90, 210, 12), curve(-0.06, 0.46, 0.22, 0.54, -30, 90, 12)
    outline = [q for q in left if q[0] <= 0] + [q for q in right if q[0] >= 0]
    p.poly(outline, white)
    p.poly([(0.05, 0.19)] + [(0.06, 0.94)] + [q for q in reversed(right) if q[0] >= 0.05], shade(white, 0.18))
    p.poly([q for q in outline if q[1] > 0.72], b)
    p.rect(-0.11, 0.18, 0.11, 0.235, shade(b, 0.12))
    p.oval(0, 0.55, 0.085, 0.085, shade(b, 0.12))
    p.oval(0, 0.55, 0.055, 0.055, (170, 222, 246))


@thing("lightning", "air", ["lightning bolt", "thunderbolt"], where=("stormy sky", "cloudy sky", "night sky"), wide=0.66, size=(0.3, 0.5), weight=0.5)
def lightning(p, colour):
    bolt = [(x - 0.02, y) for x, y in BOLT]
    p.poly(bolt, (255, 232, 112), True)
    p.poly([bolt[0], bolt[1], bolt[2], (0.02, 0.52)], (255, 248, 200), True)
