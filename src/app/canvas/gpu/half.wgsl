// The next smaller level of a texture: every two by two texels as one.

@group(0) @binding(0) var larger: texture_2d<f32>;
@group(0) @binding(1) var larger_sampler: sampler;

struct Screen {
    @builtin(position) position: vec4f,
    @location(0) uv: vec2f,
}

@vertex
fn whole(@builtin(vertex_index) index: u32) -> Screen {
    let uv = vec2f(f32((index << 1u) & 2u), f32(index & 2u));
    return Screen(vec4f(uv * vec2f(2.0, -2.0) + vec2f(-1.0, 1.0), 0.0, 1.0), uv);
}

@fragment
fn half_size(in: Screen) -> @location(0) vec4f {
    return textureSampleLevel(larger, larger_sampler, in.uv, 0.0);
}
