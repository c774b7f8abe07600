#!/usr/bin/env python3
"""What diffusers' schedulers make of a rectified flow: the truth for Polyptych's flow path.

    python make_flow_goldens.py      flow.json and flow.safetensors

A small formula stands for the network; README.md has it and names every tensor. Versions as for make_goldens.py; of those it
needs torch, diffusers, safetensors and numpy alone.
"""

import json
import math
from pathlib import Path

import numpy as np
import torch
from diffusers import (
    DPMSolverMultistepScheduler,
    FlowMatchEulerDiscreteScheduler,
    FlowMatchHeunDiscreteScheduler,
    UniPCMultistepScheduler,
)
from safetensors.torch import save_file

torch.set_num_threads(1)
HERE = Path(__file__).resolve().parent
SHAPE = (1, 16, 2, 4)
SEED = 11
STEPS = (1, 4, 10, 20)


def keyed_normals(seed, evaluation, shape):
    """Polyptych's fresh noise: SplitMix64 chained over the key, then Box-Muller on the halves."""
    mask, golden = 2**64 - 1, 0x9E3779B97F4A7C15
    out = torch.empty(shape)
    for c, y, x in np.ndindex(*shape[1:]):
        value = golden
        for part in (seed, 3, evaluation, c, y, x):
            value = ((value ^ part) + golden) & mask
            value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & mask
            value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & mask
            value ^= value >> 31
        radius, angle = ((half + 0.5) / 2**32 for half in (value >> 32, value & (2**32 - 1)))
        out[0, c, y, x] = math.sqrt(-2 * math.log(radius)) * math.cos(2 * math.pi * angle)
    return out


def toy(x, t):
    """The velocity of a flow to data near a fixed picture, with something that is not linear."""
    x = x.double().reshape(-1)
    j = torch.arange(len(x)).double()
    s = t / 1000
    a = 1 - s
    mean = 0.8 * torch.sin(1.7 * j + 0.3)
    clean = mean + a * 0.09 / (a * a * 0.09 + s * s) * (x - a * mean) + 0.1 * s * torch.sin(3 * x + j)
    return ((x - clean) / s).reshape(SHAPE).float()


def euler(config, schedule, steps):
    more = {"karras": {"use_karras_sigmas": True}, "exponential": {"use_exponential_sigmas": True}}.get(schedule, {})
    s = FlowMatchEulerDiscreteScheduler.from_config({**config, **more})
    # What the pipelines of Flux pass is Polyptych's trailing spacing.
    s.set_timesteps(steps, sigmas=np.linspace(1.0, 1 / steps, steps)) if schedule == "trailing" else s.set_timesteps(steps)
    return s


def prepare(sampler, config, schedule, steps):
    """The scheduler after set_timesteps. The multistep solvers are given the levels of FlowMatchEulerDiscreteScheduler."""
    levels = euler(config, schedule, steps)
    if sampler == "euler":
        return levels
    if sampler == "heun":
        s = FlowMatchHeunDiscreteScheduler.from_config(config)
        s.set_timesteps(steps)
        if schedule != "normal":
            t, g = levels.timesteps, levels.sigmas
            s.timesteps = torch.cat([t[:1], t[1:].repeat_interleave(2)])
            s.sigmas = torch.cat([g[:1], g[1:-1].repeat_interleave(2), g[-1:]])
        return s
    cls = UniPCMultistepScheduler if sampler == "unipc" else DPMSolverMultistepScheduler
    more = {"dpmpp-2m": {"algorithm_type": "dpmsolver++"}, "dpmpp-2m-sde": {"algorithm_type": "sde-dpmsolver++"}}
    s = cls(prediction_type="flow_prediction", use_flow_sigmas=True, **more.get(sampler, {}))
    s.set_timesteps(steps)
    s.timesteps, s.sigmas = levels.timesteps, levels.sigmas.clone()
    if sampler == "unipc":
        s.sigmas[0] -= 1e-6  # as its set_timesteps does
    s.set_begin_index(0)
    return s


def run(sampler, config, schedule, steps, start):
    s = prepare(sampler, config, schedule, steps)
    x = start
    for evaluation, t in enumerate(s.timesteps):
        more = {"variance_noise": keyed_normals(SEED, evaluation, SHAPE)} if sampler == "dpmpp-2m-sde" else {}
        x = s.step(toy(x, float(t)), t, x, **more).prev_sample
    return x, s.timesteps


def cases():
    for shift in (1.0, 3.0):
        config = {"_class_name": "FlowMatchEulerDiscreteScheduler", "num_train_timesteps": 1000, "shift": shift}
        for schedule in ("normal", "karras", "exponential", "trailing"):
            for sampler in ("euler", "heun", "dpmpp-2m", "dpmpp-2m-sde", "unipc"):
                yield sampler, schedule, config


if __name__ == "__main__":
    torch.manual_seed(SEED)
    start = torch.randn(SHAPE)
    tensors, facts = {}, []
    for sampler, schedule, config in cases():
        runs = [run(sampler, config, schedule, steps, start) for steps in STEPS]
        assert all(x.isfinite().all() and x.abs().max() < 50 for x, _ in runs), (sampler, schedule, config)
        tensors[f"{len(facts)}.latents"] = torch.stack([x.reshape(-1) for x, _ in runs])
        tensors[f"{len(facts)}.timesteps"] = torch.cat([times for _, times in runs])
        facts.append({"sampler": sampler, "schedule": schedule, "config": config, "steps": STEPS})
    scheduler = euler(facts[-1]["config"], "normal", 10)
    noise = keyed_normals(SEED, 0, SHAPE)
    noised = [scheduler.scale_noise(start, scheduler.timesteps[i : i + 1], noise).reshape(-1) for i in range(10)]
    tensors["noised"] = torch.stack(noised)
    save_file(tensors, HERE / "flow.safetensors", {"seed": str(SEED)})
    (HERE / "flow.json").write_text(json.dumps(facts) + "\n")
