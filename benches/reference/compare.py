"""Times the same work in Polyptych and in PyTorch, in turn, and prints medians and ratios.

    cargo build --release
    pip install torch diffusers
    python benches/reference/compare.py unet decode --rounds 5
    python benches/reference/compare.py job panorama --rounds 3 --steps 2

Each round runs every candidate once, so that a change of the machine's speed meets all of them. Weights are random: both
sides make them on the spot, and time does not depend on values. PyTorch runs diffusers' own networks, channels last, in
float32 and bfloat16, with the number of threads that is fastest for it in a first round. A run is counted from latents on
the host to the result on the host.

`job` is a picture of one window with three regions and a background, of which 0.4 of the steps bootstrap; `panorama` is one prompt on
512 x 2048 pixels with a window every 8 latent pixels (SDXL: four windows' width). PyTorch runs the loop that the authors of MultiDiffusion have released: every window's
copies with their negative prompts in one batch, each copy stepped, and the stepped copies averaged. Both are counted without reading
words and decoding, which `decode` measures.
"""

import argparse
import json
import os
import statistics
import subprocess
import time

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel

torch.set_grad_enabled(False)

SD15 = dict(cross_attention_dim=768, attention_head_dim=8, sample_size=64)
SDXL = dict(
    block_out_channels=(320, 640, 1280),
    down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    transformer_layers_per_block=(1, 2, 10),
    attention_head_dim=(5, 10, 20),
    cross_attention_dim=2048,
    use_linear_projection=True,
    addition_embed_type="text_time",
    addition_time_embed_dim=256,
    projection_class_embeddings_input_dim=2816,
    sample_size=128,
)
VAE = dict(
    block_out_channels=(128, 256, 512, 512),
    down_block_types=("DownEncoderBlock2D",) * 4,
    up_block_types=("UpDecoderBlock2D",) * 4,
    layers_per_block=2,
    latent_channels=4,
)
LOOPS = ["job", "panorama"]
TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def random_network(make, dtype):
    """A network of random weights, made in its own type: two copies of SDXL's would not fit many machines."""
    torch.set_default_dtype(dtype)
    try:
        return make().eval().to(memory_format=torch.channels_last)
    finally:
        torch.set_default_dtype(torch.float32)


def theirs(work, shape, batch, dtype):
    """A call that runs the work once."""
    config = SDXL if shape == "sdxl" else SD15
    side = config["sample_size"]
    x = torch.randn(batch, 4, side, side)
    if work == "decode":
        vae = random_network(lambda: AutoencoderKL(**VAE), dtype)
        return lambda: vae.decode(x.to(dtype).to(memory_format=torch.channels_last)).sample.float()
    unet = random_network(lambda: UNet2DConditionModel(**config), dtype)
    words = torch.randn(batch, 77, config["cross_attention_dim"], dtype=dtype)
    added = None
    if shape == "sdxl":
        added = {"text_embeds": torch.randn(batch, 1280, dtype=dtype), "time_ids": torch.ones(batch, 6, dtype=dtype)}
    step = torch.tensor(500.0)

    def run():
        latents = x.to(dtype).to(memory_format=torch.channels_last)
        return unet(latents, step, encoder_hidden_states=words, added_cond_kwargs=added).sample.float()

    return run


