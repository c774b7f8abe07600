#!/usr/bin/env bash
# Puts a CUDA 13.0 toolkit for building together from PyPI's packages, in the folder DEST, and prints the environment to export.
#
#   eval "$(scripts/cuda/toolkit.sh DEST)"
#
# Needs python3 with pip, gcc, ar, unzip, and the sources of the crates (cargo fetch).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "${1:?give a folder}/wheels"
dest=$(cd "$1" && pwd)
toolkit=$dest/nvidia/cu13
if [ ! -x "$toolkit/bin/nvcc" ]; then
    python3 -m pip download -q --no-deps --only-binary=:all: -d "$dest/wheels" \
        nvidia-cuda-nvcc==13.0.88 nvidia-nvvm==13.0.88 nvidia-cuda-crt==13.0.88 \
        nvidia-cuda-runtime==13.0.96 nvidia-cuda-cccl==13.0.85 >&2
    for wheel in "$dest"/wheels/*.whl; do unzip -q -o "$wheel" -d "$dest"; done
    chmod +x "$toolkit"/bin/* "$toolkit"/nvvm/bin/*
fi
# The layout of an installed toolkit: the crates look for libraries in lib64.
home=$dest/home
rm -rf "$home"
mkdir -p "$home/lib64" "$home/bin"
ln -s "$toolkit"/bin/* "$home/bin/"
ln -s "$toolkit/nvvm" "$toolkit/include" "$home/"
python3 "$here/lazy.py" "$home/lib64" >&2
# NVIDIA's own: it looks for the driver when it is first called.
ln -s "$toolkit/lib/libcudart_static.a" "$home/lib64/libcudart.a"
ln -s "$toolkit/lib/libcudart_static.a" "$toolkit/lib/libcudadevrt.a" "$home/lib64/"
cat <<EXPORTS
export CUDA_HOME=$home CUDA_PATH=$home NVCC_REAL=$toolkit/bin/nvcc NVCC=$here/nvcc-slim
export PATH=$home/bin:\$PATH CUDA_COMPUTE_CAP=80 CUDAFORGE_THREADS=\${CUDAFORGE_THREADS:-1}
EXPORTS
