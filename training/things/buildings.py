"""Buildings."""
import math

from canvas import light, shade
from things import thing
from things.shapes import ALL, LAND, curve, pane


@thing("house", "object", ["cottage", "little house"], ["red", "blue", "white", "yellow", "pink", "green", "orange", "purple", "brown", "turquoise"],
        where=ALL, wide=1.0, size=(0.3, 0.5))
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


@thing("castle", "object", ["old castle", "big castle"], ["grey", "white", "pink", "brown", "blue", "purple"], where=ALL, wide=1.05, size=(0.42, 0.6))
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


@thing("lighthouse", "object", ["striped lighthouse", "tall lighthouse"], ["red", "blue", "green"],
        where=("meadow", "sea", "snow", "rocks", "beach"), wide=0.62, size=(0.5, 0.75))
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


@thing("windmill", "object", ["old windmill", "mill"], ["white", "red", "brown", "blue"], where=LAND + ("road",), wide=0.9, size=(0.42, 0.6))
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


@thing("church", "object", ["chapel", "village church", "little church"], ["white", "grey", "yellow", "brown", "blue"],
        where=LAND + ("rocks",), wide=0.9, size=(0.42, 0.62))
def church(p, b):
    roof = (156, 72, 60)
    p.rect(-0.10, 0, 0.44, 0.36, b)
    p.rect(-0.10, 0, 0.44, 0.10, shade(b, 0.06))
    p.poly([(-0.12, 0.34), (0.47, 0.34), (0.38, 0.58), (-0.12, 0.58)], roof)
    p.poly([(-0.12, 0.34), (0.47, 0.34), (0.455, 0.38), (-0.12, 0.38)], shade(roof, 0.25))
    for x in (0.10, 0.30):
        p.poly([(x - 0.05, 0.09), (x + 0.05, 0.09)] + curve(x, 0.23, 0.05, 0.06, 0, 180, 6), pane(p, shade(b, 0.55)), p.canvas.dark)
    p.rect(-0.40, 0, -0.06, 0.62, light(b, 0.2))
    p.rect(-0.15, 0, -0.06, 0.62, shade(b, 0.17))
    p.poly([(-0.45, 0.60), (-0.01, 0.60), (-0.23, 0.92)], roof)
    p.poly([(-0.17, 0.60), (-0.01, 0.60), (-0.23, 0.92)], shade(roof, 0.25))
    p.rect(-0.246, 0.88, -0.214, 1.0, (226, 186, 80))
    p.rect(-0.28, 0.935, -0.18, 0.962, (226, 186, 80))
    p.poly([(-0.30, 0), (-0.16, 0)] + curve(-0.23, 0.17, 0.07, 0.07, 0, 180, 8), (104, 70, 50))
    p.oval(-0.23, 0.46, 0.06, 0.06, pane(p, shade(b, 0.55)), p.canvas.dark)


@thing("tower", "object", ["stone tower", "old tower", "round tower"], ["grey", "brown", "white", "red"], where=ALL, wide=0.48, size=(0.5, 0.72))
def tower(p, b):
    p.poly([(-0.20, 0), (0.20, 0), (0.155, 0.70), (-0.155, 0.70)], b)
    p.poly([(-0.20, 0), (-0.08, 0), (-0.065, 0.70), (-0.155, 0.70)], light(b, 0.28))
    p.poly([(0.07, 0), (0.20, 0), (0.155, 0.70), (0.06, 0.70)], shade(b, 0.24))
    p.poly([(-0.155, 0.66), (0.155, 0.66), (0.21, 0.73), (-0.21, 0.73)], shade(b, 0.38))
    for x0, x1, c in ((-0.21, -0.08, light(b, 0.28)), (-0.08, 0.07, b), (0.07, 0.21, shade(b, 0.24))):
        p.rect(x0, 0.73, x1, 0.80, c)
    for x, c in ((-0.21, light(b, 0.28)), (-0.045, b), (0.12, shade(b, 0.24))):
        p.rect(x, 0.79, x + 0.09, 0.86, c)
    p.line(0, 0.80, 0, 1.0, 0.018, (84, 66, 60))
    p.poly([(0.0, 1.0), (0.17, 0.955), (0.0, 0.90)], (206, 58, 52) if b[0] < 190 or b[1] > 100 else (244, 204, 76))
    for y in (0.34, 0.54):
        p.poly([(-0.035, y), (0.035, y)] + curve(0, y + 0.07, 0.035, 0.04, 0, 180, 6), pane(p, shade(b, 0.62)), p.canvas.dark)
    p.poly([(-0.065, 0), (0.065, 0)] + curve(0, 0.14, 0.065, 0.065, 0, 180, 8), (88, 60, 46))


