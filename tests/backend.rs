//! Every operator of every backend against loops that say what it is, in f64, on ragged shapes: odd sides, batches of 1 to 3,
//! channels that are no multiples of 4. Each backend has its class of tolerance.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

use polyptych::backend::candle::Candle;
use polyptych::backend::cpu::{Cpu, Half, Set};
use polyptych::backend::wgpu::{Wgpu, adapters};
use polyptych::backend::{
    Activation, Attention, Backend, ConvOptions, Device, Dtype, Epilogue, Error, Mask, Values, WeightView,
};
use polyptych::checkpoint::Checkpoint;
use polyptych::checkpoint::prompt::Reading;
use polyptych::diffusion::{Call, Network as _, Planes};

/// An array as the trait speaks of it: images have their channels before their sides.
#[derive(Clone)]
struct Array {
    shape: Vec<usize>,
    data: Vec<f64>,
}

impl Array {
    fn new(shape: &[usize], mut value: impl FnMut(&[usize]) -> f64) -> Self {
        let mut index = vec![0; shape.len()];
        let data = (0..shape.iter().product())
            .map(|at: usize| {
                let mut rest = at;
                for (index, size) in index.iter_mut().zip(shape).rev() {
                    (*index, rest) = (rest % size, rest / size);
                }
                value(&index)
            })
            .collect();
        Self { shape: shape.to_vec(), data }
    }

    /// Values between −1 and 1, other ones for every seed; all exact in f32.
    fn noise(shape: &[usize], seed: usize) -> Self {
        let at = |index: &[usize]| index.iter().zip(shape).fold(0, |at, (index, size)| at * size + index);
        let value = |at: usize| ((at * 7919 + seed * 104_729 + 13) as f64 * 0.618_033_988_75).fract() * 2.0 - 1.0;
        Self::new(shape, |index| f64::from(value(at(index)) as f32))
    }

    fn at(&self, index: &[usize]) -> f64 {
        self.data[index.iter().zip(&self.shape).fold(0, |at, (index, size)| at * size + index)]
    }

    fn f32s(&self) -> Vec<f32> {
        self.data.iter().map(|&v| v as f32).collect()
    }

    fn weight(&self) -> WeightView<'static> {
        WeightView::computed(self.shape.clone(), self.f32s())
    }
}

/// A backend, and how far off its values may be (relative L2).
struct Bench<B> {
    b: B,
    tolerance: f64,
}

const IMAGES: [[usize; 4]; 5] = [[1, 6, 5, 7], [2, 10, 3, 2], [3, 4, 1, 1], [1, 3, 9, 4], [2, 14, 4, 33]];

impl<B: Backend> Bench<B> {
    fn up(&self, x: &Array) -> B::Tensor {
        self.b.upload(&x.shape, &x.f32s()).unwrap()
    }

    #[track_caller]
    fn is(&self, what: &str, found: Result<B::Tensor, Error>, expected: &Array) {
        let found = found.unwrap();
        assert_eq!(*self.b.shape(&found), *expected.shape, "{what}");
        let found = self.b.download(&found).unwrap();
        assert_eq!(found.len(), expected.data.len(), "{what}");
        let difference: f64 = found.iter().zip(&expected.data).map(|(a, b)| (f64::from(*a) - b).powi(2)).sum();
        let norm: f64 = expected.data.iter().map(|b| b.powi(2)).sum();
        let error = (difference / norm.max(1e-12)).sqrt();
        assert!(error <= self.tolerance, "{what} of {:?}: relative L2 {error:.1e}", expected.shape);
    }

    fn all(&self) {
        self.moves();
        self.sums();
        self.products();
        self.epilogues();
        self.norms();
        self.attention();
        self.functions();
        self.joined();
        self.larger();
    }

