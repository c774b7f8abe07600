"""Words: a byte-pair tokenizer in CLIP's file format and a small CLIPTextModel.

The byte pairs are learnt from our captions, so every word of ours is one token, any other word falls into letters, and
every reader of CLIP's vocab.json + merges.txt reads ours.  Words of things still to come are in RESERVED, so that the
vocabulary - and with it the trained weights - survives their arrival.

    python text.py RUN          tokenizer in RUN/tokenizer, first weights in RUN/text.pt

Before the UNet starts, the text encoder learns by itself (a few minutes) to tell which things in which colours a caption
names.  That is cheap, and it saves the UNet the slow work of finding out that "cottage" and "house" are one.
"""
import argparse
import glob
import json
import os
import time

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizerFast

from common import Running, save_atomic
from things import THINGS

TOKENS = 40              # start + 38 + end: our longest caption is far below
WIDTH, LAYERS, HEADS = 96, 2, 4
RESERVED = """river waterfall lake pond wheat rock rocks stone cliff island beach volcano cave canyon oak birch willow bush reeds
tower bridge road path city village church temple barn tent hut well fence gate ruin fountain statue lantern kite bird
birds gull owl duck swan fish whale cat dog horse cow sheep deer fox rabbit bear butterfly train car bus bicycle plane
rocket ship raft canoe anchor star stars comet planet lightning rain fog mist misty foggy stormy windy calm dreamy dark
bright pastel warm cold autumn spring summer winter golden silver black turquoise beige small large tall tiny huge old
new three two many pencil watercolour paper pixel flat style drawing painting picture illustration of an in the with
sunflower tulip rose poppy lavender pumpkin apple snowman igloo iceberg hill mountain peak valley garden vineyard""".split()


