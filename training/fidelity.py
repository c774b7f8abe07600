"""Does the checkpoint draw what the regions say?  Held-out layouts, four ways of drawing them, judged by segment.py.

    python fidelity.py RUN CHECKPOINT --layouts 200       RUN/fidelity/*.npy, table.md, sheet.png

A layout is a scene of the generator with two to four things that do not touch, from seeds never trained on; the regions are
the things' exact masks, the background is the rest.  It is drawn at one native window, in four ways:

    single         one prompt that names everything, no regions
    regions        a prompt for each region, no bootstrapping
    bootstrap 0.2  the same, regions bootstrapped for the first fifth of the steps (the paper)
    bootstrap 0.4  ... for two fifths (the released code)

For every region: IoU of the cells in which the segmenter sees its thing, anywhere in the picture, against the painted mask
(as the MultiDiffusion paper does with COCO); a hit where at least a quarter of the mask's cells show it.  Background purity
is the share of cells outside all masks in which the segmenter sees no thing that a region asks for.  The single prompt has
no masks, so its IoU says how often a thing falls into its place by chance.  Finished ways are kept: the command goes on
where it stopped.  `--few` draws by the version for few steps (four, no guidance).
"""
import argparse
import os
import time

import numpy as np
import torch

import scenes
from common import DEVICE, sheet, write_json
from data import save_array
from sample import Painter
from segment import CELL, classify, load_segmenter
from things import CLASSES

WAYS = {"single": None, "regions": 0.0, "bootstrap 0.2": 0.2, "bootstrap 0.4": 0.4}
FIRST = 100                  # seeds of the layouts