    /// Whatever reads an image that two were joined to.
    fn joined(&self) {
        let b = &self.b;
        for [n, first, second, h, w] in [[2, 8, 12, 5, 7], [1, 36, 4, 9, 6], [3, 4, 16, 1, 1], [1, 5, 4, 3, 3]] {
            let c = first + second;
            let parts = [first, second].map(|channels| Array::noise(&[n, channels, h, w], channels));
            let x = Array::new(&[n, c, h, w], |i| {
                let part = usize::from(i[1] >= first);
                parts[part].at(&[i[0], i[1] - part * first, i[2], i[3]])
            });
            let joined = || b.concat(&[&self.up(&parts[0]), &self.up(&parts[1])], 1).unwrap();
            for (outputs, kernel, stride) in [(8, 1, 1), (7, 3, 1), (12, 3, 2)] {
                let (weight, bias) = (Array::noise(&[outputs, c, kernel, kernel], 2), Array::noise(&[outputs], 3));
                let options = ConvOptions { stride, ..ConvOptions::same(kernel) };
                let conv = b.pack_conv(weight.weight(), bias.weight(), options).unwrap();
                let plain = convolved(&x, &weight, &bias, [stride, options.before, options.after]);
                let (vector, residual) = (Array::noise(&[n, outputs], 4), Array::noise(&plain.shape, 5));
                let (vector_here, residual_here) = (self.up(&vector), self.up(&residual));
                for added in [false, true] {
                    let expected = Array::new(&plain.shape, |i| {
                        let sum = function(Some(Activation::Silu), plain.at(i) + vector.at(&[i[0], i[1]]));
                        if added { sum + residual.at(i) } else { sum }
                    });
                    let residual = added.then_some(&residual_here);
                    let then = Epilogue { vector: Some(&vector_here), activation: Some(Activation::Silu), residual };
                    self.is("conv2d_with of both", b.conv2d_with(&joined(), &conv, then), &expected);
                }
                if (outputs, kernel) == (7, 3) {
                    let large = Array::new(&[n, c, 2 * h, 2 * w], |i| x.at(&[i[0], i[1], i[2] / 2, i[3] / 2]));
                    let expected = convolved(&large, &weight, &bias, [1, 1, 1]);
                    let found = b.upsample_conv2d(&joined(), 2 * h, 2 * w, &conv);
                    self.is("upsample_conv2d of both", found, &expected);
                }
            }
            // Groups that both have a share of.
            let groups = if c % 10 == 0 { 2 } else { 3 };
            let (scale, shift) = (Array::noise(&[c], 2), Array::noise(&[c], 3));
            let norm = b.pack_norm(scale.weight(), shift.weight()).unwrap();
            let measured: Vec<(f64, f64)> = x.data.chunks(c / groups * h * w).map(moments).collect();
            let expected = Array::new(&x.shape, |i| {
                let (mean, variance) = measured[i[0] * groups + i[1] / (c / groups)];
                (x.at(i) - mean) / (variance + 1e-5).sqrt() * scale.at(&[i[1]]) + shift.at(&[i[1]])
            });
            self.is("group_norm of both", b.group_norm(&joined(), &norm, groups, 1e-5, false), &expected);
            // The rest moves values only.
            let doubled = Array::new(&x.shape, |i| 2.0 * x.at(i));
            self.is("concat", Ok(joined()), &x);
            self.is("add of both", b.add(&joined(), &joined()), &doubled);
            self.is("affine of both", b.affine(&joined(), 2.0, 0.0), &doubled);
            let sum = Array::new(&x.shape, |i| x.at(i) + scale.at(&[i[1]]));
            let vector = b.upload(&[1, c], &scale.f32s()).unwrap();
            self.is("add_channels of both", b.add_channels(&joined(), &vector), &sum);
            let active = Array::new(&x.shape, |i| function(Some(Activation::Gelu), x.at(i)));
            self.is("activate of both", b.activate(&joined(), Activation::Gelu), &active);
            let tokens = Array::new(&[n, h * w, c], |i| x.at(&[i[0], i[2], i[1] / w, i[1] % w]));
            self.is("to_tokens of both", b.to_tokens(&joined()), &tokens);
            let last = Array::new(&[1, c, h, w], |i| x.at(&[n - 1, i[1], i[2], i[3]]));
            self.is("select of both", b.select(&joined(), &[n - 1]), &last);
            let middle = Array::new(&[n, 3, h, w], |i| x.at(&[i[0], i[1] + first - 2, i[2], i[3]]));
            self.is("slice of both", b.slice(&joined(), 1, first - 2, 3), &middle);
            let large = Array::new(&[n, c, 2 * h, w], |i| x.at(&[i[0], i[1], i[2] / 2, i[3]]));
            self.is("upsample of both", b.upsample(&joined(), 2 * h, w), &large);
            let more = Array::new(&[n, c + first, h, w], |i| x.at(&[i[0], i[1] % c, i[2], i[3]]));
            let found = b.concat(&[&joined(), &self.up(&parts[0])], 1);
            self.is("concat of both and one", found, &more);
            let both = b.download_all(&[&joined(), &vector]).unwrap();
            assert_eq!(both[0].len(), x.data.len());
        }
    }

    /// Shapes that are larger than what a kernel does at a time, in each direction.
    fn larger(&self) {
        let b = &self.b;
        for (shape, outputs, kernel, stride) in
            [([2, 20, 19, 13], 70, 3, 1), ([1, 32, 17, 12], 68, 3, 2), ([1, 64, 9, 8], 130, 1, 1)]
        {
            let (x, weight) = (Array::noise(&shape, 1), Array::noise(&[outputs, shape[1], kernel, kernel], 2));
            let bias = Array::noise(&[outputs], 3);
            let options = ConvOptions { stride, ..ConvOptions::same(kernel) };
            let expected = convolved(&x, &weight, &bias, [stride, options.before, options.after]);
            let conv = b.pack_conv(weight.weight(), bias.weight(), options).unwrap();
            self.is("conv2d", b.conv2d(&self.up(&x), &conv), &expected);
        }
        let (x, weight) = (Array::noise(&[2, 77, 64], 1), Array::noise(&[200, 64], 2));
        let plain = multiplied(&x, &weight, None);
        let linear = b.pack_linear(weight.weight(), None).unwrap();
        self.is("linear", b.linear(&self.up(&x), &linear), &plain);
        let pairs = b.pack_linear_geglu(weight.weight(), None).unwrap();
        let gated = Array::new(&[2, 77, 100], |i| plain.at(i) * gelu(plain.at(&[i[0], i[1], i[2] + 100])));
        self.is("linear_geglu", b.linear_geglu(&self.up(&x), &pairs), &gated);
        for (queries, keys, heads, depth) in
            [(75, 75, 2, 32), (20, 77, 3, 40), (33, 40, 1, 80), (18, 50, 1, 160), (9, 20, 1, 512)]
        {
            let width = heads * depth;
            // Later keys are more like the queries: a running maximum grows.
            let [q, k] = [(queries, 1), (keys, 2)].map(|(tokens, seed)| Array::noise(&[2, tokens, width], seed));
            let q = Array::new(&q.shape, |i| 1.0 + q.at(i));
            // (Scores stay below 20: f32 has their exponentials to 1e-6.)
            let k = Array::new(&k.shape, |i| 0.4 * (i[1] as f64 / keys as f64) * (1.0 + k.at(i)));
            let [q, k] = [q, k].map(|x| Array { data: x.f32s().into_iter().map(f64::from).collect(), ..x });
            let v = Array::noise(&[2, keys, width], 3);
            let scale = f64::from(1.0 / (depth as f64).sqrt() as f32);
            let mut weights = std::collections::HashMap::new();
            let expected = Array::new(&[2, queries, width], |i| {
                let (image, query, head) = (i[0], i[1], i[2] / depth);
                let product = |key: usize| {
                    let at = |x: &Array, row: usize, d: usize| x.at(&[image, row, head * depth + d]);
                    (0..depth).map(|d| at(&q, query, d) * at(&k, key, d)).sum::<f64>() * scale
                };
                let weights: &Vec<f64> = weights.entry((image, query, head)).or_insert_with(|| {
                    let weights: Vec<f64> = (0..keys).map(|key| product(key).exp()).collect();
                    let sum: f64 = weights.iter().sum();
                    weights.into_iter().map(|weight| weight / sum).collect()
                });
                (0..keys).map(|key| weights[key] * v.at(&[image, key, i[2]])).sum()
            });
            let found = b.attention(&self.up(&q), &self.up(&k), &self.up(&v), &Attention::full(heads));
            self.is(&format!("attention of {depth}"), found, &expected);
        }
        let noise = Array::noise(&[2, 20, 31, 33], 1);
        let x = Array::new(&noise.shape, |i| 30.0 + noise.at(i));
        let x = Array { data: x.f32s().into_iter().map(f64::from).collect(), ..x };
        let (scale, shift) = (Array::noise(&[20], 2), Array::noise(&[20], 3));
        let norm = b.pack_norm(scale.weight(), shift.weight()).unwrap();
        let group = 10 * 31 * 33;
        let moments: Vec<(f64, f64)> = x.data.chunks(group).map(moments).collect();
        let expected = Array::new(&x.shape, |i| {
            let (mean, variance) = moments[i[0] * 2 + i[1] / 10];
            (x.at(i) - mean) / (variance + 1e-5).sqrt() * scale.at(&[i[1]]) + shift.at(&[i[1]])
        });
        // A mean of 30 costs digits that no f32 has.
        let found = b.group_norm(&self.up(&x), &norm, 2, 1e-5, false).unwrap();
        let found = b.download(&found).unwrap();
        let off = found.iter().zip(&expected.data).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
        assert!(off < 1e3 * self.tolerance, "group_norm: off by {off:.1e}");
    }

