// Mean and variance of every group from those of its channels and slices, merged by Chan's rule. A workgroup a group.
struct Sizes { pixels: u32, channels: u32, groups: u32, slice: u32, slices: u32 }
var<immediate> s: Sizes;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<vec2<f32>>;
var<workgroup> parts: array<vec3<f32>, 64>;

// Count, mean and sum of squared distances of two parts together.
fn merged(a: vec3<f32>, b: vec3<f32>) -> vec3<f32> {
    let n = a.x + b.x;
    if (n == 0.0) { return a; }
    let off = b.y - a.y;
    return vec3<f32>(n, a.y + off * b.x / n, a.z + b.z + off * off * a.x * b.x / n);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) i: u32) {
    let own = s.channels / s.groups;
    var sum = vec3<f32>();
    for (var e = i; e < own * s.slices; e += 64u) {
        let slice = e / own;
        let count = min(s.slice, s.pixels - slice * s.slice);
        let at = (group.z * s.slices + slice) * 2u * s.channels + group.x * own + e % own;
        sum = merged(sum, vec3<f32>(f32(count), x[at], x[at + s.channels]));
    }
    parts[i] = sum;
    workgroupBarrier();
    for (var half = 32u; half > 0u; half >>= 1u) {
        if (i < half) { parts[i] = merged(parts[i], parts[i + half]); }
        workgroupBarrier();
    }
    if (i == 0u) {
        y[group.z * s.groups + group.x] = vec2<f32>(parts[0].y, parts[0].z / parts[0].x);
    }
}
