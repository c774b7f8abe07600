//! Weights on their way from a file to a backend: never widened on the heap before they are packed, and never there twice.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use common::goldens;
use polyptych::backend::counted::Counted;
use polyptych::backend::cpu::Cpu;
use polyptych::backend::{Backend as _, ConvOptions, Values, WeightView};
use polyptych::checkpoint::{Checkpoint, LoraFile};
use safetensors::SafeTensors;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// The system's allocator, with a count of the bytes that are taken.
struct Heap;

static TAKEN: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

fn take(bytes: usize) {
    let taken = TAKEN.fetch_add(bytes, Ordering::SeqCst) + bytes;
    PEAK.fetch_max(taken, Ordering::SeqCst);
}

// SAFETY: every call is the system allocator's own.
#[expect(unsafe_code, reason = "there is no other way to count what is allocated")]
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        // SAFETY: the caller's promises are passed on as they are.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        // SAFETY: the caller's promises are passed on as they are.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        TAKEN.fetch_sub(layout.size(), Ordering::SeqCst);
        // SAFETY: the caller's promises are passed on as they are.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static HEAP: Heap = Heap;

/// Tests of this file run one after the other, so that each counts its own bytes.
static ALONE: Mutex<()> = Mutex::new(());

/// What `run` returns, and the most bytes that it took at once.
fn peak<T>(run: impl FnOnce() -> T) -> (T, usize) {
    let before = TAKEN.load(Ordering::SeqCst);
    PEAK.store(before, Ordering::SeqCst);
    let result = run();
    (result, PEAK.load(Ordering::SeqCst) - before)
}

#[test]
fn a_packed_weight_takes_its_own_memory_and_no_more() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let b = Cpu::new();
    let count = 256 * 512 * 9;
    let (halves, floats) = (vec![0x3c_u8; 2 * count], vec![0x3c_u8; 4 * count]);
    let bias = || WeightView::computed(vec![256], vec![0.0; 256]);
    let check = |what: &str, own: usize, peak: usize| {
        assert!((own..own + own / 16).contains(&peak), "{what} of {own} bytes took {peak}");
    };
    // The threads begin, and the largest values they need are there, before anything is counted.
    b.pack_embedding(WeightView { name: String::new(), shape: vec![count], values: Values::F16(&halves) }).unwrap();
    for values in [Values::F16(&halves), Values::Bf16(&halves), Values::F32(&floats)] {
        let view = |shape: &[usize]| WeightView { name: String::new(), shape: shape.to_vec(), values: values.clone() };
        assert_eq!(view(&[count]).first_not_finite(), None);
        // Weights of 16 bits stay in 16 bits; tables are widened.
        let own = if matches!(values, Values::F32(_)) { 4 * count } else { 2 * count };
        let (conv, bytes) = peak(|| b.pack_conv(view(&[256, 512, 3, 3]), bias(), ConvOptions::same(3)));
        conv.unwrap();
        check("a convolution", own, bytes);
        let (linear, bytes) = peak(|| b.pack_linear(view(&[256, 512 * 9]), Some(bias())));
        linear.unwrap();
        check("a linear layer", own, bytes);
        let (table, bytes) = peak(|| b.pack_embedding(view(&[256, 512 * 9])));
        table.unwrap();
        check("a table", 4 * count, bytes);
        let (found, bytes) = peak(|| view(&[count]).first_not_finite());
        assert!(found.is_none() && bytes < 4096, "looking for values that are not finite took {bytes} bytes");
    }
}

#[test]
fn a_file_s_own_bytes_go_to_the_backend_except_where_loras_change_them() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    for name in ["eps", "vpred"] {
        let backend = Counted::new(Cpu::new());
        let book = backend.with(Cpu::new());
        let checkpoint = Checkpoint::open(goldens().join(name).to_str().unwrap()).unwrap();
        let mut model = checkpoint.load_on(backend).unwrap();
        let (borrowed, computed) = book.packed();
        assert!(borrowed > 200, "{name}: {borrowed} weights");
        assert_eq!(computed, 0, "{name}: weights that were made on the way");

        let path = goldens().join("lora").join(format!("{name}_kohya.safetensors"));
        let bytes = std::fs::read(&path).unwrap();
        let names = SafeTensors::deserialize(&bytes).unwrap();
        let layers = names.names().into_iter().filter(|name| name.ends_with(".lora_up.weight")).count();
        model.set_loras(&[(Arc::new(LoraFile::open(&path).unwrap()), 0.5)]).unwrap();
        let (untouched, merged) = book.packed();
        assert!(
            untouched <= layers,
            "{name}: {untouched} weights that no LoRA changes, and only biases of layers that it does"
        );
        assert_eq!(merged, layers, "{name}: each layer of the LoRA changes one weight");
    }
}
