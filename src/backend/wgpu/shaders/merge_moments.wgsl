// Means and variances of two parts of an image together, which have a share of `a` and 1 − `a` in it.
struct Sizes { count: u32, row: u32, a: f32 }
var<immediate> s: Sizes;
@group(0) @binding(0) var<storage, read> x: array<vec2<f32>>;
@group(0) @binding(1) var<storage, read> z: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec2<f32>>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.y * s.row + id.x;
    if (i >= s.count) { return; }
    let b = 1.0 - s.a;
    let off = z[i].x - x[i].x;
    y[i] = vec2<f32>(x[i].x + off * b, x[i].y * s.a + z[i].y * b + off * off * s.a * b);
}
