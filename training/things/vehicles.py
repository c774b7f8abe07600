"""Vehicles and a snowman."""
from canvas import light, shade
from things import thing
from things.shapes import curve, pane


@thing("boat", "object", ["sailing boat", "sailboat", "little boat"], ["red", "blue", "white", "yellow", "green", "brown", "orange", "turquoise"],
        where=("sea", "lake", "river"), wide=1.0, size=(0.3, 0.5))
def boat(p, b):
    p.rect(-0.018, 0.18, 0.018, 1.0, (112, 82, 60))
    p.poly([(0.04, 0.97), (0.04, 0.27), (0.44, 0.27)], (252, 248, 238))
    p.poly([(-0.04, 0.86), (-0.04, 0.27), (-0.36, 0.27)], (218, 212, 208))
    p.poly([(-0.52, 0.21), (0.52, 0.21), (0.36, 0), (-0.36, 0)], b)
    p.poly([(-0.52, 0.21), (0.52, 0.21), (0.48, 0.155), (-0.48, 0.155)], light(b, 0.5))
    p.poly([(-0.42, 0.08), (0.42, 0.08), (0.36, 0), (-0.36, 0)], shade(b, 0.28))


@thing("ship", "object", ["steamship", "big ship", "ocean liner"], ["red", "blue", "black", "white", "green"],
        where=("sea",), wide=1.75, size=(0.28, 0.42))
def ship(p, b):
    white = (248, 246, 240)
    funnel = (214, 78, 58) if b[0] < 190 else (66, 84, 128)
    for x in (-0.22, 0.10):
        p.poly([(x - 0.085, 0.58), (x + 0.085, 0.58), (x + 0.10, 0.96), (x - 0.07, 0.96)], funnel)
        p.poly([(x + 0.025, 0.58), (x + 0.085, 0.58), (x + 0.10, 0.96), (x + 0.045, 0.96)], shade(funnel, 0.25))
        p.rect(x - 0.075, 0.88, x + 0.105, 0.96, (54, 50, 60))
    p.rect(-0.44, 0.50, 0.34, 0.66, shade(white, 0.06))
    p.rect(-0.58, 0.36, 0.52, 0.52, white)
    p.rect(0.20, 0.36, 0.52, 0.52, shade(white, 0.16))
    p.rect(0.14, 0.52, 0.34, 0.66, shade(white, 0.2))
    for i in range(5):
        p.rect(-0.50 + 0.2 * i, 0.40, -0.40 + 0.2 * i, 0.475, pane(p, (84, 120, 160)), p.canvas.dark)
    p.poly([(-0.88, 0.40), (-0.70, 0), (0.66, 0), (0.80, 0.38)], b)
    p.poly([(-0.88, 0.40), (-0.852, 0.325), (0.777, 0.31), (0.80, 0.38)], light(b, 0.6) if max(b) > 90 else white)
    p.poly([(-0.745, 0.10), (-0.70, 0), (0.66, 0), (0.70, 0.10)], (150, 54, 48) if b[0] < 190 or b[1] > 150 else shade(b, 0.4))


@thing("train", "object", ["steam train", "locomotive", "railway engine"], ["red", "green", "blue", "black", "purple"],
        where=("meadow", "snow", "desert", "wheat field"), wide=1.6, size=(0.3, 0.44))
def train(p, b):
    dark, brass = (56, 52, 62), (232, 188, 84)
    for x, y, r in ((-0.44, 0.90, 0.075), (-0.28, 0.925, 0.07)):
        p.oval(x, y, r, r, (236, 236, 240))
    p.poly([(-0.68, 0.62), (-0.42, 0.62), (-0.46, 0.66), (-0.44, 0.86), (-0.64, 0.86), (-0.62, 0.66)], dark)
    p.rect(-0.72, 0.28, 0.24, 0.64, b)
    p.rect(-0.72, 0.55, 0.24, 0.64, light(b, 0.30))
    p.rect(-0.72, 0.28, 0.24, 0.36, shade(b, 0.28))
    p.rect(-0.36, 0.28, -0.31, 0.64, brass)
    p.poly([(-0.14, 0.62), (0.06, 0.62)] + curve(-0.04, 0.66, 0.10, 0.10, 0, 180, 8), brass)
    p.rect(0.20, 0.24, 0.70, 0.90, b)
    p.rect(0.54, 0.24, 0.70, 0.90, shade(b, 0.22))
    p.rect(0.14, 0.88, 0.76, 0.97, dark)
    p.rect(0.29, 0.56, 0.56, 0.80, pane(p), p.canvas.dark)
    p.oval(-0.70, 0.46, 0.07, 0.17, dark)
    p.oval(-0.745, 0.52, 0.05, 0.06, (255, 236, 150), True)
    p.rect(-0.76, 0.20, 0.74, 0.30, dark)
    p.poly([(-0.74, 0.26), (-0.60, 0.26), (-0.60, 0.03), (-0.82, 0.03)], (150, 60, 52) if b[0] < 170 else (84, 80, 92))
    for x, r in ((-0.44, 0.13), (-0.12, 0.13), (0.40, 0.19)):
        p.oval(x, r, r, r, dark)
        p.oval(x, r, r * 0.62, r * 0.62, (206, 66, 56) if b[0] < 170 else (226, 186, 92))
        p.oval(x, r, r * 0.22, r * 0.22, dark)
    p.line(-0.44, 0.13, 0.40, 0.17, 0.04, (206, 206, 212))


@thing("snowman", "object", ["happy snowman", "little snowman"], where=("snow",), wide=0.75, size=(0.34, 0.5), weight=0.8)
def snowman(p, colour):
    snow, shadow, coal = (250, 252, 255), (186, 206, 234), (46, 44, 54)
    for x0, y0, x1, y1 in ((-0.18, 0.48, -0.38, 0.62), (0.18, 0.48, 0.38, 0.60)):
        p.line(x0, y0, x1, y1, 0.03, (112, 80, 58))
    for y, r in ((0.24, 0.25), (0.52, 0.185), (0.745, 0.135)):
        p.oval(0, y, r, r * 0.96, shadow)
        p.oval(-0.03 * r / 0.2, y + 0.012, r * 0.86, r * 0.85, snow)
    scarf = (208, 62, 56)
    p.rect(-0.13, 0.61, 0.13, 0.665, scarf)
    p.poly([(0.04, 0.64), (0.13, 0.64), (0.15, 0.46), (0.06, 0.46)], shade(scarf, 0.2))
    p.rect(-0.18, 0.845, 0.18, 0.88, coal)
    p.rect(-0.11, 0.87, 0.11, 1.0, coal)
    p.rect(-0.11, 0.885, 0.11, 0.915, scarf)
    for x in (-0.06, 0.05):
        p.oval(x, 0.785, 0.021, 0.021, coal)
    p.poly([(0, 0.765), (0, 0.715), (-0.17, 0.725)], (242, 138, 44))
    for y in (0.54, 0.45, 0.28):
        p.oval(-0.01, y, 0.024, 0.024, coal)