    /// Operators that only move values.
    fn moves(&self) {
        let b = &self.b;
        for shape @ [n, c, h, w] in IMAGES {
            let x = Array::noise(&shape, 1);
            let image = self.up(&x);
            self.is("upload", Ok(image.clone()), &x);
            let tokens = Array::new(&[n, h * w, c], |i| x.at(&[i[0], i[2], i[1] / w, i[1] % w]));
            self.is("to_tokens", b.to_tokens(&image), &tokens);
            self.is("to_image", b.to_image(&self.up(&tokens), h, w), &x);
            for (height, width) in [(2 * h, 2 * w), (2 * h - 1, 2 * w + 1)] {
                let y =
                    Array::new(&[n, c, height, width], |i| x.at(&[i[0], i[1], i[2] * h / height, i[3] * w / width]));
                self.is("upsample", b.upsample(&image, height, width), &y);
            }
            for axis in 0..4 {
                let mut other = shape;
                other[axis] = 2;
                let (other, mut size) = (Array::noise(&other, 2), shape);
                size[axis] += 2;
                let both = Array::new(&size, |i| {
                    let mut i = i.to_vec();
                    if i[axis] < shape[axis] {
                        return x.at(&i);
                    }
                    i[axis] -= shape[axis];
                    other.at(&i)
                });
                let whole = b.concat(&[&image, &self.up(&other)], axis).unwrap();
                self.is("concat", Ok(whole.clone()), &both);
                size[axis] -= 1;
                let part = Array::new(&size, |i| {
                    let mut i = i.to_vec();
                    i[axis] += 1;
                    both.at(&i)
                });
                self.is("slice", b.slice(&whole, axis, 1, size[axis]), &part);
            }
            let rows = [n - 1, 0, n - 1];
            let chosen = Array::new(&[3, c, h, w], |i| x.at(&[rows[i[0]], i[1], i[2], i[3]]));
            self.is("select", b.select(&image, &rows), &chosen);
            let chosen = Array::new(&[3, h * w, c], |i| tokens.at(&[rows[i[0]], i[1], i[2]]));
            self.is("select", b.select(&self.up(&tokens), &rows), &chosen);
            let twice = Array::new(&[2 * n, h * w, c], |i| tokens.at(&[i[0] % n, i[1], i[2]]));
            self.is("concat", b.concat(&[&self.up(&tokens), &self.up(&tokens)], 0), &twice);
        }
        let table = Array::noise(&[9, 7], 3);
        let ids = [8, 0, 3, 3];
        let rows = Array::new(&[1, 4, 7], |i| table.at(&[ids[i[1]], i[2]]));
        self.is("embed", b.embed(&b.pack_embedding(table.weight()).unwrap(), &ids.map(|id| id as u32)), &rows);
    }

    fn sums(&self) {
        let b = &self.b;
        for shape @ [n, c, h, w] in IMAGES {
            let [x, y] = [1, 2].map(|seed| Array::noise(&shape, seed));
            self.is("add", b.add(&self.up(&x), &self.up(&y)), &Array::new(&shape, |i| x.at(i) + y.at(i)));
            self.is("affine", b.affine(&self.up(&x), -1.5, 0.25), &Array::new(&shape, |i| 0.25 - 1.5 * x.at(i)));
            let tokens = Array::noise(&[n, h * w, c], 3);
            for rows in [1, n] {
                let vector = Array::noise(&[rows, c], 4);
                let sum = Array::new(&shape, |i| x.at(i) + vector.at(&[i[0] % rows, i[1]]));
                self.is("add_channels", b.add_channels(&self.up(&x), &self.up(&vector)), &sum);
                let sum = Array::new(&[n, h * w, c], |i| tokens.at(i) + vector.at(&[i[0] % rows, i[2]]));
                self.is("add_channels", b.add_channels(&self.up(&tokens), &self.up(&vector)), &sum);
            }
        }
        let (x, weights) = (Array::noise(&[4, 5, 3], 5), Array::noise(&[4, 5], 6));
        let weighted = |row: usize, i: &[usize]| x.at(&[row, i[1], i[2]]) * weights.at(&[row, i[1]]);
        let blended = Array::new(&[2, 5, 3], |i| match i[0] {
            0 => weighted(0, i),
            _ => weighted(1, i) + weighted(2, i) + weighted(3, i),
        });
        self.is("blend", b.blend(&self.up(&x), &self.up(&weights), &[1, 3]), &blended);
    }

