//! The change of one layer, as the names of its tensors, checked by their shapes.

use super::names::{Factor, Role, flat};
use super::{MAX_RANK, invalid, mismatch, short};
use crate::checkpoint::safetensors::TensorFile;
use crate::checkpoint::{PartName, Result};
use crate::networks::Weights as _;
use std::collections::BTreeMap;

/// The change of one layer. Of a weight W with the sum D of the deltas: W + strength · D; with norms m,
/// W + strength · (m · (W + D) / ‖W + D‖ − W).
#[derive(Debug)]
pub(super) struct Layer {
    /// Its name in the file.
    pub(super) label: String,
    /// What is added to the weight.
    pub(super) deltas: Vec<Delta>,
    /// The norms that rows or columns of the changed weight get (DoRA: Liu et al. 2024, arXiv:2402.09353).
    pub(super) magnitude: Option<Magnitude>,
    /// Factors of the weight's rows or columns, less 1 (IA³: Liu et al. 2022, arXiv:2205.05638).
    pub(super) scaling: Option<Scaling>,
    /// What is added to the bias: tensors with their factors.
    pub(super) bias: Vec<(String, f32)>,
    /// The smaller size of its factors, where it has factors.
    pub(super) rank: Option<usize>,
}

/// A matrix `[out, in · k²]` and its factor.
#[derive(Debug)]
pub(super) struct Delta {
    pub(super) kind: Kind,
    /// alpha / rank, or as the kind has it.
    pub(super) scale: f32,
}

/// The making of a matrix.
#[derive(Debug)]
pub(super) enum Kind {
    /// up · down, or up · mid · down (LoRA, LoCon).
    Product { down: String, up: String, mid: Option<String> },
    /// Products of values (LoHa: Hyeon-Woo et al. 2021, arXiv:2108.06098).
    Hadamard([Matrix; 2]),
    /// The Kronecker product (LoKr: Yeh et al. 2023, arXiv:2309.14859).
    Kronecker([Matrix; 2]),
    /// W · a₁ · a₂ + b₁ · b₂ (GLoRA: Chavan et al. 2023, arXiv:2306.07967).
    General { a: [String; 2], b: [String; 2] },
    /// As it is.
    Whole(String),
}

/// A matrix as it is stored.
#[derive(Debug)]
pub(super) enum Matrix {
    /// Itself.
    Whole(String),
    /// `a` `[rows, rank]` times `b` `[rank, columns]`.
    Product { a: String, b: String },
    /// `core` `[i, j, k, k]` between `a` `[i, rows]` and `b` `[j, inputs]`.
    Tucker { core: String, a: String, b: String },
}

#[derive(Debug)]
pub(super) struct Magnitude {
    pub(super) name: String,
    pub(super) by_rows: bool,
}

#[derive(Debug)]
pub(super) struct Scaling {
    pub(super) name: String,
    pub(super) by_rows: bool,
}

/// The tensors of a layer by their roles.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) label: String,
    pub(super) tensors: BTreeMap<Role, String>,
}

impl Found {
    fn take(&mut self, role: Role) -> Option<String> {
        self.tensors.remove(&role)
    }

