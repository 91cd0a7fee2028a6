#!/usr/bin/env bash
# npm run demo: builds an index over Fashion-MNIST, searches it on the best engine of this machine, writes a page that shows
# pictures with their neighbours, and compares the engines. Installs what it needs where it may, and says what it did.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/setup.sh

FULL=/usr/share/datasets/fashion-mnist
SAMPLE=tests/fixtures/fashion-mnist
VERIFIED=20
SHOWN=40
without=()

packages() {
  step '1. Packages'
  setup_packages libvulkan1 chromium dataset-fashion-mnist
  setup_node
  say "node $(node --version)"
}

gpu_stand_in() {
  step '2. GPU'
  if compgen -G '/dev/nvidia[0-9]*' >/dev/null || compgen -G '/dev/dri/render*' >/dev/null || [[ -e /dev/dxg ]]; then
    say 'this machine has a GPU device; its driver is used if it speaks Vulkan (isodex doctor tells)'
  else
    say 'this machine has no GPU: searches run on the CPU, and SwiftShader stands in for a GPU where engines are compared'
  fi
  ls /usr/lib/*/libvulkan.so.1 >/dev/null 2>&1 || without+=('the Vulkan loader (apt-get install libvulkan1): no GPU engine')
  ls /usr/lib/chromium*/vk_swiftshader_icd.json >/dev/null 2>&1 || without+=('SwiftShader (apt-get install chromium): no software GPU')
}

data() {
  step '3. Data'
  if [[ -r $FULL/train-images-idx3-ubyte.gz ]]; then
    DATA=$FULL
    say "Fashion-MNIST in $FULL: 60,000 pictures to search, 10,000 as queries"
  else
    DATA=$SAMPLE
    without+=('the whole of Fashion-MNIST (apt-get install dataset-fashion-mnist): the sample of 2,000 pictures in this repository instead')
    say "the sample in $SAMPLE: 2,000 pictures to search, 200 as queries"
  fi
}

build() {
  step '4. Build'
  if [[ ! -f dist/cli.js || -n $(find src shaders build vite.config.ts package.json -newer dist/cli.js -print -quit) ]]; then
    say 'npm run build'
    mkdir -p out
    npm run build >out/build.log 2>&1 || { cat out/build.log; exit 1; }
  else
    say 'dist is newer than the sources'
  fi
}

isodex() { node dist/cli.js "$@"; }

search() {
  step '5. Index and search'
  mkdir -p out
  say "isodex build $DATA/train-images-idx3-ubyte.gz --index Flat --metric l2 --out out/fashion-mnist.isodex"
  isodex build "$DATA/train-images-idx3-ubyte.gz" --index Flat --metric l2 --out out/fashion-mnist.isodex
  say "isodex search out/fashion-mnist.isodex $DATA/t10k-images-idx3-ubyte.gz --k 10 --format json --out out/fashion-mnist.json"
  isodex search out/fashion-mnist.isodex "$DATA/t10k-images-idx3-ubyte.gz" --k 10 --format json --out out/fashion-mnist.json
  node scripts/demo-sheet.ts "$DATA" out/fashion-mnist.json out/fashion-mnist.html "$SHOWN"
  say "look at it: file://$PWD/out/fashion-mnist.html"
}

compare() {
  step "6. The same answer on every engine ($VERIFIED queries)"
  say "isodex verify out/fashion-mnist.isodex $DATA/t10k-images-idx3-ubyte.gz --limit $VERIFIED"
  isodex verify out/fashion-mnist.isodex "$DATA/t10k-images-idx3-ubyte.gz" --limit "$VERIFIED"
}

packages
gpu_stand_in
data
build
search
compare
if ((${#without[@]})); then
  step 'Done without'
  for thing in "${without[@]}"; do say "$thing"; done
fi
step 'Done'
say "out/fashion-mnist.html"