@thing("pagoda", "object", ["temple", "japanese temple", "pagoda temple"], ["red", "green", "blue", "gold", "purple"],
        where=LAND + ("rocks",), wide=0.85, size=(0.45, 0.65))
def pagoda(p, b):
    wall, post = (246, 232, 204), (150, 66, 52)
    p.poly([(-0.36, 0), (0.36, 0), (0.32, 0.06), (-0.32, 0.06)], (158, 152, 150))
    p.rect(-0.018, 0.84, 0.018, 1.0, (220, 176, 72))
    for y, w in ((0.06, 0.26), (0.36, 0.20), (0.62, 0.14)):
        p.rect(-w, y, w, y + 0.20, wall)
        p.rect(w * 0.35, y, w, y + 0.20, shade(wall, 0.16))
        p.rect(-w * 0.32, y, w * 0.32, y + 0.15, pane(p, post), p.canvas.dark)
        for x in (-w, w - 0.04):
            p.rect(x, y, x + 0.04, y + 0.20, post)
        e, t = w + 0.17, y + 0.17
        p.poly([(-e, t + 0.045), (-w, t - 0.005), (w, t - 0.005), (e, t + 0.045), (w * 0.9, t + 0.09), (w * 0.45, t + 0.17), (-w * 0.45, t + 0.17), (-w * 0.9, t + 0.09)], b)
        p.poly([(-e, t + 0.045), (-w, t - 0.005), (w, t - 0.005), (e, t + 0.045), (w, t + 0.03), (-w, t + 0.03)], shade(b, 0.34))
        p.poly([(w * 0.2, t + 0.17), (w * 0.45, t + 0.17), (w * 0.9, t + 0.09), (e, t + 0.045), (w, t + 0.03), (w * 0.4, t + 0.03)], shade(b, 0.18))


@thing("barn", "object", ["farm barn", "old barn", "farm"], ["red", "brown", "green", "grey", "blue"],
        where=LAND + ("road",), wide=1.15, size=(0.34, 0.5))
def barn(p, b):
    white, roof = (248, 244, 234), (92, 84, 92)
    gable = [(-0.42, 0), (0.42, 0), (0.42, 0.50), (0.28, 0.80), (0, 0.96), (-0.28, 0.80), (-0.42, 0.50)]
    p.poly(gable, b)
    p.poly([(0.12, 0), (0.42, 0), (0.42, 0.50), (0.28, 0.80), (0.12, 0.89)], shade(b, 0.15))
    over, under = [(-0.54, 0.46), (-0.33, 0.86), (0, 1.0), (0.33, 0.86), (0.54, 0.46)], [(0.44, 0.44), (0.27, 0.78), (0, 0.90), (-0.27, 0.78), (-0.44, 0.44)]
    p.poly(over + under, roof)
    p.rect(-0.22, 0, 0.22, 0.42, white)
    p.rect(-0.18, 0, 0.18, 0.38, shade(b, 0.08))
    for s in (-1, 1):
        p.line(s * 0.18, 0.02, -s * 0.18, 0.37, 0.04, white)
    p.rect(-0.10, 0.54, 0.10, 0.74, white)
    p.rect(-0.065, 0.57, 0.065, 0.71, pane(p, (84, 56, 48)), p.canvas.dark)


@thing("tent", "object", ["camping tent", "little tent"], ["orange", "red", "blue", "green", "yellow", "purple", "turquoise"],
        where=ALL, wide=1.4, size=(0.22, 0.36))
