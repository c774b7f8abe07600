// Mean and sum of squared distances from it, of every channel of every slice of pixels. Distances are taken from the slice's
// first value, so that squares keep their digits where values are far from zero. Result [n, slices, 2, channels] in f32.
// x has `width` vectors a pixel, which are those from `first` on of `all`.
struct Sizes { pixels: u32, width: u32, slice: u32, slices: u32, first: u32, all: u32 }
var<immediate> s: Sizes;
@group(0) @binding(0) var<storage, read> x: array<S>;
@group(0) @binding(1) var<storage, read_write> y: array<V>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let slice = id.x / s.width;
    let c = id.x % s.width;
    if (slice >= s.slices) { return; }
    let start = slice * s.slice;
    let end = min(start + s.slice, s.pixels);
    let base = id.z * s.pixels;
    let pivot = V(x[(base + start) * s.width + c]);
    var sum = V();
    var squares = V();
    for (var p = start; p < end; p++) {
        let off = V(x[(base + p) * s.width + c]) - pivot;
        sum += off;
        squares += off * off;
    }
    let mean = sum / f32(end - start);
    let at = (id.z * s.slices + slice) * 2u * s.all + s.first + c;
    y[at] = pivot + mean;
    y[at + s.all] = max(squares - mean * sum, V());
}
