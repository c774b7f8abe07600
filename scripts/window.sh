# A real window under Xvfb, for scripts that play in it and keep what they see; to be sourced, with the repository as the folder.
#
#   open_window WIDTHxHEIGHT BINARY [PROJECT]      sets $window and $home, a home that is gone at the end
#
# It needs Xvfb, xdotool, ImageMagick's import and a Vulkan or GL driver (Mesa's lavapipe will do):
#   apt-get install xvfb xdotool imagemagick mesa-vulkan-drivers libxkbcommon-x11-0 libxcursor1 libxi6
# Where one of them is missing it says so and ends well, so that a build without a display can call it.

home=$(mktemp -d)
pids=()
finish() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    rm -rf "$home"
}
trap finish EXIT

# Ends where the binary or one of the tools is missing.
need() {
    local binary=$1 tool
    shift
    for tool in "$@"; do
        if ! command -v "$tool" >/dev/null; then
            echo "skipped: pictures of the studio need $tool, which is not installed"
            exit 0
        fi
    done
    if [ ! -x "$binary" ]; then
        echo "no $binary: build it first (cargo build --release)" >&2
        exit 1
    fi
}

open_window() {
    local size=$1 binary=$2 number studio
    shift 2
    need "$binary" Xvfb xdotool import
    number=91
    while [ -e "/tmp/.X$number-lock" ]; do number=$((number + 1)); done
    export DISPLAY=:$number
    Xvfb "$DISPLAY" -screen 0 "${size}x24" -nolisten tcp >/dev/null 2>&1 &
    pids+=($!)
    until xdotool getdisplaygeometry >/dev/null 2>&1; do sleep 0.2; done

    # A home of its own, so that no preference and no file of this machine plays a part.
    env -u WAYLAND_DISPLAY LC_ALL=en_US.UTF-8 HOME="$home" XDG_DATA_HOME="$home/data" XDG_RUNTIME_DIR="$home" "$binary" "$@" \
        >"$home/log" 2>&1 &
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
    xdotool windowmove "$window" 0 0 windowsize "$window" "${size%x*}" "${size#*x}"
    # Without a window manager nobody else gives the window the keyboard.
    xdotool windowfocus "$window"
}

# Waits until the window shows the same three times, or for so many looks.
settle() {
    local before='' now same=0
    sleep 1.5
    for _ in $(seq "${1:-16}"); do
        now=$(import -window root ppm:- | cksum)
        if [ "$before" = "$now" ]; then same=$((same + 1)); else same=0; fi
        [ "$same" -lt 2 ] || return 0
        before=$now
        sleep 0.7
    done
}
# The command that is found by these words.
command_named() {
    xdotool key ctrl+k
    settle 4
    xdotool type --delay 40 "$1"
    settle 4
    xdotool key Return
    settle
}