    /// The layer, and the names of tensors that mean nothing beside the others; no layer where nothing is left. `scale` gives
    /// the factor in PEFT's configuration for a rank.
    pub(super) fn check(
        mut self,
        file: &TensorFile,
        scale: impl Fn(usize) -> Option<f32>,
    ) -> Result<(Option<Layer>, Vec<String>)> {
        let alpha_name = self.take(Role::Alpha);
        let alpha = alpha_name.as_deref().map(|name| number(file, name)).transpose()?;
        // Without an alpha a product counts as it is.
        let scale = |rank: usize| alpha.map(|alpha| alpha / rank as f32).or_else(|| scale(rank)).unwrap_or(1.0);
        let mut deltas = Vec::new();
        let mut bias = Vec::new();
        let mut ranks = Vec::new();
        if let Some((kind, rank)) = self.product(file)? {
            deltas.push(Delta { kind, scale: scale(rank) });
            bias.extend(self.take(Role::UpBias).map(|name| (name, scale(rank))));
            ranks.push(rank);
        }
        if let Some((kind, rank)) = self.hadamard(file)? {
            deltas.push(Delta { kind, scale: scale(rank) });
            ranks.push(rank);
        }
        if let Some((kind, rank)) = self.kronecker(file)? {
            // Where both matrices are whole, alpha does not count.
            deltas.push(Delta { kind, scale: rank.map_or(1.0, scale) });
            ranks.extend(rank);
        }
        if let Some((kind, rank)) = self.general(file)? {
            deltas.push(Delta { kind, scale: scale(rank) });
            ranks.push(rank);
        }
        if let Some(&rank) = ranks.iter().find(|rank| !(1..=MAX_RANK).contains(*rank)) {
            return Err(invalid(file, format!("{} has rank {rank}; ranks are 1 to {MAX_RANK}", short(&self.label))));
        }
        deltas.extend(self.take(Role::Difference).map(|name| Delta { kind: Kind::Whole(name), scale: 1.0 }));
        bias.extend(self.take(Role::BiasDifference).map(|name| (name, 1.0)));
        let by_rows = self.take(Role::RowMagnitude).map(|name| Magnitude { name, by_rows: true });
        let by_shape = |name: String| {
            // [1, in] has norms of columns, [out, 1] of rows; on square layers the shape alone tells.
            let shape = file.shape(&name).unwrap_or_default();
            Magnitude { name, by_rows: shape.len() < 2 || shape.first() != Some(&1) }
        };
        let mut magnitude = by_rows.or_else(|| self.take(Role::Magnitude).map(by_shape));
        let mut strange = Vec::new();
        if deltas.is_empty() {
            strange.extend(magnitude.take().map(|magnitude| magnitude.name));
        }
        let scaling = match (self.take(Role::Scaling), self.take(Role::OnInput)) {
            (Some(name), Some(flag)) => Some(Scaling { name, by_rows: number(file, &flag)? == 0.0 }),
            (one, other) => {
                strange.extend(one.into_iter().chain(other));
                None
            }
        };
        strange.extend(self.tensors.into_values());
        if deltas.is_empty() && scaling.is_none() && bias.is_empty() {
            strange.extend(alpha_name);
            return Ok((None, strange));
        }
        let rank = ranks.into_iter().max();
        Ok((Some(Layer { label: self.label, deltas, magnitude, scaling, bias, rank }), strange))
    }

    /// LoRA's factors.
    fn product(&mut self, file: &TensorFile) -> Result<Option<(Kind, usize)>> {
        let (down, up) = match (self.take(Role::Down), self.take(Role::Up)) {
            (Some(down), Some(up)) => (down, up),
            (Some(one), None) | (None, Some(one)) => return Err(alone(file, &one)),
            (None, None) => return Ok(None),
        };
        let shape = |name: &str| file.shape(name).unwrap_or_default();
        let (of_down, of_up) = (shape(&down), shape(&up));
        let rank = of_down.first().copied().unwrap_or(0);
        let mid = self.take(Role::Mid);
        let inner = match &mid {
            // up [out, a, 1, 1], mid [a, rank, k, k], down [rank, in, 1, 1].
            Some(mid) => match shape(mid).as_slice() {
                &[outer, inner, ..] if inner == rank && of_down.iter().skip(2).all(|&k| k == 1) => outer,
                other => return Err(mismatch(file, mid, other, &down, &of_down)),
            },
            None => rank,
        };
        let flat = of_up.iter().skip(2).all(|&k| k == 1);
        if of_down.len() < 2 || of_up.len() < 2 || of_up.get(1) != Some(&inner) || !flat {
            return Err(mismatch(file, &up, &of_up, &down, &of_down));
        }
        // (Of no values at all, that is.)
        let rank = if of_down.contains(&0) || of_up.contains(&0) { 0 } else { rank };
        Ok(Some((Kind::Product { down, up, mid }, rank)))
    }

