"""What lies over a painted picture: moods (weather, light, season) and styles (watercolour, comic, ...).

Both are cheap passes over the finished picture; they know from the id map what is sky, far, ground or a thing.  The
words for them are here too.  A look depends only on its picture and on the generator handed in.

    mood(name, look)  style(name, look)      look.picture: float32, n x n x 3, changed in place of the old one
"""
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SKY, AIR, FAR, GROUND, OBJECT = range(1, 6)          # ranks: what lies above what; 0 is nothing
RANKS = {"sky": SKY, "air": AIR, "far": FAR, "ground": GROUND, "object": OBJECT}

# name: (share, adjectives that fit before a sky, ground or far noun, phrases for the end of a caption, fitting skies)
MOODS = {
    "misty": (1.2, ["misty", "foggy"], ["in the mist", "in the fog", "misty", "foggy", "on a misty morning"], ["blue sky", "cloudy sky", "dawn sky", "sunset sky"]),
    "stormy": (1.0, ["stormy"], ["stormy", "in a storm", "stormy weather"], ["stormy sky", "cloudy sky"]),
    "rainy": (1.0, ["rainy"], ["in the rain", "rainy", "on a rainy day"], ["cloudy sky", "stormy sky"]),
    "winter": (1.2, ["winter", "wintry"], ["in winter", "in falling snow", "snowing", "winter"], ["blue sky", "cloudy sky", "night sky", "dawn sky"]),
    "autumn": (1.0, ["autumn"], ["in autumn", "autumn", "autumn colours"], ["blue sky", "cloudy sky", "sunset sky"]),
    "golden": (1.0, ["golden"], ["in golden light", "golden hour", "warm light"], ["blue sky", "dawn sky", "sunset sky"]),
    "moonlit": (0.8, ["moonlit"], ["in the moonlight", "moonlit", "dark"], ["night sky"]),
    "pastel": (0.8, ["pastel"], ["in pastel colours", "pastel", "soft colours"], ["blue sky", "sunset sky", "dawn sky", "pink sky"]),
    "dreamy": (0.8, ["dreamy"], ["dreamy", "dreamlike", "magical"], ["blue sky", "dawn sky", "sunset sky", "night sky", "aurora"]),
    "vivid": (0.6, ["vivid"], ["vivid colours", "vivid", "bright colours"], ["blue sky", "sunset sky", "dawn sky", "night sky"]),
}
# name: (share, words before the caption, words behind it)
STYLES = {
    "watercolour": (1.2, ["a watercolour of", "watercolour of", "a watercolour painting of", "watercolour painting,"], ["watercolour", "watercolour painting", "in watercolour", "watercolour style"]),
    "comic": (1.0, ["a comic drawing of", "comic of", "ink drawing of", "cartoon of"], ["comic", "comic style", "ink drawing", "cartoon"]),
    "pixel art": (1.0, ["pixel art of", "pixel art,", "a pixel art picture of"], ["pixel art", "pixel style", "in pixel art style"]),
    "oil painting": (1.2, ["an oil painting of", "oil painting of", "oil painting,"], ["oil painting", "oil on canvas", "in oil", "oil style"]),
    "paper cut": (0.8, ["a paper cut of", "paper cut of", "paper cut,"], ["paper cut", "paper art", "paper cut style", "cut out of paper"]),
}
FLAT = (["flat illustration of", "a flat illustration of", "illustration of"], ["flat illustration", "flat style", "illustration"])


@dataclass
class Look:
    picture: np.ndarray          # n x n x 3, float32
    ids: np.ndarray              # n x n: which painted instance
    ranks: np.ndarray            # n x n: SKY ... OBJECT
    rng: np.random.Generator
    horizon: float = 0.5         # 0 top, 1 bottom
    dark: bool = False
    alpha: np.ndarray = None     # coverage of what is painted, when it stands on a plain colour; n x n, 0 ... 1

    @property
    def n(self):
        return len(self.picture)


# ---------------------------------------------------------------- tools
def noise(rng, n, cells_x, cells_y=None):
    """Soft random field, -1 ... 1."""
    small = rng.integers(0, 256, (cells_y or cells_x, cells_x), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((n, n), Image.BICUBIC), np.float32) / 127.5 - 1


