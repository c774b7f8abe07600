//! Loss of the device, lengths of submissions and dispatches, kernels made aside and kept, the clock, the pool, and matrix units
//! against plain products.

use super::gpu::locked;
use super::kernels::Lanes;
use super::plans::{Plan, Way};
use super::*;
use crate::backend::{Activation, Attention, Backend as _, ConvOptions, Epilogue, WeightView};

fn software() -> Option<Wgpu> {
    adapters().first().map(|adapter| Wgpu::on(adapter, Dtype::F32, None).unwrap())
}

#[test]
fn a_lost_device_is_an_error_and_the_next_one_works() {
    let Some(b) = software() else { return eprintln!("skipped: this machine has no graphics adapter") };
    let x = b.upload(&[1, 4], &[1.0, 2.0, 3.0, 4.0]).unwrap();
    let y = b.add(&x, &x).unwrap();
    b.gpu.device.destroy();
    let found = b.download(&y);
    assert!(matches!(&found, Err(Error::Device { .. })), "{found:?}");
    let found = b.add(&y, &y).map(|_| ());
    assert!(matches!(&found, Err(Error::Device { .. })), "{found:?}");
    drop(b);
    let Some(b) = software() else { return };
    let x = b.upload(&[1, 2], &[1.0, 2.0]).unwrap();
    assert_eq!(b.download(&b.add(&x, &x).unwrap()).unwrap(), [2.0, 4.0]);
}

#[test]
fn a_lost_device_is_counted() {
    let Some(adapter) = adapters().into_iter().next() else {
        return eprintln!("skipped: this machine has no graphics adapter");
    };
    let before = adapter.losses();
    for _ in 0..2 {
        let b = Wgpu::on(&adapter, Dtype::F32, None).unwrap();
        b.gpu.device.destroy();
        assert!(b.gpu.wait("waiting", None).is_err());
    }
    // (Other tests lose it, too.)
    assert!(adapter.losses() >= before + 2);
}

#[test]
fn an_adapter_is_tried_in_each_of_its_types() {
    let Some(adapter) = adapters().into_iter().next() else {
        return eprintln!("skipped: this machine has no graphics adapter");
    };
    let record = adapter.tried(std::time::Duration::from_millis(10)).unwrap();
    assert!(record.f32.is_some_and(|speed| speed.is_sound()), "{record:?}");
    assert_eq!(record.f16.is_some(), adapter.half, "{record:?}");
    assert!(record.f16.is_none_or(|speed| speed.is_sound()) && record.faults.is_empty(), "{record:?}");
}

#[test]
fn the_ways_of_products_are_timed_once_and_give_the_same() {
    let Some(mut b) = software() else { return eprintln!("skipped: this machine has no graphics adapter") };
    // As on a large card, where small products leave most of it idle.
    b.busy = 256;
    let noise = |len: usize| (0..len).map(|i| (i as f32 * 0.37).sin()).collect::<Vec<_>>();
    let weight = WeightView::computed(vec![64, 64, 3, 3], noise(64 * 64 * 9));
    let conv = b.pack_conv(weight, WeightView::computed(vec![64], noise(64)), ConvOptions::same(3)).unwrap();
    let layer = b.pack_linear(WeightView::computed(vec![64, 256], noise(64 * 256)), None).unwrap();
    let run = || {
        let image = b.upload(&[1, 64, 8, 8], &noise(64 * 64)).unwrap();
        let tokens = b.upload(&[1, 200, 256], &noise(200 * 256)).unwrap();
        let [y, z] = [b.conv2d(&image, &conv).unwrap(), b.linear(&tokens, &layer).unwrap()];
        [b.download(&y).unwrap(), b.download(&z).unwrap()].concat()
    };
    let guessed = run();
    let problems: Vec<_> = gpu::locked(&b.found).keys().copied().collect();
    assert!(problems.iter().filter(|problem| b.candidates(problem).len() > 1).count() >= 2, "{problems:?}");
    let limit = std::time::Duration::from_mins(1);
    b.tune_within(limit, 0.0).unwrap();
    for problem in &problems {
        assert!(b.candidates(problem).contains(&b.plan(problem)), "{problem:?}");
    }
    let most = guessed.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
    let off = run().iter().zip(&guessed).fold(0.0_f32, |off, (a, b)| off.max((a - b).abs()));
    assert!(off <= 1e-5 * most, "off by {off} of {most}");
    // What was timed is not timed again, and what is small never is.
    let plan = Plan { way: Way::Plain, split: 1 };
    problems.iter().for_each(|problem| b.prefer(*problem, plan));
    b.tune_within(limit, 0.0).unwrap();
    assert!(problems.iter().all(|problem| b.plan(problem) == plan));
}

