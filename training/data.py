"""Pre-drawn training data: parts of pictures with captions, and their latents once the autoencoder is trained.

    python data.py draw RUN --count 60000      RUN/pictures/NNNN.npy (uint8) and RUN/captions/NNNN.json
    python data.py encode RUN                  RUN/latents/NNNN.npy (float16, unscaled) and the scaling factor in RUN/vae.pt

Part NNNN holds the seeds NNNN * 2000 ... + 1999.  Finished parts are skipped, so both commands go on where they stopped,
and a larger --count only adds parts.
"""
import argparse
import glob
import json
import os
import time
from multiprocessing import Pool

import numpy as np
import torch

import scenes
from canvas import PX
from common import save_atomic, to_tensor, write_json

PART = 2000
FIRST_SEED = 1_000_000      # seeds below are for evaluation: never drawn for training


def draw_part(job):
    run, part = job
    pictures, words = np.empty((PART, PX, PX, 3), np.uint8), []
    for i in range(PART):
        e = scenes.make(FIRST_SEED + part * PART + i)
        pictures[i] = e.picture
        words.append((e.caption, e.labels, e.kind, e.pose))
    write_json(words, f"{run}/captions/{part:04d}.json")
    with open(f"{run}/pictures/{part:04d}.tmp", "wb") as f:
        np.save(f, pictures)
    os.replace(f"{run}/pictures/{part:04d}.tmp", f"{run}/pictures/{part:04d}.npy")
    return part


def draw(run, count, processes):
    os.makedirs(f"{run}/pictures", exist_ok=True)
    os.makedirs(f"{run}/captions", exist_ok=True)
    jobs = [(run, p) for p in range(-(-count // PART)) if not os.path.exists(f"{run}/pictures/{p:04d}.npy")]
    start = time.time()
    with Pool(processes) as pool:
        for i, part in enumerate(pool.imap(draw_part, jobs), 1):
            print(f"part {part}  {i * PART / (time.time() - start):.0f} pictures/s", flush=True)


def encode_part(job):
    from vae import load_vae
    run, part = job
    torch.set_num_threads(1)
    vae = load_vae(run)
    pictures = np.load(f"{run}/pictures/{part:04d}.npy", mmap_mode="r")
    out = np.empty((len(pictures), 4, PX // 8, PX // 8), np.float16)
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        for i in range(0, len(pictures), 32):
            out[i:i + 32] = vae.encode(to_tensor(pictures[i:i + 32])).latent_dist.mean.float().numpy()
    with open(f"{run}/latents/{part:04d}.tmp", "wb") as f:
        np.save(f, out)
    os.replace(f"{run}/latents/{part:04d}.tmp", f"{run}/latents/{part:04d}.npy")
    return part


def encode(run, processes):
    os.makedirs(f"{run}/latents", exist_ok=True)
    parts = sorted(int(os.path.basename(f)[:4]) for f in glob.glob(f"{run}/pictures/[0-9]*.npy"))
    jobs = [(run, p) for p in parts if not os.path.exists(f"{run}/latents/{p:04d}.npy")]
    start, measured = time.time(), os.path.exists(f"{run}/latents/scale.json")
    with Pool(processes) as pool:
        for i, part in enumerate(pool.imap(encode_part, jobs), 1):
            print(f"part {part}  {i * PART / (time.time() - start):.0f} latents/s", flush=True)
            if not measured:                               # the first part fixes the scale for good
                z = np.load(f"{run}/latents/{part:04d}.npy").astype(np.float32)
                factor = float(1 / z.std())
                state = torch.load(f"{run}/vae.pt", map_location="cpu", weights_only=False)
                save_atomic({**state, "scaling_factor": factor}, f"{run}/vae.pt")
                write_json({"scaling_factor": factor, "mean": z.mean((0, 2, 3)).tolist(), "std": z.std((0, 2, 3)).tolist()}, f"{run}/latents/scale.json")
                print(f"scaling factor {factor:.4f}  mean {z.mean((0, 2, 3)).round(2)}  std {z.std((0, 2, 3)).round(2)}", flush=True)
                measured = True


def load(run, known=()):
    """Latents (one float16 array per part) and captions of all parts not in `known`: a list of (part, latents, words)."""
    parts = []
    for f in sorted(glob.glob(f"{run}/latents/[0-9]*.npy")):
        part = os.path.basename(f)[:4]
        if part not in known:
            with open(f"{run}/captions/{part}.json") as words:
                parts.append((part, np.load(f), json.load(words)))
    return parts


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    ap.add_argument("what", choices=["draw", "encode"])
    ap.add_argument("run")
    ap.add_argument("--count", type=int, default=60000)
    ap.add_argument("--processes", type=int, default=os.cpu_count())
    a = ap.parse_args()
    draw(a.run, a.count, a.processes) if a.what == "draw" else encode(a.run, a.processes)


if __name__ == "__main__":
    main()
