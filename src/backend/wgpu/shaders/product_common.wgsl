// Products of patches of an image with weights: a convolution, and with kernel 1 a linear layer. Rows are the result's pixels
// [n, out_height, out_width], columns its channels. This is what the kernels of products share: sizes, places and the epilogue.
struct Sizes {
    m: u32, n: u32, outputs: u32, channels: u32,
    // Of the image as the kernel walks over it, and as it lies: smaller where it is enlarged on the way.
    height: u32, width: u32, in_height: u32, in_width: u32,
    out_height: u32, out_width: u32, kernel: u32, stride: u32, before: u32,
    // The first row of this dispatch: long products are done in several.
    first: u32,
    // Epilogue: rows of `vector` (none, one, or one an image), kind of activation, whether there is a residual.
    vectors: u32, activation: u32, residual: u32,
    // Slices of the depth that a part of it has; where parts are added, their number.
    share: u32,
    // Channels of x where the image lies in two parts; the other part is bound in the residual's place.
    joint: u32,
}
var<immediate> s: Sizes;
@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read> w: array<W>;
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> vector: array<Y>;
@group(0) @binding(4) var<storage, read> residual: array<RESIDUAL>;
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

// Writes four sums of a row, which are those of a part of the depth, or of all of it: then after the epilogue.
fn put(part: u32, m: u32, n: u32, sum: vec4<f32>) {
    if (m >= s.m || n >= s.n) { return; }
    PUT
}