def blur(field, radius):
    """Gaussian-like blur of an n x n field 0 ... 1, or of a picture."""
    scale = 255.0 if field.ndim == 2 else 1.0
    im = Image.fromarray(np.clip(field * scale, 0, 255).astype(np.uint8)).filter(ImageFilter.BoxBlur(radius * 0.8)).filter(ImageFilter.BoxBlur(radius * 0.8))
    return np.asarray(im, np.float32) / scale


def grey(p):
    return p @ np.array([0.30, 0.59, 0.11], np.float32)


def strongest(p):
    """The largest of three channels (much faster than max over a short axis)."""
    return np.maximum(np.maximum(p[..., 0], p[..., 1]), p[..., 2])


def saturate(p, amount):
    g = grey(p)[..., None]
    return g + (p - g) * np.float32(amount)


def borders(ids):
    """Pixels whose right or lower neighbour belongs to something else."""
    e = np.zeros(ids.shape, bool)
    e[:, :-1] |= ids[:, :-1] != ids[:, 1:]
    e[:-1] |= ids[:-1] != ids[1:]
    return e


def moved(a, dy, dx):
    """The field shifted, its border repeated."""
    n = len(a)
    return a[np.clip(np.arange(n) - dy, 0, n - 1)][:, np.clip(np.arange(n) - dx, 0, n - 1)]


def dots(look, count, r0, r1, stretch=1.0):
    """Coverage of scattered round specks."""
    big = Image.new("L", (2 * look.n, 2 * look.n))
    d = ImageDraw.Draw(big)
    for x, y, r in zip(look.rng.random(count) * 2 * look.n, look.rng.random(count) * 2 * look.n, look.rng.uniform(r0, r1, count) * 2 * look.n):
        d.ellipse([x - r * stretch, y - r, x + r * stretch, y + r], fill=255)
    return np.asarray(big.reduce(2), np.float32)[..., None] / 255


def over(p, colour, amount):
    """A colour laid over the picture."""
    return p + (np.asarray(colour, np.float32) - p) * amount


def table(values):
    """Rank -> number; values for nothing, sky, air, far, ground, object."""
    return np.array(values, np.float32)


def green(look):
    """How green the land is (0 ... 1); only grounds and far layers."""
    p = look.picture
    return np.clip((p[..., 1] - np.maximum(p[..., 0], p[..., 2])) / 24 + 0.2, 0, 1) * np.isin(look.ranks, (GROUND, FAR))


# ---------------------------------------------------------------- moods
def misty(k):
    y = (np.arange(k.n, dtype=np.float32)[:, None] + 0.5) / k.n - k.horizon
    falloff = np.exp(-(y / np.where(y < 0, 0.34, 0.42)) ** 2)
    flat, slope = table([0.3, 0.28, 0.35, 0.55, 0.22, 0.30])[k.ranks], table([0.3, 0.66, 0.3, 0.36, 0.66, 0.16])[k.ranks]
    amount = np.clip(flat + slope * falloff + 0.16 * noise(k.rng, k.n, 3, 9), 0, 0.95)[..., None]
    k.picture = over(saturate(k.picture, 0.75), (96, 104, 128) if k.dark else (226, 230, 233), amount)


def stormy(k):
    clouds = noise(k.rng, k.n, 4, 9)
    y = (np.arange(k.n, dtype=np.float32)[:, None] + 0.5) / k.n
    p = saturate(k.picture, 0.6) * (np.array([0.84, 0.88, 0.95], np.float32) if grey(k.picture).mean() < 110 else np.array([0.68, 0.74, 0.82], np.float32))
    sky = (k.ranks == SKY) * (0.80 + 0.28 * clouds - 0.25 * np.clip(k.horizon - y, -0.5, 1)) + (k.ranks != SKY)
    k.picture = p * sky[..., None]


def rainy(k):
    n, rng = k.n, k.rng
    big = Image.new("L", (2 * n, 2 * n))
    d = ImageDraw.Draw(big)
    w = max(2, round(0.008 * 2 * n))
    for x, y, length in zip(rng.uniform(-0.1, 1.1, 80), rng.uniform(-0.1, 1.0, 80), rng.uniform(0.07, 0.15, 80)):
        d.line([2 * n * x, 2 * n * y, 2 * n * (x - 0.22 * length), 2 * n * (y + length)], fill=255, width=w)
    p = saturate(k.picture, 0.62) * np.array([0.74, 0.81, 0.90], np.float32)
    k.picture = over(p, (214, 228, 242), np.asarray(big.reduce(2), np.float32)[..., None] / 255 * 0.55)