class Layout:
    def __init__(self, seed, factor):
        self.picture, _, self.background, regions = scenes.layout(seed)
        self.words = [r[0] for r in regions]
        self.things = [CLASSES.index(r[2]) for r in regions]
        self.masks = np.stack([r[1] for r in regions])
        area = lambda k: self.masks.reshape(len(self.masks), self.picture.shape[0] // k, k, -1, k).mean((2, 4))
        self.cells = area(CELL) >= 0.5
        latent = area(factor).astype(np.float32)
        self.latent = np.concatenate([1 - latent.sum(0, keepdims=True), latent]).clip(0, 1)

    @property
    def sentence(self):
        return ", ".join([*self.words, self.background])


def layouts(count, factor=8):
    """The first `count` held-out layouts whose things are all different."""
    seed, out = FIRST, []
    while len(out) < count:
        layout = Layout(seed, factor)
        if len(set(layout.things)) == len(layout.things):
            out.append(layout)
        seed += 1
    return out


@torch.inference_mode()
def draw(painter, batch, boot, steps, guidance, seed, white=False):
    """One picture for each layout of the batch: MultiDiffusion on a single window (`boot` None: one prompt, no regions)."""
    n, side, alphas = len(batch), painter.window, painter.scheduler.alphas_cumprod
    x = torch.cat([torch.randn(1, 4, side, side, generator=torch.Generator().manual_seed(seed + i)) for i in range(n)]).to(DEVICE)
    if boot is None:
        owner, weight, words = list(range(n)), torch.ones(n, 1, side, side, device=DEVICE), [b.sentence for b in batch]
        front = torch.zeros(n, dtype=torch.bool, device=DEVICE)
    else:
        owner = [i for i, b in enumerate(batch) for _ in b.latent]
        weight = torch.from_numpy(np.concatenate([b.latent for b in batch]))[:, None].to(DEVICE)
        words = [w for b in batch for w in (b.background, *b.words)]
        front = torch.tensor([k > 0 for b in batch for k in range(len(b.latent))], device=DEVICE)
    embedded, g = painter.embed(words), torch.Generator().manual_seed(seed)
    colours = torch.rand(32, 3, 1, 1, generator=g).expand(-1, -1, 8 * side, 8 * side) * 2 - 1
    colours = torch.ones_like(colours) if white else colours
    solid = painter.vae.encode(colours.contiguous().to(DEVICE)).latent_dist.mean * painter.vae.config.scaling_factor
    painter.scheduler.set_timesteps(steps)
    first = x.clone()
    for i, t in enumerate(painter.scheduler.timesteps):
        q = x[owner]
        if boot is not None and i < round(boot * steps):
            c = solid[torch.randint(32, (len(owner),), generator=g)]
            noised = alphas[t].sqrt() * c + (1 - alphas[t]).sqrt() * first[owner]
            q = torch.where(front[:, None, None, None], q * weight + noised * (1 - weight), q)
        a, s = alphas[t].sqrt(), (1 - alphas[t]).sqrt()
        clean = a * q - s * painter.predict(q, t, embedded, guidance)          # x0: what may be averaged under soft masks
        fused, total = torch.zeros_like(x), torch.zeros(n, 1, side, side, device=DEVICE)
        fused.index_add_(0, torch.tensor(owner, device=DEVICE), clean * weight)
        total.index_add_(0, torch.tensor(owner, device=DEVICE), weight)
        fused = fused / total.clamp(min=1e-6)
        x = painter.step((a * x - fused) / s, t, x, g)
    return painter.decode(x)


def judge(segmenter, batch, pictures):
    """Per region: (IoU, share of the mask that shows the thing); per layout: background purity."""
    found = classify(segmenter, pictures).numpy()
    regions, purity = [], []
    for layout, said in zip(batch, found):
        for thing, mask in zip(layout.things, layout.cells):
            seen = said == thing
            regions.append((len(layout.things), (seen & mask).sum() / max(1, (seen | mask).sum()), (seen & mask).sum() / max(1, mask.sum())))
        outside = ~layout.cells.any(0)
        purity.append(1 - np.isin(said[outside], layout.things).mean())
    return np.array(regions), np.array(purity)


def row(name, regions, purity):
    iou, share = regions[:, 1], regions[:, 2]
    by_count = " / ".join(f"{iou[regions[:, 0] == n].mean():.2f}" for n in (2, 3, 4) if (regions[:, 0] == n).any())
    return f"| {name} | {iou.mean():.3f} ± {iou.std():.3f} | {np.median(iou):.3f} | {by_count} | {100 * (share >= 0.25).mean():.0f} % | {100 * purity.mean():.1f} % | {len(iou)} |"


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    ap.add_argument("run")
    ap.add_argument("checkpoint")
    ap.add_argument("--layouts", type=int, default=200)
    ap.add_argument("--few", action="store_true", help="the version for few steps")
    ap.add_argument("--steps", type=int, help="default 20, few 4")
    ap.add_argument("--white", action="store_true", help="what surrounds bootstrapped regions is white, not of random colours")
    ap.add_argument("--guidance", type=float, default=6.0)
    ap.add_argument("--batch", type=int, default=10)
    ap.add_argument("--threads", type=int, default=os.cpu_count())
    ap.add_argument("--name", default="fidelity", help="folder in RUN for the results")
    ap.add_argument("--ways", help="of those above; also bootstrap X (default: all; few also bootstrap 0.75)")
    a = ap.parse_args()
    torch.set_num_threads(a.threads)
    folder = f"{a.run}/{a.name}"
    os.makedirs(folder, exist_ok=True)
    painter, steps, segmenter, tasks = Painter(a.checkpoint, a.few), a.steps or (4 if a.few else 20), load_segmenter(a.run), layouts(a.layouts)
    lines = ["| way | mean IoU ± deviation | median | by 2 / 3 / 4 regions | hits | background purity | regions |", "|---|---|---|---|---|---|---|"]
    truth = judge(segmenter, tasks, np.stack([t.picture for t in tasks]))
    lines.append(row("the generator's own picture", *truth))
    drawn, report = {}, {}
    ways = a.ways.split(",") if a.ways else [*WAYS, *(["bootstrap 0.75"] if a.few else [])]
    for way in ways:
        done, start = [], time.time()
        for first in range(0, len(tasks), a.batch):
            file, batch = f"{folder}/{way.replace(' ', '-')}-{first:04d}.npy", tasks[first:first + a.batch]
            if not os.path.exists(file):
                save_array(draw(painter, batch, WAYS[way] if way in WAYS else float(way.split()[1]), steps, a.guidance, first, a.white), file)
                print(f"{way}: {first + len(batch)} of {len(tasks)}, {time.time() - start:.0f} s", flush=True)
            done.append(np.load(file))
        drawn[way] = np.concatenate(done)
        regions, purity = judge(segmenter, tasks, drawn[way])
        report[way] = {"iou": float(regions[:, 1].mean()), "hits": float((regions[:, 2] >= 0.25).mean()), "purity": float(purity.mean())}
        lines.append(row(way, regions, purity))
        print(lines[-1], flush=True)
    with open(f"{folder}/table.md", "w") as f:
        f.write("\n".join(lines) + "\n")
    write_json(report, f"{folder}/table.json")
    rows, labels = [], []
    for i in range(min(24, len(tasks))):
        guide = np.full_like(tasks[i].picture, 225)
        for j, mask in enumerate(tasks[i].masks):
            guide[mask] = [(214, 84, 74), (84, 140, 206), (98, 172, 96), (232, 184, 76)][j]
        rows += [guide, *(drawn[w][i] for w in drawn)]
        labels += [tasks[i].sentence, *drawn]
    sheet(rows, 1 + len(drawn), f"{folder}/sheet.png", labels)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
