// The error function by Abramowitz and Stegun 7.1.26, off by 1.5e-7 at most: WGSL has none.
fn erf(x: V) -> V {
    let a = abs(x);
    let t = 1.0 / (1.0 + 0.3275911 * a);
    let p = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
    return sign(x) * (1.0 - p * exp(-a * a));
}

fn gelu(x: V) -> V {
    return x * (0.5 + 0.5 * erf(x * 0.70710678));
}

// x · sigmoid(slope · x). The exponent stays where exp is finite.
fn swish(x: V, slope: f32) -> V {
    return x / (1.0 + exp(min(-slope * x, V(80.0))));
}

// Kinds as in `kernels::activation`.
fn activated(x: V, kind: u32) -> V {
    switch kind {
        case 1u: { return swish(x, 1.0); }
        case 2u: { return gelu(x); }
        case 3u: { return swish(x, 1.702); }
        case 4u: { return select(x, V(0.0), x < V(0.0)); }
        default: { return x; }
    }
}
