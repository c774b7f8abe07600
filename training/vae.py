"""The autoencoder: a small AutoencoderKL (factor 8, 4 latent channels) trained from nothing on crops of our pictures.

    python vae.py RUN --minutes 30          (RUN/pictures-PX/*.npy: uint8 n x PX x PX x 3; state in RUN/vae.pt)

Loss: L1 + L1 of the picture's gradients (edges) + L1 at 1/2 and 1/4 size + a tiny KL.  No adversary and no perceptual
network: that would be somebody else's weights.  One step in four sees latents at half their size and has to give the
picture at half its size: latents that scale like pictures are easier for the UNet (EQ-VAE, Kouzelis et al. 2025).  `--decoder-only` freezes the encoder, so that latents already made (and
a UNet already trained on them) stay valid while pictures get sharper.
"""
import argparse
import glob
import math
import os
import time

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from safetensors.torch import load_file

from common import DEVICE, Running, Schedule, Team, compiled, deadline, half_precision, save_atomic, sheet, to_tensor, to_uint8


def make_vae():
    """About 0.86 million parameters.  Two groups per norm: with 2 channels a group a solid colour would become +-1."""
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(16, 32, 48, 64), layers_per_block=1, latent_channels=4, norm_num_groups=2, sample_size=128)


@torch.no_grad()
def head_start(vae, k=8):
    """Write an 8x average-pool / repeat autoencoder into the initial weights, random features beside it.

    The first k channels of every level carry (+r, -r, +g, -g, +b, -b, +1, -1).  Because silu(x) - silu(-x) = x, the last
    norm + SiLU + convolution of encoder and decoder pass such pairs almost linearly; the constant pair keeps the
    brightness through the norm.  Residual branches start near zero.  So the first step already shows a blurred picture
    (L1 25 of 255) where the default start needs thousands of steps; it also makes the latents small colour pictures,
    which a UNet learns easily.
    """
    eye = torch.eye(k)

    def carry(conv, taps):
        """The first k outputs are the first k inputs, through the taps (y, x, weight)."""
        conv.weight[:k] = 0
        conv.bias[:k] = 0
        for y, x, w in taps:
            conv.weight[:k, :k, y, x] = eye * w

    def spread(conv, n):
        """Inputs 0..n-1 become signed pairs, channels 6 and 7 the constant pair."""
        c = conv.kernel_size[0] // 2
        conv.weight[:k] = 0
        conv.bias[:k] = torch.tensor([0.0, 0, 0, 0, 0, 0, 1, -1])
        for i in range(n):
            conv.weight[2 * i, i, c, c], conv.weight[2 * i + 1, i, c, c] = 1.0, -1.0

    def gather(conv, n, gain):
        """Signed pairs become outputs 0..n-1."""
        c = conv.kernel_size[0] // 2
        conv.weight[:n].mul_(0.02)
        conv.bias[:n] = 0
        for i in range(n):
            conv.weight[i, 2 * i, c, c], conv.weight[i, 2 * i + 1, c, c] = gain, -gain

    for m in vae.modules():
        kind = type(m).__name__
        if kind == "ResnetBlock2D":
            m.conv2.weight.mul_(0.02)
            m.conv2.weight[:k] = 0
            m.conv2.bias.zero_()
            if m.conv_shortcut is not None:
                carry(m.conv_shortcut, [(0, 0, 1.0)])
        elif kind == "Attention":
            m.to_out[0].weight.zero_()
            m.to_out[0].bias.zero_()
        elif kind == "Downsample2D":
            carry(m.conv, [(y, x, 0.25) for y in (0, 1) for x in (0, 1)])
        elif kind == "Upsample2D":
            carry(m.conv, [(1, 1, 1.0)])
    e, d = vae.encoder, vae.decoder
    spread(e.conv_in, 3)
    gather(e.conv_out, 4, 0.6)
    e.conv_out.weight[4:].mul_(0.05)
    e.conv_out.bias[4:] = -6.0                            # posterior deviation exp(-3) = 0.05
    spread(d.conv_in, 3)
    d.conv_in.weight[:k, 3] = 0
    gather(d.conv_out, 3, 0.75)
    for conv, n in ((vae.quant_conv, 8), (vae.post_quant_conv, 4)):
        conv.weight[:, :, 0, 0] = torch.eye(n)
        conv.bias.zero_()


