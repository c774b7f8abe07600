// Sums of the parts of a product's depth, added up. Workgroups: columns, rows.
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let m = s.first + id.y;
    let row = s.n >> 2u;
    if (m >= s.m || id.x >= row) { return; }
    var sum = vec4<f32>();
    for (var part = 0u; part < s.share; part++) {
        sum += x[(part * (s.m - s.first) + id.y) * row + id.x];
    }
    put(0u, m, id.x * 4u, sum);
}
