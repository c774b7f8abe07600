"""The judge of region fidelity: a small segmenter that says which thing every 8 x 8 pixels of a picture show.

    python segment.py RUN --minutes 40         state in RUN/segmenter.pt; trained on the generator's exact masks alone
    python segment.py RUN --keep               writes it beside this file, as judge.safetensors, for runs without their own

It sees the generator's pictures as the checkpoint would show them: through the autoencoder, with noise in the latents, so
that it is at home with soft pictures.  It never sees a picture that the UNet drew, nor a layout that is judged.  It looks
at half the resolution: a cell of 8 pixels is what a mask can say to the UNet anyway, and it learns four times as fast.
Rare things count more than common ones (by the root of their frequency): without that, half an hour of training named
skies and grounds, and not one thing in five.
"""
import argparse
import glob
import os
import time
from multiprocessing import Pool

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

import scenes
from common import DEVICE, Running, half_precision, save_atomic, to_tensor, to_uint8
from data import FIRST_SEED
from things import CLASSES
from vae import load_vae

CELL = 8                     # pixels of a cell's edge
LAYOUT_SEEDS = 300_000       # first seed of the layouts it learns from: apart from those of fidelity.py
HELD = 200                   # the last layouts are only for checking
PART = 200                   # layouts drawn at a time
KEPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "judge.safetensors")


def block(a, b, stride=1):
    return nn.Sequential(nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU())


