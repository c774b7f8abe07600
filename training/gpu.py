"""The whole course on a machine with a GPU and many cores, in one go and without a network:

    python gpu.py RUN --from ../assets/embedded --minutes 26

The cores draw pictures all the while; the GPU trains the autoencoder on the first of them, then encodes them as they come
and trains the UNet, beside it the decoder on alone, then the version for few steps, and draws the sheets and the table.  Every stage is one of train.py's,
with batches and rates for a GPU, and leaves its state in RUN: the same command goes on where it was stopped, but never
trains a stage for longer than its share.  Kernels are compiled by trials in the background while an earlier stage trains.
"""
import argparse
import glob
import os
import shutil
import threading
import time

import torch

from adopt import adopt
from common import save_atomic
from train import GOING_ON, background, minutes, stage
from vae import taken_over

# Shares of the minutes; what is left over is for the start, the sheets and the tables.
VAE, UNET, FEW = 0.13, 0.60, 0.15
DECODER = 0.29               # beside the UNet
ADOPTED = 0.68, 0.20         # the UNet's and the few steps' with an autoencoder taken as it is: the UNet's holds its compiling
FIRST = 12                   # parts of large pictures to begin with
UNET_BATCH = ["--batch", 2048, "--emphasis", GOING_ON[0][2]]


def draw(run, processes, count):
    """Large pictures to begin with, small ones, then large ones for as long as it goes on."""
    for px, n in ((256, FIRST * 2000), (128, 40000), (256, count)):
        stage("data.py", "draw", run, "--px", px, "--count", n, "--processes", processes, log=f"{run}/draw.log")


def wait_for(pattern, count):
    while len(glob.glob(pattern)) < count:
        time.sleep(1)


def warm(run, folder):
    """Compiles the UNet's kernels on one part of each size, encoded by the autoencoder as it is in `folder`."""
    trial = f"{run}/warm"
    wait_for(f"{run}/pictures-128/*.npy", 1)
    adopt(trial, folder)
    for kind, ending in (("pictures", "npy"), ("captions", "json"), ("classes", "npy")):
        for px in (128, 256):
            os.makedirs(f"{trial}/{kind}-{px}", exist_ok=True)
            source = sorted(glob.glob(f"{run}/{kind}-{px}/[0-9]*.{ending}"))[0]
            shutil.copy(source, f"{trial}/{kind}-{px}/0000.{ending}")
    stage("data.py", "encode", trial, log=f"{run}/warm.log")
    stage("unet.py", trial, "--from", folder, "--probe", "--steps", 4, "--large", 0.5, *UNET_BATCH, log=f"{run}/warm.log")


def keep_first(run):
    """Pictures for the decoder in RUN/kept: the encoder's stage removes what it has encoded."""
    os.makedirs(f"{run}/kept", exist_ok=True)
    for picture in sorted(glob.glob(f"{run}/pictures-256/[0-9]*.npy"))[:FIRST]:
        if not os.path.exists(f"{run}/kept/{os.path.basename(picture)}"):
            os.link(picture, f"{run}/kept/{os.path.basename(picture)}")


def train_autoencoder(run, folder, time):
    """Trains it on the first pictures; the UNet's kernels, of the checkpoint in `folder`, are compiled beside it."""
    left = time - minutes(f"{run}/vae.pt")
    if not os.path.exists(f"{run}/scale.json") and left > 0.2:
        wait_for(f"{run}/pictures-256/*.npy", FIRST)
        threading.Thread(target=warm, args=(run, folder), daemon=True).start()
        stage("vae.py", run, "--pictures", f"{run}/pictures-256/[0-9]*.npy", "--minutes", left, "--decay", 0.6 * left, "--rate", 2e-3, "--batch", 128, "--crop", 128, log=f"{run}/vae.log")
    keep_first(run)


