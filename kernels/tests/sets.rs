//! Every kernel of every set of instructions that this processor has, against loops in f64 on random shapes with tails, in
//! buffers that end at a guard.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

use half::{bf16, f16};
use polyptych_kernels::{
    Activation, Attention, Error, Finish, Half, Normalise, Patches, Rows, Seen, Set, Weights, Words, activate, add,
    convolution_by, geglu, group_moments, layer_norm, product,
};

/// Shapes of every kind that are tried; Miri is some thousand times slower.
const ROUNDS: usize = if cfg!(miri) { 2 } else { 40 };

/// A small generator (xorshift), so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A whole number `from..=to`.
    fn size(&mut self, from: usize, to: usize) -> usize {
        let to = if cfg!(miri) { to.min(from + 14) } else { to };
        from + (self.next() >> 16) as usize % (to - from + 1)
    }

    fn chance(&mut self) -> bool {
        self.size(0, 1) == 1
    }

    /// Values between −1 and 1.
    fn values(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| (self.next() >> 40) as f32 / (1 << 23) as f32 - 1.0).collect()
    }
}

/// All sets that this processor has, those that round the operands of products too.
fn sets() -> impl Iterator<Item = &'static Set> {
    let narrow = [Half::F16, Half::Bf16].into_iter().flat_map(Set::available_in);
    Set::available().iter().copied().chain(narrow)
}

/// Values as a set's products see them.
fn seen(set: &Set, values: &[f32]) -> Vec<f32> {
    let round = |x: &f32| match set.half() {
        None => *x,
        Some(Half::F16) => f16::from_f32(*x).to_f32(),
        Some(Half::Bf16) => bf16::from_f32(*x).to_f32(),
    };
    values.iter().map(round).collect()
}

/// What sums may be off where operands are seen as they are. Some products at a time are added up in f16.
fn bound(set: &Set, f32s: f64) -> f64 {
    if set.half() == Some(Half::F16) { 2e-3 } else { f32s }
}

const GUARD: f32 = 12345.678;

/// Values written by `write`, between guards that must stay.
#[track_caller]
fn guarded(count: usize, write: impl FnOnce(&mut [f32])) -> Vec<f32> {
    let mut buffer = vec![GUARD; count + 128];
    write(&mut buffer[64..64 + count]);
    let outside = buffer[..64].iter().chain(&buffer[64 + count..]);
    assert!(outside.copied().all(|x| x == GUARD), "values outside of {count} were written");
    buffer[64..64 + count].to_vec()
}

#[track_caller]
fn close(found: &[f32], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let difference: f64 = found.iter().zip(expected).map(|(a, b)| (f64::from(*a) - b).powi(2)).sum();
    let norm: f64 = expected.iter().map(|b| b.powi(2)).sum();
    let error = (difference / norm.max(1e-12)).sqrt();
    assert!(error <= tolerance, "{what}: relative L2 {error:.1e}");
}

/// The error function by its power series; beyond 4.5 it is 1 to ten digits.
fn erf(x: f64) -> f64 {
    if x.abs() > 4.5 {
        return x.signum();
    }
    let (mut term, mut sum) = (x, x);
    for n in 1..200 {
        term *= -x * x / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    sum * 2.0 / std::f64::consts::PI.sqrt()
}

fn gelu(x: f64) -> f64 {
    x * 0.5 * (1.0 + erf(x / 2.0_f64.sqrt()))
}

fn function(activation: Option<Activation>, x: f64) -> f64 {
    match activation {
        None => x,
        Some(Activation::Silu) => x / (1.0 + (-x).exp()),
        Some(Activation::Gelu) => gelu(x),
        Some(Activation::QuickGelu) => x / (1.0 + (-1.702 * x).exp()),
        Some(Activation::Relu) => x.max(0.0),
    }
}

const FUNCTIONS: [Option<Activation>; 5] =
    [None, Some(Activation::Silu), Some(Activation::Gelu), Some(Activation::QuickGelu), Some(Activation::Relu)];

/// A weight in one of the types that files have: what it is, its bytes, and its values.
struct Weight {
    kind: usize,
    bytes: Vec<u8>,
    values: Vec<f32>,
}

impl Weight {
    fn new(random: &mut Random, count: usize) -> Self {
        let values = random.values(count);
        let kind = random.size(0, 3);
        // One byte before the first value: files align nothing.
        let mut bytes = vec![7];
        let values = values.into_iter().map(|value| match kind {
            0 => {
                bytes.extend(f16::from_f32(value).to_le_bytes());
                f16::from_f32(value).to_f32()
            }
            1 => {
                bytes.extend(bf16::from_f32(value).to_le_bytes());
                bf16::from_f32(value).to_f32()
            }
            _ => {
                bytes.extend(value.to_le_bytes());
                value
            }
        });
        let values = values.collect();
        Self { kind, bytes, values }
    }

    fn words(&self) -> Words<'_> {
        match self.kind {
            0 => Words::F16(&self.bytes[1..]),
            1 => Words::Bf16(&self.bytes[1..]),
            2 => Words::F32(&self.bytes[1..]),
            _ => Words::Values(&self.values),
        }
    }
}