def winter(k):
    p, n = k.picture, k.n
    white = grey(p)[..., None] * 0.42 + np.array([138, 148, 160], np.float32)
    p = over(p, white, green(k)[..., None] * 0.94)
    t = max(2, round(0.026 * n))                                                     # snow on all that stands
    thing = (k.ranks == OBJECT) * k.ids
    cap = (thing > 0) & (moved(thing, t, 0) != thing) & (moved(thing, 1, 0) != 0)
    rough = noise(k.rng, n, 20) > 0.55
    cap = blur((cap & ~rough).astype(np.float32), 0.8)[..., None]
    p = over(p, (250, 252, 255), np.clip(cap * 1.6, 0, 1))
    p = over(p, (190, 206, 232), 0.12)
    k.picture = over(p, (252, 253, 255), dots(k, 60, 0.006, 0.014) * 0.95)


def autumn(k):
    p = k.picture
    ochre = grey(p)[..., None] * np.array([1.30, 0.95, 0.42], np.float32) + np.array([14, 4, 0], np.float32)
    p = over(p, ochre, green(k)[..., None] * 0.95)
    p = p * np.array([1.05, 0.98, 0.86], np.float32)
    for colour in ((222, 110, 38), (240, 178, 52)):
        p = over(p, colour, dots(k, 9, 0.007, 0.012, 1.5))
    k.picture = p


def golden(k):
    y, x = (np.mgrid[0:k.n, 0:k.n].astype(np.float32) + 0.5) / k.n
    glow = np.exp(-((x - k.rng.uniform(0.1, 0.9)) ** 2 + (y - min(k.horizon, 0.9) + 0.22) ** 2) / 0.22)
    gold = grey(k.picture)[..., None] * np.array([1.24, 0.94, 0.52], np.float32) + np.array([30, 14, 4], np.float32)
    p = over(k.picture * np.array([1.10, 0.94, 0.72], np.float32), gold, 0.55)
    k.picture = p + glow[..., None] * np.array([64, 46, 18], np.float32)


def moonlit(k):
    y, x = (np.mgrid[0:k.n, 0:k.n].astype(np.float32) + 0.5) / k.n
    glow = np.exp(-((x - k.rng.uniform(0.2, 0.8)) ** 2 + (y - 0.1) ** 2) / 0.30)
    blue = grey(k.picture)[..., None] * np.array([0.62, 0.84, 1.26], np.float32)
    k.picture = over(k.picture, blue, 0.62) * 1.22 + glow[..., None] * np.array([34, 48, 62], np.float32) + np.array([4, 8, 16], np.float32)


def pastel(k):
    k.picture = 255 - (255 - saturate(k.picture, 0.82)) * 0.52 + np.array([2, -3, 0], np.float32)


def dreamy(k):
    soft = blur(k.picture, 0.035 * k.n)
    p = 255 - (255 - k.picture) * (255 - soft * 0.62) / 255
    t = noise(k.rng, k.n, 2)[..., None] * 0.5 + 0.5
    tone = t * np.array([255, 172, 222], np.float32) + (1 - t) * np.array([158, 172, 255], np.float32)
    k.picture = over(p, tone, 0.34)
    k.picture = over(k.picture, (255, 248, 236), dots(k, 9, 0.02, 0.055) * 0.30)


def vivid(k):
    k.picture = (saturate(k.picture, 1.75) - 128) * 1.12 + 128


# ---------------------------------------------------------------- styles
def watercolour(k):
    n, rng = k.n, k.rng
    wob = 0.006 * n
    dy, dx = (noise(rng, n, 14) * wob).round().astype(np.intp), (noise(rng, n, 14) * wob).round().astype(np.intp)
    at = np.clip(np.arange(n)[:, None] + dy, 0, n - 1) * n + np.clip(np.arange(n)[None] + dx, 0, n - 1)
    p, ids = k.picture.reshape(-1, 3)[at], k.ids.ravel()[at]
    p = blur(saturate(np.clip(p, 0, 255), 1.2), 0.006 * n)
    e = borders(ids).astype(np.float32)
    pool = np.clip(blur(e, 0.014 * n) * 3.2, 0, 1)                                   # pigment gathers along the edges
    gap = np.clip(blur(e, 0.004 * n) * 2.0 - 0.25, 0, 1) * (noise(rng, n, 9) > 0.0)   # and leaves some paper between them
    wash = noise(rng, n, 5) * 0.34 + noise(rng, n, 11) * 0.20 + noise(rng, n, 40) * 0.07
    density = np.clip(0.58 + wash * table([1, 1.25, 0.7, 1, 1.15, 0.7])[k.ranks] + 0.40 * pool + 0.10 * (k.ranks == OBJECT), 0.06, 1.3) * (1 - 0.85 * gap)
    paper = np.array([252, 249, 241], np.float32)
    k.picture = paper * np.exp(np.log(np.clip(p, 14, 252) / 255) * density[..., None])