    fn products(&self) {
        let b = &self.b;
        for (outputs, kernel, stride, before, after) in
            [(5, 1, 1, 0, 0), (6, 3, 1, 1, 1), (3, 3, 2, 1, 1), (9, 3, 2, 0, 1), (1, 5, 1, 2, 2), (7, 1, 2, 0, 0)]
        {
            for shape @ [_, c, h, w] in IMAGES {
                if h + before + after < kernel || w + before + after < kernel {
                    continue;
                }
                let x = Array::noise(&shape, 1);
                let (weight, bias) = (Array::noise(&[outputs, c, kernel, kernel], 2), Array::noise(&[outputs], 3));
                let expected = convolved(&x, &weight, &bias, [stride, before, after]);
                let options = ConvOptions { stride, before, after };
                let conv = b.pack_conv(weight.weight(), bias.weight(), options).unwrap();
                self.is(&format!("conv2d {kernel} {stride}"), b.conv2d(&self.up(&x), &conv), &expected);
            }
        }
        for (inputs, outputs, has_bias) in [(1, 1, true), (7, 5, true), (10, 33, false)] {
            let (weight, bias) = (Array::noise(&[outputs, inputs], 1), Array::noise(&[outputs], 2));
            let linear = b.pack_linear(weight.weight(), has_bias.then(|| bias.weight())).unwrap();
            for shape in [&[1, inputs][..], &[3, inputs], &[1, 1, inputs], &[2, 17, inputs]] {
                let x = Array::noise(shape, 3);
                let expected = multiplied(&x, &weight, has_bias.then_some(&bias));
                self.is("linear", b.linear(&self.up(&x), &linear), &expected);
            }
        }
    }

    /// Products with all that may follow them, and the others that are several operators in one.
    fn epilogues(&self) {
        let b = &self.b;
        let functions =
            [None, Some(Activation::Silu), Some(Activation::Gelu), Some(Activation::QuickGelu), Some(Activation::Relu)];
        for (at, (kernel, stride, before, after)) in [(1, 1, 0, 0), (3, 1, 1, 1), (3, 2, 0, 1)].into_iter().enumerate()
        {
            for (number, shape @ [n, c, h, w]) in IMAGES.into_iter().enumerate() {
                if h + before + after < kernel || w + before + after < kernel {
                    continue;
                }
                let outputs = 5 + at;
                let (x, weight) = (Array::noise(&shape, 1), Array::noise(&[outputs, c, kernel, kernel], 2));
                let bias = Array::noise(&[outputs], 3);
                let plain = convolved(&x, &weight, &bias, [stride, before, after]);
                let options = ConvOptions { stride, before, after };
                let conv = b.pack_conv(weight.weight(), bias.weight(), options).unwrap();
                let activation = functions[(number + at) % functions.len()];
                for (vectors, added) in [(Some(1), false), (Some(n), true), (None, true), (None, false)] {
                    let vector = vectors.map(|rows| Array::noise(&[rows, outputs], 4));
                    let residual = added.then(|| Array::noise(&plain.shape, 5));
                    let expected = Array::new(&plain.shape, |i| {
                        let vector = vector.as_ref().map_or(0.0, |v| v.at(&[i[0] % v.shape[0], i[1]]));
                        function(activation, plain.at(i) + vector) + residual.as_ref().map_or(0.0, |r| r.at(i))
                    });
                    let [vector, residual] = [&vector, &residual].map(|x| x.as_ref().map(|x| self.up(x)));
                    let then = Epilogue { vector: vector.as_ref(), activation, residual: residual.as_ref() };
                    self.is("conv2d_with", b.conv2d_with(&self.up(&x), &conv, then), &expected);
                }
                if stride == 1 {
                    let (height, width) = (2 * h - 1, 2 * w + 1);
                    let large = Array::new(&[n, c, height, width], |i| {
                        x.at(&[i[0], i[1], i[2] * h / height, i[3] * w / width])
                    });
                    let expected = convolved(&large, &weight, &bias, [stride, before, after]);
                    let found = b.upsample_conv2d(&self.up(&x), height, width, &conv);
                    self.is("upsample_conv2d", found, &expected);
                }
            }
        }
        for (number, (shape, outputs)) in
            [(&[1, 7][..], 5), (&[3, 4], 9), (&[1, 1, 6], 1), (&[2, 17, 10], 34)].into_iter().enumerate()
        {
            let (inputs, n) = (shape[shape.len() - 1], shape[0]);
            let (x, weight, bias) =
                (Array::noise(shape, 1), Array::noise(&[outputs, inputs], 2), Array::noise(&[outputs], 3));
            let linear = b.pack_linear(weight.weight(), Some(bias.weight())).unwrap();
            let plain = multiplied(&x, &weight, Some(&bias));
            let last = shape.len() - 1;
            let activation = functions[number % functions.len()];
            for (vectors, added) in [(Some(1), false), (Some(n), true), (None, true)] {
                let vector = vectors.filter(|_| last == 2).map(|rows| Array::noise(&[rows, outputs], 4));
                let residual = added.then(|| Array::noise(&plain.shape, 5));
                let expected = Array::new(&plain.shape, |i| {
                    let vector = vector.as_ref().map_or(0.0, |v| v.at(&[i[0] % v.shape[0], i[last]]));
                    function(activation, plain.at(i) + vector) + residual.as_ref().map_or(0.0, |r| r.at(i))
                });
                let [vector, residual] = [&vector, &residual].map(|x| x.as_ref().map(|x| self.up(x)));
                let then = Epilogue { vector: vector.as_ref(), activation, residual: residual.as_ref() };
                self.is("linear_with", b.linear_with(&self.up(&x), &linear, then), &expected);
            }
            if outputs % 2 == 0 {
                let pairs = b.pack_linear_geglu(weight.weight(), Some(bias.weight())).unwrap();
                let mut size = plain.shape.clone();
                size[last] = outputs / 2;
                let expected = Array::new(&size, |i| {
                    let mut gate = i.to_vec();
                    gate[last] += outputs / 2;
                    plain.at(i) * gelu(plain.at(&gate))
                });
                self.is("linear_geglu", b.linear_geglu(&self.up(&x), &pairs), &expected);
            }
        }
    }