class Segmenter(nn.Module):
    """Pictures n x 3 x H x W in -1..1 to class scores n x classes x H/8 x W/8; sides are multiples of 64."""

    def __init__(self, width=32):
        super().__init__()
        w = [width, 2 * width, 3 * width, 4 * width]
        self.stem = nn.Sequential(block(3, w[0] // 2, 2), block(w[0] // 2, w[0], 2))
        self.down = nn.ModuleList(nn.Sequential(block(a, b, 2), block(b, b)) for a, b in zip(w, w[1:]))
        self.deep = nn.Sequential(block(w[-1], w[-1]), block(w[-1], w[-1]))
        self.up = nn.ModuleList(block(a + b, b) for a, b in zip(w[:0:-1], w[-2::-1]))
        self.out = nn.Conv2d(w[0], len(CLASSES), 1)

    def forward(self, x):
        return self.of_half(F.avg_pool2d(x, 2))

    def of_half(self, x):
        """The same, from pictures that are at half resolution already."""
        kept = [self.stem(x)]
        for level in self.down:
            kept.append(level(kept[-1]))
        x = self.deep(kept.pop())
        x = x + x.mean((2, 3), keepdim=True)               # the whole picture's mood
        for level in self.up:
            x = level(torch.cat([F.interpolate(x, scale_factor=2), kept.pop()], 1))
        return self.out(x)


def load_segmenter(run):
    """The run's own segmenter; where it has none, the one kept beside this file."""
    model = Segmenter()
    if os.path.exists(f"{run}/segmenter.pt"):
        model.load_state_dict(torch.load(f"{run}/segmenter.pt", map_location="cpu", weights_only=False)["model"])
    else:
        with safe_open(KEPT, "pt") as f:
            if f.metadata()["classes"] != ",".join(CLASSES):
                raise SystemExit(f"{KEPT} was trained on other things: train one with segment.py")
            own = model.state_dict()
            model.load_state_dict({k: f.get_tensor(k).to(v.dtype) for k, v in own.items()})
    return model.eval().to(DEVICE, memory_format=torch.channels_last)


def keep(run):
    """Weights in half precision, everything one-dimensional as it is: the same judge for every version of the checkpoint."""
    state = torch.load(f"{run}/segmenter.pt", map_location="cpu", weights_only=False)
    weights = {k: (v.half() if v.ndim > 1 else v).contiguous() for k, v in state["model"].items()}
    save_file(weights, KEPT, {"classes": ",".join(CLASSES), "steps": str(state["steps"]), "accuracy": f"{state['accuracy']:.4f}", "iou": f"{np.mean(state['iou']):.4f}"})


def softened(vae, latents):
    """What the decoder makes of disturbed latents, at half resolution: uint8 n x h x w x 3."""
    latents = latents.to(DEVICE)
    noise = torch.randn_like(latents) * torch.rand(len(latents), 1, 1, 1, device=DEVICE) * 0.25
    with half_precision():
        return to_uint8(F.avg_pool2d(vae.decode(latents + noise).sample.float(), 2))


def learn_from(job):
    """Makes one part of what is learnt from: (pictures at half resolution, classes of their cells), kept in RUN."""
    run, what, first = job
    file = f"{run}/segmenter-pictures/{what}-{first:05d}.pt"
    if os.path.exists(file):
        return file
    torch.set_num_threads(1)
    torch.manual_seed(first)
    vae, pictures = load_vae(run), []
    with torch.inference_mode():
        if what == "layouts":
            made = [scenes.layout(LAYOUT_SEEDS + first + i) for i in range(PART)]
            classes = np.stack([m[1][CELL // 2::CELL, CELL // 2::CELL] for m in made])
            for i in range(0, PART, 8):
                with half_precision():
                    z = vae.encode(to_tensor(np.stack([m[0] for m in made[i:i + 8]]))).latent_dist.mean
                pictures.append(softened(vae, z.float()))
        else:                                              # a part of the training set, from its latents
            latents, classes = np.load(f"{run}/latents-256/{first:04d}.npy"), np.load(f"{run}/classes-256/{first:04d}.npy")
            for i in range(0, len(latents), 8):
                pictures.append(softened(vae, torch.from_numpy(latents[i:i + 8]).float()))
    save_atomic((np.concatenate(pictures), classes), file)
    return file


def gather(run, sets, layouts, processes):
    """(pictures, classes) of so many parts of the training set's large pictures, then of so many layouts."""
    os.makedirs(f"{run}/segmenter-pictures", exist_ok=True)
    there = len(glob.glob(f"{run}/latents-256/[0-9]*.npy"))
    jobs = [(run, "set", part) for part in range(min(sets, there))] + [(run, "layouts", first) for first in range(0, layouts, PART)]
    parts, start = [], time.time()
    with Pool(processes) as pool:
        for file in pool.imap(learn_from, jobs):
            parts.append(torch.load(file, weights_only=False))
            print(f"{sum(len(p[0]) for p in parts)} pictures, {time.time() - start:.0f} s", flush=True)
    return [np.concatenate(column) for column in zip(*parts)]


def train(run, minutes, threads, sets, layouts):
    pictures, classes = gather(run, sets, layouts, threads)
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    classes = torch.from_numpy(classes).long()
    shown = torch.bincount(classes.flatten(), minlength=len(CLASSES)).float()
    weight = (shown.sum() / (shown + shown.sum() * 1e-4)).sqrt()
    weight /= (weight * shown).sum() / shown.sum()
    model = Segmenter().to(DEVICE, memory_format=torch.channels_last)
    opt = torch.optim.AdamW(model.parameters(), 3e-3, weight_decay=0.02)
    rng, start, step, mean = np.random.default_rng(0), time.time(), 0, Running()
    others = len(pictures) - layouts
    while (past := (time.time() - start) / (60 * minutes)) < 1:
        for g in opt.param_groups:
            g["lr"] = 3e-3 * min(1, (step + 1) / 100) * min(1.0, 1.5 * (1 - past)) + 1e-5
        # half layouts, half of everything
        i = np.concatenate([rng.integers(others, size=16), others + rng.integers(layouts - HELD, size=16)])
        x, y = to_tensor(pictures[i]), classes[i].to(DEVICE)
        if rng.random() < 0.5:
            x, y = x.flip(3), y.flip(2)
        x = x * (0.85 + 0.3 * torch.rand(len(x), 1, 1, 1, device=DEVICE)) + 0.05 * torch.randn(len(x), 3, 1, 1, device=DEVICE)
        with half_precision():
            scores = model.of_half(x.contiguous(memory_format=torch.channels_last))
        loss = F.cross_entropy(scores.float(), y, weight.to(DEVICE))
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        step += 1
        mean.add(loss.item())
        if step % 100 == 0:
            print(f"{past * minutes:.1f} min  step {step}  loss {float(mean):.3f}", flush=True)
        if step % 1000 == 0:
            model.eval()
            save(run, model, step, pictures[-HELD:], classes[-HELD:])
            model.train()
    model.eval()
    save(run, model, step, pictures[-HELD:], classes[-HELD:])


def save(run, model, step, pictures, classes):
    right, per_thing = accuracy(model, pictures, classes)
    save_atomic({"model": model.state_dict(), "steps": step, "accuracy": right, "iou": per_thing}, f"{run}/segmenter.pt")
    print(f"{right:.3f} of the cells right on {len(pictures)} layouts never trained on, mean IoU of the classes {np.mean(per_thing):.3f}", flush=True)


@torch.inference_mode()
def classify(look, pictures):
    """The class of every cell of uint8 pictures; `look` is the segmenter, or its `of_half`."""
    out = []
    for i in range(0, len(pictures), 16):
        with half_precision():
            out.append(look(to_tensor(pictures[i:i + 16])).argmax(1).cpu())
    return torch.cat(out)


def accuracy(model, pictures, classes):
    """(share of right cells, IoU of every class that is shown at all), from pictures at half resolution."""
    found = classify(model.of_half, pictures)
    iou = []
    for k in range(1, len(CLASSES)):
        truth, said = classes == k, found == k
        if truth.sum() > 200:
            iou.append(((truth & said).sum() / (truth | said).sum()).item())
    return (found == classes).float().mean().item(), iou


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    ap.add_argument("run")
    ap.add_argument("--minutes", type=float, default=40)
    ap.add_argument("--sets", type=int, default=3, help="parts of 2000 pictures of the training set")
    ap.add_argument("--layouts", type=int, default=1600, help="a multiple of %d" % PART)
    ap.add_argument("--threads", type=int, default=os.cpu_count())
    ap.add_argument("--keep", action="store_true", help="no training: write RUN/segmenter.pt beside this file")
    a = ap.parse_args()
    if a.keep:
        return keep(a.run)
    assert LAYOUT_SEEDS + a.layouts < FIRST_SEED
    train(a.run, a.minutes, a.threads, a.sets, a.layouts)


if __name__ == "__main__":
    main()
