#!/usr/bin/env python3
"""What diffusers' schedulers make of the same noise: the truth for Polyptych's samplers and schedules.

    python make_sampler_goldens.py      samplers.json, samplers.safetensors, and NAME_samplers.safetensors of both checkpoints

A small formula stands for the network in samplers.safetensors, so that hundreds of runs are cheap; README.md has the
formula and names every tensor. Versions as for make_goldens.py, whose helpers this uses.
"""

import math

import numpy as np
import torch
import diffusers.schedulers.scheduling_euler_ancestral_discrete as euler_ancestral
import diffusers.schedulers.scheduling_lcm as lcm
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    HeunDiscreteScheduler,
    LCMScheduler,
    UniPCMultistepScheduler,
)

from make_goldens import BASE, HERE, NAMES, PICTURE, SAMPLE_SIZE, Checkpoint, rel, write_json, write_tensors

CLASSES = {
    "ddim": (DDIMScheduler, {}),
    "euler": (EulerDiscreteScheduler, {}),
    "euler-a": (EulerAncestralDiscreteScheduler, {}),
    "heun": (HeunDiscreteScheduler, {}),
    "dpmpp-2m": (DPMSolverMultistepScheduler, {"algorithm_type": "dpmsolver++"}),
    "dpmpp-2m-sde": (DPMSolverMultistepScheduler, {"algorithm_type": "sde-dpmsolver++"}),
    "unipc": (UniPCMultistepScheduler, {}),
    "lcm": (LCMScheduler, {}),
}
SCHEDULES = {
    "normal": {},
    "karras": {"use_karras_sigmas": True},
    "exponential": {"use_exponential_sigmas": True},
    "trailing": {"timestep_spacing": "trailing"},
    "sgm": {},
}

# ------------------------------------------------------------------------------------------------------- noise


def keyed(key):
    """SplitMix64's finaliser, chained over the key."""
    mask, golden = 2**64 - 1, 0x9E3779B97F4A7C15
    value = golden
    for part in key:
        value = ((value ^ part) + golden) & mask
        value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & mask
        value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & mask
        value ^= value >> 31
    return value


def keyed_normals(seed, evaluation, shape):
    """Box-Muller on the halves of one draw for each (channel, row, column)."""
    out = torch.empty(shape)
    _, channels, height, width = shape
    for c in range(channels):
        for y in range(height):
            for x in range(width):
                bits = keyed([seed, 3, evaluation, c, y, x])
                radius, angle = ((half + 0.5) / 2**32 for half in (bits >> 32, bits & (2**32 - 1)))
                out[0, c, y, x] = math.sqrt(-2 * math.log(radius)) * math.cos(2 * math.pi * angle)
    return out


# --------------------------------------------------------------------------------------------------- schedulers


def sgm_uniform(scheduler, steps):
    """The web UIs' SGM Uniform: linspace(last, 0, steps + 1) without its end, σ linear in its logarithm between
    training steps, and 0 at the end."""
    bar = scheduler.alphas_cumprod.double().numpy()
    logs = 0.5 * (np.log1p(-bar) - np.log(bar))
    times = np.linspace(len(bar) - 1, 0, steps + 1)[:-1]
    sigmas = [math.exp(np.interp(t, np.arange(len(bar)), logs)) for t in times] + [0.0]
    return torch.tensor(times).float(), torch.tensor(sigmas).float()


def prepare(sampler, config, schedule, steps):
    """The scheduler after set_timesteps, and what the first noise is multiplied with."""
    cls, extra = CLASSES[sampler]
    s = cls.from_config({**config, **SCHEDULES[schedule]}, **extra)
    s.set_timesteps(steps)
    scale = s.init_noise_sigma
    levels = None
    if schedule == "sgm":
        levels = sgm_uniform(s, steps)
        scale = levels[1][0] if sampler in ("euler", "euler-a", "heun") else 1.0
    elif sampler == "euler-a" and schedule in ("karras", "exponential"):
        # Its class knows neither; it takes EulerDiscrete's levels.
        e = EulerDiscreteScheduler.from_config({**config, **SCHEDULES[schedule]})
        e.set_timesteps(steps)
        levels, scale = (e.timesteps, e.sigmas), e.init_noise_sigma
    if levels:
        s.timesteps, s.sigmas = levels
        if sampler == "heun":
            t, g = levels
            s.timesteps = torch.cat([t[:1], t[1:].repeat_interleave(2)])
            s.sigmas = torch.cat([g[:1], g[1:-1].repeat_interleave(2), g[-1:]])
    if hasattr(s, "set_begin_index"):
        s.set_begin_index(0)
    return s, scale