/// Rows times `[outputs, inputs]` in f64, plus a bias.
fn multiplied(x: &[f32], weight: &[f32], bias: Option<&[f32]>, inputs: usize, outputs: usize) -> Vec<f64> {
    let row = |x: &[f32]| -> Vec<f64> {
        let output = |output: usize| {
            let weight = &weight[output * inputs..][..inputs];
            let sum: f64 = x.iter().zip(weight).map(|(x, w)| f64::from(*x) * f64::from(*w)).sum();
            sum + bias.map_or(0.0, |bias| f64::from(bias[output]))
        };
        (0..outputs).map(output).collect()
    };
    x.chunks_exact(inputs).flat_map(row).collect()
}

#[test]
fn linear_layers_are_their_sums_on_every_set() {
    for set in sets() {
        let mut random = Random(1);
        for round in 0..ROUNDS {
            let (rows, inputs) = (random.size(1, 17), random.size(1, if round % 8 == 0 { 700 } else { 90 }));
            let (rows, outputs) = (if round == 5 { 530 } else { rows }, random.size(1, 100));
            let weight = Weight::new(&mut random, outputs * inputs);
            let bias = random.chance().then(|| random.values(outputs));
            let x = random.values(rows * inputs);
            let packed = Weights::new(set, weight.words(), bias.as_deref(), [outputs, inputs, 1]).unwrap();
            let activation = FUNCTIONS[round % FUNCTIONS.len()];
            let residual = random.chance().then(|| random.values(rows * outputs));
            let vectors = [0, 1, rows][random.size(0, 2)];
            let vector = random.values(vectors * outputs);
            let finish = Finish { vector: (vectors > 0).then_some(&vector), activation, residual: residual.as_deref() };
            let (seen_x, seen_weight) = (seen(set, &x), seen(set, &weight.values));
            let mut expected = multiplied(&seen_x, &seen_weight, bias.as_deref(), inputs, outputs);
            for (at, y) in expected.iter_mut().enumerate() {
                let (row, column) = (at / outputs, at % outputs);
                let vector = if vectors == 0 { 0.0 } else { vector[row * vectors / rows * outputs + column] };
                *y = function(activation, *y + f64::from(vector)) + residual.as_ref().map_or(0.0, |r| r[at].into());
            }
            let found = guarded(rows * outputs, |y| product(Rows::Matrix(&x), &packed, finish, y).unwrap());
            close(&found, &expected, bound(set, 1e-6), &format!("{set:?}: {rows} × {inputs} × {outputs}"));
        }
    }
}

