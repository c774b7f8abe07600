#!/usr/bin/env bash
# Plays a first painting in a real window under Xvfb and keeps its pictures in screenshots/.
#
#   scripts/screenshots.sh [BINARY]      BINARY is target/release/polyptych unless given
#
# It needs Xvfb, xdotool, ImageMagick's import and a Vulkan or GL driver (Mesa's lavapipe will do):
#   apt-get install xvfb xdotool imagemagick mesa-vulkan-drivers libxkbcommon-x11-0 libxcursor1 libxi6
# Where one of them is missing it says so and ends well, so that a build without a display can call it.
set -euo pipefail
cd "$(dirname "$0")/.."

binary=${1:-target/release/polyptych}
for tool in Xvfb xdotool import; do
    if ! command -v "$tool" >/dev/null; then
        echo "skipped: the studio's screenshots need $tool, which is not installed"
        exit 0
    fi
done
if [ ! -x "$binary" ]; then
    echo "no $binary: build it first (cargo build --release)" >&2
    exit 1
fi

home=$(mktemp -d)
out=screenshots
mkdir -p "$out"
pids=()
finish() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    rm -rf "$home"
}
trap finish EXIT

number=91
while [ -e "/tmp/.X$number-lock" ]; do number=$((number + 1)); done
export DISPLAY=:$number
Xvfb "$DISPLAY" -screen 0 1440x900x24 -nolisten tcp >/dev/null 2>&1 &
pids+=($!)
until xdotool getdisplaygeometry >/dev/null 2>&1; do sleep 0.2; done

# A home of its own, so that no preference and no file of this machine plays a part.
env -u WAYLAND_DISPLAY LC_ALL=en_US.UTF-8 HOME="$home" XDG_DATA_HOME="$home/data" XDG_RUNTIME_DIR="$home" "$binary" >"$home/log" 2>&1 &
studio=$!
pids+=("$studio")
window=
for _ in $(seq 120); do
    window=$(xdotool search --onlyvisible --pid "$studio" 2>/dev/null | tail -n 1) || true
    [ -n "$window" ] && break
    if ! kill -0 "$studio" 2>/dev/null; then cat "$home/log" >&2; exit 1; fi
    sleep 0.5
done
[ -n "$window" ] || { echo "the studio's window did not open" >&2; cat "$home/log" >&2; exit 1; }
xdotool windowmove "$window" 0 0 windowsize "$window" 1440 900
# Without a window manager nobody else gives the window the keyboard.
xdotool windowfocus "$window"

# Waits until the window shows the same twice, or for so many looks.
settle() {
    local before='' now
    sleep 1.5
    for _ in $(seq "${1:-16}"); do
        now=$(import -window root ppm:- | cksum)
        [ "$before" = "$now" ] && return
        before=$now
        sleep 0.7
    done
}
shoot() {
    import -window root -strip "$out/$1.png"
    echo "$out/$1.png"
}
# A stroke through these points of the screen.
stroke() {
    xdotool mousemove "$1" "$2" mousedown 1
    shift 2
    while [ $# -gt 1 ]; do
        xdotool mousemove "$1" "$2"
        sleep 0.05
        shift 2
    done
    xdotool mouseup 1
}

# 1. The first start: the example, and the tour's first note.
settle
shoot first-start
xdotool key Escape
settle 4

# 2. A region of one's own, painted and named.
xdotool key ctrl+shift+n
settle 4
xdotool type --delay 40 'a green tree on a meadow'
settle 4
stroke 180 560 230 530 280 560 230 580 180 560
stroke 230 580 230 640 230 700
settle
shoot painting

# 3. The picture.
xdotool key ctrl+Return
for _ in $(seq 300); do
    case $(xdotool getwindowname "$window") in [3-9]?' %'*) break ;; *) sleep 0.5 ;; esac
done
shoot generating
# The window's title says how much is done for as long as it is being made.
for _ in $(seq "${MOST_SECONDS:-900}"); do
    case $(xdotool getwindowname "$window") in *%*) sleep 1 ;; *) break ;; esac
done
xdotool mousemove 720 870
settle
shoot studio

# 4. Picture and regions beside each other, the regions hatched.
xdotool key y
xdotool key ctrl+k
settle 4
xdotool type --delay 40 'hatching'
settle 4
xdotool key Return
settle
shoot compare
xdotool key y
xdotool key ctrl+k
settle 4
xdotool type --delay 40 'tint'
settle 4
xdotool key Return
settle

# 5. Saved under a name typed into the studio's own dialog, and found again.
xdotool key ctrl+s
settle 4
xdotool key ctrl+a
xdotool type --delay 20 "$home/bay.ora"
xdotool key Return
settle
[ -s "$home/bay.ora" ] || { echo "the project was not saved" >&2; shoot failed; exit 1; }
echo "saved a project of $(stat -c %s "$home/bay.ora") bytes"

# 6. Another look: the light theme, and another language.
xdotool key ctrl+k
settle 4
xdotool type --delay 40 'theme light'
settle 4
xdotool key Return
settle
shoot light
xdotool key ctrl+k
settle 4
xdotool type --delay 40 'deutsch'
settle 4
xdotool key Return
settle
shoot german