    fn norms(&self) {
        let b = &self.b;
        for (groups, shape @ [n, c, h, w]) in
            [(3, [1, 6, 5, 7]), (2, [2, 10, 3, 2]), (1, [3, 5, 4, 1]), (7, [2, 7, 9, 3])]
        {
            // Far from zero, where squares lose their digits.
            let noise = Array::noise(&shape, 1);
            let x = Array::new(&shape, |i| noise.at(i) + 3.0);
            let (scale, shift) = (Array::noise(&[c], 2), Array::noise(&[c], 3));
            let norm = b.pack_norm(scale.weight(), shift.weight()).unwrap();
            let group = (c / groups) * h * w;
            let measured: Vec<(f64, f64)> = x.data.chunks(group).map(moments).collect();
            // Moments of another image of as many groups.
            let other = Array::new(&shape, |i| 2.0 * Array::noise(&shape, 4).at(i) - 1.0);
            let given: Vec<(f64, f64)> = other.data.chunks(group).map(moments).collect();
            let given_here = b.group_moments(&self.up(&other), groups).unwrap();
            // The same, merged from those of a strip of rows and the rest.
            let strip = |from: usize, rows: usize| {
                let strip = b.slice(&self.up(&other), 2, from, rows).unwrap();
                (rows, b.group_moments(&strip, groups).unwrap())
            };
            let merged_here = b.merge_moments(&[strip(0, 1), strip(1, h - 1)]).unwrap();
            for silu in [false, true] {
                let normal = |moments: &dyn Fn(usize) -> (f64, f64)| {
                    Array::new(&shape, |i| {
                        let (mean, variance) = moments(i[0] * groups + i[1] / (c / groups));
                        let v = (x.at(i) - mean) / (variance + 1e-5).sqrt() * scale.at(&[i[1]]) + shift.at(&[i[1]]);
                        if silu { v / (1.0 + (-v).exp()) } else { v }
                    })
                };
                let expected = normal(&|at| measured[at]);
                self.is("group_norm", b.group_norm(&self.up(&x), &norm, groups, 1e-5, silu), &expected);
                let expected = normal(&|at| given[at]);
                for moments in [&given_here, &merged_here] {
                    self.is("normalise", b.normalise(&self.up(&x), &norm, moments, 1e-5, silu), &expected);
                }
            }
            let tokens = Array::new(&[n, h * w, c], |i| x.at(&[i[0], i[2], i[1] / w, i[1] % w]));
            let rows: Vec<(f64, f64)> = tokens.data.chunks(c).map(moments).collect();
            let expected = Array::new(&[n, h * w, c], |i| {
                let (mean, variance) = rows[i[0] * h * w + i[1]];
                (tokens.at(i) - mean) / (variance + 1e-5).sqrt() * scale.at(&[i[2]]) + shift.at(&[i[2]])
            });
            self.is("layer_norm", b.layer_norm(&self.up(&tokens), &norm, 1e-5), &expected);
            // Moments of other images, and groups that channels do not divide into, are errors: never zeros.
            let wider = b.group_moments(&self.up(&Array::noise(&[n, c + 1, h, w], 5)), c + 1).unwrap();
            let more = b.group_moments(&self.up(&Array::noise(&[n + 1, c, h, w], 5)), groups).unwrap();
            for moments in [wider, more] {
                let wrong = b.normalise(&self.up(&x), &norm, &moments, 1e-5, false).map(|_| ());
                assert!(matches!(wrong, Err(Error::Shape { .. })), "{shape:?}: {wrong:?}");
            }
            let odd = b.group_norm(&self.up(&x), &norm, c + 1, 1e-5, false).map(|_| ());
            assert!(matches!(odd, Err(Error::Shape { .. })), "{odd:?}");
            assert!(matches!(b.group_moments(&self.up(&x), 0), Err(Error::Shape { .. })));
        }
    }

    fn attention(&self) {
        let b = &self.b;
        for (n, queries, keys, width, heads) in
            [(1, 1, 1, 3, 1), (2, 13, 11, 10, 2), (3, 7, 7, 6, 3), (1, 35, 5, 14, 7), (2, 9, 70, 80, 2)]
        {
            let q = Array::noise(&[n, queries, width], 1);
            let [k, v] = [2, 3].map(|seed| Array::noise(&[n, keys, width], seed));
            let depth = width / heads;
            for (number, scale) in [(0, None), (1, Some(0.7)), (2, None), (3, Some(1.3)), (4, None)] {
                let causal = number == 1 && queries == keys;
                let bias =
                    match number {
                        2 => Some(Array::noise(&[1, queries, keys], 4)),
                        3 => Some(Array::noise(&[n, queries, keys], 4)),
                        // Nobody sees the last key.
                        4 if keys > 1 => Some(Array::new(&[1, queries, keys], |i| {
                            if i[2] + 1 == keys { f64::NEG_INFINITY } else { 0.0 }
                        })),
                        _ => None,
                    };
                let expected = Array::new(&[n, queries, width], |i| {
                    let first = i[2] / depth * depth;
                    let score = |key: usize| {
                        let product = |d: usize| q.at(&[i[0], i[1], first + d]) * k.at(&[i[0], key, first + d]);
                        let scale = scale.unwrap_or(1.0 / (depth as f64).sqrt() as f32);
                        let bias = bias.as_ref().map_or(0.0, |b| b.at(&[i[0] % b.shape[0], i[1], key]));
                        ((0..depth).map(product).sum::<f64>() * f64::from(scale) + bias).exp()
                    };
                    let seen = if causal { i[1] + 1 } else { keys };
                    let sum: f64 = (0..seen).map(score).sum();
                    (0..seen).map(|key| score(key) * v.at(&[i[0], key, i[2]])).sum::<f64>() / sum
                });
                let bias = bias.map(|bias| self.up(&bias));
                let mask = match &bias {
                    Some(bias) => Mask::Bias(bias),
                    None if causal => Mask::Causal,
                    None => Mask::None,
                };
                let options = Attention { heads, scale, mask };
                let found = b.attention(&self.up(&q), &self.up(&k), &self.up(&v), &options);
                self.is("attention", found, &expected);
                let row = |x: &Array, row: usize| {
                    let part = Array::new(&[1, keys, width], |i| x.at(&[row, i[1], i[2]]));
                    self.up(&part)
                };
                let packed: Vec<_> = (0..n).map(|at| b.pack_keys(&row(&k, at), &row(&v, at)).unwrap()).collect();
                let found = b.attention_to(&self.up(&q), &packed.iter().collect::<Vec<_>>(), &options);
                self.is("attention_to", found, &expected);
            }
        }
    }