#[test]
fn values_with_gates_are_multiplied_by_their_gelu_on_every_set() {
    for set in sets() {
        let mut random = Random(2);
        for _ in 0..ROUNDS {
            let (rows, inputs, half) = (random.size(1, 17), random.size(1, 90), random.size(1, 130));
            let weight = Weight::new(&mut random, 2 * half * inputs);
            let bias = random.chance().then(|| random.values(2 * half));
            let x = random.values(rows * inputs);
            let packed = Weights::gated(set, weight.words(), bias.as_deref(), [2 * half, inputs]).unwrap();
            let (seen_x, seen_weight) = (seen(set, &x), seen(set, &weight.values));
            let plain = multiplied(&seen_x, &seen_weight, bias.as_deref(), inputs, 2 * half);
            let halves = plain.chunks_exact(2 * half).map(|row| row.split_at(half));
            let expected: Vec<f64> =
                halves.flat_map(|(a, b)| a.iter().zip(b).map(|(a, b)| a * gelu(*b)).collect::<Vec<_>>()).collect();
            let found = guarded(rows * half, |y| product(Rows::Matrix(&x), &packed, Finish::default(), y).unwrap());
            close(&found, &expected, bound(set, 2e-6), &format!("{set:?}: {rows} × {inputs} × {half}"));
        }
    }
}

/// A convolution of `[n, h, w, c]` by its definition, without a bias, after an enlargement.
fn convolved(p: &Patches, weight: &[f32], [n, channels, outputs]: [usize; 3]) -> Vec<f64> {
    let ([height, width], [tall, wide], kernel) = (p.sides, p.enlarged, p.kernel);
    let mut y = Vec::new();
    for (image, row, column) in
        (0..n).flat_map(|n| (0..p.out[0]).flat_map(move |y| (0..p.out[1]).map(move |x| (n, y, x))))
    {
        for output in 0..outputs {
            let mut sum = 0.0;
            for (tap_y, tap_x) in (0..kernel).flat_map(|y| (0..kernel).map(move |x| (y, x))) {
                let (y, x) = ((row * p.stride + tap_y) as isize, (column * p.stride + tap_x) as isize);
                let (y, x) = (y - p.before as isize, x - p.before as isize);
                if y < 0 || x < 0 || y as usize >= tall || x as usize >= wide {
                    continue;
                }
                let (y, x) = (y as usize * height / tall, x as usize * width / wide);
                for c in 0..channels {
                    let value = p.images[((image * height + y) * width + x) * channels + c];
                    let weight = weight[((output * channels + c) * kernel + tap_y) * kernel + tap_x];
                    sum += f64::from(value) * f64::from(weight);
                }
            }
            y.push(sum);
        }
    }
    y
}

#[test]
fn convolutions_are_their_sums_on_every_set() {
    for set in sets() {
        let mut random = Random(3);
        for round in 0..ROUNDS {
            let kernel = [1, 3, 3, 5, 2][round % 5];
            let (n, channels, outputs) = (random.size(1, 2), random.size(1, 40), random.size(1, 60));
            let sides = [random.size(kernel, 11), random.size(kernel, 11)];
            let enlarged = if random.chance() { sides } else { [2 * sides[0], 2 * sides[1] - 1] };
            let (stride, before, after) = (random.size(1, 3), random.size(0, 3), random.size(0, 3));
            let out = enlarged.map(|side| (side + before + after - kernel) / stride + 1);
            let x = random.values(n * sides[0] * sides[1] * channels);
            let weight = Weight::new(&mut random, outputs * channels * kernel * kernel);
            let bias = random.values(outputs);
            let packed = Weights::new(set, weight.words(), Some(&bias), [outputs, channels, kernel * kernel]).unwrap();
            let patches = Patches { images: &x, sides, enlarged, kernel, stride, before, out };
            let vector = random.values(n * outputs);
            let finish = Finish { vector: Some(&vector), ..Finish::default() };
            let seen_x = seen(set, &x);
            let seen_patches = Patches { images: &seen_x, ..patches };
            let mut expected = convolved(&seen_patches, &seen(set, &weight.values), [n, channels, outputs]);
            let image = out[0] * out[1] * outputs;
            for (at, y) in expected.iter_mut().enumerate() {
                *y += f64::from(bias[at % outputs]) + f64::from(vector[at / image * outputs + at % outputs]);
            }
            let found = guarded(n * image, |y| convolution_by(false, patches, &packed, finish, y).unwrap());
            let what =
                format!("{set:?}: {n} × {sides:?} × {channels} to {outputs}, {kernel} {stride} {before} {after}");
            close(&found, &expected, bound(set, 1e-6), &what);
        }
    }
}

