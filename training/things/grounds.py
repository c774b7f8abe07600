"""Grounds: they fill the view from the horizon downwards."""
import math

from canvas import light, mix, shade
from things import thing


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
    c.gradient(c.down(c.ridge(y, 0.010)), [(y, mix(g, f, 0.8)), (y + 0.10, mix(g, f, 0.22)), (y + 0.9, mix(g, (48, 108, 58), 0.4))])
    a, b = c.span()
    y0, y1 = max(y + 0.03, c.view[1] - 0.02), c.view[1] + c.view[2] + 0.02
    if y1 <= y0:
        return
    for yy in sorted(c.u(y0, y1) for _ in range(int(120 * (y1 - y0)))):
        x, r = c.u(a, b), 0.015 + 0.026 * min(1, yy - y)
        c.oval(x, yy, r, r * 0.9, c.vary(f, 10))
        c.oval(x, yy, r * 0.4, r * 0.36, (252, 222, 110) if f[0] < 225 or f[1] < 180 or f[2] > 200 else (190, 120, 50))


def dunes(c, y, top, bottom):
    yy = max(y, c.view[1] - 0.35 - c.u(0, 0.1)) if y < c.view[1] - 0.35 else y
    while yy < c.view[1] + c.view[2] + 0.05:
        line = c.ridge(yy, 0.014 + 0.022 * min(1, max(0, yy - y)), 0.35)
        c.gradient(c.down(line, yy + 0.40), [(yy - 0.03, top), (yy + 0.30, bottom)])
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
    w = c.vary((44, 130, 194), 7)
    c.gradient(c.down([(c.span()[0], y), (c.span()[1], y)]), [(y, mix(w, (176, 220, 234), 0.4)), (y + 0.9, mix(w, (14, 58, 112), 0.5))])
    a, b = c.span()
    y0, y1 = max(y + 0.02, c.view[1]), c.view[1] + c.view[2]
    for _ in range(int(36 * max(0, y1 - y0))):
        yy, x = c.u(y0, y1), c.u(a, b)
        k = 0.03 + 0.07 * min(1, yy - y)
        c.poly([(x - k, yy), (x - 0.35 * k, yy - 0.16 * k), (x + 0.35 * k, yy - 0.16 * k), (x + k, yy), (x + 0.3 * k, yy + 0.05 * k), (x - 0.3 * k, yy + 0.05 * k)], mix(w, (226, 244, 250), c.u(0.35, 0.75)))


@thing("lake", "ground", ["calm lake", "pond", "blue lake"])
def lake(c, y, colour):
    w = c.vary((74, 162, 184), 7)
    a, b = c.span()
    c.gradient(c.down([(a, y), (b, y)]), [(y, mix(w, (206, 234, 232), 0.55)), (y + 0.9, mix(w, (18, 78, 112), 0.55))])
    bank = c.ridge(y + 0.022, 0.008, 0.6)
    c.poly([(a, y - 0.012), (b, y - 0.012)] + bank[::-1], (96, 156, 84))
    c.poly([(x, yy + 0.045 + 2 * (yy - y - 0.022)) for x, yy in bank] + bank[::-1], mix(w, (60, 120, 96), 0.55))
    y0, y1 = max(y + 0.1, c.view[1]), c.view[1] + c.view[2]
    for yy in sorted(c.u(y0, y1) for _ in range(int(7 * max(0, y1 - y0) + 0.5))):
        k = 0.10 + 0.14 * min(1, max(0, yy - y))
        c.oval(c.u(a, b), yy, k, 0.007 + 0.005 * min(1, yy - y), mix(w, (226, 246, 244), 0.55))
    for yy in sorted(c.u(y0 + 0.06, y1) for _ in range(int(8 * max(0, y1 - y0)))):
        x, r = c.u(a, b), 0.028 + 0.060 * min(1, max(0, yy - y))
        c.oval(x, yy + 0.2 * r, r, r * 0.42, mix(w, (14, 60, 84), 0.6))
        c.oval(x, yy, r, r * 0.42, (112, 176, 88))
        if c.chance(0.4):
            c.oval(x, yy - 0.25 * r, r * 0.42, r * 0.34, (250, 196, 214))


