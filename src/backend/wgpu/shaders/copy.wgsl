// Runs of `width` values, from every `from_step` to every `to_step`.
struct Sizes { count: u32, row: u32, width: u32, from_first: u32, from_step: u32, to_first: u32, to_step: u32 }
var<immediate> s: Sizes;
@group(0) @binding(0) var<storage, read> x: array<S>;
@group(0) @binding(1) var<storage, read_write> y: array<S>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.y * s.row + id.x;
    if (i >= s.count) { return; }
    let run = i / s.width;
    let at = i - run * s.width;
    y[s.to_first + run * s.to_step + at] = x[s.from_first + run * s.from_step + at];
}