    /// LoHa's factors.
    fn hadamard(&mut self, file: &TensorFile) -> Result<Option<(Kind, usize)>> {
        let (first, second) = match (self.matrix(file, Role::Hada1)?, self.matrix(file, Role::Hada2)?) {
            (Some(first), Some(second)) => (first, second),
            (Some((one, _)), None) | (None, Some((one, _))) => return Err(alone(file, one.name())),
            (None, None) => return Ok(None),
        };
        let rank = first.1.unwrap_or(0);
        if first.0.sizes(file) != second.0.sizes(file) {
            return Err(unlike(file, &second.0, &first.0));
        }
        Ok(Some((Kind::Hadamard([first.0, second.0]), rank)))
    }

    /// LoKr's matrices, and the rank where one of them is factored.
    fn kronecker(&mut self, file: &TensorFile) -> Result<Option<(Kind, Option<usize>)>> {
        match (self.matrix(file, Role::Kron1)?, self.matrix(file, Role::Kron2)?) {
            (Some(first), Some(second)) => Ok(Some((Kind::Kronecker([first.0, second.0]), second.1.or(first.1)))),
            (Some((one, _)), None) | (None, Some((one, _))) => Err(alone(file, one.name())),
            (None, None) => Ok(None),
        }
    }

    /// GLoRA's factors. Old files have `a1` `[rank, in]` behind `a2`, new ones before it.
    fn general(&mut self, file: &TensorFile) -> Result<Option<(Kind, usize)>> {
        let mut take = |role: fn(Factor) -> Role| match (self.take(role(Factor::A)), self.take(role(Factor::B))) {
            (Some(a), Some(b)) => Ok(Some([a, b])),
            (Some(one), None) | (None, Some(one)) => Err(alone(file, &one)),
            (None, None) => Ok(None),
        };
        let (a, b) = match (take(Role::GloraA)?, take(Role::GloraB)?) {
            (Some(a), Some(b)) => (a, b),
            (Some([one, _]), None) | (None, Some([one, _])) => return Err(alone(file, &one)),
            (None, None) => return Ok(None),
        };
        let sizes = |name: &str| file.shape(name).map(|shape| flat_sizes(&shape)).unwrap_or_default();
        let inner = |[first, second]: [&String; 2]| {
            let (first, second) = (sizes(first), sizes(second));
            (first.1 == second.0).then_some(first.1)
        };
        let rank = |a: [&String; 2], b: [&String; 2]| inner(a).filter(|rank| Some(*rank) == inner(b));
        let (new, old) = (rank(a.each_ref(), b.each_ref()), rank([&a[1], &a[0]], [&b[1], &b[0]]));
        let reversed = |[first, second]: [String; 2]| [second, first];
        match (new, old) {
            // Both fit where the layer is as wide as the rank is large; a rank is the smaller of two.
            (Some(new), None) => Ok(Some((Kind::General { a, b }, new))),
            (Some(new), Some(old)) if new <= old => Ok(Some((Kind::General { a, b }, new))),
            (_, Some(old)) => Ok(Some((Kind::General { a: reversed(a), b: reversed(b) }, old))),
            (None, None) => {
                let [first, second] = &a;
                let shape = |name: &str| file.shape(name).unwrap_or_default();
                Err(mismatch(file, second, &shape(second), first, &shape(first)))
            }
        }
    }

