"""Greedy completions of the scoring prompts by an exported checkpoint; writes id and text a line, and the MTP counts last."""
import argparse
import json

import torch

import checkpoint
import decode
import model as M


def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--model", required=True, help="checkpoint folder")
    args.add_argument("--prompts", required=True)
    args.add_argument("--out", required=True)
    args.add_argument("--limit", type=int, default=320, help="new tokens at most")
    args = args.parse_args()
    from tokenizers import Tokenizer
    device = "cuda" if torch.cuda.is_available() else "cpu"
    c = M.Config.read(f"{args.model}/config.json")
    tokenizer = Tokenizer.from_file(f"{args.model}/tokenizer.json")
    p = {k: v.to(device) for k, v in checkpoint.adopt(c, checkpoint.read_folder(args.model), M.shapes(c)).items()}
    items = [json.loads(line) for line in open(args.prompts, encoding="utf-8")]
    prompts = [tokenizer.encode(i["prompt"], add_special_tokens=False).ids for i in items]
    stops = {tokenizer.token_to_id("<|im_end|>"), tokenizer.token_to_id("<|endoftext|>")}
    done, accepted, drafts = decode.complete(c, p, prompts, [args.limit] * len(items), stops)
    with open(args.out, "w", encoding="utf-8") as f:
        for item, ids in zip(items, done):
            f.write(json.dumps({"id": item["id"], "text": tokenizer.decode(ids, skip_special_tokens=False)}, ensure_ascii=False) + "\n")
        f.write(json.dumps({"accepted": accepted, "drafts": drafts}) + "\n")
    print("longest prompt", max(map(len, prompts)), "tokens; drafts accepted", accepted, "of", drafts)


if __name__ == "__main__":
    main()