def rectangles(side):
    """The regions of `polyptych bench job` on the latent, the lowest first."""
    third, half = side // 3, side // 2
    masks = torch.zeros(3, 1, side, side)
    masks[0, :, half:, :third] = 1
    masks[1, :, :, side - third :] = 1
    masks[2, :, : half // 2, third // 2 :] = 1
    return masks


def their_loop(work, shape, steps, dtype):
    """The released loop over a whole picture, and a single call of its UNet."""
    config = SDXL if shape == "sdxl" else SD15
    unet, side = random_network(lambda: UNet2DConditionModel(**config), dtype), config["sample_size"]
    regions = rectangles(side) if work == "job" else torch.zeros(0, 1, side, side)
    masks = torch.cat([(1 - regions.sum(0, keepdim=True)).clamp(min=0), regions])
    count, width = len(masks), side if work == "job" else 4 * side
    vae = random_network(lambda: AutoencoderKL(**VAE), dtype) if len(regions) else None
    scheduler = DDIMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False, set_alpha_to_one=False, steps_offset=1)
    scheduler.set_timesteps(steps)
    bootstrapping = round(0.4 * steps) if len(regions) else 0
    words = torch.randn(2 * count, 77, config["cross_attention_dim"], dtype=dtype)

    def predict(x, step, words):
        added = None
        if shape == "sdxl":
            added = {"text_embeds": torch.zeros(len(x), 1280, dtype=dtype), "time_ids": torch.ones(len(x), 6, dtype=dtype)}
        x = x.to(dtype).to(memory_format=torch.channels_last)
        return unet(x, step, encoder_hidden_states=words, added_cond_kwargs=added).sample.float()

    def run():
        solids = [vae.encode((2 * torch.rand(1, 3, 1, 1) - 1).expand(-1, -1, 8 * side, 8 * side).to(dtype)).latent_dist.mean.float() for _ in range(bootstrapping)]
        latent = torch.randn(1, 4, side, width)
        noise = latent.clone()
        for i, step in enumerate(scheduler.timesteps):
            value, weight = torch.zeros_like(latent), torch.zeros_like(latent)
            for left in range(0, width - side + 1, 8):
                view = latent[..., left : left + side].repeat(count, 1, 1, 1)
                if i < bootstrapping:
                    around = torch.cat([solids[k] for k in torch.randint(bootstrapping, (count - 1,))])
                    around = scheduler.add_noise(around, noise[..., left : left + side].expand_as(around), step)
                    view[1:] = view[1:] * masks[1:] + around * (1 - masks[1:])
                negative, positive = predict(torch.cat([view, view]), step, words).chunk(2)
                guided = negative + 7.5 * (positive - negative)
                stepped = scheduler.step(guided, step, view).prev_sample
                value[..., left : left + side] += (stepped * masks).sum(0, keepdim=True)
                weight[..., left : left + side] += masks.sum(0, keepdim=True)
            latent = torch.where(weight > 0, value / weight, value)
        return latent

    return run, lambda: predict(torch.randn(1, 4, side, side), scheduler.timesteps[0], words[:1])


def timed(run):
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun


def best_threads(run):
    """The number of threads that a run is fastest with."""
    cores = len(os.sched_getaffinity(0))
    seconds = {}
    for threads in sorted({1, max(1, cores // 2), cores}):
        torch.set_num_threads(threads)
        run()
        seconds[threads] = timed(run)
    return min(seconds, key=seconds.get)


def ours(args, work, device):
    command = [args.binary, "bench", work, "--shape", args.shape, "--device", device, "--runs", "1", "--json"]
    if work in LOOPS:
        side = 8 * (SDXL if args.shape == "sdxl" else SD15)["sample_size"]
        what = ["--size", f"{side}x{side}"] if work == "job" else ["--size", f"{4 * side}x{side}", "--regions", "0"]
        command[2:3] = ["job", *what, "--steps", str(args.steps)]
    else:
        command += ["--batch", str(args.batch)]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return told["seconds"]["denoise"] if work in LOOPS else told["median"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", nargs="+", choices=["unet", "decode", *LOOPS])
    parser.add_argument("--shape", default="sd15", choices=["sd15", "sdxl"])
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--steps", type=int, default=2, help="of a job or panorama")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--types", nargs="+", default=list(TYPES), choices=list(TYPES))
    parser.add_argument("--devices", nargs="+", default=["cpu", "candle"], help="Polyptych's")
    parser.add_argument("--binary", default="target/release/polyptych")
    args = parser.parse_args()
    for work in args.work:
        peers, threads = {}, {}
        for name in args.types:
            if work in LOOPS:
                run, call = their_loop(work, args.shape, args.steps, TYPES[name])
            else:
                run = call = theirs(work, args.shape, args.batch, TYPES[name])
            peers[f"PyTorch {name}"], threads[f"PyTorch {name}"] = run, best_threads(call)
        seconds = {name: [] for name in [*args.devices, *peers]}
        for _ in range(args.rounds):
            for device in args.devices:
                seconds[device].append(ours(args, work, device))
            for name, run in peers.items():
                torch.set_num_threads(threads[name])
                seconds[name].append(timed(run))
        medians = {name: statistics.median(runs) for name, runs in seconds.items()}
        best = min(medians[name] for name in peers)
        what = f"{args.steps} steps" if work in LOOPS else f"{args.batch} at once"
        print(f"{work}, {args.shape}, {what}, medians of {args.rounds}; PyTorch {torch.__version__}")
        for name, runs in seconds.items():
            spread = f"{min(runs):.2f} to {max(runs):.2f}"
            note = f"{threads[name]} threads" if name in threads else ""
            print(f"  {name:18} {medians[name]:8.2f} s ({spread})  {best / medians[name]:5.2f} x the better PyTorch  {note}")


if __name__ == "__main__":
    main()
