"""The UNet and the text encoder, trained together on the latents.

    python unet.py RUN --until 23:30           state in RUN/unet.pt, checkpoint folder in RUN/export
    python unet.py RUN --from FOLDER ...       starts from an exported checkpoint instead of nothing

v-prediction on Stable Diffusion's noise schedule, one caption in ten empty (for guidance), an exponential moving average
of all weights, bfloat16 autocast.  The loss of v counts fully down to a signal-to-noise ratio of 0.3 and falls with its
root below: min-SNR (5), tried first, leaves the levels at which shapes are decided (0.03 to 0.5) almost without weight.
Matrices inside the networks are trained by Muon (orthogonalised momentum), everything else by AdamW.  The learning rate
is constant and falls only in the last minutes before the deadline, so resuming with a later deadline simply goes on.

Two helps that cost nothing later: small pictures (16 x 16 latents) come first and large ones (32 x 32) join with
`--large`; and a 1 x 1 convolution on the features of the last level but one has to name the thing in every latent pixel
(the generator knows it exactly).  That ties words, shapes and places together early, as aligning with a pre-trained
vision model does (REPA, Yu et al. 2025); it is not part of the checkpoint.

Where a picture shows a thing that its words do not name, or the plain colour around a cut-out, the loss does not count: in
MultiDiffusion those cells belong to another region's words, or to nobody.  So the network learns to go on with whatever
stands around without learning to put it there unasked, and a background's words may be shown with things in front of it.
"""
import argparse
import copy
import itertools
import os
import time

import torch
import torch.nn.functional as F
from diffusers import DDIMScheduler, LCMScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor, AttnProcessor2_0
from safetensors.torch import load_file

import data
from common import DEVICE, Running, Schedule, Team, compiled, deadline, half_precision, save_atomic
from text import WIDTH, load_tokenizer, make_text, tokenize
from things import CLASSES, THINGS

SIZE = (48, 96, 160)
UNASKED = {"plain", *(name for name, thing in THINGS.items() if thing.group in ("object", "air"))}       # counts only where words name it

NOISE = {"num_train_timesteps": 1000, "beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "clip_sample": False,
         "prediction_type": "v_prediction", "steps_offset": 1}


def make_scheduler():
    return DDIMScheduler(**NOISE, set_alpha_to_one=False)


def make_few_scheduler():
    """For the version that few_steps.py makes."""
    return LCMScheduler(**NOISE, set_alpha_to_one=True, original_inference_steps=50, timestep_scaling=10.0)