#[test]
fn winograds_convolution_is_as_exact_as_its_constants_allow_on_every_set() {
    for set in sets().filter(|set| set.half() != Some(Half::Bf16)) {
        let mut random = Random(6);
        for round in 0..ROUNDS / 2 {
            let (n, channels, outputs) = (random.size(1, 2), random.size(1, 100), random.size(1, 60));
            let sides = [random.size(1, 13), random.size(1, 13)];
            let enlarged = if random.chance() { sides } else { [2 * sides[0], 2 * sides[1] + 1] };
            let (before, after) = (random.size(1, 2), random.size(1, 2));
            let out = enlarged.map(|side| side + before + after - 2);
            let x = random.values(n * sides[0] * sides[1] * channels);
            let weight = Weight::new(&mut random, outputs * channels * 9);
            let bias = random.values(outputs);
            let packed = Weights::new(set, weight.words(), Some(&bias), [outputs, channels, 9]).unwrap();
            let patches = Patches { images: &x, sides, enlarged, kernel: 3, stride: 1, before, out };
            let image = out[0] * out[1] * outputs;
            let [vector, residual] = [outputs, n * image].map(|count| random.values(count));
            let activation = FUNCTIONS[round % 4];
            let finish = Finish { vector: Some(&vector), activation, residual: Some(&residual) };
            // (Weights are rounded where they are packed in f16; what they meet is not.)
            let mut expected = convolved(&patches, &seen(set, &weight.values), [n, channels, outputs]);
            for (at, y) in expected.iter_mut().enumerate() {
                let sum = *y + f64::from(bias[at % outputs]) + f64::from(vector[at % outputs]);
                *y = function(activation, sum) + f64::from(residual[at]);
            }
            let found = guarded(n * image, |y| convolution_by(true, patches, &packed, finish, y).unwrap());
            close(&found, &expected, 5e-6, &format!("{set:?}: {n} × {sides:?} × {channels} to {outputs}, {before}"));
        }
    }
}

#[test]
fn attention_is_softmax_of_scores_on_every_set() {
    for set in sets() {
        let mut random = Random(4);
        for round in 0..ROUNDS {
            let (n, heads, depth) = (random.size(1, 2), random.size(1, 3), random.size(1, 50));
            let (queries, keys) = (random.size(1, 70), random.size(1, if round % 4 == 0 { 300 } else { 20 }));
            let width = heads * depth;
            let q: Vec<f32> = random.values(n * queries * width).into_iter().map(|q| 4.0 * q).collect();
            let [k, v] = [0, 1].map(|_| random.values(n * keys * width));
            let rows: Vec<[&[f32]; 2]> =
                k.chunks_exact(keys * width).zip(v.chunks_exact(keys * width)).map(|(k, v)| [k, v]).collect();
            let scale = 1.0 / (depth as f32).sqrt();
            let causal = round % 3 == 1;
            let biases = if round % 3 == 2 { [1, n][random.size(0, 1)] } else { 0 };
            let mut bias = random.values(biases * queries * keys);
            // Whole first blocks of keys, and single ones, are hidden.
            for (at, bias) in bias.iter_mut().enumerate() {
                if at % keys != keys - 1 && (at % keys < keys / 2 || at % 7 == 0) {
                    *bias = f32::NEG_INFINITY;
                }
            }
            let mut expected = Vec::new();
            for (row, query) in (0..n).flat_map(|n| (0..queries).map(move |q| (n, q))) {
                for head in 0..heads {
                    let scores: Vec<f64> = (0..keys)
                        .map(|key| {
                            let q = &q[(row * queries + query) * width + head * depth..][..depth];
                            let k = &rows[row][0][key * width + head * depth..][..depth];
                            let dot: f64 = q.iter().zip(k).map(|(q, k)| f64::from(*q) * f64::from(*k)).sum();
                            let bias = match biases {
                                0 => 0.0,
                                _ => bias[(row % biases * queries + query) * keys + key].into(),
                            };
                            if causal && key > query { 0.0 } else { (dot * f64::from(scale) + bias).exp() }
                        })
                        .collect();
                    let sum: f64 = scores.iter().sum();
                    for i in 0..depth {
                        let value = |key: usize| f64::from(rows[row][1][key * width + head * depth + i]);
                        expected.push((0..keys).map(|key| scores[key] * value(key)).sum::<f64>() / sum);
                    }
                }
            }
            let seen = match (causal, biases) {
                (true, _) => Seen::Causal,
                (_, 0) => Seen::All,
                _ => Seen::Bias(&bias),
            };
            let scratch = [1, 5000, 1 << 20][random.size(0, 2)];
            let attention = Attention { q: &q, rows: &rows, queries, keys, width, heads, scale, seen, scratch };
            let found = guarded(q.len(), |y| attention.write(set, y).unwrap());
            // Scores and what they weigh are rounded on their way.
            let bound = match set.half() {
                None => 2e-6,
                Some(Half::F16) => 2e-3,
                Some(Half::Bf16) => 1e-2,
            };
            close(&found, &expected, bound, &format!("{set:?}: {n} × {queries} × {keys}, {heads} × {depth}"));
        }
    }
}

