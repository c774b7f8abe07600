// Row `to` of the result: the sum of `parts` rows of x from `first` on, each token times its weight.
struct Sizes { count: u32, row: u32, width: u32, tokens: u32, first: u32, parts: u32, to: u32 }
var<immediate> s: Sizes;
@group(0) @binding(0) var<storage, read> x: array<S>;
@group(0) @binding(1) var<storage, read> weights: array<E>;
@group(0) @binding(2) var<storage, read_write> y: array<S>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.y * s.row + id.x;
    if (i >= s.count) { return; }
    var sum = V();
    for (var part = s.first; part < s.first + s.parts; part++) {
        sum += V(x[part * s.count + i]) * f32(weights[part * s.tokens + i / s.width]);
    }
    y[s.to * s.count + i] = S(sum);
}
