"""What do choices that save UNet calls cost?  Held-out layouts drawn by the program itself, judged as fidelity.py does.

    python choices.py RUN --layouts 24 --wide 8 exact: "reuse 2:--reuse 2" "half the guidance:--guidance-span 0-0.5"

A way is a name and options of `polyptych render`.  All ways draw a layout in turn, so that a change of the machine's speed meets
all of them; seconds are those of denoising, divided by the first way's.  `--layouts` are drawn at one native window (IoU, hits and
purity as in fidelity.py).  `--wide` are two of them side by side with three windows or more: they give the seam as well, the mean
step of brightness across the columns where windows at half a window's distance end, divided by the mean step elsewhere.
"""
import argparse
import json
import os
import shlex
import subprocess

import numpy as np
from PIL import Image

from fidelity import Layout, judge, layouts
from segment import load_segmenter


class Wide:
    """Two layouts side by side, on the first one's background."""

    def __init__(self, left, right):
        beside = [left, right]
        self.picture = np.concatenate([p.picture for p in beside], 1)
        self.background, self.words = left.background, left.words + right.words
        self.things = left.things + right.things
        room = lambda p, at: [np.concatenate([m if side == at else np.zeros_like(m) for side in (0, 1)], 1) for m in p]
        self.masks = np.stack([m for at, p in enumerate(beside) for m in room(p.masks, at)])
        self.cells = np.stack([m for at, p in enumerate(beside) for m in room(p.cells, at)])


def pairs(count):
    """Wide layouts whose things are all different."""
    all_, out = layouts(6 * count + 6), []
    while len(out) < count and all_:
        left = all_.pop(0)
        right = next((p for p in all_ if not set(p.things) & set(left.things)), None)
        if right is not None:
            all_.remove(right)
            out.append(Wide(left, right))
    return out


def project(binary, layout, path):
    """The layout as a project."""
    height, width = layout.picture.shape[:2]
    command = [binary, "new", path, "--size", f"{width}x{height}", "--background", layout.background]
    for i, (mask, words) in enumerate(zip(layout.masks, layout.words)):
        file = f"{path}.{i}.png"
        Image.fromarray((mask * 255).astype(np.uint8)).save(file)
        command += ["--region", f"{file}={words}"]
    if os.path.exists(path):
        os.remove(path)
    subprocess.run(command, check=True, capture_output=True)


def draw(a, layout, name, options, number):
    """(Picture, seconds of denoising, UNet samples, those of them that are shallow); kept under RUN."""
    out = f"{a.run}/choices/{number}-{name.replace(' ', '-')}.png"
    if not os.path.exists(out + ".json"):
        command = [a.binary, "render", f"{a.run}/choices/{number}.ora", "-o", out, "--json", "--quiet", "--device", "cpu", "--seed", str(number.split("-")[-1]),
                   "--steps", str(a.steps), "--guidance", str(a.guidance), "--bootstrap", str(a.bootstrap), *shlex.split(options)]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        with open(out + ".json", "w") as f:
            f.write(told)
    with open(out + ".json") as f:
        told = json.load(f)
    return np.asarray(Image.open(out).convert("RGB")), told["seconds"]["denoise"], told["unet_samples"], told.get("unet_samples_shallow", 0)


def seam(picture, stride=128):
    """The mean step of brightness across window edges, over that of all other columns."""
    steps = np.abs(np.diff(picture.astype(float).mean(2), axis=1)).mean(0)
    edges = np.arange(stride, picture.shape[1], stride) - 1
    return steps[edges].mean() / np.delete(steps, edges).mean()


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    ap.add_argument("run")
    ap.add_argument("ways", nargs="+", metavar="NAME:OPTIONS")
    ap.add_argument("--layouts", type=int, default=24)
    ap.add_argument("--wide", type=int, default=8)
    ap.add_argument("--steps", type=int, default=20)
    ap.add_argument("--guidance", type=float, default=6.0)
    ap.add_argument("--bootstrap", type=float, default=0.4)
    ap.add_argument("--binary", default="../target/release/polyptych")
    a = ap.parse_args()
    ways = dict(way.split(":", 1) for way in a.ways)
    os.makedirs(f"{a.run}/choices", exist_ok=True)
    segmenter = load_segmenter(a.run)
    for kind, tasks in (("one window", layouts(a.layouts)), ("wide", pairs(a.wide))):
        if not tasks:
            continue
        pictures, seconds, samples = ({name: [] for name in ways} for _ in range(3))
        for i, task in enumerate(tasks):
            number = f"{kind.replace(' ', '-')}-{i}"
            project(a.binary, task, f"{a.run}/choices/{number}.ora")
            for name, options in ways.items():
                picture, spent, *count = draw(a, task, name, options, number)
                pictures[name].append(picture)
                seconds[name].append(spent)
                samples[name].append(count)
            print(f"{kind}: {i + 1} of {len(tasks)}", flush=True)
        print(f"\n{kind}, {len(tasks)} layouts, {sum(len(t.things) for t in tasks)} regions, {a.steps} steps, guidance {a.guidance}")
        print("| way | mean IoU | hits | background purity | seam | UNet samples (shallow) | seconds, to the first way |\n|---|---|---|---|---|---|---|")
        first = np.array(seconds[next(iter(ways))])
        for name in ways:
            regions, purity = judge(segmenter, tasks, np.stack(pictures[name]))
            line = f"{np.mean([seam(p) for p in pictures[name]]):.2f}" if kind == "wide" else ""
            whole, shallow = np.sum(samples[name], 0)
            ratio = np.median(np.array(seconds[name]) / first)
            print(f"| {name} | {regions[:, 1].mean():.3f} | {100 * (regions[:, 2] >= 0.25).mean():.0f} % | {100 * purity.mean():.1f} % | {line} | {whole} ({shallow}) | {ratio:.2f} |", flush=True)


if __name__ == "__main__":
    main()
