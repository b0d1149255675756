#!/usr/bin/env bash
# Builds the emulated CUDA device into a folder: one library that stands in for libcuda and libnvrtc, and the prelude it compiles kernels with.
# usage: build.sh FOLDER      Without g++ it does nothing: tests that need a device are then skipped.
set -euo pipefail
source=$(cd "$(dirname "$0")" && pwd)
target=$1
library=$target/libqwen3next-cuda-emulator.so
command -v g++ >/dev/null || { echo "no g++: the CUDA emulator is not built"; exit 0; }
mkdir -p "$target"
newest=$(ls -t "$source"/*.cpp "$source"/*.h "$source"/*.txt "$source/build.sh" | head -n 1)
if [[ -e $library && $library -nt $newest ]]; then exit 0; fi
cp "$source"/runtime.h "$source"/prelude*.h "$source/compile_options.txt" "$target"
# shellcheck disable=SC2046
g++ $(cat "$source/compile_options.txt") -x c++-header "$target/prelude.h" -o "$target/prelude.h.gch"
g++ -O3 -march=native -std=gnu++17 -fPIC -shared -fvisibility=hidden -Wall -Wextra -fno-strict-aliasing "$source"/*.cpp -o "$library.new" -ldl -lrt
mv "$library.new" "$library"
