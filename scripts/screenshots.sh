#!/usr/bin/env bash
# Plays a first painting in a real window under Xvfb and keeps its pictures in screenshots/.
#
#   scripts/screenshots.sh [BINARY]      BINARY is target/release/polyptych unless given
#
# scripts/window.sh says what it needs. OUT is another folder for the pictures.
set -euo pipefail
cd "$(dirname "$0")/.."

. scripts/window.sh
out=${OUT:-screenshots}
mkdir -p "$out"
open_window 1440x900 "${1:-target/release/polyptych}"

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
command_named 'hatching'
shoot compare
xdotool key y
command_named 'tint'

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
command_named 'theme light'
shoot light
command_named 'deutsch'
shoot german