def winding(c, y, narrow, wide, sway):
    """Left and right edge of a band that winds from the horizon to the viewer; the canvas remembers it as `course`."""
    x0, turn, phase = c.view[0] + c.view[2] * c.u(0.36, 0.64), c.u(2.2, 3.2) * c.pick([-1, 1]), c.u(-0.6, 0.6)
    left, right = [], []
    y0, y1 = max(y, c.view[1] - 0.1), c.view[1] + c.view[2] + 0.1
    for i in range(25):
        yy = y0 + (y1 - y0) * (i / 24) ** 1.4
        d = min(1.4, yy - y)
        x, w = x0 + sway * (0.30 + min(1.2, d)) * math.sin(turn * 2.2 * (yy - y) ** 0.55 + phase), narrow + (wide - narrow) * min(1, d)
        left.append((x - w, yy))
        right.append((x + w, yy))
    c.course = [(yy, x0, x1) for (x0, yy), (x1, _) in zip(left, right)]
    return left, right


def meadow_beside(c, y):
    """A meadow that the id map knows as such, if the composer offers a mark for it (canvas.other(name) -> mark)."""
    k, other = c.k, getattr(c, "other", None)
    c.k = other("meadow") if other else k
    meadow(c, y, None)
    c.k = k


def middle(left, right, t):
    return [(a[0] + (b[0] - a[0]) * t, a[1]) for a, b in zip(left, right)]


@thing("river", "ground", ["winding river", "stream", "blue river"])
def river(c, y, colour):
    meadow_beside(c, y)
    if y > c.view[1] + c.view[2]:
        return
    w = c.vary((64, 146, 204), 7)
    left, right = winding(c, y, 0.014, 0.36, 0.20)
    c.poly([(x - 0.012 - 0.03 * min(1, yy - y), yy) for x, yy in left] + [(x + 0.012 + 0.03 * min(1, yy - y), yy) for x, yy in reversed(right)], (206, 188, 136))
    c.gradient(left + right[::-1], [(y, mix(w, (190, 226, 240), 0.5)), (y + 0.9, mix(w, (22, 76, 146), 0.4))])
    for t, s, i in ((0.16, 0.24, 3), (0.62, 0.70, 8), (0.34, 0.42, 13), (0.74, 0.80, 16)):
        u, v = middle(left, right, t)[i:i + 6], middle(left, right, s)[i:i + 6]
        c.poly([u[0]] + [((p[0] + q[0]) / 2, p[1]) for p, q in zip(u, v)][1:-1] + [u[-1]] + v[-2:0:-1], mix(w, (228, 244, 250), 0.6))


@thing("road", "ground", ["winding road", "path", "country road"])
def road(c, y, colour):
    meadow_beside(c, y)
    if y > c.view[1] + c.view[2]:
        return
    s = c.vary((226, 200, 150), 6)
    left, right = winding(c, y, 0.010, 0.30, 0.18)
    c.poly([(x - 0.008 - 0.02 * min(1, yy - y), yy) for x, yy in left] + [(x + 0.008 + 0.02 * min(1, yy - y), yy) for x, yy in reversed(right)], (98, 146, 70))
    c.gradient(left + right[::-1], [(y, mix(s, (250, 238, 206), 0.5)), (y + 0.9, mix(s, (176, 132, 90), 0.35))])
    for t in (0.26, 0.66):
        c.poly(middle(left, right, t) + middle(left, right, t + 0.09)[::-1], mix(s, (158, 118, 82), 0.42))


