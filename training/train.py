"""From nothing to a checkpoint folder with one command; stop it at any moment and run it again to go on.

    python train.py RUN --unet-minutes 240
    python train.py RUN --from ../assets/embedded          goes on from the weights in the repository
    python train.py RUN --from ../assets/embedded --adopt  the same, and takes autoencoder and words as they are

RUN is a folder outside the repository (about 80 MB for every 1000 pictures).  Every stage looks at what RUN already
holds and does only what is missing, so the same command also extends a finished run: more pictures, more minutes.  The
evaluation is the last stage; `--no-fidelity` leaves it out.
"""
import argparse
import os
import subprocess
import sys

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
# What the UNet sees more or less often (see unet.py): first whole large things without style, on small pictures, until
# shapes stand; then all pictures, most of them large.  (share of the minutes, share of steps on large pictures, emphasis)
COURSE = [
    (0.45, 0.1, "large=3,plain=0.5,cut=0.8,window=0.5,scene=0.4,beside=0.7,styled=0.4,mood=0.4"),
    (0.55, 0.6, "large=1.5,plain=0.6,window=0.7,styled=0.8,mood=0.8"),
]
GOING_ON = [(1.0, 0.6, "plain=0.8,window=0.8,styled=0.8,mood=0.8,cut=1.2,cat=2,horse=1.7,swan=1.6,church=1.6,pumpkin=1.6,sheep=1.5,owl=1.5,whale=1.5,snowman=1.5,"
                       "tower=1.4,tree=1.4,well=1.4,rock=1.4,tent=1.3,lighthouse=1.3")]


def background(script, *arguments, log=None):
    """Starts a stage; what it says is added to the file `log`."""
    print("==", script, *arguments, flush=True)
    out = open(log, "a") if log else None
    return subprocess.Popen([sys.executable, os.path.join(HERE, script), *map(str, arguments)], stdout=out, stderr=subprocess.STDOUT if log else None)


def stage(script, *arguments, log=None):
    """Runs a stage to its end; an error in it ends the whole run."""
    if background(script, *arguments, log=log).wait():
        raise SystemExit(f"{script} failed" + (f": see {log}" if log else ""))


def minutes(file):
    """Minutes already spent on the state in `file`."""
    return torch.load(file, map_location="cpu", weights_only=False)["minutes"] if os.path.exists(file) else 0.0


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    ap.add_argument("run")
    ap.add_argument("--from", dest="start_from", metavar="FOLDER", help="first weights: an exported checkpoint")
    ap.add_argument("--adopt", action="store_true", help="with --from: only the UNet is trained on, and the kept judge judges (adopt.py)")
    ap.add_argument("--pictures", type=int, default=40000, help="of 128 pixels")
    ap.add_argument("--large-pictures", type=int, default=12000, help="of 256 pixels")
    ap.add_argument("--vae-minutes", type=float, default=60)
    ap.add_argument("--text-minutes", type=float, default=4)
    ap.add_argument("--unet-minutes", type=float, default=240)
    ap.add_argument("--segmenter-minutes", type=float, default=40)
    ap.add_argument("--layouts", type=int, default=200)
    ap.add_argument("--no-fidelity", action="store_true")
    ap.add_argument("--workers", type=int, default=os.cpu_count())
    a = ap.parse_args()
    os.makedirs(a.run, exist_ok=True)
    first = ["--from", a.start_from] if a.start_from else []
    if a.adopt and not os.path.exists(f"{a.run}/scale.json"):
        stage("adopt.py", a.run, a.start_from)
    stage("data.py", "draw", a.run, "--px", 128, "--count", a.pictures, "--processes", a.workers)
    stage("data.py", "draw", a.run, "--px", 256, "--count", a.large_pictures, "--processes", a.workers)
    if not os.path.exists(f"{a.run}/scale.json"):          # once latents exist, the encoder must stay as it is
        left = a.vae_minutes - minutes(f"{a.run}/vae.pt")
        if left > 0.5:
            stage("vae.py", a.run, "--minutes", left, "--workers", a.workers, *first)
    stage("data.py", "encode", a.run, "--processes", a.workers)
    if not os.path.exists(f"{a.run}/text.pt"):
        stage("text.py", a.run, "--minutes", a.text_minutes, *first)
    # A finished UNet goes on at a lower rate that falls for half the time: the full rate would undo its own decay for long.
    course, before = GOING_ON if a.adopt else COURSE, 0.0
    for share, large, emphasis in course:
        before += share * a.unet_minutes
        left = before - minutes(f"{a.run}/unet.pt")
        if left > 0.5:
            last = before >= 0.99 * a.unet_minutes
            rate = ["--rate", 9e-4, "--decay", 0.5 * a.unet_minutes] if a.adopt else ["--decay", 25 if last else 0.5]
            stage("unet.py", a.run, "--minutes", left, *rate, "--workers", a.workers, "--large", large, "--emphasis", emphasis, *first)
    stage("export.py", a.run, "--check")
    stage("sample.py", f"{a.run}/export", "--words", f"{a.run}/words.png", "--layouts", f"{a.run}/layouts.png")
    if not a.no_fidelity:
        if not os.path.exists(f"{a.run}/segmenter.pt") and not a.adopt:
            stage("segment.py", a.run, "--minutes", a.segmenter_minutes)
        stage("fidelity.py", a.run, f"{a.run}/export", "--layouts", a.layouts)


if __name__ == "__main__":
    main()