#[test]
fn a_product_in_many_dispatches_is_the_same() {
    let Some(mut b) = software() else { return eprintln!("skipped: this machine has no graphics adapter") };
    let run = |b: &Wgpu| {
        let x = b.upload(&[2, 5, 20, 11], &noise(2200)).unwrap();
        let weight = WeightView::computed(vec![6, 5, 3, 3], noise(270));
        let conv = b.pack_conv(weight, WeightView::computed(vec![6], noise(6)), ConvOptions::same(3)).unwrap();
        let y = b.conv2d(&x, &conv).unwrap();
        let q = b.upload(&[1, 60, 8], &noise(480)).unwrap();
        let a = b.attention(&q, &q, &q, &Attention::full(2)).unwrap();
        b.download_all(&[&y, &a]).unwrap()
    };
    let whole = run(&b);
    b.recorder = Arc::new(Recorder::new(Arc::clone(&b.gpu), 1.0, &Manners::default()));
    assert_eq!(run(&b), whole);
}

#[test]
fn buffers_are_used_again_and_unused_ones_go() {
    let Some(b) = software() else { return eprintln!("skipped: this machine has no graphics adapter") };
    let before = b.pool.room();
    let x = b.upload(&[1, 1 << 20], &vec![1.0; 1 << 20]).unwrap();
    let first = x.held.id;
    drop(x);
    let x = b.upload(&[1, 1 << 20], &vec![2.0; 1 << 20]).unwrap();
    assert_eq!(x.held.id, first);
    assert_eq!(before - b.pool.room(), 4 << 20);
    drop(x);
    assert_eq!(b.pool.room(), before);
    let small = b.upload(&[1], &[1.0]).unwrap();
    for _ in 0..10 {
        b.download(&small).unwrap();
    }
    let x = b.upload(&[1, 1 << 20], &vec![2.0; 1 << 20]).unwrap();
    assert_ne!(x.held.id, first);
}

/// Values between −1 and 1 without a pattern, whose sums do not cancel.
fn noise(len: usize) -> Vec<f32> {
    let mixed =
        |i: u32| (i.wrapping_mul(0x9e37_79b9) ^ i.wrapping_mul(0x85eb_ca6b) >> 15).wrapping_mul(0xc2b2_ae35) >> 8;
    (0..len as u32).map(|i| mixed(i) as f32 / (1 << 23) as f32 - 1.0).collect()
}

/// The largest difference, as a share of the largest value.
fn off(found: &[f32], expected: &[f32]) -> f32 {
    let most = expected.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
    let off = |(a, b): (&f32, &f32)| if a.is_finite() { (a - b).abs() / most } else { f32::INFINITY };
    found.iter().zip(expected).map(off).fold(0.0, f32::max)
}

/// Runs a product by every plan that takes it, and compares with the plain one; the number of plans.
fn by_every_plan(b: &Wgpu, bound: f32, run: impl Fn(&Wgpu) -> Result<Tensor>) -> usize {
    let by = |plan| b.download(&run(&b.by(plan)).unwrap()).unwrap();
    let plain = by(Plan { way: Way::Plain, split: 1 });
    let taken = plans::all(&b.cuts).filter(|&plan| {
        // A plan that does not take the product makes place for the guess, which is kept.
        locked(&b.found).clear();
        let off = off(&by(plan), &plain);
        assert!(off <= bound, "{plan:?} is off by {off}");
        locked(&b.found).is_empty()
    });
    taken.count()
}

#[test]
fn joined_images_take_no_memory_until_they_must_lie_together() {
    let Some(b) = software() else { return eprintln!("skipped: this machine has no graphics adapter") };
    let parts = [8, 12].map(|channels| b.upload(&[1, channels, 16, 16], &noise(256 * channels)).unwrap());
    let weight = WeightView::computed(vec![16, 20, 3, 3], noise(16 * 180));
    let conv = b.pack_conv(weight, WeightView::computed(vec![16], noise(16)), ConvOptions::same(3)).unwrap();
    let room = b.pool.room();
    let joint = b.concat(&[&parts[0], &parts[1]], 1).unwrap();
    assert_eq!(b.pool.room(), room);
    let whole = b.whole(&joint).unwrap();
    assert_eq!(room - b.pool.room(), 20 * 256 * 4);
    let [of_joint, of_whole] = [&joint, &whole].map(|x| b.download(&b.conv2d(x, &conv).unwrap()).unwrap());
    assert_eq!(of_joint, of_whole);
}

