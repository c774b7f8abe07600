// a · gelu(b), where a and b are the halves of each row of 2 · width.
struct Sizes { count: u32, row: u32, width: u32 }
var<immediate> s: Sizes;
@group(0) @binding(0) var<storage, read> x: array<S>;
@group(0) @binding(1) var<storage, read_write> y: array<S>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.y * s.row + id.x;
    if (i >= s.count) { return; }
    let at = i / s.width * s.width + i;
    y[i] = S(V(x[at]) * gelu(V(x[at + s.width])));
}
