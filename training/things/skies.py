"""Skies: they fill the view; their light is in things.LIGHT."""
from canvas import mix
from things import thing


def cloud_shape(p, below, above):
    blobs = [(-0.62, 0.26, 0.24), (-0.26, 0.40, 0.34), (0.18, 0.50, 0.40), (0.58, 0.30, 0.27)]
    for x, y, r in blobs:
        p.oval(x, y, r, r, below, True)
    p.rect(-0.62, 0.02, 0.58, 0.30, below, True)
    for x, y, r in blobs:
        p.oval(x - 0.02, y + 0.08, r * 0.88, r * 0.84, above, True)


def high(c, y):
    """A height in the seen part of the sky above the horizon y."""
    top, bottom = max(c.view[1], y - 1.1), c.view[1] + c.view[2]
    return c.u(top, max(top + 0.15, min(y - 0.2, bottom)))


def near(c, y, beyond):
    """The horizon, but not farther below the view than `beyond`: every piece of a sky shows what it is."""
    return min(y, c.view[1] + c.view[2] + beyond)


@thing("blue sky", "sky", ["clear blue sky", "sunny sky", "day sky"])
def blue_sky(c, y, colour):
    c.gradient(c.whole(), [(y - 1.0, c.vary((66, 140, 218), 8)), (y, c.vary((196, 229, 247), 6))], True)


@thing("sunset sky", "sky", ["orange sunset sky", "sunset", "evening sky"])
def sunset_sky(c, y, colour):
    y = near(c, y, 0.4)
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
        cloud_shape(c.place(c.u(a, b), high(c, y) + 0.1, c.u(0.22, 0.34)), (168, 176, 188), (206, 212, 219))


@thing("dawn sky", "sky", ["pink sky", "pink dawn sky", "morning sky", "sunrise sky"])
def dawn_sky(c, y, colour):
    y = near(c, y, 0.4)
    middle = c.vary((244, 168, 186), 6)
    c.gradient(c.whole(), [(y - 1.0, c.vary((128, 140, 208), 8)), (y - 0.42, middle), (y, c.vary((255, 232, 206), 5))], True)
    a, b = c.span()
    for _ in range(c.n(1, 4)):
        x, yy, w = c.u(a, b), y - c.u(0.15, 0.85), c.u(0.14, 0.3)
        c.oval(x, yy, w, 0.016, mix(middle, (255, 226, 226), 0.7), True)
        c.oval(x + 0.4 * w, yy - 0.016, 0.5 * w, 0.014, mix(middle, (255, 226, 226), 0.7), True)


BOLT = [(0.10, 1.0), (-0.30, 0.44), (-0.04, 0.47), (-0.20, 0.0), (0.30, 0.60), (0.04, 0.57), (0.34, 1.0)]


@thing("stormy sky", "sky", ["storm sky", "dark stormy sky", "thunderstorm", "storm clouds"], weight=0.8)
def stormy_sky(c, y, colour):
    c.gradient(c.whole(), [(y - 1.0, c.vary((44, 50, 70), 5)), (y, c.vary((140, 148, 160), 6))], True)
    a, b = c.span()
    for i in range(c.n(5, 7)):
        yy = high(c, y) + 0.08
        body = mix((98, 106, 126), (54, 60, 82), min(1, max(0, y - yy)))
        p = c.place(c.u(a, b), yy, c.u(0.26, 0.4))
        if c.chance(0.26):
            c.place(p.x, p.y + 0.26, 0.32).poly(BOLT, (255, 240, 160), True)
        cloud_shape(p, body, mix(body, (150, 158, 176), 0.35))


@thing("aurora", "sky", ["northern lights", "aurora sky", "polar lights"], weight=0.8)
def aurora(c, y, colour):
    y = near(c, y, 0.1)
    low, dark = c.vary((34, 66, 104), 5), c.vary((12, 18, 46), 4)
    c.gradient(c.whole(), [(y - 1.0, dark), (y, low)], True)
    a, b = c.span()
    for _ in range(c.n(12, 20)):
        r = c.u(0.005, 0.010)
        c.oval(c.u(a, b), c.u(c.view[1], max(c.view[1] + 0.3, min(y, c.view[1] + c.view[2]))), r, r, (226, 236, 255), True)
    for foot, tall, glow in ((y - c.u(0.58, 0.7), 0.34, c.vary((110, 120, 200), 8)), (y - c.u(0.24, 0.34), 0.40, c.vary((92, 232, 160), 8))):
        line = c.ridge(foot, 0.055, 0.4, 24)
        for i in range(9):
            t0, t1 = i / 9, (i + 1) / 9
            here = mix(low, dark, min(1, max(0, y - foot + tall * t0)))
            band = [(x, yy - tall * t0) for x, yy in line] + [(x, yy - tall * t1 - 0.004) for x, yy in reversed(line)]
            c.poly(band, mix(glow, here, t0 ** 0.7), True)