def make_unet(size=SIZE, width=WIDTH):
    return UNet2DConditionModel(
        sample_size=32, in_channels=4, out_channels=4, layers_per_block=1, block_out_channels=size, norm_num_groups=8, attention_head_dim=4, cross_attention_dim=width,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"))


def on_device(unet):
    """The UNet on the device, with the attention that is quickest there."""
    unet = unet.to(DEVICE, memory_format=torch.channels_last)
    # Plain products on a CPU: the fused kernel's backward costs 1.7x of all else there.
    unet.set_attn_processor(AttnProcessor() if DEVICE.type == "cpu" else AttnProcessor2_0())
    return unet


class Muon:
    """Momentum whose update is made orthogonal (Newton-Schulz, bfloat16), scaled to the size of an AdamW update.

    Convolutions count as matrices (out, in * 3 * 3).  One learning rate then serves Muon and AdamW alike.  The costly
    part is shared: every member of the team makes the updates of some matrices, and they are exchanged.  Matrices of one
    size are made orthogonal together: a GPU would otherwise spend its time on starting thousands of small products.
    """

    def __init__(self, params, team, momentum=0.95, decay=0.01):
        self.params, self.team, self.momentum, self.decay = list(params), team, momentum, decay
        self.buffers = [torch.zeros(p.shape[0], p[0].numel(), device=p.device) for p in self.params]
        cost = [min(m.shape) ** 2 * max(m.shape) + 40 * m.numel() for m in self.buffers]
        load, self.owner = [0] * team.size, [0] * len(cost)
        for i in sorted(range(len(cost)), key=lambda i: -cost[i]):
            self.owner[i] = load.index(min(load))
            load[self.owner[i]] += cost[i]
        own = [i for i in range(len(cost)) if self.owner[i] == team.rank]
        size = lambda i: tuple(self.buffers[i].shape)
        self.groups = [list(g) for _, g in itertools.groupby(sorted(own, key=size), size)]

    @staticmethod
    def orthogonal(g, steps=4):
        """Matrices n x a x b, each made orthogonal."""
        x = g.bfloat16()
        x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
        turn = x.shape[1] > x.shape[2]
        if turn:
            x = x.mT.contiguous()
        for _ in range(steps):
            a = x @ x.mT
            x = torch.baddbmm(x, torch.baddbmm(a, a, a, beta=-4.7750, alpha=2.0315), x, beta=3.4445)
        return x.mT if turn else x

    @torch.no_grad()
    def step(self, rate):
        updates = torch.zeros(sum(m.numel() for m in self.buffers), dtype=torch.bfloat16, device=self.buffers[0].device)
        views, at = [], 0
        for m in self.buffers:
            views.append(updates[at:at + m.numel()].view_as(m))
            at += m.numel()
        grads = [p.grad.reshape(m.shape) for p, m in zip(self.params, self.buffers)]
        own = [i for group in self.groups for i in group]
        torch._foreach_lerp_([self.buffers[i] for i in own], [grads[i] for i in own], 1 - self.momentum)
        for group in self.groups:
            g, m = torch.stack([grads[i] for i in group]), torch.stack([self.buffers[i] for i in group])
            for i, x in zip(group, self.orthogonal(torch.lerp(g, m, self.momentum))):
                views[i].copy_(x)
        if self.team.size > 1:
            torch.distributed.all_reduce(updates)
        torch._foreach_mul_(self.params, 1 - rate * self.decay)
        steps = [(view.float() * (rate * 0.2 * max(view.shape) ** 0.5)).view_as(p) for p, view in zip(self.params, views)]
        torch._foreach_sub_(self.params, steps)


def split(unet, text):
    """(matrices for Muon, all the rest for AdamW)."""
    hidden, rest = [], []
    for module in (unet, text):
        for name, p in module.named_parameters():
            outside = name.startswith(("conv_in", "conv_out", "time_embedding")) or "embeddings" in name
            (rest if p.ndim < 2 or outside else hidden).append(p)
    return hidden, rest


def whole_and_large(word):
    """Whether a picture shows one thing, whole, filling most of the frame: the easiest to learn a shape from."""
    if not word[3]:
        return False
    x, y, h, wide = word[3]
    return h * max(1.0, wide) > 0.68 and abs(x - 0.5) + h * wide / 2 < 0.54 and y < 1.04 and y - h > -0.04


class Data:
    """All encoded parts in memory, by the size of their pictures; parts that appear while training runs are taken in by
    `refresh`."""

    def __init__(self, run, tokenizer, scale, emphasis=()):
        self.run, self.tokenizer, self.scale, self.known = run, tokenizer, scale, set()
        self.emphasis = dict(emphasis)                     # kind of picture, thing, "large" -> how much more often it is taken
        self.sets = {}                                     # edge of a picture in pixels -> (latents, classes, tokens, named, weights)
        self.refresh()

    def refresh(self, most=None):
        """Takes in new parts, at most so many."""
        new = {}
        for part in itertools.islice(data.load(self.run, self.known), most):
            self.known.add(part.name)
            weights = torch.tensor([self.weight(w) for w in part.words])
            ids = tokenize(self.tokenizer, [w[0] for w in part.words]).short()
            named = torch.tensor([[c in names or c not in UNASKED for c in CLASSES] for names in ({name for name, _ in w[1]} for w in part.words)])
            new.setdefault(part.px, []).append([x.to(DEVICE) for x in (torch.from_numpy(part.latents), torch.from_numpy(part.classes), ids, named, weights)])
        for px, parts in new.items():
            self.sets[px] = [torch.cat(column) for column in zip(*([self.sets[px]] if px in self.sets else []), *parts)]

    def weight(self, word):
        """How often a picture is taken: by its kind, main thing, style and mood, and whether the thing is whole and large."""
        _, labels, kind, _, style, mood = word
        pick = self.emphasis.get
        weight = pick(kind, 1.0) * pick(labels[0][0], 1.0) * (pick("large", 1.0) if whole_and_large(word) else 1.0)
        return weight * (pick("styled", 1.0) if style else 1.0) * (pick("mood", 1.0) if mood else 1.0)

    def count(self):
        return {px: len(latents) for px, (latents, *_) in self.sets.items()}

    def batch(self, px, n, generator):
        """n pictures of this size: latents, class of the thing in every latent pixel, tokens, and in which latent pixels the words
        say what is seen."""
        latents, classes, ids, named, weights = self.sets[px]
        which = torch.multinomial(weights, n, replacement=True, generator=generator)
        shown = classes[which].long()
        told = named[which].gather(1, shown.flatten(1)).view_as(shown)
        return latents[which].float() * self.scale, shown, ids[which].long(), told


class Head(torch.nn.Conv2d):
    """Names the thing in every latent pixel from the UNet's features before its finest level."""

    def __init__(self, unet):
        block = unet.up_blocks[-2]
        super().__init__(block.resnets[-1].out_channels, len(CLASSES), 1)
        block.register_forward_hook(lambda module, inputs, output: setattr(self, "features", output))

    def loss(self, classes, told):
        """Cross-entropy where `told`."""
        return F.cross_entropy(self(self.features).float(), classes.masked_fill(~told, -100), ignore_index=-100)


def train(team, a):
    torch.manual_seed(1 + team.rank)
    generator = torch.Generator(DEVICE).manual_seed(int(time.time()) * 16 + team.rank)
    tokenizer = load_tokenizer(a.run)
    scale = torch.load(f"{a.run}/vae.pt", map_location="cpu", weights_only=False)["scaling_factor"]
    pictures = Data(a.run, tokenizer, scale, [(k, float(w)) for k, w in (e.split("=") for e in a.emphasis.split(",") if e)])
    empty = tokenize(tokenizer, [""]).to(DEVICE)
    unet, text = make_unet(tuple(map(int, a.size.split(",")))), make_text(tokenizer)
    text.load_state_dict(torch.load(f"{a.run}/text.pt", map_location="cpu"))
    head = Head(unet)
    state = {"step": 0, "pictures": 0, "minutes": 0.0, "log": []}
    file = f"{a.run}/{a.name}.pt"
    if os.path.exists(file):
        state = torch.load(file, map_location="cpu", weights_only=False)
        unet.load_state_dict(state["unet"])
        text.load_state_dict(state["text"])
        head.load_state_dict(state["head"])
    else:
        if a.start_from:
            # The text encoder's first weights are RUN/text.pt in any case; `text.py --from` made them from the same folder.
            unet.load_state_dict({k: v.float() for k, v in load_file(f"{a.start_from}/unet/diffusion_pytorch_model.safetensors").items()})
        if team.size > 1:                                  # all members start from the chief's weights
            for p in [*unet.parameters(), *text.parameters(), *head.parameters()]:
                torch.distributed.broadcast(p.data, 0)
    unet, text, head = on_device(unet), text.to(DEVICE), head.to(DEVICE)
    if team.chief:
        print(f"UNet {sum(p.numel() for p in unet.parameters()) / 1e6:.2f} M, text {sum(p.numel() for p in text.parameters()) / 1e6:.2f} M, "
              f"pictures by size {pictures.count()}, from step {state['step']}", flush=True)
    params = [*unet.parameters(), *text.parameters(), *head.parameters()]
    hidden, rest = split(unet, text) if a.muon else ([], params[:-2])
    rest += head.parameters()
    muon, adam = Muon(hidden, team), torch.optim.AdamW(rest, a.rate, betas=(0.9, 0.99), weight_decay=0.01)
    if "adam" in state:
        adam.load_state_dict(state["adam"])
        muon.buffers = [m.to(DEVICE) for m in state["muon"]]         # a member's own momenta; the other's start anew
    mean_unet, mean_text = copy.deepcopy(unet), copy.deepcopy(text)
    if "mean_unet" in state:
        mean_unet.load_state_dict(state["mean_unet"])
        mean_text.load_state_dict(state["mean_text"])
    mean = [*mean_unet.parameters(), *mean_text.parameters()]
    alphas = make_scheduler().alphas_cumprod.to(DEVICE)
    schedule = Schedule(a.rate, deadline(a.minutes, a.until), a.decay, 30 if state["step"] else 150)
    step, seen, before, start = state["step"], state["pictures"], state["minutes"], time.time()
    first, saved, exported, run_loss, log = seen, time.time(), time.time(), Running(0.99), state["log"]
    run_named, refreshed, net = Running(0.99), time.time(), compiled(unet)

    def save():
        save_atomic({"unet": unet.state_dict(), "text": text.state_dict(), "mean_unet": mean_unet.state_dict(), "mean_text": mean_text.state_dict(),
                     "head": head.state_dict(), "adam": adam.state_dict(), "muon": muon.buffers, "step": step, "pictures": seen, "log": log, "size": a.size,
                     "minutes": before + (time.time() - start) / 60}, file)

    while True:
        large = a.large and int((step + 1) * a.large) > int(step * a.large)      # the same for all members
        z, classes, ids, told = pictures.batch(*((256, max(1, a.batch // 4)) if large else (128, a.batch)), generator)
        n = len(z)
        t = ((torch.arange(n, device=DEVICE) + torch.rand(n, device=DEVICE)) / n * 1000).long()      # spread evenly over the noise levels
        noise = torch.randn_like(z)
        wordless = torch.rand(n, 1, device=DEVICE) < 0.1
        ids, told = torch.where(wordless, empty, ids), told | wordless[..., None] & (classes != CLASSES.index("plain"))
        alpha, sigma = alphas[t].sqrt().view(-1, 1, 1, 1), (1 - alphas[t]).sqrt().view(-1, 1, 1, 1)
        snr = alphas[t] / (1 - alphas[t])
        with half_precision():
            words = text(ids).last_hidden_state
            noisy = (alpha * z + sigma * noise).contiguous(memory_format=torch.channels_last)
            v = net(noisy, t, words, return_dict=False)[0]
            named = head.loss(classes, told)
        loss = (((v.float() - (alpha * noise - sigma * z)) ** 2).mean(1) * told).mean((1, 2))
        loss = (loss * (snr / 0.3).sqrt().clamp(max=1)).mean()
        for p in params:
            p.grad = None
        (loss + a.naming * named).backward()
        rate, mean_loss, mean_named, over = team.average(params, schedule.rate(), loss.item(), named.item(), float(schedule.over() or (a.steps and step + 1 >= a.steps)))
        if over:
            break
        torch.nn.utils.clip_grad_norm_(params, 1.0)
        for g in adam.param_groups:
            g["lr"] = rate
        adam.step()
        muon.step(a.muon * rate)
        step += 1
        seen += n * team.size
        if team.chief:
            keep = min(a.ema, (1 + step) / (10 + step))
            with torch.no_grad():
                torch._foreach_lerp_(mean, params[:len(mean)], 1 - keep)
        run_loss.add(mean_loss)
        run_named.add(mean_named)
        if step % 50 == 0 and team.chief:
            minutes = before + (time.time() - start) / 60
            log.append((round(minutes, 2), step, round(float(run_loss), 4)))
            print(f"{minutes:.2f} min  step {step}  {seen} pictures  loss {float(run_loss):.4f}  naming {float(run_named):.3f}  rate {rate:.1e}  {(seen - first) / (time.time() - start):.1f} pictures/s", flush=True)
        if time.time() - saved > 240:
            saved = time.time()
            if team.chief and not a.probe:
                save()
        if time.time() - refreshed > 15:
            pictures.refresh(most=12)
            refreshed = time.time()
        if team.chief and not a.probe and time.time() - exported > 60 * a.export_every:
            exported = time.time()
            save()
            export(a.run)
    if team.chief and not a.probe:
        save()
        export(a.run)
        print(f"done: {step} steps, {seen} pictures", flush=True)


def export(run):
    from export import write
    try:
        write(run)
    except Exception as error:                             # an export must never stop the training
        print(f"export failed: {error!r}", flush=True)


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    ap.add_argument("run")
    ap.add_argument("--name", default="unet", help="of the state file")
    ap.add_argument("--from", dest="start_from", metavar="FOLDER", help="first weights: an exported checkpoint")
    ap.add_argument("--large", type=float, default=0.0, help="share of the steps on pictures of 256 pixels, a quarter as many a batch")
    ap.add_argument("--naming", type=float, default=0.04, help="weight of naming the thing in every latent pixel")
    ap.add_argument("--minutes", type=float, default=60)
    ap.add_argument("--until", help="HH:MM instead of minutes")
    ap.add_argument("--decay", type=float, default=25, help="minutes of falling learning rate at the end")
    ap.add_argument("--rate", type=float, default=1.5e-3)
    ap.add_argument("--batch", type=int, default=24, help="of each worker")
    ap.add_argument("--ema", type=float, default=0.999)
    ap.add_argument("--size", default=",".join(map(str, SIZE)))
    ap.add_argument("--workers", type=int, default=Team.usual())
    ap.add_argument("--muon", type=float, default=2, help="its learning rate as a multiple of --rate; 0: AdamW alone")
    ap.add_argument("--steps", type=int, default=0, help="stop after so many steps (for trials)")
    ap.add_argument("--emphasis", default="", help="what is taken more or less often: kinds, things, large, styled, mood; as portrait=2,sun=3,large=4")
    ap.add_argument("--probe", action="store_true", help="a trial: nothing is written")
    ap.add_argument("--export-every", type=float, default=15, help="minutes")
    a = ap.parse_args()
    Team.run(train, a.workers, a.run, a)


if __name__ == "__main__":
    main()
