//! Loss of the device, slices of long dispatches, the pool, and matrix units against plain products.

use super::*;
use crate::backend::{Backend as _, ConvOptions, WeightView};

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
fn a_product_in_many_dispatches_is_the_same() {
    let Some(mut b) = software() else { return eprintln!("skipped: this machine has no graphics adapter") };
    let noise = |len: usize| (0..len).map(|i| (i as f32 * 0.37).sin()).collect::<Vec<_>>();
    let run = |b: &Wgpu| {
        let x = b.upload(&[2, 5, 20, 11], &noise(2200)).unwrap();
        let weight = WeightView::computed(vec![6, 5, 3, 3], noise(270));
        let conv = b.pack_conv(weight, WeightView::computed(vec![6], noise(6)), ConvOptions::same(3)).unwrap();
        let y = b.conv2d(&x, &conv).unwrap();
        let q = b.upload(&[1, 60, 8], &noise(480)).unwrap();
        let a = b.attention(&q, &q, &q, &crate::backend::Attention::full(2)).unwrap();
        b.download_all(&[&y, &a]).unwrap()
    };
    let whole = run(&b);
    b.recorder = Recorder::new(Arc::clone(&b.gpu), 1.0);
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

#[test]
fn matrix_units_give_what_plain_products_give() {
    let adapter = adapters().into_iter().next();
    let Some(mut b) = adapter.and_then(|adapter| Wgpu::on(&adapter, Dtype::F16, None).ok()) else {
        return eprintln!("skipped: this machine has no graphics adapter with f16");
    };
    if b.gpu.units.is_none() {
        return eprintln!("skipped: {} has no matrix units", b.name);
    }
    assert!(!b.cuts.is_empty(), "the units of {} compute wrong", b.name);
    let noise = |len: usize| (0..len).map(|i| (i as f32 * 0.37).sin()).collect::<Vec<_>>();
    let run = |b: &Wgpu| {
        let image = b.upload(&[2, 32, 9, 13], &noise(2 * 32 * 9 * 13)).unwrap();
        let weight = WeightView::computed(vec![72, 32, 3, 3], noise(72 * 32 * 9));
        let bias = || WeightView::computed(vec![72], noise(72));
        let halving = ConvOptions { stride: 2, before: 0, after: 1 };
        let conv = b.pack_conv(weight.clone(), bias(), halving).unwrap();
        let around = b.pack_conv(weight, bias(), ConvOptions::same(3)).unwrap();
        let tokens = b.upload(&[2, 45, 64], &noise(2 * 45 * 64)).unwrap();
        let pairs = WeightView::computed(vec![72, 64], noise(72 * 64));
        let pairs = b.pack_linear_geglu(pairs, Some(bias())).unwrap();
        [
            b.conv2d(&image, &conv).unwrap(),
            b.upsample_conv2d(&image, 18, 26, &around).unwrap(),
            b.linear_geglu(&tokens, &pairs).unwrap(),
        ]
        .map(|y| b.download(&y).unwrap())
    };
    let units = run(&b);
    b.cuts.clear();
    for (units, plain) in units.iter().zip(run(&b)) {
        let most = plain.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        let off = units.iter().zip(&plain).fold(0.0_f32, |off, (a, b)| off.max((a - b).abs()));
        assert!(off <= 2e-3 * most, "off by {off} of {most}");
    }
}
