#!/usr/bin/env bash
# Runs the tests of the graphics backend on a newer software adapter that has matrix units (cooperative matrices), which the
# lavapipe of Debian stable has not. Nothing is installed: the packages are unpacked in a folder, about 70 MB, taken from the
# mirror that apt uses.
#
#   scripts/matrix-units.sh FOLDER [SUITE]      SUITE is sid unless given
#
# Needs Debian on x86-64. FOLDER/run PROGRAM ARGUMENTS runs anything else on that adapter.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$(realpath -m "${1:?give a folder}") suite=${2:-sid}
if [ ! -x "$folder/run" ]; then
    # One of the two may be missing.
    mirror=$({ cat /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null || true; } |
        sed -n 's/^URIs: *//p; s/^deb  *\(\[[^]]*\] *\)\{0,1\}\([^ ]*\).*/\2/p' | grep -v security | head -1)
    mkdir -p "$folder/lists/partial" "$folder/archives/partial" "$folder/root"
    : >"$folder/status"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$folder/sources.list"
    own=(-qq -o Dir::Etc::sourcelist="$folder/sources.list" -o Dir::Etc::sourceparts=/dev/null
        -o Dir::State::lists="$folder/lists" -o Dir::State::status="$folder/status" -o Dir::Cache="$folder"
        -o Dir::Cache::archives="$folder/archives" -o APT::Install-Recommends=0 -o APT::Sandbox::User=root)
    apt-get "${own[@]}" update
    apt-get "${own[@]}" -y --download-only install mesa-vulkan-drivers libvulkan1 libstdc++6 libgcc-s1
    for deb in "$folder"/archives/*.deb; do dpkg-deb -x "$deb" "$folder/root"; done
    lib=$folder/root/usr/lib/x86_64-linux-gnu
    icd=$(ls "$folder"/root/usr/share/vulkan/icd.d/lvp_icd*.json | head -1)
    sed "s#\"library_path\": \"[^\"]*#\"library_path\": \"$lib/libvulkan_lvp.so#" "$icd" >"$folder/lvp.json"
    printf '#!/bin/sh\nexport VK_ICD_FILENAMES=%s VK_DRIVER_FILES=%s\nexec %s --library-path %s "$@"\n' \
        "$folder/lvp.json" "$folder/lvp.json" "$lib/ld-linux-x86-64.so.2" "$lib" >"$folder/run"
    chmod +x "$folder/run"
fi
export CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER=$folder/run
cargo test --lib backend::wgpu -- --nocapture
cargo test --test backend graphics_card -- --nocapture
