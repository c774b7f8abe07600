"""Outlines shared by the painters, and the grounds on which most objects stand."""
import math

LAND = ("meadow", "flower field", "snow", "wheat field")
ALL = LAND + ("desert", "rocks", "beach")


def curve(x, y, rx, ry, a0=0, a1=180, n=14):
    """Points along an ellipse from the angle a0 to a1 (degrees, counter-clockwise from the right)."""
    a0, a1 = math.radians(a0), math.radians(a1)
    return [(x + rx * math.cos(a0 + (a1 - a0) * i / n), y + ry * math.sin(a0 + (a1 - a0) * i / n)) for i in range(n + 1)]


def smooth(points, k=4):
    """A closed outline rounded through its corner points (Catmull-Rom)."""
    out, n = [], len(points)
    for i in range(n):
        p0, p1, p2, p3 = points[i - 1], points[i], points[(i + 1) % n], points[(i + 2) % n]
        for j in range(k):
            t = j / k
            out.append(tuple(0.5 * (2 * p1[d] + (p2[d] - p0[d]) * t + (2 * p0[d] - 5 * p1[d] + 4 * p2[d] - p3[d]) * t * t
                                    + (3 * p1[d] - p0[d] - 3 * p2[d] + p3[d]) * t ** 3) for d in (0, 1)))
    return out


def pane(p, by_day=(186, 222, 244)):
    """The colour of a window: lamps are lit at night."""
    return (255, 218, 112) if p.canvas.dark else by_day