    /// A matrix, and its rank where it is factored.
    fn matrix(&mut self, file: &TensorFile, role: fn(Factor) -> Role) -> Result<Option<(Matrix, Option<usize>)>> {
        let [whole, a, b, core] =
            [Factor::Whole, Factor::A, Factor::B, Factor::Core].map(|factor| self.take(role(factor)));
        let shape = |name: &str| file.shape(name).unwrap_or_default();
        match (whole, a, b, core) {
            (None, None, None, None) => Ok(None),
            (Some(whole), None, None, None) => Ok(Some((Matrix::Whole(whole), None))),
            (None, Some(a), Some(b), None) => {
                let (of_a, of_b) = (shape(&a), shape(&b));
                if of_a.len() != 2 || of_b.len() < 2 || of_a[1] != of_b[0] {
                    return Err(mismatch(file, &a, &of_a, &b, &of_b));
                }
                Ok(Some((Matrix::Product { a, b }, Some(of_b[0]))))
            }
            (None, Some(a), Some(b), Some(core)) => match (&*shape(&a), &*shape(&b), &*shape(&core)) {
                (&[i, _], &[j, _], &[of_a, of_b, ..]) if (i, j) == (of_a, of_b) => {
                    Ok(Some((Matrix::Tucker { core, a, b }, Some(j))))
                }
                (of_a, _, of_core) => Err(mismatch(file, &core, of_core, &a, of_a)),
            },
            (whole, a, b, core) => {
                let one = [a, b, core, whole].into_iter().flatten().next().unwrap_or_default();
                Err(alone(file, &one))
            }
        }
    }
}

impl Matrix {
    /// A tensor of it, for messages.
    fn name(&self) -> &str {
        match self {
            Self::Whole(name) | Self::Product { a: name, .. } | Self::Tucker { core: name, .. } => name,
        }
    }

    /// Rows and columns.
    pub(super) fn sizes(&self, file: &TensorFile) -> (usize, usize) {
        let of = |name: &str| file.shape(name).unwrap_or_default();
        match self {
            Self::Whole(name) => flat_sizes(&of(name)),
            Self::Product { a, b } => (flat_sizes(&of(a)).0, flat_sizes(&of(b)).1),
            Self::Tucker { core, a, b } => {
                let kernel: usize = of(core).iter().skip(2).product();
                (flat_sizes(&of(a)).1, flat_sizes(&of(b)).1 * kernel)
            }
        }
    }
}

impl Layer {
    /// Whether it fits a weight and a bias of these shapes, `[out, in]`, `[out, in, k, k]` or a norm's `[c]`. (A linear layer and
    /// a 1 × 1 convolution are the same.)
    pub(super) fn fits(&self, file: &TensorFile, weight: &[usize], bias: Option<&[usize]>) -> bool {
        let wanted = flat_sizes(weight);
        let inputs = weight.get(1).copied().unwrap_or(1);
        let values = |name: &str| file.shape(name).map(|shape| shape.iter().product::<usize>());
        let along = |name: &str, by_rows: bool| values(name) == Some(if by_rows { wanted.0 } else { inputs });
        self.deltas.iter().all(|delta| delta.fits(file, wanted, inputs))
            && self.magnitude.as_ref().is_none_or(|m| along(&m.name, m.by_rows))
            && self.scaling.as_ref().is_none_or(|s| along(&s.name, s.by_rows))
            && self.bias.iter().all(|(name, _)| bias.is_some_and(|bias| values(name) == Some(bias.iter().product())))
    }

    /// Whether it changes the weight.
    pub(super) fn changes_weight(&self) -> bool {
        !self.deltas.is_empty() || self.scaling.is_some()
    }

    /// Columns of the weight it was made for, where it says them.
    pub(super) fn columns(&self, file: &TensorFile) -> Option<usize> {
        let of_delta = self.deltas.first().map(|delta| delta.sizes(file).1);
        let on_input = || self.scaling.as_ref().filter(|scaling| !scaling.by_rows);
        of_delta.or_else(|| file.shape(&on_input()?.name).map(|shape| shape.iter().product()))
    }