def tent(p, b):
    p.poly([(-0.68, 0), (0.36, 0), (-0.16, 0.96)], light(b, 0.12))
    p.poly([(-0.16, 0.96), (0.34, 0.80), (0.70, 0.05), (0.36, 0)], shade(b, 0.26))
    p.poly([(-0.38, 0), (0.10, 0), (-0.16, 0.72)], (255, 216, 116) if p.canvas.dark else (78, 58, 62), p.canvas.dark)
    p.poly([(0.10, 0), (-0.16, 0.72), (0.16, 0.04)], light(b, 0.55))
    p.poly([(-0.38, 0), (-0.16, 0.72), (-0.46, 0.04)], light(b, 0.55))
    p.line(-0.16, 0.90, -0.16, 1.0, 0.035, (120, 90, 64))


@thing("hut", "object", ["straw hut", "thatched hut", "round hut"], where=ALL, wide=1.05, size=(0.3, 0.45), weight=0.7)
def hut(p, colour):
    wall, straw = p.canvas.vary((196, 146, 98), 6), p.canvas.vary((226, 182, 92), 6)
    p.rect(-0.34, 0, 0.34, 0.42, wall)
    p.rect(-0.34, 0, -0.18, 0.42, light(wall, 0.25))
    p.rect(0.14, 0, 0.34, 0.42, shade(wall, 0.22))
    p.poly([(-0.10, 0), (0.10, 0)] + curve(0, 0.26, 0.10, 0.07, 0, 180, 8), (255, 210, 112) if p.canvas.dark else (82, 58, 48), p.canvas.dark)
    p.poly([(-0.52, 0.36), (-0.40, 0.31), (-0.26, 0.35), (-0.12, 0.30), (0.04, 0.35), (0.20, 0.30), (0.34, 0.35), (0.52, 0.36), (0.10, 0.92), (0, 1.0), (-0.10, 0.92)], straw)
    p.poly([(0.12, 0.325), (0.20, 0.30), (0.34, 0.35), (0.52, 0.36), (0.10, 0.92), (0.02, 0.96)], shade(straw, 0.22))
    for x in (-0.30, -0.12):
        p.line(x, 0.44, x * 0.35, 0.80, 0.022, shade(straw, 0.18))
    p.poly([(-0.08, 0.90), (0.08, 0.90), (0.04, 1.0), (-0.04, 1.0)], shade(straw, 0.34))


@thing("igloo", "object", ["snow house", "ice house", "snow igloo"], where=("snow",), wide=1.6, size=(0.26, 0.4), weight=0.7)
def igloo(p, colour):
    ice, seam = (238, 246, 252), (158, 186, 216)
    p.poly(curve(0.08, 0, 0.72, 1.0, 0, 180, 24), ice)
    p.poly(curve(0.08, 0, 0.72, 1.0, 0, 62, 10) + [(0.30, 0.5), (0.44, 0)], (200, 218, 240))
    for y, x0, x1 in ((0.33, -0.60, 0.76), (0.64, -0.47, 0.63)):
        p.line(x0, y, x1, y, 0.026, seam)
    for x, y0, y1 in ((0.06, 0.64, 0.99), (0.34, 0.33, 0.64), (0.50, 0.0, 0.33), (-0.20, 0.64, 0.9), (0.02, 0.33, 0.64)):
        p.line(x, y0, x, y1, 0.026, seam)
    p.poly(curve(-0.34, 0, 0.38, 0.56, 0, 180, 16), (252, 253, 255))
    p.poly(curve(-0.34, 0, 0.38, 0.56, 0, 40, 6) + [(-0.10, 0.36), (-0.06, 0)], (206, 222, 242))
    p.poly(curve(-0.36, 0, 0.24, 0.38, 0, 180, 14), (255, 206, 110) if p.canvas.dark else (74, 96, 140), p.canvas.dark)


BRIDGE = [(-1.1, 0), (-1.1, 0.40)] + [(-1.1 + 2.2 * i / 16, 0.40 + 0.50 * math.sin(math.pi * i / 16)) for i in range(1, 16)] + [(1.1, 0.40), (1.1, 0)]
BRIDGE += [(0.72, 0)] + curve(0, 0, 0.66, 0.66, 0, 180, 20) + [(-0.72, 0)]


