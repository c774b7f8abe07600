"""Far layers across the whole view."""
import numpy as np

from canvas import light, mix, shade
from things import thing
from things.shapes import curve


@thing("mountains", "far", ["mountain range", "mountain peaks"], {"snowy": (106, 122, 156), "grey": (124, 128, 138), "brown": (146, 108, 82), "blue": (84, 122, 178), "purple": (124, 98, 162)},
        plural=True, size=(0.25, 0.45))
def mountains(c, y, h, base):
    a, b = c.span()
    snowy = base[1] > base[0] and 30 < base[2] - base[0] < 72
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


@thing("hills", "far", ["rolling hills", "round hills"], {"green": (104, 168, 84), "orange": (218, 150, 76), "blue": (98, 146, 172)},
        plural=True, size=(0.14, 0.26))
def hills(c, y, h, base):
    a, b = c.span()
    step = max(0.16, 0.9 * h)
    for row in (0, 1):
        body = mix(base, (214, 230, 236), 0.34 * (1 - row))
        x = a - step * c.u(0, 0.8)
        while x < b + step:
            w, top = step * c.u(0.75, 1.05), h * (c.u(0.78, 1.0) - 0.40 * row)
            p, tone = c.place(x, y + 0.01, 1.0), c.vary(body, 6)
            p.poly(curve(0, 0, w, top, 0, 180, 20), shade(tone, 0.16))
            p.poly(curve(-0.10 * w, 0, 0.9 * w, top * 0.985, 0, 180, 20), tone)
            p.poly(curve(-0.26 * w, 0, 0.70 * w, top * 0.90, 0, 180, 18), light(tone, 0.16))
            x += step * c.u(1.15, 1.5)


def fir(p, b, trunk=(106, 76, 56)):
    p.rect(-0.045, 0, 0.045, 0.18, trunk)
    for y0, y1, w in ((0.12, 0.50, 0.34), (0.34, 0.72, 0.27), (0.56, 1.0, 0.20)):
        p.poly([(-w, y0), (w, y0), (0, y1)], shade(b, 0.20))
        p.poly([(-w, y0), (w * 0.12, y0), (0, y1)], light(b, 0.10))


@thing("pine forest", "far", ["fir forest", "pine trees", "dark forest"], {"green": (50, 116, 82)}, size=(0.2, 0.35))
def pine_forest(c, y, h, base):
    a, b = c.span()
    for row in (0, 1):
        body, x = mix(base, (176, 206, 206), 0.34 * (1 - row)), a
        c.rect(a, y - (0.30 - 0.16 * row) * h, b, y + 0.02, shade(body, 0.28))
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


@thing("forest", "far", ["leafy forest", "woods", "forest of trees"], {"green": (84, 150, 76), "orange": (222, 136, 56), "red": (196, 78, 56)}, size=(0.2, 0.34))
def forest(c, y, h, base):
    a, b = c.span()
    for row in (0, 1):
        body, x = mix(base, (188, 210, 206), 0.30 * (1 - row)), a - c.u(0, 0.2) * h
        if row:
            c.rect(a, y - 0.30 * h, b, y + 0.015, shade(base, 0.42))
        while x < b + 0.2 * h:
            r, top, tone = h * c.u(0.25, 0.33), h * c.u(0.84, 1.0) * (1.0 - 0.26 * row), c.vary(body, 9)
            if row:
                c.rect(x - 0.035 * h, y - 0.3 * h, x + 0.035 * h, y + 0.015, (104, 78, 62))
            c.oval(x, y - top + r * 1.1, r, r * 1.1, shade(tone, 0.24))
            c.oval(x - 0.10 * r, y - top + r * 1.0, r * 0.86, r * 0.92, tone)
            c.oval(x - 0.30 * r, y - top + r * 0.72, r * 0.46, r * 0.44, light(tone, 0.22))
            x += h * c.u(0.36, 0.5)


@thing("cliffs", "far", ["rocky cliffs", "cliff", "steep cliff"], {"white": (232, 226, 212), "grey": (138, 140, 146), "brown": (164, 118, 84), "red": (192, 98, 68)},
        plural=True, size=(0.26, 0.42))
def cliffs(c, y, h, base):
    a, b = c.span()
    x, top = a, h * c.u(0.8, 1.0)
    while x < b:
        w, body = h * c.u(0.22, 0.40), c.vary(base, 7)
        if c.chance(0.4):
            top = h * c.u(0.62, 1.0)
        p, q, e = c.place(x, y, top), w / top, c.u(-0.03, 0.03)
        p.rect(0, -0.04, q, 1.0, light(body, 0.14))
        p.poly([(0.62 * q, 1.0), (q, 1.0), (q, -0.04), (0.48 * q, -0.04), (0.70 * q, 0.45)], shade(body, 0.26))
        p.poly([(0.10 * q, 0.62 + e), (0.34 * q, 0.66 + e), (0.30 * q, 0.12), (0.16 * q, 0.2)], shade(body, 0.10))
        p.poly([(-0.02, 1.04), (q + 0.02, 1.04), (q + 0.02, 0.93), (0.75 * q, 0.88), (0.5 * q, 0.94), (0.2 * q, 0.89), (-0.02, 0.94)], (118, 172, 84))
        x += w
