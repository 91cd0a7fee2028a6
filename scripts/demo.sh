#!/usr/bin/env bash
# npm run demo: builds indexes over Fashion-MNIST, an exact one and a graph, searches them on the best engine of this machine,
# writes a page that shows pictures with their neighbours, tells what the graph finds and how fast, and compares the engines.
# Installs what it needs where it may, and says what it did.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/setup.sh

FULL=/usr/share/datasets/fashion-mnist
SAMPLE=tests/fixtures/fashion-mnist
VERIFIED=10
MEASURED=1000
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

# isodex ARGUMENT ...: says the call, then makes it.
isodex() {
  say "isodex $*"
  node dist/cli.js "$@"
}

search() {
  step '5. Index and search'
  mkdir -p out
  isodex build "$BASE" --index Flat --metric l2 --out out/fashion-mnist.isodex
  isodex search out/fashion-mnist.isodex "$QUERIES" --k 10 --format json --out out/fashion-mnist.json
  node scripts/demo-sheet.ts "$DATA" out/fashion-mnist.json out/fashion-mnist.html "$SHOWN"
  say "look at it: file://$PWD/out/fashion-mnist.html"
}

graph() {
  step "6. The same by a graph: nearly exact, and faster"
  isodex build "$BASE" --index HNSW32 --ef-construction 200 --metric l2 --out out/fashion-mnist-hnsw.isodex
  say "what Flat finds for $MEASURED queries is the truth that the graph is measured by"
  isodex search out/fashion-mnist.isodex "$QUERIES" --limit "$MEASURED" --format ivecs --out out/fashion-mnist.ivecs
  for index in fashion-mnist fashion-mnist-hnsw; do
    isodex eval "out/$index.isodex" "$QUERIES" --limit "$MEASURED" --truth out/fashion-mnist.ivecs
  done
}

compare() {
  step "7. The same answer on every engine ($VERIFIED queries)"
  for index in fashion-mnist fashion-mnist-hnsw; do isodex verify "out/$index.isodex" "$QUERIES" --limit "$VERIFIED"; done
}

packages
gpu_stand_in
data
build
BASE=$DATA/train-images-idx3-ubyte.gz
QUERIES=$DATA/t10k-images-idx3-ubyte.gz
search
graph
compare
if ((${#without[@]})); then
  step 'Done without'
  for thing in "${without[@]}"; do say "$thing"; done
fi
step 'Done'
say "out/fashion-mnist.html"
