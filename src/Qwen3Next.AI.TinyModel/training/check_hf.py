"""Loads the exported checkpoint in Hugging Face transformers (matrices dequantised) and compares logits with our own forward."""
import argparse
import json
import os
import shutil
import tempfile

import torch

import checkpoint
import decode
import fp8
import model as M


def plain_copy(folder, target):
    """A copy without FP8: HF then needs no FP8 kernels, and the numbers are the same."""
    tensors = checkpoint.read_folder(folder)
    scales = {n: t for n, t in tensors.items() if n.endswith("_scale_inv")}
    plain = {n: fp8.dequantize(t.float(), scales[n + "_scale_inv"].float()) if n + "_scale_inv" in scales else t.float() for n, t in tensors.items() if n not in scales}
    checkpoint.write_folder(target, plain)
    config = json.load(open(os.path.join(folder, "config.json")))
    config.pop("quantization_config", None)
    json.dump(config, open(os.path.join(target, "config.json"), "w"))
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "generation_config.json"):
        shutil.copy(os.path.join(folder, name), target)


def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--model", required=True)
    args.add_argument("--prompts", required=True)
    args = args.parse_args()
    from transformers import AutoModelForCausalLM, AutoTokenizer
    items = [json.loads(line) for line in open(args.prompts, encoding="utf-8")][::211]
    with tempfile.TemporaryDirectory() as folder:
        plain_copy(args.model, folder)
        theirs = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval().to("cuda")
        tokenizer = AutoTokenizer.from_pretrained(folder)
    c = M.Config.read(f"{args.model}/config.json")
    p = {k: v.cuda() for k, v in checkpoint.adopt(c, checkpoint.read_folder(args.model), M.shapes(c)).items()}
    for item in items:
        rendered = tokenizer.apply_chat_template(item["messages"], tools=item["tools"], tokenize=False, add_generation_prompt=True, prompt_format=item["format"])
        ids = tokenizer(item["prompt"], add_special_tokens=False, return_tensors="pt").input_ids.cuda()
        own = decode.Decoder(c, p, 1, ids.shape[1])
        with torch.no_grad():
            wanted = theirs(ids).logits[0].float()
            got = torch.cat([own.step(ids[:, t], t)[0] for t in range(ids.shape[1])])
        print(item["id"], "tokens", ids.shape[1], "largest difference", (wanted - got).abs().max().item(), "same choice", (wanted.argmax(-1) == got.argmax(-1)).float().mean().item(),
              "template", rendered == item["prompt"])


if __name__ == "__main__":
    main()