    /// Whether it changes a convolution with a kernel larger than 1 × 1.
    pub(super) fn is_convolution(&self, file: &TensorFile) -> bool {
        let wide = |name: &String| file.shape(name).is_some_and(|s| s.iter().skip(2).product::<usize>() > 1);
        self.deltas.iter().any(|delta| match &delta.kind {
            Kind::Product { down, mid, .. } => wide(down) || mid.as_ref().is_some_and(wide),
            Kind::Hadamard(matrices) | Kind::Kronecker(matrices) => matrices.iter().any(|matrix| match matrix {
                Matrix::Whole(name) | Matrix::Product { b: name, .. } | Matrix::Tucker { core: name, .. } => wide(name),
            }),
            Kind::Whole(name) => wide(name),
            Kind::General { .. } => false,
        })
    }

    /// The name of its kind.
    pub(super) fn kind(&self) -> &'static str {
        match (&self.magnitude, self.deltas.first().map(|delta| &delta.kind)) {
            (Some(_), _) => "DoRA",
            (None, Some(Kind::Product { .. })) => "LoRA",
            (None, Some(Kind::Hadamard(_))) => "LoHa",
            (None, Some(Kind::Kronecker(_))) => "LoKr",
            (None, Some(Kind::General { .. })) => "GLoRA",
            (None, Some(Kind::Whole(_))) => "whole differences",
            (None, None) if self.scaling.is_some() => "IA³",
            (None, None) => "biases",
        }
    }
}

impl Delta {
    /// Rows and columns of its matrix.
    fn sizes(&self, file: &TensorFile) -> (usize, usize) {
        let of = |name: &str| file.shape(name).map(|shape| flat_sizes(&shape)).unwrap_or_default();
        match &self.kind {
            Kind::Product { down, up, mid } => {
                let kernel = mid.as_ref().and_then(|mid| file.shape(mid));
                let kernel: usize = kernel.map_or(1, |shape| shape.iter().skip(2).product());
                (of(up).0, of(down).1.saturating_mul(kernel))
            }
            Kind::Hadamard([first, _]) => first.sizes(file),
            Kind::Kronecker([first, second]) => {
                let (first, second) = (first.sizes(file), second.sizes(file));
                (first.0.saturating_mul(second.0), first.1.saturating_mul(second.1))
            }
            Kind::General { b: [first, second], .. } => (of(first).0, of(second).1),
            Kind::Whole(name) => of(name),
        }
    }

    fn fits(&self, file: &TensorFile, wanted: (usize, usize), inputs: usize) -> bool {
        let of = |name: &str| file.shape(name).map(|shape| flat_sizes(&shape)).unwrap_or_default();
        let square = match &self.kind {
            Kind::General { a: [first, second], .. } => (of(first).0, of(second).1) == (inputs, inputs),
            _ => true,
        };
        square && self.sizes(file) == wanted
    }
}

/// Rows, and columns with all else laid flat.
pub(super) fn flat_sizes(shape: &[usize]) -> (usize, usize) {
    (shape.first().copied().unwrap_or(0), shape.iter().skip(1).product())
}

/// The one value of a tensor.
fn number(file: &TensorFile, name: &str) -> Result<f32> {
    if file.shape(name).is_none_or(|shape| shape.iter().product::<usize>() != 1) {
        return Err(invalid(file, format!("{} is not one number", short(name))));
    }
    match file.integer(name) {
        Some(whole) => Ok(whole as f32),
        None => Ok(file.read(name)?.into_f32().first().copied().unwrap_or(1.0)),
    }
}

fn alone(file: &TensorFile, name: &str) -> crate::checkpoint::Error {
    invalid(file, format!("has {} without its other factor", short(name)))
}

fn unlike(file: &TensorFile, one: &Matrix, other: &Matrix) -> crate::checkpoint::Error {
    let sizes = |matrix: &Matrix| {
        let (rows, columns) = matrix.sizes(file);
        vec![rows, columns]
    };
    mismatch(file, one.name(), &sizes(one), other.name(), &sizes(other))
}

/// Whether a layer's name is one that reads text embeddings.
pub(super) fn reads_text((part, layer): &(PartName, String)) -> bool {
    *part == PartName::Unet && layer.ends_with(&flat("attn2.to_k"))
}
