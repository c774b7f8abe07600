// Products of patches of an image with weights: a convolution, and with kernel 1 a linear layer. Rows are the result's pixels
// [n, out_height, out_width], columns its channels. 64 × 64 results a workgroup, 4 × 4 a thread.
struct Sizes {
    m: u32, n: u32, outputs: u32, channels: u32,
    // Of the image as the kernel walks over it, and as it lies: smaller where it is enlarged on the way.
    height: u32, width: u32, in_height: u32, in_width: u32,
    out_height: u32, out_width: u32, kernel: u32, stride: u32, before: u32,
    // The first row of this dispatch: long products are done in several.
    first: u32,
    // Epilogue: rows of `vector` (none, one, or one an image), kind of activation, whether there is a residual.
    vectors: u32, activation: u32, residual: u32,
}
var<immediate> s: Sizes;
@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read> w: array<W>;
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> vector: array<Y>;
@group(0) @binding(4) var<storage, read> residual: array<Y>;
@group(0) @binding(5) var<storage, read_write> y: array<Y>;

const NOWHERE = 0xffffffffu;

// The place of a row's patch: its image, and the pixel under the kernel's first tap.
struct Row { image: u32, top: i32, left: i32, valid: bool }

fn row_of(m: u32) -> Row {
    let per = s.out_height * s.out_width;
    let image = m / per;
    let at = m - image * per;
    let line = at / s.out_width;
    return Row(image, i32(line * s.stride) - i32(s.before), i32((at - line * s.out_width) * s.stride) - i32(s.before), m < s.m);
}

// The pixel of x that a tap sees, or NOWHERE.
fn pixel_at(row: Row, ky: u32, kx: u32) -> u32 {
    var iy = row.top + i32(ky);
    var ix = row.left + i32(kx);
    if (!row.valid || iy < 0 || ix < 0 || iy >= i32(s.height) || ix >= i32(s.width)) { return NOWHERE; }
    if (ENLARGED) {
        iy = i32(u32(iy) * s.in_height / s.height);
        ix = i32(u32(ix) * s.in_width / s.width);
    }
    return (row.image * s.in_height + u32(iy)) * s.in_width + u32(ix);
}

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

// Writes four sums of a row, after the epilogue.
fn put(m: u32, n: u32, sum: vec4<f32>) {
    if (m >= s.m || n >= s.n) { return; }
    var v = sum + bias[n >> 2u];
    PUT
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
    for (var ky = 0u; ky < s.kernel; ky++) {
        for (var kx = 0u; kx < s.kernel; kx++) {
            let pixel = pixel_at(row, ky, kx);
            let tap = ky * s.kernel + kx;
            for (var c = 0u; c < s.channels; c += 16u) {
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
            }
        }
    }
    let n = n0 + tn * 4u;
    put(m0 + tm, n, y0);
    put(m0 + tm + 1u, n, y1);
    put(m0 + tm + 2u, n, y2);
    put(m0 + tm + 3u, n, y3);
}
