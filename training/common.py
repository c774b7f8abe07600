"""What every stage of the training shares: the device, atomic files, a wall-clock learning-rate schedule, picture sheets.

Nothing here knows what is trained.  A stage may be stopped at any moment (kill, power, end of a session): its state is
written every few minutes beside the old one and renamed over it, and the same command goes on from there.
"""
import datetime
import json
import os
import time

import numpy as np
import torch
from PIL import Image, ImageDraw

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def half_precision():
    """bfloat16 where it is safe, on whatever device there is."""
    return torch.autocast(DEVICE.type, dtype=torch.bfloat16)


def compiled(f):
    """`f` in fused kernels on a GPU, one set for every shape; as it is on a CPU, where compiling takes longer than it saves."""
    return torch.compile(f, dynamic=False) if DEVICE.type == "cuda" else f



def save_atomic(obj, path):
    """torch.save beside the target, then rename: the old state survives a kill in the middle of a write."""
    torch.save(obj, path + ".tmp")
    os.replace(path + ".tmp", path)


def write_json(obj, path):
    with open(path + ".tmp", "w") as f:
        json.dump(obj, f, indent=1, ensure_ascii=False)
    os.replace(path + ".tmp", path)


def deadline(minutes=None, until=None):
    """Seconds since the epoch at which a stage ends: after `minutes`, or at `until` ("HH:MM", next such time)."""
    if until is None:
        return time.time() + 60 * minutes
    hour, minute = map(int, until.split(":"))
    now = datetime.datetime.now()
    end = now.replace(hour=hour, minute=minute, second=0)
    if end <= now:
        end += datetime.timedelta(days=1)
    return end.timestamp()


class Schedule:
    """Warm-up, constant, decay: the decay fills the last `decay_minutes` before the deadline.

    A cosine has to know its length beforehand; this one is extended by simply resuming with a later deadline: the rate
    returns to its peak (warmed up again over `warm` steps, because the optimiser's averages are older than the jump).
    """

    def __init__(self, peak, end, decay_minutes, warm):
        self.peak, self.end, self.decay, self.warm, self.steps = peak, end, 60 * decay_minutes, warm, 0

    def rate(self):
        self.steps += 1
        left = max(0.0, self.end - time.time()) / self.decay
        return self.peak * min(1.0, self.steps / self.warm) * (0.01 + 0.99 * min(1.0, left))

    def over(self):
        return time.time() >= self.end


class Running:
    """An exponential running mean that is right from the first value on."""

    def __init__(self, keep=0.99, value=0.0, weight=0.0):
        self.keep, self.value, self.weight = keep, value, weight

    def add(self, x):
        self.value = self.keep * self.value + (1 - self.keep) * x
        self.weight = self.keep * self.weight + (1 - self.keep)

    def __float__(self):
        return self.value / max(1e-9, self.weight)


def to_uint8(x):
    """A batch in -1..1 (n, 3, h, w) -> uint8 (n, h, w, 3)."""
    return ((x.float().clamp(-1, 1).permute(0, 2, 3, 1).cpu().numpy() + 1) * 127.5).round().astype(np.uint8)


def to_tensor(x):
    """uint8 (n, h, w, 3) -> a batch in -1..1 on the device, channels last in memory."""
    t = torch.from_numpy(np.ascontiguousarray(x)).to(DEVICE).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
    return t.contiguous(memory_format=torch.channels_last)


def sheet(pictures, columns, path, labels=None, gap=4):
    """Pictures of one size in rows on white, each with an optional line of words below."""
    h, w = pictures[0].shape[:2]
    line = 14 if labels else 0
    rows = -(-len(pictures) // columns)
    out = Image.new("RGB", (columns * (w + gap) + gap, rows * (h + gap + line) + gap), "white")
    draw = ImageDraw.Draw(out)
    for i, picture in enumerate(pictures):
        x, y = gap + i % columns * (w + gap), gap + i // columns * (h + gap + line)
        out.paste(Image.fromarray(picture), (x, y))
        if labels:
            draw.text((x + 1, y + h + 1), labels[i][: w // 6], fill="black")
    out.save(path + ".tmp", format="PNG")
    os.replace(path + ".tmp", path)


class Team:
    """Several single-threaded processes that train one model together, averaging their gradients every step.

    On cores shared with other programs this is several times faster than one process with several threads: threads
    spin at hundreds of barriers a step, processes sleep at one.  `average` also carries a few numbers (learning rate,
    loss, "time is over"), so that all members take exactly the same step.
    """

    def __init__(self, rank, size, meeting_place):
        self.rank, self.size, self.chief = rank, size, rank == 0
        self.parent = os.getppid() if size > 1 else None
        torch.set_num_threads(1)
        if size > 1:
            torch.distributed.init_process_group("gloo", init_method=f"file://{meeting_place}", rank=rank, world_size=size)

    def average(self, params, *numbers):
        """Replaces every gradient by the team's mean; returns the means of the numbers."""
        if self.parent and os.getppid() != self.parent:
            raise SystemExit("the parent is gone")         # killed: never train on as an orphan
        if self.size == 1:
            return list(numbers)
        grads = [p.grad if p.grad is not None else torch.zeros_like(p) for p in params]
        flat = torch.cat([g.reshape(-1) for g in grads] + [torch.tensor(numbers, dtype=torch.float32)])
        torch.distributed.all_reduce(flat)
        flat /= self.size
        at = 0
        for p, g in zip(params, grads):
            p.grad = flat[at:at + g.numel()].view_as(p)
            at += g.numel()
        return flat[at:].tolist()

    @staticmethod
    def usual():
        """One process for a GPU, else one for every core."""
        return 1 if DEVICE.type == "cuda" else os.cpu_count()

    @staticmethod
    def run(work, size, run, *args):
        """Calls work(team, *args) in `size` processes."""
        if size == 1:
            return work(Team(0, 1, None), *args)
        place = f"{run}/.meeting-{os.getpid()}"
        torch.multiprocessing.spawn(_member, (work, size, place, args), nprocs=size)
        if os.path.exists(place):
            os.remove(place)


def _member(rank, work, size, place, args):
    work(Team(rank, size, place), *args)
