// Products on any card: 64 × 64 results a workgroup, 4 × 4 a thread.

// Four channels of a pixel.
fn four_at(pixel: u32, c: u32) -> vec4<f32> {
    if (pixel == NOWHERE || c >= s.channels) { return vec4<f32>(); }
    let at = pixel * s.channels + c;
    FOUR
}

fn weight(tap: u32, c: u32, n: u32) -> vec4<f32> {
    if (c >= s.channels || n >= s.n) { return vec4<f32>(); }
    let four = w[((tap * s.channels + c) * s.n + n) >> 2u];
    WEIGHT
}

var<workgroup> sa: array<vec4<f32>, 320>; // 64 rows of 16 channels, one vector of padding each
var<workgroup> sb: array<vec4<f32>, 256>; // 16 channels of 64 columns

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) i: u32) {
    let m0 = s.first + group.y * 64u;
    let n0 = group.x * 64u;
    let row = row_of(m0 + (i >> 2u));
    let tm = (i >> 4u) * 4u;
    let tn = i & 15u;
    var y0 = vec4<f32>();
    var y1 = vec4<f32>();
    var y2 = vec4<f32>();
    var y3 = vec4<f32>();
    let slices = (s.channels + 15u) / 16u;
    let first = group.z * s.share;
    let end = min(first + s.share, s.kernel * s.kernel * slices);
    var tap = first / slices;
    var c = (first - tap * slices) * 16u;
    var pixel = pixel_at(row, tap / s.kernel, tap % s.kernel);
    for (var slice = first; slice < end; slice++) {
        let a = four_at(pixel, c + (i & 3u) * 4u);
        let b = weight(tap, c + (i >> 4u), n0 + tn * 4u);
        workgroupBarrier();
        sa[(i >> 2u) * 5u + (i & 3u)] = a;
        sb[i] = b;
        workgroupBarrier();
        for (var q = 0u; q < 4u; q++) {
            let b0 = sb[q * 64u + tn];
            let b1 = sb[q * 64u + 16u + tn];
            let b2 = sb[q * 64u + 32u + tn];
            let b3 = sb[q * 64u + 48u + tn];
            let a0 = sa[tm * 5u + q];
            let a1 = sa[tm * 5u + 5u + q];
            let a2 = sa[tm * 5u + 10u + q];
            let a3 = sa[tm * 5u + 15u + q];
            y0 += a0.x * b0 + a0.y * b1 + a0.z * b2 + a0.w * b3;
            y1 += a1.x * b0 + a1.y * b1 + a1.z * b2 + a1.w * b3;
            y2 += a2.x * b0 + a2.y * b1 + a2.z * b2 + a2.w * b3;
            y3 += a3.x * b0 + a3.y * b1 + a3.z * b2 + a3.w * b3;
        }
        c += 16u;
        if (c >= s.channels) {
            c = 0u;
            tap += 1u;
            pixel = pixel_at(row, tap / s.kernel, tap % s.kernel);
        }
    }
    let n = n0 + tn * 4u;
    put(group.z, m0 + tm, n, y0);
    put(group.z, m0 + tm + 1u, n, y1);
    put(group.z, m0 + tm + 2u, n, y2);
    put(group.z, m0 + tm + 3u, n, y3);
}
