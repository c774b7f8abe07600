//! Operators that a backend around another passes on.

/// Implements methods of [`Backend`](super::Backend) by those of `self.inner`. Questions are passed on as they are; an operator
/// is asked of `self.before()` first, which may fail in its place. The types in the signatures are the implementor's own, so
/// only what has the inner backend's can be passed on.
macro_rules! forward {
    ($($method:ident),* $(,)?) => {
        $($crate::backend::forward::one!($method);)*
    };
}

macro_rules! one {
    // Questions.
    (describe) => { one!(question describe() -> String); };
    (value_bytes) => { one!(question value_bytes() -> usize); };
    (room) => { one!(question room() -> Option<usize>); };
    (refused) => { one!(question refused() -> Option<[u64; 2]>); };
    (time_operators) => { one!(question time_operators() -> bool); };
    (device_seconds) => {
        one!(question device_seconds() -> std::collections::BTreeMap<&'static str, f64>);
    };
    (preferred_batch) => { one!(question preferred_batch(cells: usize) -> usize); };
    (shape) => { one!(question shape(x: &Self::Tensor) -> $crate::backend::Shape); };
    // Operators.
    (tune) => { one!(operator tune() -> ()); };
    (pack_conv) => {
        one!(operator pack_conv(
            weight: $crate::backend::WeightView, bias: $crate::backend::WeightView, options: $crate::backend::ConvOptions
        ) -> Self::Conv);
    };
    (pack_linear) => {
        one!(operator pack_linear(
            weight: $crate::backend::WeightView, bias: Option<$crate::backend::WeightView>
        ) -> Self::Linear);
    };
    (pack_linear_geglu) => {
        one!(operator pack_linear_geglu(
            weight: $crate::backend::WeightView, bias: Option<$crate::backend::WeightView>
        ) -> Self::Linear);
    };
    (pack_norm) => {
        one!(operator pack_norm(scale: $crate::backend::WeightView, shift: $crate::backend::WeightView) -> Self::Norm);
    };
    (pack_embedding) => { one!(operator pack_embedding(table: $crate::backend::WeightView) -> Self::Embedding); };
    (pack_keys) => { one!(operator pack_keys(k: &Self::Tensor, v: &Self::Tensor) -> Self::KeyValues); };
    (upload) => { one!(operator upload(shape: &[usize], data: &[f32]) -> Self::Tensor); };
    (download) => { one!(operator download(x: &Self::Tensor) -> Vec<f32>); };
    (download_all) => { one!(operator download_all(tensors: &[&Self::Tensor]) -> Vec<Vec<f32>>); };
    (conv2d) => { one!(operator conv2d(x: &Self::Tensor, weights: &Self::Conv) -> Self::Tensor); };
    (conv2d_with) => {
        one!(operator conv2d_with(
            x: &Self::Tensor, weights: &Self::Conv, then: $crate::backend::Epilogue<Self::Tensor>
        ) -> Self::Tensor);
    };
    (upsample_conv2d) => {
        one!(operator upsample_conv2d(
            x: &Self::Tensor, height: usize, width: usize, weights: &Self::Conv
        ) -> Self::Tensor);
    };
    (linear) => { one!(operator linear(x: &Self::Tensor, weights: &Self::Linear) -> Self::Tensor); };
    (linear_with) => {
        one!(operator linear_with(
            x: &Self::Tensor, weights: &Self::Linear, then: $crate::backend::Epilogue<Self::Tensor>
        ) -> Self::Tensor);
    };
    (linear_geglu) => { one!(operator linear_geglu(x: &Self::Tensor, weights: &Self::Linear) -> Self::Tensor); };
    (group_norm) => {
        one!(operator group_norm(
            x: &Self::Tensor, weights: &Self::Norm, groups: usize, eps: f32, silu: bool
        ) -> Self::Tensor);
    };
    (group_moments) => { one!(operator group_moments(x: &Self::Tensor, groups: usize) -> Self::Moments); };
    (merge_moments) => { one!(operator merge_moments(parts: &[(usize, Self::Moments)]) -> Self::Moments); };
    (normalise) => {
        one!(operator normalise(
            x: &Self::Tensor, weights: &Self::Norm, moments: &Self::Moments, eps: f32, silu: bool
        ) -> Self::Tensor);
    };
    (layer_norm) => { one!(operator layer_norm(x: &Self::Tensor, weights: &Self::Norm, eps: f32) -> Self::Tensor); };
    (attention) => {
        one!(operator attention(
            q: &Self::Tensor, k: &Self::Tensor, v: &Self::Tensor, options: &$crate::backend::Attention<Self::Tensor>
        ) -> Self::Tensor);
    };
    (attention_to) => {
        one!(operator attention_to(
            q: &Self::Tensor, keys: &[&Self::KeyValues], options: &$crate::backend::Attention<Self::Tensor>
        ) -> Self::Tensor);
    };
    (geglu) => { one!(operator geglu(x: &Self::Tensor) -> Self::Tensor); };
    (activate) => {
        one!(operator activate(x: &Self::Tensor, activation: $crate::backend::Activation) -> Self::Tensor);
    };
    (upsample) => { one!(operator upsample(x: &Self::Tensor, height: usize, width: usize) -> Self::Tensor); };
    (add) => { one!(operator add(a: &Self::Tensor, b: &Self::Tensor) -> Self::Tensor); };
    (add_channels) => { one!(operator add_channels(x: &Self::Tensor, vector: &Self::Tensor) -> Self::Tensor); };
    (concat) => { one!(operator concat(parts: &[&Self::Tensor], axis: usize) -> Self::Tensor); };
    (select) => { one!(operator select(x: &Self::Tensor, rows: &[usize]) -> Self::Tensor); };
    (slice) => {
        one!(operator slice(x: &Self::Tensor, axis: usize, start: usize, count: usize) -> Self::Tensor);
    };
    (blend) => {
        one!(operator blend(x: &Self::Tensor, weights: &Self::Tensor, counts: &[usize]) -> Self::Tensor);
    };
    (to_tokens) => { one!(operator to_tokens(x: &Self::Tensor) -> Self::Tensor); };
    (to_image) => { one!(operator to_image(x: &Self::Tensor, height: usize, width: usize) -> Self::Tensor); };
    (embed) => { one!(operator embed(table: &Self::Embedding, ids: &[u32]) -> Self::Tensor); };
    (affine) => { one!(operator affine(x: &Self::Tensor, factor: f32, offset: f32) -> Self::Tensor); };

    (question $name:ident($($argument:ident: $type:ty),*) -> $result:ty) => {
        fn $name(&self, $($argument: $type),*) -> $result {
            self.inner.$name($($argument),*)
        }
    };
    (operator $name:ident($($argument:ident: $type:ty),*) -> $result:ty) => {
        fn $name(&self, $($argument: $type),*) -> $crate::backend::Result<$result> {
            self.before()?;
            self.inner.$name($($argument),*)
        }
    };
}

pub(super) use {forward, one};
