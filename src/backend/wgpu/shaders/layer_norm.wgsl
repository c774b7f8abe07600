// Normalises rows of `width`: a workgroup a row.
struct Sizes { rows: u32, row: u32, width: u32, eps: f32 }
var<immediate> s: Sizes;
@group(0) @binding(0) var<storage, read> x: array<S>;
@group(0) @binding(1) var<storage, read> scale: array<V>;
@group(0) @binding(2) var<storage, read> shift: array<V>;
@group(0) @binding(3) var<storage, read_write> y: array<S>;
var<workgroup> parts: array<f32, 64>;

// The sum over the workgroup, to every thread.
fn total(own: f32, i: u32) -> f32 {
    parts[i] = own;
    workgroupBarrier();
    for (var half = 32u; half > 0u; half >>= 1u) {
        if (i < half) { parts[i] += parts[i + half]; }
        workgroupBarrier();
    }
    let sum = parts[0];
    workgroupBarrier();
    return sum;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) i: u32) {
    let row = group.y * s.row + group.x;
    if (row >= s.rows) { return; }
    let base = row * s.width;
    let values = f32(s.width * L);
    var sum = V();
    for (var c = i; c < s.width; c += 64u) { sum += V(x[base + c]); }
    let mean = total(fold(sum), i) / values;
    var squares = V();
    for (var c = i; c < s.width; c += 64u) {
        let off = V(x[base + c]) - mean;
        squares += off * off;
    }
    let factor = inverseSqrt(total(fold(squares), i) / values + s.eps);
    for (var c = i; c < s.width; c += 64u) {
        y[base + c] = S((V(x[base + c]) - mean) * factor * scale[c] + shift[c]);
    }
}
