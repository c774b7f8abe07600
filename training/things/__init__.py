"""The things that can be drawn: a registry of names, synonyms, colours and painters, one module per group.

Adding a thing is one decorated function at the end of its module (class numbers follow the order of registration, so
masks made before an addition must be made again).  Five groups:

    sky, ground    fill the view (a ground from its horizon y downwards):      paint(canvas, y, colour)
    far            stands on the line y across the whole view, `h` high:       paint(canvas, y, h, colour)
    air, object    one thing with its foot at (0, 0) and its top at (0, 1):    paint(place, colour)

`colour` is the RGB of the colour word in the caption, already varied a little (None if the thing has no colour words).
`where` names the grounds an object stands on, or the skies something in the air keeps to; `wide` is width / height;
`size` is the usual height inside a scene; `weight` is how often it is picked among its group; `shore` is how far below
the horizon of this ground objects stand at least (the sea behind a beach).

    python -m things SHEET.png [--small]     everything in all its colours, to look at
"""
from dataclasses import dataclass, field
from typing import Callable

COLOURS = {
    "red": (206, 58, 52), "orange": (234, 134, 50), "yellow": (244, 204, 76), "green": (88, 160, 80), "blue": (60, 116, 200),
    "purple": (132, 84, 174), "pink": (238, 148, 178), "white": (240, 240, 236), "grey": (142, 146, 152), "brown": (140, 98, 66),
    "black": (58, 56, 68), "gold": (212, 166, 58), "turquoise": (62, 182, 178),
}

# the light of the hour under each sky
LIGHT = {
    "blue sky": (1, 1, 1), "sunset sky": (1.0, 0.84, 0.80), "night sky": (0.50, 0.55, 0.78), "cloudy sky": (0.90, 0.92, 0.95),
    "dawn sky": (1.0, 0.91, 0.93), "stormy sky": (0.76, 0.79, 0.86), "aurora": (0.48, 0.62, 0.74),
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
    weight: float = 1.0
    shore: float = 0.0
    number: int = 0


THINGS: dict[str, Thing] = {}


def thing(name, group, words=(), colours=(), **more):
    """Registers the decorated painter."""
    named = colours if isinstance(colours, dict) else {c: COLOURS[c] for c in colours}

    def register(paint):
        assert name not in THINGS, name
        THINGS[name] = Thing(name, group, paint, [name, *words], named, number=len(THINGS) + 1, **more)
        return paint
    return register


def of(group):
    return [t for t in THINGS.values() if t.group == group]


from things import skies, air, far, grounds, buildings, plants, land, animals, vehicles  # noqa: E402,F401  (fill the registry)

CLASSES = ["plain"] + list(THINGS)