#[test]
fn every_plan_of_a_product_gives_the_same() {
    let Some(adapter) = adapters().into_iter().next() else {
        return eprintln!("skipped: this machine has no graphics adapter");
    };
    for dtype in [Dtype::F32, Dtype::F16] {
        if dtype == Dtype::F16 && !adapter.half {
            continue;
        }
        let b = Wgpu::on(&adapter, dtype, None).unwrap();
        let bound = if dtype == Dtype::F32 { 1e-5 } else { 2e-3 };
        let mut plans = 0;
        for (inputs, outputs, kernel, stride) in [(64, 72, 3, 1), (20, 70, 3, 2), (320, 33, 1, 1), (256, 36, 1, 2)] {
            let x = b.upload(&[2, inputs, 5, 7], &noise(70 * inputs)).unwrap();
            let shape = vec![outputs, inputs, kernel, kernel];
            let weight = WeightView::computed(shape.clone(), noise(shape.iter().product()));
            let bias = WeightView::computed(vec![outputs], noise(outputs));
            let conv = b.pack_conv(weight, bias, ConvOptions { stride, ..ConvOptions::same(kernel) }).unwrap();
            let (vector, residual) =
                (b.upload(&[2, outputs], &noise(2 * outputs)).unwrap(), b.conv2d(&x, &conv).unwrap());
            plans += by_every_plan(&b, bound, |b| {
                let activation = Some(Activation::Silu);
                let then = Epilogue { vector: Some(&vector), activation, residual: Some(&residual) };
                b.conv2d_with(&x, &conv, then)
            });
        }
        for (rows, inputs, outputs) in [(1, 320, 72), (2, 37, 35), (3, 300, 64), (4, 129, 130)] {
            let x = b.upload(&[rows, inputs], &noise(rows * inputs)).unwrap();
            let weight = WeightView::computed(vec![outputs, inputs], noise(outputs * inputs));
            let linear = b.pack_linear(weight, Some(WeightView::computed(vec![outputs], noise(outputs)))).unwrap();
            plans += by_every_plan(&b, bound, |b| {
                b.linear_with(&x, &linear, Epilogue { activation: Some(Activation::Gelu), ..Epilogue::default() })
            });
        }
        for gated in [false, true] {
            let x = b.upload(&[2, 9, 256], &noise(18 * 256)).unwrap();
            let weight = WeightView::computed(vec![100, 256], noise(100 * 256));
            let linear = b.pack_linear_geglu(weight.clone(), None).unwrap();
            let plain = b.pack_linear(weight, None).unwrap();
            plans +=
                by_every_plan(&b, bound, |b| if gated { b.linear_geglu(&x, &linear) } else { b.linear(&x, &plain) });
        }
        assert!(plans > 20, "{plans} plans");
    }
}

/// A card whose matrix units are in use; `None`, and why, where there is none.
fn with_units() -> Option<Wgpu> {
    let Some(adapter) = adapters().into_iter().next().filter(|adapter| adapter.half) else {
        eprintln!("skipped: this machine has no graphics adapter with f16");
        return None;
    };
    let b = Wgpu::on(&adapter, Dtype::F16, None).unwrap();
    if b.gpu.units.is_none() {
        eprintln!("skipped: {} has no matrix units", b.name);
        return None;
    }
    assert!(!b.cuts.is_empty() && b.attention.is_some(), "the units of {} compute wrong", b.name);
    Some(b)
}

