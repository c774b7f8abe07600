"""Pictures from an exported checkpoint: sheets of single prompts, and small MultiDiffusion paintings with regions.

    python sample.py CHECKPOINT --words SHEET.png          one window for every known thing
    python sample.py CHECKPOINT --layouts SHEET.png        region layouts: guide, regions alone, bootstrapped 0.4
    python sample.py CHECKPOINT --few ...                  the same by its few-step version: four steps, no guidance

The region sampler is short on purpose: it is a check of the checkpoint, not the program.  Every window predicts once for
every region that touches it, predictions are averaged by latent masks, then the whole latent takes one DDIM step.
"""
import argparse
import time

import numpy as np
import torch
from diffusers import AutoencoderKL, DDIMScheduler, LCMScheduler, UNet2DConditionModel
from PIL import Image, ImageDraw
from transformers import CLIPTextModel, CLIPTokenizer

from common import DEVICE, half_precision, sheet, to_uint8

WORDS = ["a red house", "a grey castle", "a red lighthouse", "a white windmill", "a green tree", "a pine", "a palm", "a red boat",
         "a red mushroom", "a cactus", "a red balloon", "the sun", "a moon", "a rainbow", "snowy mountains", "a black cat",
         "a brown horse", "a white sheep", "an owl", "a blue train", "a swan", "a red pagoda", "an orange tent", "a sunflower",
         "a red tulip", "a snowman", "a whale", "a volcano", "a waterfall", "a red barn", "a meadow", "the sea", "a night sky",
         "a sunset sky", "a wheat field", "a red house on a meadow", "a white boat on the sea at sunset",
         "a castle on snow under a night sky", "a watercolour of a red house", "a horse, pixel art"]

# name, (width, height), background words, [(words, shape, box in pixels)]; later regions lie above earlier ones
LAYOUTS = [
    ("bay", (256, 192), "the sea", [("a sunset sky", "box", (0, 0, 256, 88)), ("a red boat", "oval", (8, 56, 128, 176)), ("a red lighthouse", "box", (152, 24, 248, 176))]),
    ("meadow", (256, 192), "a meadow", [("a blue sky", "box", (0, 0, 256, 96)), ("a red house", "box", (0, 64, 128, 184)), ("a green tree", "oval", (128, 48, 256, 188))]),
    ("night", (256, 192), "snow", [("a night sky", "box", (0, 0, 256, 112)), ("a pink castle", "box", (0, 56, 128, 184)), ("a pine", "box", (144, 48, 248, 184))]),
    ("desert", (256, 192), "a desert", [("a sunset sky", "box", (0, 0, 256, 104)), ("a cactus", "box", (8, 48, 120, 184)), ("a red mushroom", "oval", (136, 72, 248, 184))]),
]


class Painter:
    """`few`: the version for few steps, whose guidance is built in."""

    def __init__(self, folder, few=False):
        own = f"{folder}/few_steps" if few else folder
        self.unet = UNet2DConditionModel.from_pretrained(f"{own}/unet", torch_dtype=torch.float32).eval().to(DEVICE, memory_format=torch.channels_last)
        self.text = CLIPTextModel.from_pretrained(f"{folder}/text_encoder", torch_dtype=torch.float32).eval().to(DEVICE)
        self.vae = AutoencoderKL.from_pretrained(f"{folder}/vae", torch_dtype=torch.float32).eval().to(DEVICE)
        self.tokenizer = CLIPTokenizer.from_pretrained(f"{folder}/tokenizer")
        self.scheduler = (LCMScheduler if few else DDIMScheduler).from_pretrained(f"{own}/scheduler")
        self.few = few
        self.window = self.unet.config.sample_size

    @torch.inference_mode()
    def embed(self, words):
        ids = self.tokenizer(list(words), padding="max_length", max_length=self.tokenizer.model_max_length, truncation=True, return_tensors="pt").input_ids
        return self.text(ids.to(DEVICE)).last_hidden_state

    @torch.inference_mode()
    def predict(self, x, t, words, guidance, batch=16):
        """Predictions (guided, but for the few-step version) for latents x (n, 4, h, w) and embeddings words (n, tokens, width)."""
        empty, out, batch = self.embed([""]), [], batch if DEVICE.type == "cpu" else 1024
        for q, e in zip(x.split(batch), words.split(batch)):
            with half_precision():
                if self.few:
                    out.append(self.unet(q, t, e).sample.float())
                    continue
                v = self.unet(torch.cat([q, q]), t, torch.cat([empty.expand(len(q), -1, -1), e])).sample.float()
            free, told = v.chunk(2)
            out.append(free + guidance * (told - free))
        return torch.cat(out)

    @torch.inference_mode()
    def decode(self, z):
        with half_precision():
            return to_uint8(torch.cat([self.vae.decode(q / self.vae.config.scaling_factor).sample for q in z.split(8)]))

    def step(self, v, t, x, generator):
        """The next latent; the few-step sampler adds fresh noise from `generator` (on the CPU: the same on every device)."""
        if not self.few:
            return self.scheduler.step(v, t, x).prev_sample
        return self.scheduler.step(v.cpu(), t, x.cpu(), generator=generator).prev_sample.to(DEVICE)

    @torch.inference_mode()
    def single(self, prompts, steps=20, guidance=6.0, seed=1):
        """One window for every prompt, the same noise for all seeds of a row."""
        x = torch.randn(len(prompts), 4, self.window, self.window, generator=torch.Generator().manual_seed(seed)).to(DEVICE)
        words, g = self.embed(prompts), torch.Generator().manual_seed(seed)
        self.scheduler.set_timesteps(steps)
        for t in self.scheduler.timesteps:
            x = self.step(self.predict(x, t, words, guidance), t, x, g)
        return self.decode(x)

    @torch.inference_mode()
    def regions(self, size, prompts, masks, steps=20, guidance=6.0, boot=0.4, stride=8, seed=0):
        """prompts[i] belongs to masks[i] (h, w) of ones and zeros that add up to one; the first is the background."""
        w, h = size[0] // 8, size[1] // 8
        g = torch.Generator().manual_seed(seed)
        x, n, masks = torch.randn(1, 4, h, w, generator=g).to(DEVICE), self.window, masks.to(DEVICE)
        words, alphas = self.embed(prompts), self.scheduler.alphas_cumprod
        self.scheduler.set_timesteps(steps)
        starts = lambda length: sorted({*range(0, max(1, length - n + 1), stride), max(0, length - n)})
        windows = [(slice(None), slice(None), slice(y, y + n), slice(left, left + n)) for y in starts(h) for left in starts(w)]
        colours = torch.rand(32, 3, 1, 1, generator=g).expand(-1, -1, 8 * n, 8 * n) * 2 - 1
        solid = self.vae.encode(colours.contiguous().to(DEVICE)).latent_dist.mean * self.vae.config.scaling_factor
        for i, t in enumerate(self.scheduler.timesteps):
            inputs, whose, where = [], [], []
            for s in windows:
                for k in range(len(prompts)):
                    m = masks[k][None, None][s]
                    if m.max() == 0:
                        continue
                    q = x[s]
                    if k > 0 and i < boot * steps:
                        c = solid[int(torch.randint(32, (1,), generator=g))][None, :, :q.shape[2], :q.shape[3]]
                        noise = torch.randn(q.shape, generator=g).to(DEVICE)
                        q = q * m + (alphas[t].sqrt() * c + (1 - alphas[t]).sqrt() * noise) * (1 - m)
                    inputs.append(q)
                    whose.append(k)
                    where.append((s, m))
            v = self.predict(torch.cat(inputs), t, words[whose], guidance)
            total, weight = torch.zeros_like(x), torch.zeros(1, 1, h, w, device=DEVICE)
            for j, (s, m) in enumerate(where):
                total[s] += v[j:j + 1] * m
                weight[s] += m
            x = self.step(total / weight.clamp(min=1e-6), t, x, g)
        return self.decode(x)[0]


