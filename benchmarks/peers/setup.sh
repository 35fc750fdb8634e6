#!/usr/bin/env bash
# The peers' own virtual environment: .peers in the checkout, or the folder ADCASCADE_PEERS names. Each part may fail
# alone: a benchmark whose peer is absent says so.
set -uo pipefail
cd "$(dirname "$0")/../.."
PEERS="${ADCASCADE_PEERS:-.peers}"
python3 -m venv "$PEERS"
PIP="$PEERS/bin/pip"
# torch first and by its exact version: any looser request may pull a CUDA build of several gigabytes
"$PIP" install --quiet torch==2.13.0
"$PIP" install --quiet fuxictr numba || echo "fuxictr is not installed" >&2
"$PIP" install --quiet hnswlib faiss-cpu || echo "hnswlib is not installed (it needs g++)" >&2
"$PIP" install --quiet fastapi uvicorn uvloop httptools || echo "fastapi is not installed" >&2
# without its dependencies: it asks for the CUDA build of fbgemm, and fbgemm's 1.8.0 is the one that loads with torch 2.13
"$PIP" install --quiet --no-deps torchrec fbgemm-gpu-cpu==1.8.0 &&
    "$PIP" install --quiet torchmetrics tensordict tqdm pyre-extensions iopath || echo "torchrec is not installed" >&2
