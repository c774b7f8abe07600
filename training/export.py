"""Writes the averaged weights as a checkpoint folder in the diffusers layout, float16, and proves that it loads.

    python export.py RUN [--to FOLDER] [--check]

The folder is written beside its place and renamed, so a reader never sees half of one.
"""
import argparse
import json
import os
import shutil

import torch
from safetensors.torch import save_file

import looks
import scenes
from common import write_json
from text import load_tokenizer, make_text
from things import THINGS
from unet import make_few_scheduler, make_scheduler, make_unet
from vae import load_vae

INDEX = {
    "_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.30.0", "feature_extractor": [None, None], "image_encoder": [None, None],
    "requires_safety_checker": False, "safety_checker": [None, None], "scheduler": ["diffusers", "DDIMScheduler"], "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"], "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"]}
GROUPS = {"sky": "skies", "air": "in the air", "far": "far away", "ground": "grounds", "object": "things"}


def half(state):
    return {k: v.detach().cpu().half().contiguous() for k, v in state.items() if v.is_floating_point()}


def write_weights(file, state):
    save_file(half(state), file, metadata={"format": "pt"})
    os.chmod(file, 0o644)


def write_model(folder, name, config, state):
    os.makedirs(folder)
    write_json(config, f"{folder}/config.json")
    write_weights(f"{folder}/{name}", state)


def plain_config(model):
    return {k: v for k, v in json.loads(model.to_json_string()).items() if k not in ("_name_or_path",)}


def known_words():
    """The words it was trained on, for completion and for an honest note about all others."""
    things = [{"name": t.name, "group": GROUPS[t.group], "synonyms": t.words[1:], "colours": list(t.colours)} for t in THINGS.values()]
    hours = [h for phrases in scenes.HOURS.values() for h in phrases]
    moods = [w for _, before, behind, _ in looks.MOODS.values() for w in (*before, *behind)]
    styles = [w for _, _, behind in looks.STYLES.values() for w in behind] + looks.FLAT[1]
    return {"things": things, "colours": sorted({c for t in THINGS.values() for c in t.colours}),
            "moods": list(dict.fromkeys(hours + moods)), "styles": list(dict.fromkeys(styles))}


def write(run, to=None, name="unet"):
    to = to or f"{run}/export"
    new, old = to + ".new", to + ".old"
    shutil.rmtree(new, ignore_errors=True)
    os.makedirs(new)
    state = torch.load(f"{run}/{name}.pt", map_location="cpu", weights_only=False)
    vae, tokenizer = load_vae(run), load_tokenizer(run)
    unet, text = make_unet(tuple(map(int, state["size"].split(",")))), make_text(tokenizer)
    words = {k if k.startswith("text_model.") else f"text_model.{k}": v for k, v in state["mean_text"].items()}
    text_config = json.loads(text.config.to_json_string())
    text_config.update(architectures=["CLIPTextModel"], model_type="clip_text_model")
    write_model(f"{new}/unet", "diffusion_pytorch_model.safetensors", plain_config(unet), state["mean_unet"])
    write_model(f"{new}/vae", "diffusion_pytorch_model.safetensors", plain_config(vae), vae.state_dict())
    write_model(f"{new}/text_encoder", "model.safetensors", text_config, words)
    make_scheduler().save_pretrained(f"{new}/scheduler")
    if os.path.exists(f"{run}/few.pt"):
        few = torch.load(f"{run}/few.pt", map_location="cpu", weights_only=False)
        write_model(f"{new}/few_steps/unet", "diffusion_pytorch_model.safetensors", plain_config(unet), few["mean_unet"])
        make_few_scheduler().save_pretrained(f"{new}/few_steps/scheduler")
    shutil.copytree(f"{run}/tokenizer", f"{new}/tokenizer")
    write_json(INDEX, f"{new}/model_index.json")
    write_json(known_words(), f"{new}/known_words.json")
    card = os.path.join(os.path.dirname(os.path.abspath(__file__)), "model_card.md")
    if os.path.exists(card):
        with open(card) as f, open(f"{new}/MODEL_CARD.md", "w") as g:
            g.write(f.read() + curves(run, state))
    shutil.rmtree(old, ignore_errors=True)
    if os.path.exists(to):
        os.rename(to, old)
    os.rename(new, to)
    shutil.rmtree(old, ignore_errors=True)
    print(f"exported step {state['step']} ({state['pictures']} pictures) to {to}", flush=True)


def curves(run, state):
    """The measured course of both trainings, as the last section of the model card."""
    v = torch.load(f"{run}/vae.pt", map_location="cpu", weights_only=False)

    def thin(log, n=14):
        return [log[round(i * (len(log) - 1) / (n - 1))] for i in range(n)] if len(log) > n else log
    encoder = f"autoencoder step {v['step']}, {v['crops']:,} crops, {v['minutes']:.0f} minutes" if v["log"] else "autoencoder as it was"
    lines = ["", "## Curves", "", f"This export: UNet step {state['step']}, {state['pictures']:,} pictures, {state['minutes']:.0f} minutes; "
             f"{encoder} (wall clock, cores shared with other work).", "", "| UNet minute | step | loss (running) |", "|---|---|---|"]
    lines += [f"| {m:.0f} | {s} | {x:.4f} |" for m, s, x in thin(state["log"])]
    if v["log"]:
        lines += ["", "| autoencoder minute | step | L1 of 255 (running) |", "|---|---|---|"]
        lines += [f"| {m:.0f} | {s} | {x:.2f} |" for m, s, x in thin(v["log"])]
    return "\n".join(lines) + "\n"


def check(folder):
    """Loads the folder with diffusers' own pipeline and draws a picture in two steps."""
    from diffusers import StableDiffusionPipeline
    pipe = StableDiffusionPipeline.from_pretrained(folder, torch_dtype=torch.float32)
    pipe.set_progress_bar_config(disable=True)
    pipe("a red house", num_inference_steps=2, height=128, width=128)
    size = sum(os.path.getsize(os.path.join(d, f)) for d, _, files in os.walk(folder) for f in files)
    print(f"StableDiffusionPipeline loads it; {size / 2**20:.1f} MiB")


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    ap.add_argument("run")
    ap.add_argument("--to")
    ap.add_argument("--check", action="store_true")
    a = ap.parse_args()
    torch.set_num_threads(1)
    write(a.run, a.to)
    if a.check:
        check(a.to or f"{a.run}/export")


if __name__ == "__main__":
    main()