@thing("bridge", "object", ["stone bridge", "arched bridge", "old bridge"], ["grey", "brown", "red", "white"],
        where=("lake", "river", "sea"), wide=2.2, size=(0.22, 0.34))
def bridge(p, b):
    p.poly(BRIDGE, b)
    p.poly([(0.66, 0), (0.60, 0.28), (0.52, 0.41), (0.64, 0.52), (0.80, 0.30), (0.84, 0)], shade(b, 0.14))
    ring = curve(0, 0, 0.80, 0.78, 0, 180, 18) + curve(0, 0, 0.66, 0.66, 180, 0, 18)
    p.poly(ring, light(b, 0.30))
    p.poly(curve(0, 0, 0.66, 0.66, 0, 55, 8) + curve(0, 0, 0.56, 0.60, 55, 0, 8), shade(b, 0.42))
    top = [(-1.1 + 2.2 * i / 16, 0.40 + 0.50 * math.sin(math.pi * i / 16)) for i in range(17)]
    p.poly([(x, y + 0.10) for x, y in top] + [(x, y - 0.01) for x, y in reversed(top)], light(b, 0.45))
    p.poly([(x, y + 0.02) for x, y in top] + [(x, y - 0.03) for x, y in reversed(top)], shade(b, 0.30))


@thing("well", "object", ["stone well", "wishing well", "old well"], ["grey", "brown", "white"],
        where=LAND + ("desert", "rocks", "road"), wide=0.85, size=(0.28, 0.42), weight=0.6)
def well(p, b):
    wood, roof = (128, 88, 60), (176, 74, 56)
    for x in (-0.26, 0.26):
        p.rect(x - 0.035, 0.2, x + 0.035, 0.74, wood if x < 0 else shade(wood, 0.25))
    p.line(0, 0.72, 0, 0.52, 0.022, (214, 196, 160))
    p.poly([(-0.09, 0.54), (0.09, 0.54), (0.07, 0.40), (-0.07, 0.40)], shade(wood, 0.1))
    p.poly([(-0.46, 0.66), (0.46, 0.66), (0.30, 1.0), (-0.30, 1.0)], roof)
    p.poly([(-0.46, 0.66), (0.46, 0.66), (0.44, 0.71), (-0.44, 0.71)], shade(roof, 0.3))
    p.poly([(0.14, 0.71), (0.44, 0.71), (0.30, 1.0), (0.10, 1.0)], shade(roof, 0.15))
    p.rect(-0.34, 0, 0.34, 0.34, b)
    p.rect(-0.34, 0, -0.12, 0.34, light(b, 0.25))
    p.rect(0.14, 0, 0.34, 0.34, shade(b, 0.22))
    p.rect(-0.40, 0.32, 0.40, 0.40, light(b, 0.40))
    p.rect(0.14, 0.32, 0.40, 0.40, shade(b, 0.05))
    for x0, x1, y in ((-0.26, -0.10, 0.20), (0.02, 0.18, 0.24), (-0.06, 0.10, 0.09)):
        p.rect(x0, y - 0.04, x1, y + 0.035, shade(b, 0.16))


@thing("fence", "object", ["wooden fence", "picket fence", "garden fence"], ["white", "brown", "blue", "red"],
        where=LAND + ("road",), wide=2.4, size=(0.14, 0.22), weight=0.6)
def fence(p, b):
    for y in (0.26, 0.60):
        p.rect(-1.2, y, 1.2, y + 0.12, shade(b, 0.28))
    for i in range(7):
        x = -1.08 + 0.36 * i
        p.poly([(x - 0.10, 0), (x + 0.10, 0), (x + 0.10, 0.84), (x, 1.0), (x - 0.10, 0.84)], b)
        p.poly([(x + 0.03, 0), (x + 0.10, 0), (x + 0.10, 0.84), (x + 0.03, 0.95)], shade(b, 0.18))
