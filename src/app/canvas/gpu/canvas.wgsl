// The canvas: paper, picture and regions, each a quad of canvas pixels laid on the screen by one transform.

struct Draw {
    // Where a step right and a step down on the canvas lead on the screen, and where its origin lies, in pixels.
    x: vec2f,
    y: vec2f,
    at: vec2f,
    // Width and height of what is drawn on, in pixels.
    size: vec2f,
    // What is drawn, in canvas pixels: left, top, right, bottom.
    quad: vec4f,
    // The canvas: left, top, right, bottom.
    canvas: vec4f,
    // Where the texture lies on the canvas: left, top, width, height.
    held: vec4f,
    colour: vec4f,
    second: vec4f,
    opacity: f32,
    // Width of a line in pixels; of paper the strength of its shadow.
    line: f32,
    // The level of the texture to read.
    level: f32,
    // Pixels of the screen per canvas pixel, and per point.
    scale: f32,
    unit: f32,
    pattern: u32,
    flags: u32,
    // Canvas pixels per cell, where cells are shown.
    cell: f32,
    // What places are divided by, from (x, y, 1): 1, but for what is seen in perspective.
    far: vec4f,
}

const WRAP_X: u32 = 1u;
const WRAP_Y: u32 = 2u;
// Every texel as an even square.
const CELLS: u32 = 4u;
// What is drawn on wants linear light.
const LINEAR: u32 = 8u;

@group(0) @binding(0) var<uniform> draw: Draw;
@group(1) @binding(0) var image: texture_2d<f32>;
@group(1) @binding(1) var smooth_sampler: sampler;

struct Corner {
    @builtin(position) position: vec4f,
    @location(0) canvas: vec2f,
}

// What the place of a canvas position is divided by.
fn far(canvas: vec2f) -> f32 {
    return dot(draw.far.xyz, vec3f(canvas, 1.0));
}

// Where a canvas position lies on the screen, in pixels.
fn pixel(canvas: vec2f) -> vec2f {
    return (draw.x * canvas.x + draw.y * canvas.y + draw.at) / far(canvas);
}

@vertex
fn corner(@builtin(vertex_index) index: u32) -> Corner {
    let across = vec2f(f32(index & 1u), f32(index >> 1u));
    let canvas = mix(draw.quad.xy, draw.quad.zw, across);
    let place = pixel(canvas) / draw.size * vec2f(2.0, -2.0) + vec2f(-1.0, 1.0);
    var out: Corner;
    // Divided again by the card, which so knows how far each corner is.
    out.position = vec4f(place, 0.0, 1.0) * far(canvas);
    out.canvas = canvas;
    return out;
}

// A colour multiplied by its alpha, in the space of what is drawn on.
fn finished(colour: vec4f) -> vec4f {
    if (draw.flags & LINEAR) == 0u || colour.a == 0.0 {
        return colour;
    }
    let gamma = colour.rgb / colour.a;
    let dark = gamma / 12.92;
    let light = pow((gamma + 0.055) / 1.055, vec3f(2.4));
    return vec4f(select(light, dark, gamma <= vec3f(0.04045)) * colour.a, colour.a);
}

// How far a canvas position lies outside the canvas along each axis, in pixels of the screen; negative inside.
fn outside(canvas: vec2f) -> vec2f {
    return max(draw.canvas.xy - canvas, canvas - draw.canvas.zw) * draw.scale;
}

// How much of a pixel of the screen lies on the canvas.
fn on_canvas(canvas: vec2f) -> f32 {
    let out = outside(canvas);
    return clamp(0.5 - max(out.x, out.y), 0.0, 1.0);
}

@fragment
fn paper(in: Corner) -> @location(0) vec4f {
    let squares = vec2i(floor((pixel(in.canvas) - draw.at) / (8.0 * draw.unit)));
    let odd = ((squares.x + squares.y) & 1) == 1;
    let ground = select(draw.colour.rgb, draw.second.rgb, odd);
    let cover = on_canvas(in.canvas) * draw.opacity;
    // A shadow around it.
    let far = length(max(outside(in.canvas), vec2f(0.0))) / draw.unit;
    let shade = draw.line * pow(1.0 - clamp(far / 24.0, 0.0, 1.0), 2.0) * (1.0 - cover);
    return finished(vec4f(ground * cover, cover + shade));
}

// The texture at a canvas position, read from `level`.
fn sampled(canvas: vec2f, level: f32) -> vec4f {
    let half = vec2f(0.5);
    var p = clamp(canvas, draw.canvas.xy + half, draw.canvas.zw - half);
    if (draw.flags & CELLS) != 0u {
        p = draw.held.xy + (floor((p - draw.held.xy) / draw.cell) + half) * draw.cell;
    }
    return textureSampleLevel(image, smooth_sampler, (p - draw.held.xy) / draw.held.zw, level);
}