def run(sampler, config, schedule, steps, start, seed, network):
    """The latent after all steps; network(scaled latent, timestep, prediction type) is the raw output."""
    if sampler == "ddim" and schedule in ("karras", "exponential", "sgm"):
        # DDIM's class knows none of them; there DDIM is Euler's method on latents scaled to unit variance.
        s, _ = prepare("euler", config, schedule, steps)
        scale = (s.sigmas[0] ** 2 + 1) ** 0.5
    else:
        s, scale = prepare(sampler, config, schedule, steps)
    x = start * scale
    evaluation = 0
    fresh = lambda *a, **k: keyed_normals(seed, evaluation, start.shape)
    lcm.randn_tensor = euler_ancestral.randn_tensor = fresh
    kind = config.get("prediction_type", "epsilon")
    for t in s.timesteps:
        output = network(s.scale_model_input(x, t), float(t), kind)
        more = {"variance_noise": fresh()} if sampler == "dpmpp-2m-sde" else {}
        x = s.step(output, t, x, **more).prev_sample
        evaluation += 1
    return x, s.timesteps


# -------------------------------------------------------------------------------------------------- toy network

SHAPE = (1, 4, 2, 4)
SEED = 11
STEPS = (1, 4, 10, 20)


def toy(x, t, kind):
    """A denoiser for data near a fixed picture, on a cosine schedule, with something that is not linear."""
    x = x.double().reshape(-1)
    j = torch.arange(len(x)).double()
    b = math.sin(math.pi / 2 * (t + 1) / 1001)
    a = math.cos(math.pi / 2 * (t + 1) / 1001)
    mean = 0.8 * torch.sin(1.7 * j + 0.3)
    clean = mean + a * 0.09 / (a * a * 0.09 + b * b) * (x - a * mean) + 0.1 * b * torch.sin(3 * x + j)
    epsilon = (x - a * clean) / b
    output = {"epsilon": epsilon, "v_prediction": a * epsilon - b * clean, "sample": clean}[kind]
    return output.reshape(SHAPE).float()