def loss_of(vae, x, noise, more, halved=False):
    """(loss, L1) of pictures x; `more`: deviation of the noise beyond the posterior's; `halved`: latents and pictures at half
    their size."""
    with half_precision():
        mean, logvar = vae.quant_conv(vae.encoder(x)).float().chunk(2, 1)
        logvar = logvar.clamp(-30, 20)
        z = mean + ((0.5 * logvar).exp() + more) * noise
        if halved:
            z, x = F.avg_pool2d(z, 2), F.avg_pool2d(x, 2)
        y = vae.decoder(vae.post_quant_conv(z))
    d = y.float() - x
    l1 = d.abs().mean()
    edges = (d[..., 1:] - d[..., :-1]).abs().mean() + (d[:, :, 1:] - d[:, :, :-1]).abs().mean()
    coarse = sum(F.avg_pool2d(d, k).abs().mean() for k in (2, 4))
    kl = 0.5 * (mean ** 2 + logvar.exp() - 1 - logvar).mean()
    return l1 + 0.5 * edges + 0.5 * coarse + 4e-5 * kl, l1


def taken_over(weights, factor):
    """The state of an autoencoder with these weights and this scaling factor that has not been trained on yet."""
    return {"model": weights, "ema": weights, "step": 0, "crops": 0, "minutes": 0.0, "log": [], "scaling_factor": factor}


def load_vae(run):
    """The trained autoencoder with its measured scaling factor, ready for use (evaluation mode, float32)."""
    state = torch.load(f"{run}/vae.pt", map_location="cpu", weights_only=False)
    vae = make_vae()
    vae.load_state_dict(state["ema"])
    vae.to(DEVICE).register_to_config(scaling_factor=state.get("scaling_factor", 1.0))
    return vae.eval().requires_grad_(False).to(memory_format=torch.channels_last)


@torch.inference_mode()
def check(vae, pictures, path):
    """PSNR over the pictures and a sheet: originals above, reconstructions below."""
    vae.eval()
    x = to_tensor(pictures)
    with half_precision():
        y = torch.cat([vae.decode(vae.encode(p).latent_dist.mean).sample.float() for p in x.split(16)]).clamp(-1, 1)
    rebuilt = to_uint8(y)
    rows = [p for i in range(0, 32, 8) for p in (*pictures[i:i + 8], *rebuilt[i:i + 8])]
    sheet(rows, 8, path)
    vae.train()
    return 10 * math.log10(4 / F.mse_loss(y, x).item())