    fn functions(&self) {
        let b = &self.b;
        for shape in [&[1, 6][..], &[2, 5, 14], &[3, 1, 2]] {
            let x = Array::new(shape, |i| 5.0 * Array::noise(shape, 1).at(i));
            let x = Array { data: x.f32s().into_iter().map(f64::from).collect(), ..x };
            for activation in [Activation::Silu, Activation::Gelu, Activation::QuickGelu, Activation::Relu] {
                let expected = Array::new(shape, |i| function(Some(activation), x.at(i)));
                self.is("activate", b.activate(&self.up(&x), activation), &expected);
            }
            let last = shape.len() - 1;
            let half = shape[last] / 2;
            let mut size = shape.to_vec();
            size[last] = half;
            let expected = Array::new(&size, |i| {
                let mut gate = i.to_vec();
                gate[last] += half;
                x.at(i) * gelu(x.at(&gate))
            });
            self.is("geglu", b.geglu(&self.up(&x)), &expected);
        }
    }
}

/// Mean and variance.
fn moments(values: &[f64]) -> (f64, f64) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (mean, values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64)
}

/// A convolution by its definition.
fn convolved(x: &Array, weight: &Array, bias: &Array, [stride, before, after]: [usize; 3]) -> Array {
    let (&[n, c, h, w], &[outputs, _, kernel, _]) = (&x.shape[..], &weight.shape[..]) else { panic!("no images") };
    let size = |side: usize| (side + before + after - kernel) / stride + 1;
    Array::new(&[n, outputs, size(h), size(w)], |i| {
        let mut sum = bias.at(&[i[1]]);
        for (tap_y, tap_x) in (0..kernel).flat_map(|y| (0..kernel).map(move |x| (y, x))) {
            let (y, x_at) = (i[2] * stride + tap_y, i[3] * stride + tap_x);
            if (before..before + h).contains(&y) && (before..before + w).contains(&x_at) {
                for c in 0..c {
                    sum += weight.at(&[i[1], c, tap_y, tap_x]) * x.at(&[i[0], c, y - before, x_at - before]);
                }
            }
        }
        sum
    })
}

