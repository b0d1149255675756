#!/bin/sh
# Continues the training from a checkpoint for a given time, then scores what it exported. Stops by the clock; whatever is written is copied to KEEP
# every two minutes and at the end, so that nothing is lost when the machine goes away.
# Usage: run_session.sh FOLDER MINUTES KEEP [GPUS] [WORKERS-PER-GPU], for example: sh run_session.sh ../model 18 /tmp/keep 2 14
set -eu
from=$1 minutes=$2 keep=$3 gpus=${4:-2} workers=${5:-14}
run=$(mktemp -d)
mkdir -p "$keep"
cp ../model/tokenizer.json ../model/tokenizer_config.json ../model/chat_template.jinja "$run"

copy() { cp "$run"/* "$keep"/ 2>/dev/null || true; }
( while [ ! -e "$run/finished" ]; do sleep 120; copy; done ) &
copier=$!
trap 'copy; kill $copier 2>/dev/null || true' EXIT

# a crashed or stuck run must not eat the time for scoring: 5 minutes beyond the training time for compiling and saving
timeout "$((minutes * 60 + 300))" torchrun --standalone --nproc-per-node "$gpus" train.py --tokenizer "$run/tokenizer.json" --out "$run" \
  --resume "$from" --minutes "$minutes" --rate 0.5 --workers "$workers" --seed "$(date +%s)" --save-every 110 || echo "training ended early; scoring the last export"
copy
for set in listed composed known; do
  case $set in listed) flag= count=200 ;; composed) flag=--composed count=100 ;; known) flag=--known-phrasings count=100 ;; esac
  python3 make_eval.py --seed 7 --count $count $flag --out "$run/prompts-$set.jsonl"
  python3 complete.py --model "$run" --prompts "$run/prompts-$set.jsonl" --out "$run/completions-$set.jsonl"
  python3 score.py --prompts "$run/prompts-$set.jsonl" --completions "$run/completions-$set.jsonl" --show 8 > "$run/score-$set.txt"
  copy
  head -14 "$run/score-$set.txt"
done
