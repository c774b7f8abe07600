// The sum of two arrays. The second may be vectors: one of `width` values for every `per` values of the first, `rows` of them
// in turn; for arrays of one size, `width` and `per` are all values.
struct Sizes { count: u32, row: u32, width: u32, per: u32, rows: u32 }
var<immediate> s: Sizes;
@group(0) @binding(0) var<storage, read> a: array<S>;
@group(0) @binding(1) var<storage, read> b: array<S>;
@group(0) @binding(2) var<storage, read_write> y: array<S>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.y * s.row + id.x;
    if (i >= s.count) { return; }
    y[i] = S(V(a[i]) + V(b[i / s.per % s.rows * s.width + i % s.width]));
}