def sharpen(run, time):
    """Trains the decoder on alone, in RUN/decoder, on the pictures in RUN/kept; the encoder stays the one that made the latents."""
    os.makedirs(f"{run}/decoder", exist_ok=True)
    if not os.path.exists(f"{run}/decoder/vae.pt"):
        state = torch.load(f"{run}/vae.pt", map_location="cpu", weights_only=False)
        save_atomic(taken_over(state["ema"], state["scaling_factor"]), f"{run}/decoder/vae.pt")
    left = time - minutes(f"{run}/decoder/vae.pt")
    if left > 0.2:
        return background("vae.py", f"{run}/decoder", "--decoder-only", "--disturb", 0.3, "--pictures", f"{run}/kept/*.npy", "--minutes", left, "--decay", 0.5 * left,
                          "--rate", 2e-3, "--batch", 128, "--crop", 128, "--halved", 0, log=f"{run}/decoder.log")


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    ap.add_argument("run")
    ap.add_argument("--from", dest="start_from", metavar="FOLDER", required=True, help="first weights: an exported checkpoint")
    ap.add_argument("--adopt", action="store_true", help="takes the autoencoder as it is: latents and decoder stay as they are")
    ap.add_argument("--minutes", type=float, default=26)
    ap.add_argument("--pictures", type=int, default=500000, help="large ones, at most")
    ap.add_argument("--processes", type=int, default=max(1, os.cpu_count() - 4), help="that draw")
    ap.add_argument("--layouts", type=int, default=200)
    a = ap.parse_args()
    run, (unet, few) = a.run, ADOPTED if a.adopt else (UNET, FEW)
    os.makedirs(run, exist_ok=True)
    if not os.path.exists(f"{run}/vae.pt"):
        adopt(run, a.start_from)
        if not a.adopt:
            os.remove(f"{run}/scale.json")               # measured anew once the autoencoder is trained
    threading.Thread(target=draw, args=(run, a.processes, a.pictures), daemon=True).start()
    if not a.adopt:
        train_autoencoder(run, a.start_from, VAE * a.minutes)
    background("data.py", "encode", run, "--drop", "--follow", a.minutes, log=f"{run}/encode.log")
    wait_for(f"{run}/latents-256/*.npy", 10)
    wait_for(f"{run}/latents-128/*.npy", 2)
    decoder = None if a.adopt else sharpen(run, DECODER * a.minutes)
    left = unet * a.minutes - minutes(f"{run}/unet.pt")
    if left > 0.2:
        if a.adopt:                                        # compiles for large pictures while the stage itself compiles for small ones
            background("unet.py", run, "--from", a.start_from, "--probe", "--steps", 3, "--large", 1, *UNET_BATCH, log=f"{run}/warm.log")
        few_trial = threading.Timer(60 * left / 2, lambda: stage("few_steps.py", run, "--probe", "--steps", 4, "--batch", 2048, log=f"{run}/warm.log"))
        few_trial.start()
        stage("unet.py", run, "--from", a.start_from, "--minutes", left, "--decay", 0.55 * left, "--rate", 1.5e-3, "--large", 0.8, "--ema", 0.999, "--export-every", 3, *UNET_BATCH, log=f"{run}/unet.log")
    if decoder and decoder.wait():
        raise SystemExit(f"vae.py failed: see {run}/decoder.log")
    if not a.adopt:                                        # also where the decoder was finished before a stop
        shutil.copy(f"{run}/decoder/vae.pt", f"{run}/vae.pt")
    stage("export.py", run, log=f"{run}/unet.log")
    judged = [run, f"{run}/export", "--layouts", a.layouts, "--batch", 50]
    table = background("fidelity.py", *judged, log=f"{run}/fidelity.log")
    left = few * a.minutes - minutes(f"{run}/few.pt")
    if left > 0.2:
        stage("few_steps.py", run, "--minutes", left, "--decay", 0.5 * left, "--batch", 2048, "--rate", 4e-4, log=f"{run}/few.log")
    stage("export.py", run, log=f"{run}/few.log")
    for version in ([], ["--few"]):
        name = "-few" if version else ""
        stage("sample.py", f"{run}/export", "--words", f"{run}/words{name}.png", "--layouts", f"{run}/layouts{name}.png", *version, log=f"{run}/sheets.log")
    table.wait()
    stage("fidelity.py", *judged, "--few", "--name", "fidelity-few", log=f"{run}/fidelity.log")


if __name__ == "__main__":
    main()