#[test]
fn normalisations_have_mean_zero_and_variance_one_on_every_set() {
    let moments = |values: &[f64]| {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        (mean, values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64)
    };
    for set in sets() {
        let mut random = Random(5);
        for round in 0..ROUNDS {
            let (images, groups, per_group) = (random.size(1, 3), random.size(1, 5), random.size(1, 21));
            let pixels = random.size(1, if round % 4 == 0 { 1500 } else { 40 });
            let channels = groups * per_group;
            // Far from zero, where squares lose their digits.
            let x: Vec<f32> = random.values(images * pixels * channels).iter().map(|x| x + 30.0).collect();
            let [scale, shift] = [0, 1].map(|_| random.values(channels));
            let measured = group_moments(set, &x, images, channels, groups).unwrap();
            let mut exact = Vec::new();
            for (image, group) in (0..images).flat_map(|i| (0..groups).map(move |g| (i, g))) {
                let values: Vec<f64> = (0..pixels)
                    .flat_map(|p| (0..per_group).map(move |c| (image * pixels + p) * channels + group * per_group + c))
                    .map(|at| f64::from(x[at]))
                    .collect();
                exact.push(moments(&values));
            }
            for (found, exact) in measured.iter().zip(&exact) {
                assert!((f64::from(found.mean) - exact.0).abs() < 4e-6, "{set:?}: mean {found:?} {exact:?}");
                assert!(
                    (f64::from(found.variance) - exact.1).abs() < 2e-6 * exact.1.max(0.01),
                    "{set:?}: {found:?} {exact:?}"
                );
            }
            let silu = random.chance();
            let op = Normalise { scale: &scale, shift: &shift, moments: &measured, images, eps: 1e-2, silu };
            let found = guarded(x.len(), |y| op.write(set, &x, y).unwrap());
            let expected: Vec<f64> = (0..x.len())
                .map(|at| {
                    let (image, channel) = (at / channels / pixels, at % channels);
                    let (mean, variance) = exact[image * groups + channel / per_group];
                    let v = (f64::from(x[at]) - mean) / (variance + 1e-2).sqrt();
                    let v = v * f64::from(scale[channel]) + f64::from(shift[channel]);
                    if silu { function(Some(Activation::Silu), v) } else { v }
                })
                .collect();
            close(&found, &expected, 1e-5, &format!("{set:?}: {images} × {pixels} × {groups} × {per_group}"));
            let found = guarded(x.len(), |y| layer_norm(set, &x, &scale, &shift, 1e-2, y).unwrap());
            let expected: Vec<f64> = x
                .chunks_exact(channels)
                .flat_map(|token| {
                    let values: Vec<f64> = token.iter().map(|&x| f64::from(x)).collect();
                    let (mean, variance) = moments(&values);
                    let line = scale.iter().zip(&shift).zip(values);
                    let line = line.map(|((scale, shift), v)| {
                        (v - mean) / (variance + 1e-2).sqrt() * f64::from(*scale) + f64::from(*shift)
                    });
                    line.collect::<Vec<_>>()
                })
                .collect();
            close(&found, &expected, 1e-5, &format!("{set:?}: tokens of {channels}"));
        }
    }
}