def painted(layout):
    """(guide picture, latent masks) of a layout; the first mask is the background's."""
    _, (w, h), background, regions = layout
    guide = Image.new("RGB", (w, h), (70, 70, 74))
    draw, masks = ImageDraw.Draw(guide), [np.ones((h // 8, w // 8), np.float32)]
    draw.text((3, h - 12), background, fill="white")
    tints = [(214, 94, 0), (0, 114, 178), (0, 158, 115), (204, 121, 167), (230, 159, 0)]
    for i, (words, shape, box) in enumerate(regions):
        m = Image.new("L", (w, h), 0)
        (ImageDraw.Draw(m).rectangle if shape == "box" else ImageDraw.Draw(m).ellipse)(box, fill=255)
        (draw.rectangle if shape == "box" else draw.ellipse)(box, fill=tints[i % 5])
        draw.text((box[0] + 14, (box[1] + box[3]) // 2), words, fill="white")
        latent = (np.asarray(m.resize((w // 8, h // 8), Image.BOX)) > 127).astype(np.float32)
        for other in masks:
            other *= 1 - latent
        masks.append(latent)
    return np.asarray(guide), torch.from_numpy(np.stack(masks))


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    ap.add_argument("checkpoint")
    ap.add_argument("--words", metavar="SHEET")
    ap.add_argument("--layouts", metavar="SHEET")
    ap.add_argument("--few", action="store_true", help="the version for few steps")
    ap.add_argument("--steps", type=int, help="default 20, few 4")
    ap.add_argument("--guidance", type=float, default=6.0)
    ap.add_argument("--stride", type=int, default=8)
    ap.add_argument("--seeds", type=int, default=1)
    ap.add_argument("--boot", default="0,0.4")
    ap.add_argument("--threads", type=int, default=1)
    a = ap.parse_args()
    torch.set_num_threads(a.threads)
    p, steps = Painter(a.checkpoint, a.few), a.steps or (4 if a.few else 20)
    if a.words:
        pictures = [x for s in range(a.seeds) for x in p.single(WORDS, steps, a.guidance, 1 + s)]
        sheet([x.reshape(len(x) // 2, 2, -1, 2, 3).mean((1, 3)).astype(np.uint8) for x in pictures], 10, a.words, WORDS * a.seeds)
    if a.layouts:
        pictures, labels = [], []
        for layout in LAYOUTS:
            guide, masks = painted(layout)
            prompts = [layout[2]] + [r[0] for r in layout[3]]
            row = [guide]
            for boot in map(float, a.boot.split(",")):
                for seed in range(a.seeds):
                    start = time.time()
                    row.append(p.regions(layout[1], prompts, masks, steps, a.guidance, boot, a.stride, seed))
                    print(f"{layout[0]} bootstrap {boot} seed {seed}: {time.time() - start:.1f} s", flush=True)
            pictures += row
            labels += [layout[0]] + [f"bootstrap {b}" for b in a.boot.split(",") for _ in range(a.seeds)]
        sheet(pictures, 1 + a.seeds * len(a.boot.split(",")), a.layouts, labels)


if __name__ == "__main__":
    main()