def cases():
    for sampler in CLASSES:
        for schedule in SCHEDULES:
            if sampler == "lcm" and schedule != "normal":
                continue
            for kind in ("epsilon", "v_prediction", "sample"):
                if sampler == "euler-a" and kind == "sample":
                    continue  # diffusers has it not
                yield sampler, schedule, {**BASE, "prediction_type": kind}, STEPS
        yield sampler, "normal", {}, (10,)
        yield sampler, "normal", {**BASE, "timestep_spacing": "leading"}, (7, 10)
        yield sampler, "normal", {**BASE, "timestep_spacing": "trailing"}, (7, 10)
        yield sampler, "normal", {**BASE, "use_karras_sigmas": True}, (10,)
        yield sampler, "normal", {**BASE, "clip_sample": True, "clip_sample_range": 0.7}, (10,)
        if sampler != "heun":
            zero = {**BASE, "prediction_type": "v_prediction", "rescale_betas_zero_snr": True}
            yield sampler, "trailing" if sampler != "lcm" else "normal", zero, (10,)
    cosine = {**BASE, "beta_schedule": "squaredcos_cap_v2"}
    for sampler in ("dpmpp-2m", "dpmpp-2m-sde", "unipc"):
        for schedule in ("normal", "karras"):
            yield sampler, schedule, cosine, (10,)
            yield sampler, schedule, {**BASE, "final_sigmas_type": "sigma_min"}, (10, 20)
        for more in (
            {"lower_order_final": False, "final_sigmas_type": "sigma_min"},
            {"euler_at_final": True},
            {"solver_type": "heun"},
            {"solver_type": "bh1", "final_sigmas_type": "sigma_min"},
            {"thresholding": True, "sample_max_value": 1.5},
        ):
            yield sampler, "normal", {**BASE, **more}, (10, 20)
    for sampler in ("ddim", "lcm"):
        yield sampler, "normal", {**BASE, "thresholding": True, "dynamic_thresholding_ratio": 0.8}, (10,)
    yield "ddim", "normal", {**BASE, "set_alpha_to_one": True}, (10,)
    yield "dpmpp-2m", "normal", {**cosine, "lambda_min_clipped": -4.0}, (10,)
    yield "euler", "normal", {**BASE, "final_sigmas_type": "sigma_min"}, (10,)
    yield "euler", "karras", {**BASE, "sigma_min": 0.1, "sigma_max": 10.0}, (10,)
    for order in (1, 3):
        yield "unipc", "normal", {**BASE, "solver_order": order}, (10, 20)
    more = {"lower_order_final": False, "solver_type": "bh1", "final_sigmas_type": "sigma_min"}
    yield "unipc", "normal", {**BASE, "solver_order": 3, **more}, (10,)
    yield "unipc", "normal", {**BASE, "disable_corrector": [0, 1]}, (10,)
    yield "lcm", "normal", {**BASE, "original_inference_steps": 20, "timestep_scaling": 3.0}, (4,)


def golden_samplers():
    torch.manual_seed(SEED)
    start = torch.randn(SHAPE)
    tensors, facts = {}, []
    for sampler, schedule, config, all_steps in cases():
        finals, times = [], []
        for steps in all_steps:
            final, visited = run(sampler, config, schedule, steps, start, SEED, toy)
            what = (sampler, schedule, config, steps)
            assert final.isfinite().all() and final.abs().max() < 50, (what, final.abs().max())
            finals.append(final.reshape(-1))
            times.append(visited.float())
        tensors[f"{len(facts)}.latents"] = torch.stack(finals)
        if config.get("prediction_type", "epsilon") == "epsilon":  # the others' are the same
            tensors[f"{len(facts)}.timesteps"] = torch.cat(times)
        facts.append({"sampler": sampler, "schedule": schedule, "config": config, "steps": all_steps})
    tensors["noise"] = torch.cat([keyed_normals(SEED, e, SHAPE) for e in range(3)])
    write_tensors(HERE / "samplers.safetensors", tensors, {"seed": SEED})
    write_json(HERE / "samplers.json", facts, indent=None)


# -------------------------------------------------------------------------------------------------- checkpoints


def golden_checkpoint(name):
    """As NAME_picture.safetensors, with every sampler."""
    c = Checkpoint(name)
    p = PICTURE
    context = c.embed([p["negative"], p["prompt"]])
    torch.manual_seed(p["seed"])
    start = torch.randn(1, 4, SAMPLE_SIZE, SAMPLE_SIZE)

    def network(x, t, kind):
        u, k = c.unet(torch.cat([x, x]), torch.tensor(t), encoder_hidden_states=context).sample.chunk(2)
        return u + p["guidance"] * (k - u)

    out = {}
    for sampler in CLASSES:
        for schedule in ("normal", "karras"):
            if sampler == "lcm" and schedule != "normal":
                continue
            final, _ = run(sampler, c.scheduler_config, schedule, p["steps"], start, p["seed"], network)
            other, _ = run(sampler, c.scheduler_config, schedule, p["steps"], start * 1.001, p["seed"], network)
            print(f"    {sampler} {schedule}: std {final.std():.2f}, 1e-3 grows to {rel(other, final):.1e}")
            out[f"{sampler}.{schedule}"] = final
    write_tensors(HERE / f"{name}_samplers.safetensors", out, p)


if __name__ == "__main__":
    print("samplers")
    golden_samplers()
    for name in NAMES:
        print(" ", name)
        golden_checkpoint(name)
