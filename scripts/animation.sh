#!/usr/bin/env bash
# Plays a painting with live painting on in a real window under Xvfb, and makes of it the animation of the README,
# screenshots/growing.gif. The waiting is cut out: a frame is kept where something has changed, and shown for a time of its own.
#
#   scripts/animation.sh [BINARY]      BINARY is target/release/polyptych unless given
#
# scripts/window.sh says what it needs, and ImageMagick's convert besides. FRAMES is an empty folder to keep single frames in; OUT
# another name for the animation.
set -euo pipefail
cd "$(dirname "$0")/.."

. scripts/window.sh
binary=${1:-target/release/polyptych}
out=${OUT:-screenshots/growing.gif}
frames=${FRAMES:-$home/frames}
mkdir -p "$frames"
need "$binary" Xvfb xdotool import convert

HOME=$home "$binary" new "$home/A painting.ora" --size 320x256 --background "a sunset sky"
open_window 1000x620 "$binary" "$home/A painting.ora"

# What the window shows, for so many hundredths of a second.
count=0
frame() {
    import -window root -strip "$frames/$(printf '%03d-%s' "$count" "$1").png"
    count=$((count + 1))
}
# The canvas, where no cursor blinks.
look() {
    import -window root -crop 486x389+142+74 ppm:- | cksum
}
# Waits until nothing has changed for three seconds; what grows meanwhile is kept for so long each, if a time is given.
grow() {
    local before now same=0
    before=$(look)
    for _ in $(seq 200); do
        sleep 0.3
        now=$(look)
        if [ "$before" = "$now" ]; then
            same=$((same + 1))
        else
            [ $# = 0 ] || frame "$1"
            same=0
        fi
        [ "$same" -lt 10 ] || break
        before=$now
    done
}
# A dab, so that the studio no longer says that a region is not painted.
dab() {
    xdotool mousemove "$1" "$2" click 1
    sleep 0.8
}
# A stroke through these points of the screen, from one to the next in pieces, and what grows of it.
stroke() {
    local x=$1 y=$2 piece pieces
    xdotool mousemove "$x" "$y" mousedown 1
    shift 2
    while [ $# -gt 1 ]; do
        pieces=$(((($1 > x ? $1 - x : x - $1) + ($2 > y ? $2 - y : y - $2)) / 50 + 1))
        for piece in $(seq "$pieces"); do
            xdotool mousemove $((x + ($1 - x) * piece / pieces)) $((y + ($2 - y) * piece / pieces))
            sleep 0.04
        done
        x=$1 y=$2
        frame 4
        shift 2
    done
    xdotool mouseup 1
    grow 8
    frame 40
}
# A new region and its words. (The picture is made again at each, and is the same until the region is painted.)
region() {
    xdotool key ctrl+shift+n
    grow
    words "$1"
    grow
    frame 25
}
words() {
    local rest=$1
    while [ -n "$rest" ]; do
        xdotool type --delay 30 "${rest:0:5}"
        rest=${rest:5}
        sleep 0.2
        frame 10
    done
}

# Smaller letters and buttons, so that the whole studio is to be seen; outlines, which hide nothing; a seed; and a first live
# picture, by which the studio learns how fast this machine is.
settle
xdotool key Escape
for _ in 1 2; do
    xdotool key ctrl+alt+minus
    sleep 1.5
done
command_named outline
xdotool mousemove 836 441 click 1
sleep 0.5
xdotool type 1
xdotool key Return
xdotool mousemove 360 560
settle 4
xdotool key ctrl+l
grow
xdotool key ctrl+l
settle 4

frame 60
xdotool key ctrl+l
sleep 0.4
frame 30
grow 10
frame 50

region 'mountains'
dab 166 330
stroke 166 330 184 287 203 238 233 278 264 318 298 267 332 216
stroke 332 216 370 267 408 318 442 286 476 254 510 294 545 334 574 302 604 280
stroke 604 340 545 340 460 340 370 340 260 340 166 340

region 'a meadow'
dab 166 405
stroke 166 405 240 400 370 404 500 400 604 404 604 430 500 430 370 430 240 430 166 430

region 'a red balloon'
dab 534 143
stroke 534 143 549 159 534 175 519 159 534 143

for _ in 1 2 3 4 5 6 7 8; do xdotool key bracketleft; done
settle 4
region 'a castle'
dab 289 315
stroke 289 315 405 315 405 342 289 342 289 370 405 370
stroke 289 290 405 290 405 268 289 268 320 245 347 235 374 245

# Other words for the meadow, two cards below.
xdotool key alt+bracketleft
sleep 0.4
xdotool key alt+bracketleft
sleep 0.4
xdotool key w
sleep 0.4
xdotool mousemove 860 75 click 4
sleep 0.5
xdotool mousemove 360 560
grow
frame 35
xdotool key ctrl+a
words 'a flower field'
# (Beside the field, so that the list of known words is closed.)
xdotool mousemove 860 48 click 1
sleep 0.2
xdotool mousemove 360 560
grow 8
frame 80

# The fine picture, alone.
xdotool key ctrl+Return
sleep 4
for _ in $(seq "${MOST_SECONDS:-600}"); do
    case $(xdotool getwindowname "$window") in *%*) sleep 1 ;; *) break ;; esac
done
xdotool mousemove 534 485 click 1
sleep 0.3
xdotool mousemove 860 110 click 4
sleep 0.3
xdotool mousemove 360 590
settle
frame 250

# Each frame is what has changed since the one before, in colours of its own.
arguments=()
for file in "$frames"/*.png; do
    delay=${file%.png}
    arguments+=(-delay "${delay##*-}" "$file")
done
convert -loop 0 "${arguments[@]}" -coalesce -layers OptimizeFrame -layers OptimizeTransparency +dither -colors 255 "$out"
echo "$out: $count frames, $(stat -c %s "$out") bytes"