@fragment
fn picture(in: Corner) -> @location(0) vec4f {
    let colour = sampled(in.canvas, draw.level);
    let cover = on_canvas(in.canvas) * draw.opacity;
    return finished(vec4f(colour.rgb * cover, cover));
}

// Paint: its colours are multiplied by its coverage already.
@fragment
fn paint(in: Corner) -> @location(0) vec4f {
    return finished(sampled(in.canvas, draw.level) * on_canvas(in.canvas) * draw.opacity);
}

// What a region covers at a canvas position: nothing off the canvas, but over a joined edge it goes on.
fn coverage(canvas: vec2f, level: f32) -> f32 {
    let off = (canvas < draw.canvas.xy) | (canvas > draw.canvas.zw);
    let open = vec2<bool>((draw.flags & WRAP_X) == 0u, (draw.flags & WRAP_Y) == 0u);
    if any(off & open) {
        return 0.0;
    }
    return sampled(canvas, level).r;
}

@fragment
fn tint(in: Corner) -> @location(0) vec4f {
    let cover = coverage(in.canvas, draw.level) * draw.opacity;
    return vec4f(draw.colour.rgb * cover, cover);
}

// One if a line of the pattern runs here.
fn stripe(along: f32) -> f32 {
    let period = 9.0 * draw.unit;
    let width = 1.6 * draw.unit;
    let from_middle = abs(fract(along / period) - 0.5) * period;
    return clamp(width * 0.5 + 0.5 - from_middle, 0.0, 1.0);
}

@fragment
fn hatch(in: Corner) -> @location(0) vec4f {
    let p = pixel(in.canvas) - draw.at;
    let down = (p.x + p.y) * 0.70710678;
    let up = (p.x - p.y) * 0.70710678;
    var lines = 0.0;
    switch draw.pattern % 6u {
        case 0u: { lines = stripe(down); }
        case 1u: { lines = stripe(up); }
        case 2u: { lines = stripe(p.y); }
        case 3u: { lines = stripe(p.x); }
        case 4u: { lines = max(stripe(down), stripe(up)); }
        default: { lines = max(stripe(p.x), stripe(p.y)); }
    }
    let cover = coverage(in.canvas, draw.level) * draw.opacity * mix(0.22, 1.0, lines);
    return vec4f(draw.colour.rgb * cover, cover);
}

// Lines on a tint: seen on any picture, and told from the regions' even tint.
@fragment
fn change(in: Corner) -> @location(0) vec4f {
    let p = pixel(in.canvas) - draw.at;
    let colour = mix(draw.second * 0.3, draw.colour * 0.85, stripe((p.x + p.y) * 0.70710678));
    return finished(colour * coverage(in.canvas, draw.level) * draw.opacity);
}

@fragment
fn outline(in: Corner) -> @location(0) vec4f {
    // A level coarser, so that the edge is a ramp of some pixels whose slope can be measured.
    let level = max(draw.level + 1.5, 0.0);
    // Where a step right and a step down on the screen lead on the canvas.
    let place = pixel(in.canvas);
    let across_canvas = (draw.x - place * draw.far.x) / far(in.canvas);
    let down_canvas = (draw.y - place * draw.far.y) / far(in.canvas);
    let size = across_canvas.x * down_canvas.y - across_canvas.y * down_canvas.x;
    let right = vec2f(down_canvas.y, -across_canvas.y) / size;
    let down = vec2f(-down_canvas.x, across_canvas.x) / size;
    let here = coverage(in.canvas, level);
    let slope = 0.5 * vec2f(
        coverage(in.canvas + right, level) - coverage(in.canvas - right, level),
        coverage(in.canvas + down, level) - coverage(in.canvas - down, level),
    );
    let steep = length(slope);
    if steep < 1e-4 {
        discard;
    }
    let away = abs(here - 0.5) / steep;
    let under = clamp((draw.line + draw.unit) * 0.5 + 0.5 - away, 0.0, 1.0);
    let over = clamp(draw.line * 0.5 + 0.5 - away, 0.0, 1.0);
    // Along the outline, in one of four directions so that dashes do not drift where it bends.
    let p = (place - draw.at) / draw.unit;
    let across = slope / steep;
    var along = select((p.x + p.y) * 0.70710678, (p.x - p.y) * 0.70710678, across.x * across.y > 0.0);
    if abs(across.x) > 0.92 {
        along = p.y;
    } else if abs(across.y) > 0.92 {
        along = p.x;
    }
    let dash = select(0.0, 1.0, fract(along / 11.0) < 7.0 / 11.0);
    let dark = draw.second * under;
    let light = vec4f(draw.colour.rgb, 1.0) * over * dash;
    return finished((light + dark * (1.0 - light.a)) * draw.opacity);
}

// What was drawn apart, laid over the rest.
@fragment
fn layer(in: Corner) -> @location(0) vec4f {
    let size = vec2i(textureDimensions(image));
    let colour = textureLoad(image, clamp(vec2i(pixel(in.canvas)), vec2i(0), size - 1), 0);
    return finished(colour * draw.opacity);
}
