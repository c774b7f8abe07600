"""The few-step version: a consistency model distilled from the finished UNet (LCM, Luo et al. 2023, arXiv:2310.04378).

    python few_steps.py RUN --minutes 60       state in RUN/few.pt; export.py writes it as few_steps/ in the checkpoint folder

The student f(x, t) has to give the same clean latent at a noise level and, after one DDIM step of the guided teacher, at
the next of 50 levels.  Guidance is fixed (`--guidance`), so that the student is called without it: four steps are four
calls, where the teacher needs forty.  Boundary scalings and the levels are those of diffusers' LCMScheduler.  Text encoder
and autoencoder stay as they are.
"""
import argparse
import copy
import os
import time

import torch

from common import DEVICE, Running, Schedule, Team, compiled, deadline, half_precision, save_atomic
from text import load_tokenizer, make_text, tokenize
from unet import Data, make_scheduler, make_unet, on_device

LEVELS = 50


def boundary(t):
    """(c_skip, c_out) of LCMScheduler: sigma_data 0.5, timestep_scaling 10."""
    scaled = t.float() * 10
    return (0.25 / (scaled ** 2 + 0.25)).view(-1, 1, 1, 1), (scaled / (scaled ** 2 + 0.25).sqrt()).view(-1, 1, 1, 1)


def train(team, a):
    torch.manual_seed(101 + team.rank)
    generator = torch.Generator(DEVICE).manual_seed(int(time.time()) * 16 + team.rank)
    tokenizer = load_tokenizer(a.run)
    scale = torch.load(f"{a.run}/vae.pt", map_location="cpu", weights_only=False)["scaling_factor"]
    source = torch.load(f"{a.run}/unet.pt", map_location="cpu", weights_only=False)
    pictures = Data(a.run, tokenizer, scale, [(k, float(w)) for k, w in (e.split("=") for e in a.emphasis.split(",") if e)])
    teacher, text = make_unet(), make_text(tokenizer).eval().requires_grad_(False).to(DEVICE)
    teacher.load_state_dict(source["mean_unet"])
    text.load_state_dict(source["mean_text"])
    teacher = on_device(teacher.eval().requires_grad_(False))
    student, file = copy.deepcopy(teacher).train().requires_grad_(True), f"{a.run}/few.pt"
    state = {"step": 0, "minutes": 0.0, "log": []}
    if os.path.exists(file):
        state = torch.load(file, map_location="cpu", weights_only=False)
        student.load_state_dict(state["unet"])
    mean = copy.deepcopy(student).requires_grad_(False)
    if "mean_unet" in state:
        mean.load_state_dict(state["mean_unet"])
    params = list(student.parameters())
    adam = torch.optim.AdamW(params, a.rate, betas=(0.9, 0.99), weight_decay=0)
    if "adam" in state:
        adam.load_state_dict(state["adam"])
    alphas = make_scheduler().alphas_cumprod.to(DEVICE)
    levels = torch.arange(1, LEVELS + 1, device=DEVICE) * (len(alphas) // LEVELS) - 1
    empty = text(tokenize(tokenizer, [""]).to(DEVICE)).last_hidden_state
    guide, aim, net = compiled(teacher), compiled(mean), compiled(student)
    schedule = Schedule(a.rate, deadline(a.minutes, a.until), a.decay, 50)
    step, before, start, saved, run_loss = state["step"], state["minutes"], time.time(), time.time(), Running(0.99)

    def root(t):
        return alphas[t].sqrt().view(-1, 1, 1, 1), (1 - alphas[t]).sqrt().view(-1, 1, 1, 1)

    def clean(net, x, t, words):
        alpha, sigma = root(t)
        return alpha * x - sigma * net(x.contiguous(memory_format=torch.channels_last), t, words, return_dict=False)[0].float()

    def consistent(net, x, t, words):
        skip, out = boundary(t)
        return skip * x + out * clean(net, x, t, words)

    def save():
        save_atomic({"unet": student.state_dict(), "mean_unet": mean.state_dict(), "adam": adam.state_dict(), "step": step, "log": state["log"],
                     "guidance": a.guidance, "minutes": before + (time.time() - start) / 60}, file)

    while True:
        large = a.large and int((step + 1) * a.large) > int(step * a.large)
        z, _, ids, told = pictures.batch(*((256, max(1, a.batch // 4)) if large else (128, a.batch)), generator)
        n = len(z)
        i = torch.randint(1, LEVELS, (n,), device=DEVICE)
        t, s = levels[i], levels[i - 1]
        noise = torch.randn_like(z)
        alpha, sigma = root(t)
        x = alpha * z + sigma * noise
        with torch.no_grad(), half_precision():
            words = text(ids).last_hidden_state
            worded, free = clean(guide, torch.cat([x, x]), torch.cat([t, t]), torch.cat([words, empty.expand(n, -1, -1)])).chunk(2)
            guided = free + a.guidance * (worded - free)
            alpha_s, sigma_s = root(s)
            target = consistent(aim, alpha_s * guided + sigma_s * (x - alpha * guided) / sigma, s, words)
        with half_precision():
            found = consistent(net, x, t, words)
        loss = ((((found - target.float()) ** 2 + 1e-6).sqrt() - 1e-3).mean(1) * told).mean()      # pseudo-Huber, c = 0.001; see unet.py for `told`
        for p in params:
            p.grad = None
        loss.backward()
        rate, mean_loss, over = team.average(params, schedule.rate(), loss.item(), float(schedule.over() or (a.steps and step + 1 >= a.steps)))
        if over:
            break
        torch.nn.utils.clip_grad_norm_(params, 1.0)
        for g in adam.param_groups:
            g["lr"] = rate
        adam.step()
        with torch.no_grad():
            torch._foreach_lerp_(list(mean.parameters()), params, 1 - a.ema)
        step += 1
        run_loss.add(mean_loss)
        if step % 20 == 0 and team.chief:
            minutes = before + (time.time() - start) / 60
            state["log"].append((round(minutes, 2), step, round(float(run_loss), 4)))
            print(f"{minutes:.2f} min  step {step}  loss {float(run_loss):.4f}  rate {rate:.1e}", flush=True)
        if team.chief and not a.probe and time.time() - saved > 240:
            saved = time.time()
            save()
    if team.chief and not a.probe:
        save()


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    ap.add_argument("run")
    ap.add_argument("--minutes", type=float, default=60)
    ap.add_argument("--until", help="HH:MM instead of minutes")
    ap.add_argument("--decay", type=float, default=20, help="minutes of falling learning rate at the end")
    ap.add_argument("--rate", type=float, default=2e-4)
    ap.add_argument("--batch", type=int, default=24, help="of each worker")
    ap.add_argument("--ema", type=float, default=0.95, help="of the target network")
    ap.add_argument("--guidance", type=float, default=4.0)
    ap.add_argument("--large", type=float, default=0.6)
    ap.add_argument("--emphasis", default="large=1.5,plain=0.6,window=0.7")
    ap.add_argument("--steps", type=int, default=0, help="stop after so many steps (for trials)")
    ap.add_argument("--probe", action="store_true", help="a trial: nothing is written")
    ap.add_argument("--workers", type=int, default=Team.usual())
    a = ap.parse_args()
    Team.run(train, a.workers, a.run, a)


if __name__ == "__main__":
    main()
