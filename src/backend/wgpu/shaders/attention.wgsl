// Softmax attention without the matrix of scores: Q queries of one head a workgroup, 8 threads a query, a running softmax over
// TILE keys at a time. D is the head's width. Workgroups: queries / Q, heads, n.
struct Sizes { queries: u32, keys: u32, width: u32, mask: u32, biases: u32, scale: f32, first: u32 }
var<immediate> s: Sizes;
@group(0) @binding(0) var<storage, read> q: array<S>;
@group(0) @binding(1) var<storage, read> k: array<S>;
@group(0) @binding(2) var<storage, read> v: array<S>;
@group(0) @binding(3) var<storage, read> bias: array<E>;
@group(0) @binding(4) var<storage, read_write> y: array<S>;

// Less than any score, yet finite: differences of hidden scores are numbers.
const HIDDEN = -1e30;
const PITCH = TILE + 1u;

var<workgroup> sq: array<V, Q * D>;
var<workgroup> skv: array<V, TILE * D>;
var<workgroup> sp: array<f32, Q * PITCH>;

// The score as the mask leaves it.
fn masked(score: f32, image: u32, query: u32, key: u32) -> f32 {
    if (key >= s.keys || (s.mask == 1u && key > query)) { return HIDDEN; }
    if (s.mask == 2u) {
        let row = image % s.biases * s.queries + min(query, s.queries - 1u);
        return max(score + max(f32(bias[row * s.keys + key]), HIDDEN), HIDDEN);
    }
    return score;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) i: u32) {
    let q0 = s.first + group.x * Q;
    let qb = group.z * s.queries * s.width + group.y * D;
    let kb = group.z * s.keys * s.width + group.y * D;
    for (var e = i; e < Q * D; e += THREADS) {
        let row = min(q0 + e / D, s.queries - 1u);
        sq[e] = V(q[qb + row * s.width + e % D]) * s.scale;
    }
    let row = i >> 3u;
    let lane = i & 7u;
    var top = HIDDEN;
    var sum = 0.0;
    OUTPUTS
    for (var k0 = 0u; k0 < s.keys; k0 += TILE) {
        workgroupBarrier();
        for (var e = i; e < TILE * D; e += THREADS) {
            let key = min(k0 + e / D, s.keys - 1u);
            skv[e] = V(k[kb + key * s.width + e % D]);
        }
        workgroupBarrier();
        SCORES
        workgroupBarrier();
        var high = HIDDEN;
        for (var j = 0u; j < TILE; j++) { high = max(high, sp[row * PITCH + j]); }
        let next = max(top, high);
        let fade = exp(top - next);
        top = next;
        sum *= fade;
        for (var e = i; e < TILE * D; e += THREADS) {
            let key = min(k0 + e / D, s.keys - 1u);
            skv[e] = V(v[kb + key * s.width + e % D]);
        }
        workgroupBarrier();
        FADES
        for (var j = 0u; j < TILE; j++) {
            let p = exp(sp[row * PITCH + j] - top);
            sum += p;
            SUMS
        }
    }
    if (q0 + row >= s.queries) { return; }
    let at = qb + (q0 + row) * s.width + lane;
    WRITES
}
