"""The judge of region fidelity: a small segmenter that says which thing every 4 x 4 pixels of a picture show.

    python segment.py RUN --minutes 12         state in RUN/segmenter.pt; trained on the generator's exact masks alone

It sees the generator's pictures as the checkpoint would show them: through the autoencoder, with noise in the latents, so
that it is at home with soft pictures.  It never sees a picture that the UNet drew.
"""
import argparse
import os
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import scenes
from common import Running, save_atomic, to_tensor
from data import FIRST_SEED
from things import CLASSES
from vae import load_vae

CELL = 4                     # pixels of a cell's edge
SEEDS = 500_000              # first seed of its own pictures: below FIRST_SEED, apart from the layouts'


def block(a, b, stride=1):
    return nn.Sequential(nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU())


class Segmenter(nn.Module):
    """Pictures n x 3 x H x W in -1..1 to class scores n x classes x H/4 x W/4; sides are multiples of 32."""

    def __init__(self, width=32):
        super().__init__()
        w = [width, 2 * width, 3 * width, 4 * width]
        self.stem = nn.Sequential(block(3, w[0] // 2, 2), block(w[0] // 2, w[0], 2))
        self.down = nn.ModuleList(nn.Sequential(block(a, b, 2), block(b, b)) for a, b in zip(w, w[1:]))
        self.deep = nn.Sequential(block(w[-1], w[-1]), block(w[-1], w[-1]))
        self.up = nn.ModuleList(block(a + b, b) for a, b in zip(w[:0:-1], w[-2::-1]))
        self.out = nn.Conv2d(w[0], len(CLASSES), 1)

    def forward(self, x):
        kept = [self.stem(x)]
        for level in self.down:
            kept.append(level(kept[-1]))
        x = self.deep(kept.pop())
        x = x + x.mean((2, 3), keepdim=True)               # the whole picture's mood
        for level in self.up:
            x = level(torch.cat([F.interpolate(x, scale_factor=2), kept.pop()], 1))
        return self.out(x)


def load_segmenter(run):
    state = torch.load(f"{run}/segmenter.pt", map_location="cpu", weights_only=False)
    model = Segmenter()
    model.load_state_dict(state["model"])
    return model.eval().to(memory_format=torch.channels_last)


def cells(ids):
    """Class of every cell: the one at its middle."""
    return ids[:, CELL // 2::CELL, CELL // 2::CELL]


@torch.inference_mode()
def examples(vae, first, count, px=256):
    """(pictures through the autoencoder as uint8, classes of their cells)."""
    made = [scenes.make(first + i, px) for i in range(count)]
    pictures, classes = np.stack([e.picture for e in made]), cells(np.stack([e.ids for e in made]))
    for i in range(0, count, 8):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            z = vae.encode(to_tensor(pictures[i:i + 8])).latent_dist.mean
            noise = torch.randn_like(z) * torch.rand(len(z), 1, 1, 1) * 0.25
            y = vae.decode(z + noise).sample.float().clamp(-1, 1)
        pictures[i:i + 8] = ((y.permute(0, 2, 3, 1).numpy() + 1) * 127.5).round()
    return pictures, classes


def train(run, minutes, threads):
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    vae = load_vae(run)
    file, cache = f"{run}/segmenter.pt", f"{run}/segmenter-pictures.npz"
    if not os.path.exists(cache):
        pictures, classes = examples(vae, SEEDS, 3000)
        np.savez(cache, pictures=pictures, classes=classes)
    loaded = np.load(cache)
    pictures, classes = loaded["pictures"], torch.from_numpy(loaded["classes"]).long()
    held = 256                                             # the last are only for checking
    model = Segmenter().to(memory_format=torch.channels_last)
    opt = torch.optim.AdamW(model.parameters(), 2e-3, weight_decay=0.02)
    rng, start, step, mean = np.random.default_rng(0), time.time(), 0, Running()
    while (past := (time.time() - start) / (60 * minutes)) < 1:
        for g in opt.param_groups:
            g["lr"] = 2e-3 * min(1, (step + 1) / 100) * min(1.0, 2 * (1 - past)) + 1e-5
        i = rng.integers(len(pictures) - held, size=16)
        x, y = to_tensor(pictures[i]), classes[i]
        if rng.random() < 0.5:
            x, y = x.flip(3), y.flip(2)
        top, left = 32 * rng.integers(3, size=2)           # a crop of 192 pixels
        x, y = x[:, :, top:top + 192, left:left + 192], y[:, top // CELL:top // CELL + 48, left // CELL:left // CELL + 48]
        x = x * (0.85 + 0.3 * torch.rand(len(x), 1, 1, 1)) + 0.06 * torch.randn(len(x), 3, 1, 1)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            scores = model(x.contiguous(memory_format=torch.channels_last))
        loss = F.cross_entropy(scores.float(), y)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        step += 1
        mean.add(loss.item())
        if step % 50 == 0:
            print(f"{past * minutes:.1f} min  step {step}  loss {float(mean):.3f}", flush=True)
    model.eval()
    right, per_thing = accuracy(model, pictures[-held:], classes[-held:])
    save_atomic({"model": model.state_dict(), "steps": step, "accuracy": right, "iou": per_thing}, file)
    print(f"{right:.3f} of the cells right on {held} pictures never trained on, mean IoU of the things {np.mean(per_thing):.3f}")


@torch.inference_mode()
def classify(model, pictures):
    """The class of every cell of uint8 pictures."""
    out = []
    for i in range(0, len(pictures), 16):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            out.append(model(to_tensor(pictures[i:i + 16])).argmax(1))
    return torch.cat(out)


def accuracy(model, pictures, classes):
    """(share of right cells, IoU of every class that is shown at all)."""
    found = classify(model, pictures)
    iou = []
    for k in range(1, len(CLASSES)):
        truth, said = classes == k, found == k
        if truth.sum() > 200:
            iou.append(((truth & said).sum() / (truth | said).sum()).item())
    return (found == classes).float().mean().item(), iou


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    ap.add_argument("run")
    ap.add_argument("--minutes", type=float, default=12)
    ap.add_argument("--threads", type=int, default=os.cpu_count())
    a = ap.parse_args()
    assert SEEDS + 3000 < FIRST_SEED
    train(a.run, a.minutes, a.threads)


if __name__ == "__main__":
    main()
