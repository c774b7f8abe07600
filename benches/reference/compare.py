"""Times the same work in Polyptych and in PyTorch, in turn, and prints medians and ratios.

    cargo build --release
    pip install torch diffusers
    python benches/reference/compare.py unet decode --rounds 5

Each round runs every candidate once, so that a change of the machine's speed meets all of them. Weights are random: both
sides make them on the spot, and time does not depend on values. PyTorch runs diffusers' own networks, channels last, in
float32 and bfloat16, with the number of threads that is fastest for it in a first round. A run is counted from latents on
the host to the result on the host.
"""

import argparse
import json
import os
import statistics
import subprocess
import time

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel

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


def ours(binary, work, shape, batch, device):
    command = [binary, "bench", work, "--shape", shape, "--batch", str(batch), "--device", device, "--runs", "1", "--json"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["median"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", nargs="+", choices=["unet", "decode"])
    parser.add_argument("--shape", default="sd15", choices=["sd15", "sdxl"])
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--types", nargs="+", default=list(TYPES), choices=list(TYPES))
    parser.add_argument("--devices", nargs="+", default=["cpu", "candle"], help="Polyptych's")
    parser.add_argument("--binary", default="target/release/polyptych")
    args = parser.parse_args()
    for work in args.work:
        peers = {f"PyTorch {name}": theirs(work, args.shape, args.batch, TYPES[name]) for name in args.types}
        threads = {name: best_threads(run) for name, run in peers.items()}
        seconds = {name: [] for name in [*args.devices, *peers]}
        for _ in range(args.rounds):
            for device in args.devices:
                seconds[device].append(ours(args.binary, work, args.shape, args.batch, device))
            for name, run in peers.items():
                torch.set_num_threads(threads[name])
                seconds[name].append(timed(run))
        medians = {name: statistics.median(runs) for name, runs in seconds.items()}
        best = min(medians[name] for name in peers)
        print(f"{work}, {args.shape}, {args.batch} at once, medians of {args.rounds}; PyTorch {torch.__version__}")
        for name, runs in seconds.items():
            spread = f"{min(runs):.2f} to {max(runs):.2f}"
            note = f"{threads[name]} threads" if name in threads else ""
            print(f"  {name:18} {medians[name]:8.2f} s ({spread})  {best / medians[name]:5.2f} x the better PyTorch  {note}")


if __name__ == "__main__":
    main()