#[test]
fn attention_on_matrix_units_gives_what_plain_attention_gives() {
    let Some(mut b) = with_units() else { return };
    let cut = b.attention.unwrap();
    let cases = [(75, 75, 2, 32, 1), (20, 77, 3, 40, 1), (33, 9, 1, 40, 1), (150, 40, 1, 40, 2), (18, 50, 1, 160, 1)];
    for (queries, keys, heads, depth, blocks) in cases {
        let width = heads * depth;
        let up = |tokens: usize, rise: f32| {
            let value = |(at, value)| (1.0 + value) * (rise * (at / width) as f32 / keys as f32 + 1.0 - rise);
            let values: Vec<f32> = noise(2 * tokens * width).into_iter().enumerate().map(value).collect();
            b.upload(&[2, tokens, width], &values).unwrap()
        };
        // Later keys are more like the queries, so that earlier sums have to be faded.
        let (q, k, v) = (up(queries, 0.0), up(keys, 1.0), up(keys, 0.0));
        b.attention = Some(attention_units::Cut { blocks, ..cut });
        let [units, plain] = [b.clone(), Wgpu { attention: None, ..b.clone() }]
            .map(|b| b.download(&b.attention(&q, &k, &v, &Attention::full(heads)).unwrap()).unwrap());
        let off = off(&units, &plain);
        assert!(off <= 2e-3, "{heads} heads of {depth}: off by {off}");
        assert!(off > 0.0, "the units are used");
    }
}

/// Every machine checks the texts for all others, as wgpu does before it hands them to a driver.
#[test]
fn attention_that_computes_wrong_on_matrix_units_is_done_without() {
    let Some(mut b) = with_units() else { return };
    let right = b.attention.unwrap();
    // Written for subgroups of another size.
    assert!(!b.try_attention(attention_units::Cut { lanes: 4 * right.lanes, ..right }));
    assert_eq!(b.attention, None);
    assert!(!b.cuts.is_empty(), "products stay on the units");
    b.check().unwrap();
}

#[test]
fn products_of_f32_tensors_on_matrix_units_keep_their_range() {
    let Some(b) = with_units().and_then(|b| b.wide()) else { return };
    for size in [1e6, 1e5, 1.0, 0.1] {
        let values: Vec<f32> = noise(2 * 64 * 35).into_iter().map(|value| size * value).collect();
        let x = b.upload(&[2, 64, 5, 7], &values).unwrap();
        let weight = WeightView::computed(vec![36, 64, 3, 3], noise(36 * 64 * 9));
        let conv = b.pack_conv(weight, WeightView::computed(vec![36], vec![0.0; 36]), ConvOptions::same(3)).unwrap();
        let residual = b.conv2d(&x, &conv).unwrap();
        let plans = by_every_plan(&b, 2e-3, |b| b.conv2d_with(&x, &conv, Epilogue::add(&residual)));
        assert!(plans > 5, "{plans} plans");
    }
}

#[test]
fn matrix_units_give_what_plain_products_give() {
    let Some(mut b) = with_units() else { return };
    let run = |b: &Wgpu| {
        let image = b.upload(&[2, 32, 9, 13], &noise(2 * 32 * 9 * 13)).unwrap();
        let weight = WeightView::computed(vec![72, 32, 3, 3], noise(72 * 32 * 9));
        let bias = || WeightView::computed(vec![72], noise(72));
        let halving = ConvOptions { stride: 2, before: 0, after: 1 };
        let conv = b.pack_conv(weight.clone(), bias(), halving).unwrap();
        let around = b.pack_conv(weight, bias(), ConvOptions::same(3)).unwrap();
        let parts = [20, 12].map(|channels| b.upload(&[2, channels, 9, 13], &noise(2 * channels * 117)).unwrap());
        let tokens = b.upload(&[2, 45, 64], &noise(2 * 45 * 64)).unwrap();
        let pairs = WeightView::computed(vec![72, 64], noise(72 * 64));
        let pairs = b.pack_linear_geglu(pairs, Some(bias())).unwrap();
        [
            b.conv2d(&image, &conv).unwrap(),
            b.upsample_conv2d(&image, 18, 26, &around).unwrap(),
            b.conv2d(&b.concat(&[&parts[0], &parts[1]], 1).unwrap(), &around).unwrap(),
            b.linear_geglu(&tokens, &pairs).unwrap(),
        ]
        .map(|y| b.download(&y).unwrap())
    };
    let units = run(&b);
    b.cuts.clear();
    locked(&b.found).clear();
    for (units, plain) in units.iter().zip(run(&b)) {
        let off = off(units, &plain);
        assert!(off <= 2e-3, "off by {off}");
    }
}

