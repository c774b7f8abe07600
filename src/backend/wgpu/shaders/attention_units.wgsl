// Softmax attention on matrix units. A workgroup has SUBS subgroups; each has BLOCKS · SIDE queries of one head in its matrices,
// and all share KEYS keys at a time. Sums stay in the units' registers, whose elements nobody can reach: they are faded, by way of
// workgroup memory, only when the largest score of some query has grown by more than 8 powers of two since the last time. Until
// then weights are at most 256, which f16 holds well. D, WIDE: vectors of a head, and of a head filled up to whole matrices.
// Workgroups: queries / ROWS, heads, n.
struct Sizes { queries: u32, keys: u32, width: u32, scale: f32, first: u32 }
var<immediate> s: Sizes;
@group(0) @binding(0) var<storage, read> q: array<E4>;
@group(0) @binding(1) var<storage, read> k: array<E4>;
@group(0) @binding(2) var<storage, read> v: array<E4>;
@group(0) @binding(3) var<storage, read_write> y: array<E4>;

const HIDDEN = -1e30;
const ROWS = SUBS * BLOCKS * SIDE;
const THREADS = SUBS * LANES;
const QUARTER = SIDE / 4u;
// Vectors of a row in workgroup memory: 16 bytes more than needed, so that reads of a column meet other banks.
const PITCH = WIDE + 2u;
const SCORES = KEYS / 4u + 1u;
const WEIGHTS = KEYS / 4u + 2u;

var<workgroup> tile: array<E4, STAGE * PITCH>; // queries, then keys and values in turn
var<workgroup> scores: array<vec4<f32>, ROWS * SCORES>; // or sums on their way
var<workgroup> weights: array<E4, ROWS * WEIGHTS>;
var<workgroup> fades: array<f32, ROWS>;
var<workgroup> grown: u32;

// Scores of four keys, those past the end hidden.
fn seen(x: vec4<f32>, key: u32) -> vec4<f32> {
    return select(vec4<f32>(HIDDEN), x, vec4<u32>(key, key + 1u, key + 2u, key + 3u) < vec4<u32>(s.keys));
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) i: u32,
    @builtin(subgroup_id) subgroup: u32, @builtin(subgroup_invocation_id) invocation: u32) {
    // Within bounds even where subgroups have another size than the text is written for.
    let sub = subgroup % SUBS;
    let lane = invocation % LANES;
    let q0 = s.first + group.x * ROWS;
    let qb = group.z * s.queries * s.width + group.y * D;
    let kb = group.z * s.keys * s.width + group.y * D;
    let own = sub * BLOCKS * SIDE;
    // What fills heads up is zero, and stays so.
    for (var e = i; e < STAGE * (WIDE - D); e += THREADS) {
        tile[e / max(WIDE - D, 1u) * PITCH + D + e % max(WIDE - D, 1u)] = E4();
    }
    QUERIES
    OWN_ROWS
    FETCH_FIRST_KEYS
    for (var k0 = 0u; k0 < s.keys; k0 += KEYS) {
        workgroupBarrier();
        PUT_KEYS
        if (i == 0u) { grown = 0u; }
        workgroupBarrier();
        FETCH_VALUES
        PRODUCTS
        workgroupBarrier();
        PUT_VALUES
        SOFTMAX
        FETCH_NEXT_KEYS
        if (workgroupUniformLoad(&grown) != 0u) {
            FADE
        }
        SUMS
    }
    workgroupBarrier();
    TOTALS
    WRITE
}
