// (x − mean) / √(variance + eps) · scale + shift with the moments of each channel's group, then SiLU where wanted. A thread has
// some channels, of which it makes factors once, and every `strands`-th pixel. x has `width` vectors a pixel, which are those from
// `first` on of `all`.
struct Sizes {
    pixels: u32, width: u32, strands: u32, own: u32, groups: u32, silu: u32, first: u32, all: u32, eps: f32
}
var<immediate> s: Sizes;
@group(0) @binding(0) var<storage, read> x: array<S>;
@group(0) @binding(1) var<storage, read> moments: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> scale: array<V>;
@group(0) @binding(3) var<storage, read> shift: array<V>;
@group(0) @binding(4) var<storage, read_write> y: array<S>;

fn of_channel(image: u32, c: u32) -> vec2<f32> {
    let m = moments[image * s.groups + c / s.own];
    return vec2<f32>(m.x, inverseSqrt(m.y + s.eps));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let strand = id.x / s.width;
    let place = id.x % s.width;
    let c = s.first + place;
    if (strand >= s.strands) { return; }
    var mean = V();
    var factor = V();
    FACTORS
    factor *= scale[c];
    let offset = shift[c] - mean * factor;
    for (var p = strand; p < s.pixels; p += s.strands) {
        let pixel = id.z * s.pixels + p;
        var v = V(x[pixel * s.width + place]) * factor + offset;
        if (s.silu != 0u) { v = swish(v, 1.0); }
        y[pixel * s.all + c] = S(v);
    }
}