/// A linear layer by its definition.
fn multiplied(x: &Array, weight: &Array, bias: Option<&Array>) -> Array {
    let last = x.shape.len() - 1;
    let mut size = x.shape.clone();
    size[last] = weight.shape[0];
    Array::new(&size, |i| {
        let product = |input: usize| {
            let mut at = i.to_vec();
            at[last] = input;
            x.at(&at) * weight.at(&[i[last], input])
        };
        (0..weight.shape[1]).map(product).sum::<f64>() + bias.map_or(0.0, |bias| bias.at(&[i[last]]))
    })
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

fn gelu(x: f64) -> f64 {
    x * 0.5 * (1.0 + erf(x / 2.0_f64.sqrt()))
}

/// The error function by its power series, which is exact enough below 4.5; beyond that it is 1 to ten digits.
fn erf(x: f64) -> f64 {
    if x.abs() > 4.5 {
        return x.signum();
    }
    let mut term = x;
    let mut sum = x;
    for n in 1..200 {
        term *= -x * x / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    sum * 2.0 / std::f64::consts::PI.sqrt()
}

#[test]
fn the_processor_does_what_the_operators_say() {
    Bench { b: Cpu::new(), tolerance: 2e-6 }.all();
    // One row and one query at a time.
    Bench { b: Cpu::new().with_scratch(1), tolerance: 2e-6 }.all();
}

#[test]
fn the_other_sets_of_instructions_do_what_the_operators_say() {
    for set in Set::available().iter().filter(|set| set.name() != Set::best().name()) {
        let b = Cpu::with_set(set);
        assert!(b.describe().contains(set.name()), "{}", b.describe());
        Bench { b, tolerance: 2e-6 }.all();
    }
}

/// Of 16 bits f16 keeps eleven, bf16 eight.
const HALVES: [(Half, f64); 2] = [(Half::F16, 2e-3), (Half::Bf16, 1e-2)];

#[test]
fn products_in_16_bits_are_about_what_the_operators_say() {
    for (half, tolerance) in HALVES {
        for set in Set::available_in(half) {
            let b = Cpu::with_set(set);
            assert!(b.describe().ends_with(&format!("{}, {half}", set.name())), "{}", b.describe());
            Bench { b, tolerance }.all();
        }
    }
}

#[test]
fn networks_predict_about_the_same_with_products_in_16_bits() {
    for (half, tolerance) in HALVES {
        match Cpu::rounding_to(half) {
            Ok(_) => {
                let off = off_candle(Device::CpuIn(half));
                assert!(off < 2.0 * tolerance, "{half}: {off}");
            }
            Err(error) => eprintln!("skipped: {error}"),
        }
    }
}

#[test]
fn candle_does_what_the_operators_say() {
    Bench { b: Candle::cpu(), tolerance: 2e-6 }.all();
    Bench { b: Candle::cpu().with_scratch(1), tolerance: 2e-6 }.all();
    Bench { b: Candle::new(candle_core::Device::Cpu, candle_core::DType::F16), tolerance: 5e-3 }.all();
}

/// The best graphics adapter of this machine, be it a program.
fn graphics_card() -> Option<Wgpu> {
    if adapters().is_empty() {
        eprintln!("skipped: this machine has no graphics adapter");
        return None;
    }
    Some(Wgpu::open(None, Dtype::F32).unwrap())
}

#[test]
fn a_graphics_card_does_what_the_operators_say() {
    let Some(b) = graphics_card() else { return };
    Bench { b, tolerance: 2e-6 }.all();
    match Wgpu::open(None, Dtype::F16) {
        Ok(b) => Bench { b, tolerance: 2e-3 }.all(),
        Err(error) => eprintln!("skipped: {error}"),
    }
}

#[test]
fn a_graphics_card_reads_weights_in_their_files_own_type() {
    let Some(adapter) = adapters().into_iter().next() else { return };
    let b = Wgpu::on(&adapter, Dtype::F32, Some(64 << 20)).unwrap();
    // Exact in 16 bits of either kind.
    let numbers: Vec<f32> = (0..7 * 10 * 9).map(|i| ((i * 37 % 255) as f32 - 127.0) / 64.0).collect();
    let f16: Vec<u8> = numbers.iter().flat_map(|&v| half::f16::from_f32(v).to_le_bytes()).collect();
    let bf16: Vec<u8> = numbers.iter().flat_map(|&v| half::bf16::from_f32(v).to_le_bytes()).collect();
    let x = b.upload(&[1, 10, 4, 5], &Array::noise(&[1, 10, 4, 5], 1).f32s()).unwrap();
    let convolved = |values: Values| {
        let bias = WeightView::computed(vec![7], vec![0.5; 7]);
        let conv = b
            .pack_conv(WeightView { name: String::new(), shape: vec![7, 10, 3, 3], values }, bias, ConvOptions::same(3))
            .unwrap();
        b.download(&b.conv2d(&x, &conv).unwrap()).unwrap()
    };
    let room = b.room();
    let expected = convolved(Values::Computed(numbers.clone()));
    assert_eq!(convolved(Values::F16(&f16)), expected);
    assert_eq!(convolved(Values::Bf16(&bf16)), expected);
    assert_eq!(b.room(), room, "weights that are dropped make room");
}

#[test]
fn weights_of_16_bits_are_taken_as_they_are() {
    let bytes: Vec<u8> = (0..12).flat_map(|i| half::f16::from_f32(i as f32 / 8.0).to_le_bytes()).collect();
    let table = || WeightView { name: String::new(), shape: vec![4, 3], values: Values::F16(&bytes) };
    let f16 = Candle::new(candle_core::Device::Cpu, candle_core::DType::F16);
    let row = f16.embed(&f16.pack_embedding(table()).unwrap(), &[2]).unwrap();
    assert_eq!(f16.download(&row).unwrap(), [0.75, 0.875, 1.0]);
    let cpu = Cpu::new();
    let row = cpu.embed(&cpu.pack_embedding(table()).unwrap(), &[2]).unwrap();
    assert_eq!(cpu.download(&row).unwrap(), [0.75, 0.875, 1.0]);
}

#[test]
fn networks_predict_the_same_on_the_processor_and_on_candle() {
    assert!(off_candle(Device::Cpu) < 1e-5);
}

#[test]
fn networks_predict_the_same_on_a_graphics_card_and_on_candle() {
    if graphics_card().is_some() {
        let off = off_candle(Device::Wgpu { adapter: None, dtype: Dtype::F32 });
        assert!(off < 1e-5, "{off}");
    }
}

#[test]
fn networks_predict_about_the_same_in_16_bits() {
    if graphics_card().is_some() && Wgpu::open(None, Dtype::F16).is_ok() {
        let off = off_candle(Device::Wgpu { adapter: None, dtype: Dtype::F16 });
        assert!(off < 5e-3, "{off}");
    }
}

#[test]
fn autoencoders_give_the_same_on_a_graphics_card_and_on_candle() {
    if graphics_card().is_none() {
        return;
    }
    let mut latents = Planes::zeros(1, 4, 6, 5);
    latents.data.iter_mut().enumerate().for_each(|(i, value)| *value = (i as f32 * 0.37).sin());
    let [found, expected] = ["wgpu", "candle"].map(|device| {
        let mut model = Checkpoint::open("embedded").unwrap().load(device.parse::<Device>().unwrap()).unwrap();
        let picture = model.decode(&latents).unwrap();
        let moments = model.encode(&picture).unwrap();
        [picture.data, moments.mean.data]
    });
    for (found, expected) in found.iter().zip(&expected) {
        let off = relative(found, expected);
        assert!(off < 1e-5, "{off}");
    }
}

/// The residuals of SDXL's autoencoder reach 100 000 and more; those of this one are about 40 times the latents.
#[test]
fn autoencoders_keep_their_range_where_tensors_have_16_bits() {
    let card = Device::Wgpu { adapter: None, dtype: Dtype::F16 };
    if graphics_card().is_none() || Wgpu::open(None, Dtype::F16).is_err() {
        return;
    }
    let mut latents = Planes::zeros(1, 4, 6, 5);
    latents.data.iter_mut().enumerate().for_each(|(i, value)| *value = 1e4 * (i as f32 * 0.37).sin());
    let [found, expected] = [card, Device::Candle].map(|device| {
        let mut model = Checkpoint::open("embedded").unwrap().load(device).unwrap();
        model.decode(&latents).unwrap().data
    });
    // Matrix units multiply in f16; without such all of it is f32.
    let off = relative(&found, &expected);
    assert!(off < 1e-3, "{off}");
}

/// Relative L2.
fn relative(found: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let difference: f64 = found.iter().zip(expected).map(|(a, b)| f64::from(a - b).powi(2)).sum();
    let norm: f64 = expected.iter().map(|b| f64::from(*b).powi(2)).sum();
    (difference / norm).sqrt()
}

/// Relative L2 of a prediction on this device to candle's.
fn off_candle(device: Device) -> f64 {
    let mut inputs = Planes::zeros(2, 4, 13, 16);
    inputs.data.iter_mut().enumerate().for_each(|(i, value)| *value = (i as f32 * 0.37).sin());
    let [found, expected] = [device, Device::Candle].map(|device| {
        let mut model = Checkpoint::open("embedded").unwrap().load(device).unwrap();
        let prompt = model.prompt("a red fox", Reading::default()).unwrap();
        let calls = [Call { input: 0, prompt, place: None }, Call { input: 1, prompt, place: None }];
        (model.device(), model.predict(&inputs, 321.0, &calls).unwrap().data)
    });
    assert_ne!(found.0, expected.0, "each is named");
    relative(&found.1, &expected.1)
}

#[test]
fn tensors_that_do_not_fit_are_errors() {
    misfits(&Cpu::new());
    if let Some(card) = graphics_card() {
        misfits(&card);
    }
}

fn misfits<B: Backend>(b: &B) {
    let image = b.upload(&[2, 3, 2, 2], &[1.0; 24]).unwrap();
    let tokens = b.upload(&[2, 4, 3], &[1.0; 24]).unwrap();
    let conv = |inputs: usize| {
        let weight = WeightView::computed(vec![1, inputs, 3, 3], vec![0.0; 9 * inputs]);
        b.pack_conv(weight, WeightView::computed(vec![1], vec![0.0]), ConvOptions { stride: 1, before: 0, after: 0 })
    };
    let linear = b.pack_linear(WeightView::computed(vec![2, 5], vec![0.0; 10]), None).unwrap();
    let vectors = b.upload(&[2, 5], &[1.0; 10]).unwrap();
    let matrix = b.pack_linear(WeightView::computed(vec![3, 5], vec![0.0; 15]), None).unwrap();
    let narrow = || WeightView::computed(vec![2], vec![1.0; 2]);
    let norm = b.pack_norm(narrow(), narrow()).unwrap();
    let table = b.pack_embedding(WeightView::computed(vec![2, 3], vec![0.0; 6])).unwrap();
    for (what, result) in [
        ("upload", b.upload(&[2, 2], &[1.0])),
        ("five axes", b.upload(&[1, 1, 1, 1, 1], &[1.0])),
        ("a small image", b.conv2d(&image, &conv(3).unwrap())),
        ("other channels", b.conv2d(&image, &conv(2).unwrap())),
        ("no image", b.conv2d(&tokens, &conv(3).unwrap())),
        ("other inputs", b.linear(&tokens, &linear)),
        ("other scales", b.group_norm(&image, &norm, 1, 1e-5, false)),
        ("other scales", b.layer_norm(&tokens, &norm, 1e-5)),
        ("three channels in two heads", b.attention(&tokens, &tokens, &tokens, &Attention::full(2))),
        (
            "a vector of others",
            b.linear_with(&vectors, &matrix, Epilogue { vector: Some(&vectors), ..Epilogue::default() }),
        ),
        ("a residual of others", b.linear_with(&vectors, &matrix, Epilogue::add(&tokens))),
        (
            "a bias of others",
            b.attention(&tokens, &tokens, &tokens, &Attention { heads: 1, scale: None, mask: Mask::Bias(&tokens) }),
        ),
        ("keys of no row", b.attention_to(&tokens, &[], &Attention::full(1))),
        ("an odd width", b.geglu(&tokens)),
        ("image and tokens", b.add(&image, &tokens)),
        ("a vector of others", b.add_channels(&image, &tokens)),
        ("nothing", b.concat(&[], 0)),
        ("image and tokens", b.concat(&[&image, &tokens], 1)),
        ("a row too far", b.select(&image, &[2])),
        ("a slice too far", b.slice(&image, 1, 2, 2)),
        ("a slice of no axis", b.slice(&tokens, 3, 0, 1)),
        ("too many rows", b.blend(&tokens, &b.upload(&[2, 4], &[1.0; 8]).unwrap(), &[3])),
        ("other tokens", b.to_image(&tokens, 3, 1)),
        ("tokens", b.to_tokens(&tokens)),
        ("a word too far", b.embed(&table, &[2])),
    ] {
        assert!(matches!(result, Err(Error::Shape { .. })), "{what}: {:?}", result.map(|x| b.shape(&x)));
    }
    let short = WeightView::computed(vec![1, 3, 3, 3], vec![0.0; 26]);
    let packed = b.pack_conv(short, WeightView::computed(vec![1], vec![0.0]), ConvOptions::same(3)).map(|_| ());
    assert!(matches!(packed, Err(Error::Shape { .. })), "{packed:?}");
}

#[test]
fn a_full_memory_is_a_value_on_the_processor() {
    let b = Cpu::new();
    let image = b.upload(&[1, 1, 1, 1], &[1.0]).unwrap();
    let large = b.upsample(&image, 1 << 25, 1 << 25).map(|_| ());
    assert_eq!(large, Err(Error::OutOfMemory { operator: "upsample" }));
}

/// Operations of the embedded networks, from their config by hand: the measurement counts what is computed, once.
#[test]
fn a_trial_counts_the_operations_of_a_convolution() {
    use polyptych::backend::counted::Counted;
    let b = Counted::new(Cpu::new());
    let weight = WeightView::computed(vec![5, 3, 3, 3], vec![0.5; 135]);
    let conv = b.pack_conv(weight, WeightView::computed(vec![5], vec![0.0; 5]), ConvOptions::same(3)).unwrap();
    let linear = b.pack_linear(WeightView::computed(vec![4, 5], vec![0.5; 20]), None).unwrap();
    let image = b.conv2d(&b.upload(&[2, 3, 7, 4], &[1.0; 168]).unwrap(), &conv).unwrap();
    let tokens = b.linear(&b.to_tokens(&image).unwrap(), &linear).unwrap();
    b.attention(&tokens, &tokens, &tokens, &Attention::full(2)).unwrap();
    let found: Vec<_> = b.operators().into_iter().filter(|(_, entry)| entry.operations > 0.0).collect();
    let of = |kind: &str| found.iter().find(|(name, _)| *name == kind).unwrap().1;
    // Two for each tap, each output and each of 2 · 28 pixels.
    assert_eq!((of("conv2d").calls, of("conv2d").operations), (1, 2.0 * 27.0 * 5.0 * 56.0));
    assert_eq!(of("linear").operations, 2.0 * 5.0 * 4.0 * 56.0);
    // Scores and answers: 28 queries times 28 keys of 4 values, in two images.
    assert_eq!(of("attention").operations, 2.0 * 2.0 * 2.0 * 28.0 * 28.0 * 4.0);
    assert!(b.operators().is_empty(), "a new page");
}

#[test]
fn a_full_budget_is_a_value_on_a_graphics_card_and_passes_again() {
    let Some(adapter) = adapters().into_iter().next() else { return };
    let budget = 64 << 20;
    let b = Wgpu::on(&adapter, Dtype::F32, Some(budget)).unwrap();
    assert!(b.room().is_some_and(|room| room <= budget as usize));
    let image = b.upload(&[1, 4, 512, 512], &vec![1.0; 4 << 18]).unwrap();
    let mut sums = vec![image];
    let full = loop {
        match b.affine(&sums[0], 2.0, 0.0) {
            Ok(more) => sums.push(more),
            Err(error) => break error,
        }
    };
    assert_eq!(full, Error::OutOfMemory { operator: "affine" });
    assert!(sums.len() > 8, "{} tensors of 4 MiB in 64 MiB", sums.len());
    assert_eq!(b.download(sums.last().unwrap()).unwrap()[0], 2.0, "what was done before is right");
    let large = b.upsample(&sums[0], 1 << 25, 1 << 25).map(|_| ());
    assert_eq!(large, Err(Error::OutOfMemory { operator: "upsample" }));
    // Buffers that wait for a tensor of their own size make room for others.
    sums.truncate(1);
    let larger = b.upsample(&sums[0], 1024, 1024).unwrap();
    assert_eq!(b.download(&larger).unwrap()[7], 1.0);
}
