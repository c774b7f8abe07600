#!/usr/bin/env python3
"""Make what diffusers' AutoencoderTiny (TAESD) decodes with random weights.

    python make_preview_goldens.py

No weights are kept: values are hashes of the tensors' names as TAESD's own decoder file has them, whose first layer is the clamp that
diffusers' numbers leave out. README.md names every tensor.
"""

import torch
from diffusers import AutoencoderTiny
from make_goldens import HERE, generator, write_json, write_tensors
from make_single_file_goldens import values

BEGIN = "decoder.layers."


def original(name):
    number, rest = name.removeprefix(BEGIN).split(".", 1)
    return f"{int(number) + 1}.{rest}"


def main():
    model = AutoencoderTiny().eval()
    names = {k: original(k) for k in model.state_dict() if k.startswith(BEGIN)}
    shapes = {names[k]: list(v.shape) for k, v in model.state_dict().items() if k in names}
    # Each block adds to what it was given, so its last convolution is made small.
    state = {k: values(o, shapes[o]) * (0.25 if o.endswith("conv.4.weight") else 1) for k, o in names.items()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and not any(k.startswith("decoder.") for k in missing)
    g, out = generator(1212), {}
    for case, height, width in [("square", 8, 8), ("wide", 5, 9)]:
        # Some beyond the clamp's reach.
        latents = 4 * torch.randn(1, 4, height, width, generator=g)
        out |= {f"{case}.latents": latents, f"{case}.decoded": model.decode(latents).sample}
        plain = model.decode(3 * torch.tanh(latents / 3)).sample
        print(f"  {case}: std {out[f'{case}.decoded'].std():.3f}, the clamp {(plain - out[f'{case}.decoded']).std():.3f}")
    write_json(HERE / "preview.json", shapes, indent=None)
    write_tensors(HERE / "preview.safetensors", out)


if __name__ == "__main__":
    main()