#[test]
fn submissions_are_shorter_beside_a_window() {
    let Some(mut b) = software() else { return eprintln!("skipped: this machine has no graphics adapter") };
    let x = b.upload(&[1, 1 << 16], &vec![1.0; 1 << 16]).unwrap();
    b.download(&b.add(&x, &x).unwrap()).unwrap();
    let lengths = [true, false].map(|window| {
        // A thread of an operator by values counts as 64 operations: one addition is 2²⁰ of them.
        let manners = Manners { window, ..Manners::default() };
        b.recorder = Arc::new(Recorder::new(Arc::clone(&b.gpu), 1e9, &manners));
        let mut length = 0;
        loop {
            b.add(&x, &x).unwrap();
            length += 1;
            if b.recorder.waiting() == 0 {
                b.recorder.finish("add").unwrap();
                return length;
            }
        }
    });
    assert_eq!(lengths, [8, 48], "8 and 50 ms at a thousand million operations a second");
}

#[test]
fn kernels_are_made_aside_before_anybody_waits_for_them() {
    let Some(b) = software() else { return eprintln!("skipped: this machine has no graphics adapter") };
    let kernels = [Lanes::One, Lanes::Four].map(Kernel::Blend);
    let making = kernels.map(|kernel| b.pipelines.pipeline(kernel, Store::F32));
    let begun = std::time::Instant::now();
    while !making.iter().all(|making| making.is_made()) {
        assert!(begun.elapsed() < std::time::Duration::from_mins(2), "nobody makes them");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    assert!(making.iter().all(|making| making.get().is_ok()));
    assert!(Arc::ptr_eq(&making[0], &b.pipelines.pipeline(kernels[0], Store::F32)), "each is made once");
}

#[test]
fn compiled_kernels_are_kept_and_a_damaged_file_is_no_harm() {
    let Some(adapter) = adapters().into_iter().next() else {
        return eprintln!("skipped: this machine has no graphics adapter");
    };
    if !adapter.handle.features().contains(wgpu::Features::PIPELINE_CACHE) {
        return eprintln!("skipped: {} keeps no kernels", adapter.name);
    }
    let folder = tempfile::tempdir().unwrap();
    let manners = Manners { kernels: Some(folder.path().join("kernels")), ..Manners::default() };
    let file = || {
        let mut files = std::fs::read_dir(folder.path().join("kernels")).unwrap();
        let file = files.next().expect("kept").unwrap().path();
        assert!(files.next().is_none(), "nothing else is left");
        file
    };
    let drawn = || {
        let b = Wgpu::on_with_manners(&adapter, Dtype::F32, None, &manners).unwrap();
        let x = b.upload(&[1, 4], &[1.0, 2.0, 3.0, 4.0]).unwrap();
        b.download(&b.add(&x, &x).unwrap()).unwrap()
    };
    let expected = drawn();
    let whole = std::fs::read(file()).unwrap();
    assert!(!whole.is_empty());
    assert_eq!(drawn(), expected);
    for damage in [&whole[..whole.len() / 2], &vec![7; whole.len()], &[]] {
        std::fs::write(file(), damage).unwrap();
        assert_eq!(drawn(), expected);
        assert_ne!(std::fs::read(file()).unwrap(), damage, "it is written anew");
    }
}

#[test]
fn the_cards_clock_tells_the_operators_apart() {
    let Some(b) = software() else { return eprintln!("skipped: this machine has no graphics adapter") };
    if !b.time_operators() {
        return eprintln!("skipped: {} has no clock", b.name);
    }
    let x = b.upload(&[1, 60, 32], &vec![0.5; 60 * 32]).unwrap();
    let linear = b.pack_linear(WeightView::computed(vec![32, 32], vec![0.1; 1024]), None).unwrap();
    let expected = {
        let y = b.linear(&x, &linear).unwrap();
        b.download(&b.attention(&y, &y, &y, &Attention::full(2)).unwrap()).unwrap()
    };
    let seconds = b.device_seconds();
    assert_eq!(seconds.keys().copied().collect::<Vec<_>>(), ["attention", "linear"]);
    assert!(seconds.values().all(|seconds| (0.0..60.0).contains(seconds)), "{seconds:?}");
    assert!(seconds.values().sum::<f64>() > 0.0);
    assert!(b.device_seconds().is_empty(), "they were taken");
    assert!(expected.iter().all(|value| (value - 1.6).abs() < 1e-4), "{expected:?}");
}
