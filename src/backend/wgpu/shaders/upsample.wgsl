// Nearest neighbour. `count` is all pixels of the result times `width` channels.
struct Sizes { count: u32, row: u32, width: u32, in_height: u32, in_width: u32, out_height: u32, out_width: u32 }
var<immediate> s: Sizes;
@group(0) @binding(0) var<storage, read> x: array<S>;
@group(0) @binding(1) var<storage, read_write> y: array<S>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.y * s.row + id.x;
    if (i >= s.count) { return; }
    let pixel = i / s.width;
    let line = pixel / s.out_width;
    let image = line / s.out_height;
    let iy = (line - image * s.out_height) * s.in_height / s.out_height;
    let ix = (pixel - line * s.out_width) * s.in_width / s.out_width;
    y[i] = x[((image * s.in_height + iy) * s.in_width + ix) * s.width + i % s.width];
}