def build_tokenizer(captions, folder):
    pieces = Regex(r"""'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+""")
    bpe = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    bpe.normalizer = normalizers.Lowercase()
    bpe.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(pieces, "removed", invert=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    trainer = trainers.BpeTrainer(vocab_size=6000, min_frequency=2, end_of_word_suffix="</w>", initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    bpe.train_from_iterator(captions + RESERVED * 3, trainer)
    merges = [tuple(m.split(" ")) if isinstance(m, str) else tuple(m) for m in json.loads(bpe.to_str())["model"]["merges"]]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = letters + [x + "</w>" for x in letters]
    known = set(tokens)
    for a, b in merges:
        if a + b not in known:
            known.add(a + b)
            tokens.append(a + b)
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/vocab.json", "w") as f:
        json.dump({t: i for i, t in enumerate(tokens)}, f, ensure_ascii=False)
    with open(f"{folder}/merges.txt", "w") as f:
        f.write("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    with open(f"{folder}/special_tokens_map.json", "w") as f:
        json.dump({"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>", "pad_token": "<|endoftext|>"}, f, indent=1)
    with open(f"{folder}/tokenizer_config.json", "w") as f:
        json.dump({"tokenizer_class": "CLIPTokenizer", "model_max_length": TOKENS, "bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>",
                   "unk_token": "<|endoftext|>", "pad_token": "<|endoftext|>", "add_prefix_space": False, "do_lower_case": True}, f, indent=1)


def load_tokenizer(run):
    f = f"{run}/tokenizer"
    return CLIPTokenizerFast(vocab=f"{f}/vocab.json", merges=f"{f}/merges.txt", model_max_length=TOKENS, unk_token="<|endoftext|>",
                             bos_token="<|startoftext|>", eos_token="<|endoftext|>", pad_token="<|endoftext|>")


def tokenize(tokenizer, captions):
    return tokenizer(list(captions), padding="max_length", max_length=TOKENS, truncation=True, return_tensors="pt").input_ids


def make_text(tokenizer):
    end = tokenizer.eos_token_id
    return CLIPTextModel(CLIPTextConfig(
        vocab_size=len(tokenizer), hidden_size=WIDTH, intermediate_size=4 * WIDTH, num_hidden_layers=LAYERS, num_attention_heads=HEADS, projection_dim=WIDTH,
        max_position_embeddings=TOKENS, hidden_act="quick_gelu", bos_token_id=tokenizer.bos_token_id, eos_token_id=end, pad_token_id=end))


def take_words(folder, text, tokenizer):
    """Takes over the weights of the text encoder in an exported checkpoint: a token that both know keeps its vector, a new
    one gets the mean of its pieces in the old vocabulary."""
    old, state = CLIPTokenizerFast.from_pretrained(f"{folder}/tokenizer"), load_file(f"{folder}/text_encoder/model.safetensors")
    own = text.state_dict()
    names = {k.removeprefix("text_model."): v.float() for k, v in state.items()}
    with torch.no_grad():
        for k, v in own.items():
            w = names[k.removeprefix("text_model.")] if v.is_floating_point() else v
            if "token_embedding" not in k:
                v.copy_(w)
                continue
            known = old.get_vocab()
            for token, i in tokenizer.get_vocab().items():
                pieces = [known[token]] if token in known else old(token.replace("</w>", ""), add_special_tokens=False).input_ids
                v[i] = w[pieces].mean(0) if pieces else 0
    text.load_state_dict(own)


def goals():
    """Everything a caption can name: each thing, and each thing in each of its colours."""
    names = [(t.name, "") for t in THINGS.values()] + [(t.name, c) for t in THINGS.values() for c in t.colours]
    return {g: i for i, g in enumerate(names)}


def learn(run, minutes, folder=None):
    torch.manual_seed(0)
    torch.set_num_threads(1)
    words = [w for f in sorted(glob.glob(f"{run}/captions-*/*.json")) for w in json.load(open(f))]
    if not os.path.exists(f"{run}/tokenizer/vocab.json"):
        build_tokenizer([w[0] for w in words], f"{run}/tokenizer")
    tokenizer = load_tokenizer(run)
    ids = tokenize(tokenizer, [w[0] for w in words])
    index = goals()
    y = torch.zeros(len(words), len(index))
    for i, (caption, labels, *_) in enumerate(words):
        for name, colour in labels:
            y[i, index[name, ""]] = 1
            if colour and colour in caption:
                y[i, index[name, colour]] = 1
    longest = int((ids != tokenizer.eos_token_id).sum(1).max()) + 1
    print(f"{len(tokenizer)} tokens, longest of {len(words)} captions {longest}", flush=True)
    text = make_text(tokenizer)
    if folder:
        take_words(folder, text, tokenizer)
    head = torch.nn.Linear(2 * WIDTH, len(index))
    params = [*text.parameters(), *head.parameters()]
    opt = torch.optim.AdamW(params, 2e-3, weight_decay=0.01)
    start, step, mean = time.time(), 0, Running()
    length = longest + 2                                   # padding is never looked at here: shorter is faster
    while (past := (time.time() - start) / (60 * minutes)) < 1:
        for g in opt.param_groups:
            g["lr"] = 2e-3 * min(1, (step + 1) / 100) * (1 - past) + 1e-5
        i = torch.randint(len(words), (128,))
        k = ids[i, :length]
        h = text(k).last_hidden_state
        mask = (k != tokenizer.eos_token_id).float()[..., None]
        end = h[torch.arange(len(k)), mask[..., 0].sum(1).long()]
        loss = F.binary_cross_entropy_with_logits(head(torch.cat([end, (h * mask).sum(1) / mask.sum(1)], 1)), y[i], reduction="sum") / len(i)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        step += 1
        mean.add(loss.item())
        if step % 200 == 0:
            print(f"{past * minutes:.1f} min  step {step}  loss {float(mean):.3f}", flush=True)
    save_atomic(text.state_dict(), f"{run}/text.pt")


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    ap.add_argument("run")
    ap.add_argument("--minutes", type=float, default=3)
    ap.add_argument("--from", dest="folder", help="first weights: an exported checkpoint")
    a = ap.parse_args()
    learn(a.run, a.minutes, a.folder)


if __name__ == "__main__":
    main()