def train(team, a):
    torch.manual_seed(team.rank)
    files = sorted(glob.glob(a.pictures or f"{a.run}/pictures-*/[0-9]*.npy"))
    sets = [np.load(f, mmap_mode="r" if DEVICE.type == "cpu" else None) for f in files]
    held, sizes = sets[-1][-64:], np.array([len(s) for s in sets])
    sizes[-1] -= 64                                        # the last 64 pictures are never trained on
    state_file = f"{a.run}/vae.pt"
    vae = make_vae()
    if team.chief:
        print(f"{sum(p.numel() for p in vae.parameters()) / 1e6:.3f} M parameters, {sizes.sum()} pictures", flush=True)
    head_start(vae)
    if a.start_from:
        vae.load_state_dict({k: v.float() for k, v in load_file(f"{a.start_from}/vae/diffusion_pytorch_model.safetensors").items()})
    state = {"step": 0, "crops": 0, "minutes": 0.0, "log": []}
    if os.path.exists(state_file):
        state = torch.load(state_file, map_location="cpu", weights_only=False)
        vae.load_state_dict(state["model"])
        if team.chief:
            print(f"goes on from step {state['step']}", flush=True)
    elif team.size > 1:                                    # all members start from the chief's weights
        for p in vae.parameters():
            torch.distributed.broadcast(p.data, 0)
    vae = vae.to(DEVICE, memory_format=torch.channels_last)
    if a.decoder_only:
        vae.encoder.requires_grad_(False)
        vae.quant_conv.requires_grad_(False)
    params = [p for p in vae.parameters() if p.requires_grad]
    opt = torch.optim.AdamW(params, a.rate, betas=(0.9, 0.99), weight_decay=1e-4)
    if "opt" in state and len(state["opt"]["state"]) == len(params):
        opt.load_state_dict(state["opt"])
    ema = {k: v.clone().to(DEVICE) for k, v in state.get("ema", vae.state_dict()).items()}
    schedule = Schedule(a.rate, deadline(a.minutes, a.until), a.decay, 50)
    rng = np.random.default_rng((state["step"], team.rank))
    step, crops, before, start = state["step"], state["crops"], state["minutes"], time.time()
    run_l1, first, saved, c, losses = Running(0.98), crops, time.time(), a.crop, compiled(loss_of)

    def save():
        save_atomic({"model": vae.state_dict(), "ema": ema, "opt": opt.state_dict(), "step": step, "crops": crops, "log": state["log"],
                     "minutes": before + (time.time() - start) / 60, "scaling_factor": state.get("scaling_factor", 1.0)}, state_file)

    while True:
        batch = np.empty((a.batch, c, c, 3), np.uint8)
        for j, s in enumerate(rng.choice(len(sets), a.batch, p=sizes / sizes.sum())):
            y, x = rng.integers(0, sets[s].shape[1] + 1 - c, 2)
            crop = sets[s][rng.integers(sizes[s]), y:y + c, x:x + c]
            batch[j] = crop[:, ::-1] if rng.random() < 0.5 else crop
        noise, more = torch.randn(a.batch, 4, c // 8, c // 8, device=DEVICE), a.disturb * torch.rand(a.batch, 1, 1, 1, device=DEVICE)
        loss, l1 = losses(vae, to_tensor(batch), noise, more, a.halved > 0 and step % a.halved == a.halved - 1)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        rate, mean_l1, over = team.average(params, schedule.rate(), l1.item(), float(schedule.over()))
        if over:
            break
        for g in opt.param_groups:
            g["lr"] = rate
        torch.nn.utils.clip_grad_norm_(params, 1.0)
        opt.step()
        step += 1
        crops += a.batch * team.size
        keep = min(0.998, (1 + step) / (20 + step))
        with torch.no_grad():
            now = vae.state_dict()
            torch._foreach_lerp_(list(ema.values()), [now[k] for k in ema], 1 - keep)
        run_l1.add(mean_l1 * 127.5)
        if step % 50 == 0 and team.chief:
            minutes = before + (time.time() - start) / 60
            state["log"].append((round(minutes, 2), step, round(float(run_l1), 3)))
            print(f"{minutes:.2f} min  step {step}  L1 {float(run_l1):.2f}/255  rate {rate:.1e}  {(crops - first) / (time.time() - start):.1f} crops/s", flush=True)
        if time.time() - saved > 180 and team.chief:
            saved = time.time()
            save()
    if not team.chief:
        return
    save()
    vae.load_state_dict(ema)
    print(f"PSNR {check(vae, held, f'{a.run}/vae_sheet.png'):.2f} dB on 64 pictures never trained on", flush=True)


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    ap.add_argument("run")
    ap.add_argument("--pictures", help="pattern of .npy files with pictures (default RUN/pictures-*/*.npy)")
    ap.add_argument("--from", dest="start_from", metavar="FOLDER", help="first weights: an exported checkpoint")
    ap.add_argument("--minutes", type=float, default=30)
    ap.add_argument("--until", help="HH:MM instead of minutes")
    ap.add_argument("--decay", type=float, default=10, help="minutes of falling learning rate at the end")
    ap.add_argument("--rate", type=float, default=1.5e-3)
    ap.add_argument("--batch", type=int, default=8)
    ap.add_argument("--crop", type=int, default=64)
    ap.add_argument("--workers", type=int, default=Team.usual(), help="processes that train together")
    ap.add_argument("--halved", type=int, default=4, help="one step in so many with latents at half their size; 0: none")
    ap.add_argument("--disturb", type=float, default=0.0, help="noise in the latents of up to this deviation: the decoder learns to overlook what a UNet gets wrong")
    ap.add_argument("--decoder-only", action="store_true")
    a = ap.parse_args()
    Team.run(train, a.workers, a.run, a)


if __name__ == "__main__":
    main()
