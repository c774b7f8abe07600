// Products of up to four rows: each weight is read once. A workgroup has 32 columns, and 32 threads for four of them, each with
// every 32nd channel.
fn weight(c: u32, n: u32) -> vec4<f32> {
    let four = w[(c * s.n + n) >> 2u];
    WEIGHT
}

var<workgroup> parts: array<vec4<f32>, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) i: u32) {
    let n = group.x * 32u + (i & 7u) * 4u;
    let last = s.m - 1u;
    let row1 = min(1u, last) * s.channels;
    let row2 = min(2u, last) * s.channels;
    let row3 = last * s.channels;
    var y0 = vec4<f32>();
    var y1 = vec4<f32>();
    var y2 = vec4<f32>();
    var y3 = vec4<f32>();
    if (n < s.n) {
        for (var c = i >> 3u; c < s.channels; c += 32u) {
            let b = weight(c, n);
            y0 += f32(x[c]) * b;
            y1 += f32(x[row1 + c]) * b;
            y2 += f32(x[row2 + c]) * b;
            y3 += f32(x[row3 + c]) * b;
        }
    }
    total(0u, n, y0, i);
    total(1u, n, y1, i);
    total(2u, n, y2, i);
    total(3u, n, y3, i);
}

// Writes the sum over the threads of four columns.
fn total(m: u32, n: u32, own: vec4<f32>, i: u32) {
    if (m >= s.m) { return; }
    workgroupBarrier();
    parts[i] = own;
    workgroupBarrier();
    for (var half = 128u; half > 4u; half >>= 1u) {
        if (i < half) { parts[i] += parts[i + half]; }
        workgroupBarrier();
    }
    if (i < 8u) { put(0u, m, n, parts[i]); }
}
