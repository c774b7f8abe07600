// A function of every value: activation(x · factor + offset).
struct Sizes { count: u32, row: u32, kind: u32, factor: f32, offset: f32 }
var<immediate> s: Sizes;
@group(0) @binding(0) var<storage, read> x: array<S>;
@group(0) @binding(1) var<storage, read_write> y: array<S>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.y * s.row + id.x;
    if (i >= s.count) { return; }
    y[i] = S(activated(V(x[i]) * s.factor + s.offset, s.kind));
}
