"""Pre-drawn training data: parts of pictures with captions, and their latents once the autoencoder is trained.

    python data.py draw RUN --count 60000 --px 128    RUN/pictures-128/NNNN.npy (uint8), RUN/captions-128/NNNN.json and
                                                      RUN/classes-128/NNNN.npy (the thing in every latent pixel)
    python data.py encode RUN                         RUN/latents-PX/NNNN.npy (float16, unscaled) of every size present,
                                                      and the scaling factor in RUN/vae.pt

Part NNNN of a size holds the seeds NNNN * 2000 ... + 1999.  Finished parts are skipped, so both commands go on where they
stopped, and a larger --count only adds parts.  A caption file is a list of (caption, labels, kind, pose, style, mood).
"""
import argparse
import contextlib
import glob
import json
import os
import time
from multiprocessing import Pool
from typing import NamedTuple

import numpy as np
import torch

import scenes
from canvas import SIZES
from common import DEVICE, half_precision, save_atomic, to_tensor, write_json

PART = 2000
FIRST_SEED = 1_000_000      # seeds below are for evaluation: never drawn for training


def save_array(array, path):
    """np.save beside the target, then rename."""
    with open(path + ".tmp", "wb") as f:
        np.save(f, array)
    os.replace(path + ".tmp", path)


def draw_part(job):
    run, px, part = job
    pictures, classes, words = np.empty((PART, px, px, 3), np.uint8), np.empty((PART, px // 8, px // 8), np.uint8), []
    for i in range(PART):
        e = scenes.make(FIRST_SEED + part * PART + i, px)
        pictures[i], classes[i] = e.picture, e.ids[4::8, 4::8]
        words.append((e.caption, e.labels, e.kind, e.pose, e.style, e.mood))
    write_json(words, f"{run}/captions-{px}/{part:04d}.json")
    save_array(classes, f"{run}/classes-{px}/{part:04d}.npy")
    save_array(pictures, f"{run}/pictures-{px}/{part:04d}.npy")
    return part


def draw(run, px, count, processes):
    for what in ("pictures", "captions", "classes"):
        os.makedirs(f"{run}/{what}-{px}", exist_ok=True)
    there = lambda p: any(os.path.exists(f"{run}/{what}-{px}/{p:04d}.npy") for what in ("pictures", "latents"))
    jobs = [(run, px, p) for p in range(-(-count // PART)) if not there(p)]
    start = time.time()
    with Pool(processes) as pool:
        for i, job in enumerate(pool.imap(draw_part, jobs), 1):
            print(f"{px} px  part {job}  {i * PART / (time.time() - start):.0f} pictures/s", flush=True)


def encode_part(job):
    from vae import load_vae
    run, px, part = job
    torch.set_num_threads(1)
    vae = load_vae(run)
    pictures = np.load(f"{run}/pictures-{px}/{part:04d}.npy", mmap_mode="r")
    n = (32 if DEVICE.type == "cpu" else 1024) * 128 ** 2 // px ** 2
    out = np.empty((len(pictures), 4, px // 8, px // 8), np.float16)
    with torch.inference_mode(), half_precision():
        for i in range(0, len(pictures), n):
            out[i:i + n] = vae.encode(to_tensor(pictures[i:i + n])).latent_dist.mean.float().cpu().numpy()
    save_array(out, f"{run}/latents-{px}/{part:04d}.npy")
    return px, part


def to_encode(run):
    """The parts whose pictures have no latents yet."""
    jobs = []
    for px in SIZES:
        files = sorted(glob.glob(f"{run}/pictures-{px}/[0-9]*.npy"))
        if files:
            os.makedirs(f"{run}/latents-{px}", exist_ok=True)
        parts = [int(os.path.basename(f)[:4]) for f in files]
        jobs += [(run, px, p) for p in parts if not os.path.exists(f"{run}/latents-{px}/{p:04d}.npy")]
    return jobs


def encode(run, processes, drop=False):
    """Encodes what is there; `drop` removes pictures that are encoded."""
    jobs = to_encode(run)
    start, measured, done = time.time(), os.path.exists(f"{run}/scale.json"), 0
    with Pool(processes) if processes > 1 else contextlib.nullcontext() as pool:
        for px, part in pool.imap(encode_part, jobs) if pool else map(encode_part, jobs):
            if drop:
                os.remove(f"{run}/pictures-{px}/{part:04d}.npy")
            done += PART
            print(f"{px} px  part {part}  {done / (time.time() - start):.0f} latents/s", flush=True)
            if not measured:                               # the first part fixes the scale for good
                z = np.load(f"{run}/latents-{px}/{part:04d}.npy").astype(np.float32)
                factor = float(1 / z.std())
                state = torch.load(f"{run}/vae.pt", map_location="cpu", weights_only=False)
                save_atomic({**state, "scaling_factor": factor}, f"{run}/vae.pt")
                write_json({"scaling_factor": factor, "mean": z.mean((0, 2, 3)).tolist(), "std": z.std((0, 2, 3)).tolist()}, f"{run}/scale.json")
                print(f"scaling factor {factor:.4f}  mean {z.mean((0, 2, 3)).round(2)}  std {z.std((0, 2, 3)).round(2)}", flush=True)
                measured = True


class Part(NamedTuple):
    name: str               # "PX/NNNN"
    px: int                 # edge of its pictures
    latents: np.ndarray     # float16, n x 4 x px/8 x px/8, unscaled
    classes: np.ndarray     # uint8, n x px/8 x px/8: class number of the thing in every latent pixel
    words: list             # the caption file


def load(run, known=()):
    """All encoded parts whose names are not in `known`, one by one."""
    for px in SIZES:
        for f in sorted(glob.glob(f"{run}/latents-{px}/[0-9]*.npy")):
            part = os.path.basename(f)[:4]
            if f"{px}/{part}" not in known:
                with open(f"{run}/captions-{px}/{part}.json") as words:
                    yield Part(f"{px}/{part}", px, np.load(f), np.load(f"{run}/classes-{px}/{part}.npy"), json.load(words))


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    ap.add_argument("what", choices=["draw", "encode"])
    ap.add_argument("run")
    ap.add_argument("--count", type=int, default=60000)
    ap.add_argument("--px", type=int, default=128, choices=SIZES)
    ap.add_argument("--processes", type=int, default=os.cpu_count())
    ap.add_argument("--follow", type=float, default=0, help="encode: look for new parts for so many minutes more")
    ap.add_argument("--drop", action="store_true", help="encode: remove the pictures that are encoded")
    a = ap.parse_args()
    if a.what == "draw":
        return draw(a.run, a.px, a.count, a.processes)
    end, processes = time.time() + 60 * a.follow, a.processes if DEVICE.type == "cpu" else 1
    while True:
        encode(a.run, processes, a.drop)
        if time.time() > end:
            return
        time.sleep(2)


if __name__ == "__main__":
    main()