def comic(k):
    n = k.n
    p = np.clip(saturate(k.picture, 1.45), 0, 255)
    g = grey(p)
    q = (np.floor(g / 44) + 0.5) * 44
    p = over(p, p * (q / np.maximum(g, 8))[..., None], 0.8) * 1.04 + 4
    small = np.clip(k.picture, 0, 255)
    inner = np.zeros((n, n), np.float32)
    inner[:, 1:] += strongest(np.abs(small[:, 1:] - small[:, :-1]))
    inner[1:] += strongest(np.abs(small[1:] - small[:-1]))
    inner = blur(np.clip((inner - 44) / 60, 0, 1) * (k.ranks >= AIR) * (k.ranks != GROUND), 0.8)
    outer = blur(borders(k.ids).astype(np.float32), 0.0070 * n)
    heavy = np.isin(k.ranks, (AIR, OBJECT))
    near = blur((borders(np.where(heavy, k.ids, 0))).astype(np.float32), 0.0085 * n)
    line = np.clip(np.maximum(np.maximum(outer * 3.2 - 0.5, near * 2.9 - 0.45), inner * 1.5 - 0.15), 0, 1)
    k.picture = over(p, (20, 18, 30), line[..., None])
    if k.alpha is not None:
        k.alpha = np.maximum(k.alpha, np.clip(near * 2.9 - 0.45, 0, 1))