#[test]
fn functions_are_exact_to_the_last_digits_on_every_set() {
    for set in sets() {
        for count in [1, 15, 16, 33, if cfg!(miri) { 50 } else { 40_000 }] {
            let x: Vec<f32> = (0..count).map(|i| (i as f32 / count as f32 - 0.5) * 24.0).collect();
            for activation in FUNCTIONS.into_iter().flatten() {
                let found = guarded(count, |y| activate(set, &x, activation, y).unwrap());
                for (x, y) in x.iter().zip(found) {
                    let exact = function(Some(activation), f64::from(*x));
                    let error = (f64::from(y) - exact).abs() / f64::from(x.abs()).max(0.1);
                    assert!(error < 6e-7, "{set:?}: {activation:?}({x}) is {y}, not {exact}");
                }
            }
            let halves: Vec<f32> = x.iter().chain(x.iter().rev()).copied().collect();
            let expected: Vec<f64> =
                x.iter().zip(x.iter().rev()).map(|(a, b)| f64::from(*a) * gelu(f64::from(*b))).collect();
            let found = guarded(count, |y| geglu(set, &halves, count, y).unwrap());
            close(&found, &expected, 1e-6, &format!("{set:?}: geglu of {count}"));
        }
        let ends = [0.0, -0.0, 1e30, -1e30, f32::INFINITY, f32::NAN, f32::MIN_POSITIVE];
        let found = guarded(ends.len(), |y| activate(set, &ends, Activation::Silu, y).unwrap());
        assert!(found[0] == 0.0 && found[2] == 1e30 && found[3].abs() < 1e-6, "{set:?}: {found:?}");
        assert!(found[4] == f32::INFINITY && found[5].is_nan(), "{set:?}: {found:?}");
    }
}

#[test]
fn sizes_that_do_not_fit_are_errors() {
    let set = Set::best();
    let [x, mut y] = [vec![0.0; 12], vec![0.0; 12]];
    assert!(matches!(Weights::new(set, Words::Values(&x), None, [3, 5, 1]), Err(Error::Fit(_))));
    assert!(matches!(Weights::new(set, Words::F16(&[0; 23]), None, [3, 4, 1]), Err(Error::Fit(_))));
    assert!(matches!(Weights::gated(set, Words::Values(&x), None, [3, 4]), Err(Error::Fit(_))));
    assert!(matches!(Weights::new(set, Words::Values(&x), Some(&x), [3, 4, 1]), Err(Error::Fit(_))));
    let weights = Weights::new(set, Words::Values(&x), None, [3, 4, 1]).unwrap();
    for (rows, count) in [(&x[..11], 9), (&x[..], 8), (&x[..], 12)] {
        let wrong = product(Rows::Matrix(rows), &weights, Finish::default(), &mut y[..count]);
        assert!(matches!(wrong, Err(Error::Fit(_))), "{count}");
    }
    for finish in [
        Finish { vector: Some(&x[..4]), ..Finish::default() },
        Finish { vector: Some(&x[..6]), ..Finish::default() },
        Finish { residual: Some(&x), ..Finish::default() },
    ] {
        assert!(matches!(product(Rows::Matrix(&x), &weights, finish, &mut y[..9]), Err(Error::Fit(_))));
    }
    let patches = Patches { images: &x, sides: [2, 2], enlarged: [2, 2], kernel: 2, stride: 1, before: 0, out: [1, 1] };
    assert!(matches!(product(Rows::Patches(patches), &weights, Finish::default(), &mut y), Err(Error::Fit(_))));
    assert!(matches!(add(&x, &x[1..], &mut y), Err(Error::Fit(_))));
    assert!(matches!(activate(set, &x[1..], Activation::Gelu, &mut y), Err(Error::Fit(_))));
    assert!(matches!(geglu(set, &x, 4, &mut y), Err(Error::Fit(_))));
    assert!(matches!(layer_norm(set, &x, &x[..5], &x[..5], 0.0, &mut y), Err(Error::Fit(_))));
    assert!(matches!(group_moments(set, &x, 1, 6, 4), Err(Error::Fit(_))));
    let rows = [[&x[..], &x[..]]];
    let attention = Attention {
        q: &x,
        rows: &rows,
        queries: 3,
        keys: 3,
        width: 4,
        heads: 3,
        scale: 1.0,
        seen: Seen::All,
        scratch: 0,
    };
    assert!(matches!(attention.write(set, &mut y), Err(Error::Fit(_))));
}