@thing("beach", "ground", ["sandy beach", "seashore", "sandy shore"], shore=0.2)
def beach(c, y, colour):
    w, s = c.vary((48, 160, 190), 7), c.vary((246, 220, 168), 5)
    a, b = c.span()
    edge = max(y + c.u(0.11, 0.17), c.view[1] + c.u(0.06, 0.22))
    c.gradient(c.whole() if y < c.view[1] - 0.1 else c.down([(a, y), (b, y)]), [(min(y, edge - 0.14), mix(w, (30, 96, 164), 0.5)), (edge, mix(w, (150, 226, 218), 0.6))])
    for _ in range(4):
        x, yy = c.u(a, b), c.u(max(y, edge - 0.3) + 0.02, edge - 0.03)
        c.line(x - 0.07, yy, x + 0.07, yy, 0.009, mix(w, (226, 246, 248), 0.5))
    line = c.ridge(edge, 0.012, 0.8)
    c.poly(c.down(line), (250, 252, 250))
    wet = [(x, yy + 0.022) for x, yy in line]
    c.poly(c.down(wet), shade(mix(s, (206, 164, 116), 0.6), 0.05))
    dry = [(x, yy + 0.062 + 0.5 * (yy - edge)) for x, yy in line]
    c.gradient(c.down(dry), [(edge, light(s, 0.3)), (edge + 0.9, mix(s, (214, 160, 104), 0.45))])
    y1 = c.view[1] + c.view[2]
    for _ in range(int(14 * max(0, y1 - edge - 0.12))):
        x, yy = c.u(a, b), c.u(edge + 0.12, y1)
        r = 0.008 + 0.014 * min(1, yy - edge)
        c.oval(x, yy, r, r * 0.7, c.pick([(250, 244, 232), (240, 164, 140), (206, 166, 118)]))


@thing("wheat field", "ground", ["wheat", "golden wheat field", "field of wheat", "corn field"])
def wheat_field(c, y, colour):
    g = c.vary((232, 186, 76), 7)
    c.gradient(c.down(c.ridge(y, 0.010)), [(y, mix(g, (252, 226, 142), 0.6)), (y + 0.9, mix(g, (168, 104, 40), 0.5))])
    a, b = c.span()
    y1 = c.view[1] + c.view[2] + 0.1
    x0, far = c.view[0] + c.view[2] * c.u(0.3, 0.7), y - 0.12
    for i in range(-6, 7):                          # furrows meet behind the horizon
        at = lambda t, yy: (x0 + (i + t) * 0.42 * (yy - far), yy)
        c.poly([at(-0.1, y + 0.015), at(0.1, y + 0.015), at(0.1, y1), at(-0.1, y1)], mix(g, (176, 112, 44), 0.5))
    y0 = max(y + 0.05, c.view[1])
    for yy in sorted(c.u(y0, y1) for _ in range(int(48 * max(0, y1 - y0)))):
        x, s = c.u(a, b), 0.05 + 0.13 * min(1, yy - y)
        lean, tone = c.u(0.0, 0.3) * s, c.vary(g, 8)
        c.line(x, yy, x + lean, yy - s, 0.012, mix(tone, (140, 92, 40), 0.45))
        c.poly([(x + lean - 0.10 * s, yy - 0.9 * s), (x + 1.3 * lean, yy - 1.55 * s), (x + lean + 0.16 * s, yy - 0.95 * s), (x + lean, yy - 0.62 * s)], light(tone, 0.42))
        c.poly([(x + 1.3 * lean, yy - 1.55 * s), (x + lean + 0.16 * s, yy - 0.95 * s), (x + lean, yy - 0.62 * s)], shade(tone, 0.10))


@thing("rocks", "ground", ["rocky ground", "stony ground", "stones", "rocky field"])
def rocks(c, y, colour):
    g = c.vary((150, 140, 130), 6)
    c.gradient(c.down(c.ridge(y, 0.012, 1.0)), [(y, mix(g, (206, 200, 192), 0.5)), (y + 0.9, mix(g, (86, 76, 78), 0.5))])
    a, b = c.span()
    y0, y1 = max(y + 0.02, c.view[1]), c.view[1] + c.view[2] + 0.1
    for yy in sorted(c.u(y0, y1) for _ in range(int(27 * max(0, y1 - y0)))):
        h = 0.022 + 0.15 * min(1, yy - y) * c.u(0.5, 1.3)
        p, tone, e = c.place(c.u(a, b), yy, h), c.vary(mix(g, (132, 128, 134), 0.5), 10), c.u(-0.15, 0.15)
        p.poly([(-0.95, 0), (-0.78, 0.55), (-0.25 + e, 1.0), (0.42 + e, 0.86), (0.85, 0.42), (1.0, 0)], shade(tone, 0.30))
        p.poly([(-0.95, 0), (-0.78, 0.55), (-0.25 + e, 1.0), (0.10, 0.55), (0.05, 0)], light(tone, 0.10))
        p.poly([(-0.78, 0.55), (-0.25 + e, 1.0), (0.42 + e, 0.86), (0.10, 0.55)], light(tone, 0.42))