def pixel_art(k):
    n, b = k.n, k.n // 32
    alpha = np.ones((n, n), np.float32) if k.alpha is None else k.alpha
    cells = lambda f: f.reshape(32, b, 32, b, -1).mean((1, 3))
    # the colour of a block is that of what its centre shows
    ids = k.ids[b // 2::b, b // 2::b]
    same = (k.ids == ids.repeat(b, 0).repeat(b, 1)) * (alpha + 1e-3)
    p = cells(np.clip(saturate(k.picture, 1.25), 0, 255) * same[..., None]) / np.maximum(cells(same), 1e-4)
    p = (np.round((p - 128) * 1.08 / 32 + 4) * 32).clip(0, 250)
    top = k.ranks[b // 2::b, b // 2::b]
    thing = np.where(np.isin(top, (AIR, OBJECT)), ids, 0)
    same = lambda dy, dx: (thing > 0) & (moved(thing, dy, dx) == thing)
    lower = same(1, 0) & ~same(-1, 0) | same(0, 1) & ~same(0, -1)                     # the shadow side; thin things have none
    upper = same(-1, 0) & ~same(1, 0) | same(0, -1) & ~same(0, 1)
    lower, upper = lower & (thing > 0), upper & (thing > 0)
    p = np.where(lower[..., None], p * np.array([0.52, 0.50, 0.62], np.float32), np.where(upper[..., None], over(p, (255, 250, 230), 0.20), p))
    k.picture = p.repeat(b, 0).repeat(b, 1).astype(np.float32)
    k.ids = ids.repeat(b, 0).repeat(b, 1)
    k.ranks = top.repeat(b, 0).repeat(b, 1)
    if k.alpha is not None:
        solid = ((cells(alpha)[..., 0] > 0.45) & (ids > 0)).repeat(b, 0).repeat(b, 1)
        k.alpha, k.ids, k.ranks = solid.astype(np.float32), k.ids * solid, k.ranks * solid


@lru_cache(maxsize=None)
def strokes(n, fine, which):
    """A field of overlapping brush strokes: for every pixel the centre of its stroke, and the relief of the paint."""
    rng = np.random.default_rng([n, fine, which])
    length, width, count = ((0.034, 0.012, 5200), (0.075, 0.021, 1900))[not fine]
    if n < 200:
        length, width, count = length * 1.25, width * 1.3, int(count / 1.5)
    flow = noise(rng, n, 3) * 1.1 + rng.uniform(-0.4, 0.4)
    index = Image.new("I", (n, n), 0)
    d = ImageDraw.Draw(index)
    x, y = rng.random(count) * n, rng.random(count) * n
    a = flow[y.astype(int), x.astype(int)] + rng.uniform(-0.35, 0.35, count)
    l, w = length * n * rng.uniform(0.6, 1.2, count), width * n * rng.uniform(0.7, 1.2, count)
    ca, sa = np.cos(a), np.sin(a)
    outline = [(-1, -0.5), (-0.8, -0.9), (0.8, -1), (1, -0.4), (1, 0.5), (0.7, 1), (-0.8, 0.9), (-1, 0.4)]
    for i in range(count):
        d.polygon([(x[i] + ca[i] * u * l[i] - sa[i] * v * w[i], y[i] + sa[i] * u * l[i] + ca[i] * v * w[i]) for u, v in outline], fill=i + 1)
    index = np.asarray(index)
    flat = np.concatenate([[0], y.astype(int) * n + x.astype(int)])[index]
    flat = np.where(index > 0, flat, np.arange(n * n).reshape(n, n)).astype(np.int32)
    yy, xx = np.mgrid[0:n, 0:n]
    at = np.maximum(index - 1, 0)
    across = ((yy - y[at]) * ca[at] - (xx - x[at]) * sa[at]) / w[at]
    bristle = rng.uniform(-1, 1, (count, 8))[at, np.clip((across + 1) * 4, 0, 7).astype(int)]
    relief = rng.uniform(-9, 9, count)[at] - 9 * across + 5 * bristle
    return flat, np.where(index > 0, relief, 0).astype(np.float32)


def oil(k):
    p = np.clip(saturate(k.picture, 1.3), 0, 255)
    thing = np.isin(k.ranks, (AIR, OBJECT)) * k.ids
    parts = []
    for fine in (True, False):
        flat, relief = strokes(k.n, fine, int(k.rng.integers(4)))
        src = p.reshape(-1, 3)[flat]
        fits = ((thing.ravel()[flat] == thing) & (strongest(np.abs(src - p)) < (46 if fine else 110)))[..., None]   # windows stay windows
        parts.append(np.where(fits, src, p) + relief[..., None] * (0.7 if fine else 1.0))
    p = np.where((thing > 0)[..., None], *parts)
    k.picture = (p - 128) * 1.06 + 124


def paper_cut(k):
    n = k.n
    p = blur(np.clip(saturate(k.picture, 1.1), 0, 255), 0.006 * n)
    p = np.where((k.ranks >= AIR)[..., None] & (k.ranks != GROUND)[..., None], k.picture, p)
    soft = grey(np.clip(p, 0, 255))
    band = np.floor(soft / 26 + noise(k.rng, n, 4) * 0.35)
    flat = np.isin(k.ranks, (SKY, GROUND))
    tone = np.where(flat, ((band + 0.5) * 26 / np.maximum(soft, 12)).clip(0.7, 1.35), 1.0)[..., None]
    p = p * tone
    height = k.ranks + np.where(flat, 0.30 * (band % 3), 0) + 0.9 * (k.ranks == AIR) + 0.013 * (k.ids % 7)
    d = max(2, round(0.020 * n))
    over_it = blur(moved(height, d, d) / 8, 0.012 * n) * 8
    shadow = np.clip((over_it - height) * 0.65, 0, 0.66)[..., None]
    rim = np.clip((height - moved(height, max(1, n // 128), max(1, n // 128))) * 1.2, 0, 1) * 0.75
    p = over(p, (24, 20, 46), shadow)
    p = over(p, (255, 252, 244), blur(np.clip(rim, 0, 1), 0.5)[..., None])
    k.picture = 255 - (255 - p) * 0.93 + (noise(k.rng, n, n // 3) * 3)[..., None]


PAINT = {"misty": misty, "stormy": stormy, "rainy": rainy, "winter": winter, "autumn": autumn, "golden": golden, "moonlit": moonlit, "pastel": pastel,
         "dreamy": dreamy, "vivid": vivid, "watercolour": watercolour, "comic": comic, "pixel art": pixel_art, "oil painting": oil, "paper cut": paper_cut}


def apply(look, mood="", style=""):
    for name in (mood, style):
        if name:
            PAINT[name](look)
            look.picture = np.clip(look.picture, 0, 255).astype(np.float32)
    return look


def choose(rng, options, share):
    """A name with its probability by share, or "" for none."""
    if rng.random() >= share:
        return ""
    w = np.array([v[0] for v in options.values()])
    return str(rng.choice(list(options), p=w / w.sum()))