#[test]
fn weights_of_16_bits_take_16_bits() {
    let bytes = vec![0; 2 * 96 * 64];
    let weights = Weights::new(Set::best(), Words::F16(&bytes), None, [96, 64, 1]).unwrap();
    assert_eq!(weights.bytes(), bytes.len());
}

#[test]
fn the_best_set_is_one_that_the_processor_has() {
    let best = Set::best();
    assert!(Set::available().iter().any(|set| set.name() == best.name()));
    assert_eq!(Set::available().last().unwrap().name(), "portable");
    assert_eq!(Set::named(best.name()).unwrap().name(), best.name());
    assert!(Set::named("abacus").is_none());
}

#[test]
fn a_product_beyond_the_range_of_f16_is_done_in_f32() {
    for set in Set::available_in(Half::F16) {
        let mut random = Random(8);
        let (rows, inputs, outputs) = (19, 70, 41);
        let weight = Weight { kind: 3, bytes: Vec::new(), values: random.values(outputs * inputs) };
        let packed = Weights::new(set, weight.words(), None, [outputs, inputs, 1]).unwrap();
        let seen_weight = seen(set, &weight.values);
        // A value outside of the range, then sums, and at last values that would be in it.
        let mut large = random.values(rows * inputs);
        large[40] = 1e5;
        let sums = random.values(rows * inputs).iter().map(|x| 6e4 * x).collect();
        for x in [large, sums, random.values(rows * inputs)] {
            let expected = multiplied(&x, &seen_weight, None, inputs, outputs);
            let found = guarded(rows * outputs, |y| product(Rows::Matrix(&x), &packed, Finish::default(), y).unwrap());
            close(&found, &expected, 1e-6, &format!("{set:?}"));
        }
        let (channels, sides) = (20, [5, 6]);
        let weight = Weight { kind: 3, bytes: Vec::new(), values: random.values(outputs * channels * 9) };
        let packed = Weights::new(set, weight.words(), None, [outputs, channels, 9]).unwrap();
        let x: Vec<f32> = random.values(channels * 30).iter().map(|x| 1e5 * x).collect();
        let patches = Patches { images: &x, sides, enlarged: sides, kernel: 3, stride: 1, before: 1, out: sides };
        let expected = convolved(&patches, &seen(set, &weight.values), [1, channels, outputs]);
        let found = guarded(30 * outputs, |y| {
            product(Rows::Patches(patches), &packed, Finish::default(), y).unwrap();
        });
        close(&found, &expected, 1e-6, &format!("{set:?}: a convolution"));
    }
}

#[test]
fn an_attention_beyond_the_range_of_f16_is_done_in_f32() {
    for set in Set::available_in(Half::F16) {
        let mut random = Random(9);
        let (queries, keys, depth) = (20, 30, 16);
        let [q, k, v] = [queries, keys, keys].map(|tokens| random.values(tokens * depth));
        let q: Vec<f32> = q.iter().map(|q| 1e7 * q).collect();
        let k: Vec<f32> = k.iter().map(|k| 1e-6 * k).collect();
        let rows = [[k.as_slice(), v.as_slice()]];
        let seen = Seen::All;
        let attention = Attention {
            q: &q,
            rows: &rows,
            queries,
            keys,
            width: depth,
            heads: 1,
            scale: 0.25,
            seen,
            scratch: 1 << 20,
        };
        let found = guarded(q.len(), |y| attention.write(set, y).unwrap());
        let expected = guarded(q.len(), |y| attention.write(Set::best(), y).unwrap());
        let expected: Vec<f64> = expected.into_iter().map(f64::from).collect();
        close(&found, &expected, 1e-6, &format!("{set:?}"));
    }
}
