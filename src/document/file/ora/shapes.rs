//! Layers that become regions, less what the layers around them take away.
//!
//! Painting programs have layers that paint nothing: an eraser takes away from what lies below it in its own stack, a keeper
//! leaves of that only what it covers, and a clipped layer shows only where something lies below it. The walk goes down from
//! the uppermost layer with one mask, `rest`: what the layers above leave of those still to come. A clipped layer needs what
//! lies below it instead; that is put together from below, in the stacks that have such layers only.

use super::super::report::Report;
use super::super::stack::{Group, Layer, Node, Operator, Own, Stack};
use super::layers::{Covered, Layers};
use crate::document::Mask;
use crate::document::error::one_line;
use std::io::{self, Seek};
use std::sync::Arc;

/// A layer that is a picture of its own, and no eraser.
#[derive(Debug)]
pub(super) struct Shape<'a> {
    pub(super) layer: &'a Layer,
    /// The part of it that other layers leave; `None` is all.
    rest: Rest,
}

/// The part that is left of the layers below; `None` is all.
type Rest = Option<Arc<Mask>>;

/// The message where masks take more memory than one file may.
const TOO_MUCH: &str = "its erasers and clipped layers are more than is held of one file";

impl<'a> Shape<'a> {
    /// Reads the coverage of the layer, less what other layers take away.
    ///
    /// # Errors
    /// The reason, as the end of a sentence.
    pub(super) fn covered<R: io::Read + Seek>(&self, layers: &mut Layers<'a, R>) -> Result<Covered, String> {
        let covered = layers.covered(self.layer, self.layer.opacity)?;
        match &self.rest {
            None => Ok(covered),
            Some(rest) => Ok(Covered { mask: both(layers, &covered.mask, rest)?, ..covered }),
        }
    }
}

/// The layers of a file that are pictures of their own, the uppermost first. What is none is told to `report`.
pub(super) fn shapes<'a, R: io::Read + Seek>(
    stack: &'a Stack,
    layers: &mut Layers<'a, R>,
    report: &mut Report,
) -> Vec<Shape<'a>> {
    let mut walk = Walk { stack, layers, report, found: Vec::new() };
    if let Some(root) = stack.groups.first() {
        walk.down(root, None);
    }
    walk.found
}

struct Walk<'a, 'b, R> {
    stack: &'a Stack,
    layers: &'b mut Layers<'a, R>,
    report: &'b mut Report,
    found: Vec<Shape<'a>>,
}

impl<'a, R: io::Read + Seek> Walk<'a, '_, R> {
    /// Takes in a stack of which other layers leave `rest`, and returns what it leaves of what lies below its lowest layer.
    fn down(&mut self, group: &'a Group, mut rest: Rest) -> Rest {
        let stack = self.stack;
        let below = self.below(group);
        for (at, node) in group.nodes.iter().enumerate() {
            let Some((own, name, layer)) = of(stack, *node) else { continue };
            let clip = below.as_ref().and_then(|below| below.get(at).cloned().flatten());
            match own.operator {
                _ if layer.is_some_and(|layer| layer.is_page) => {
                    let name = one_line(name, 60);
                    self.report.note(format!("layer “{name}” is the page of the program it came from, and no region"));
                }
                Operator::Erase | Operator::Keep => rest = self.taken(*node, own, name, rest),
                Operator::Nothing => {
                    let (name, mode) = (one_line(name, 60), &own.mode);
                    self.report.lost(format!("layer “{name}” shows nothing of its own ({mode}) and was left out"));
                }
                operator => {
                    if operator == Operator::Other {
                        let (name, mode) = (one_line(name, 60), &own.mode);
                        self.report.note(format!(
                            "how layer “{name}” meets those below ({mode}) is not followed; it covers them"
                        ));
                    }
                    let inside = match (clip, rest.clone()) {
                        (Some(clip), Some(rest)) => match both(self.layers, &clip, &rest) {
                            Ok(both) => Some(both),
                            Err(why) => {
                                self.report.lost(format!("layer “{}” is not clipped: {why}", one_line(name, 60)));
                                Some(rest)
                            }
                        },
                        (one, other) => one.or(other),
                    };
                    match *node {
                        Node::Layer(_) => self.found.extend(layer.map(|layer| Shape { layer, rest: inside })),
                        Node::Group(group) => {
                            let Some(group) = stack.groups.get(group) else { continue };
                            let left = self.down(group, inside);
                            if !group.isolated && group.own.visible {
                                rest = left;
                            }
                        }
                    }
                }
            }
        }
        rest
    }

    /// The part that is left of the layers below an eraser, or below a keeper.
    fn taken(&mut self, node: Node, own: &Own, name: &str, rest: Rest) -> Rest {
        let name = one_line(name, 60);
        let what = if matches!(node, Node::Layer(_)) { "layer" } else { "stack" };
        let does = if own.operator == Operator::Erase { "takes away from" } else { "cuts out" };
        if !own.visible {
            self.report.lost(format!("the hidden {what} “{name}” {does} what lies below it; it was left out"));
            return rest;
        }
        let operator = own.operator;
        let next = self.alpha(node).and_then(|alpha| {
            let everywhere;
            let one = match &rest {
                Some(rest) => rest,
                None => {
                    everywhere = self.layers.everywhere();
                    &everywhere
                }
            };
            let change = |rest, a: u8| times(rest, if operator == Operator::Erase { 255 - a } else { a });
            self.layers.combine(one, &alpha, change).ok_or_else(|| TOO_MUCH.to_owned())
        });
        match next {
            Ok(next) => {
                self.report.note(format!("the {what} “{name}” {does} what lies below it, and is no region"));
                Some(next)
            }
            Err(why) => {
                self.report.lost(format!("the {what} “{name}” {does} what lies below it; it was left out: {why}"));
                rest
            }
        }
    }

    /// The coverage below each node, in its own stack; `None` where nothing in the stack is clipped to that.
    fn below(&mut self, group: &Group) -> Option<Vec<Rest>> {
        let stack = self.stack;
        let is_clipped = |node: &Node| {
            let own = of(stack, *node).map(|(own, ..)| own);
            own.is_some_and(|own| own.operator == Operator::Clip)
        };
        if !group.nodes.iter().any(is_clipped) {
            return None;
        }
        let mut all = vec![None; group.nodes.len()];
        let mut alpha = Arc::new(Mask::empty(stack_side(stack.width), stack_side(stack.height)));
        for (node, out) in group.nodes.iter().zip(&mut all).rev() {
            if is_clipped(node) {
                *out = Some(Arc::clone(&alpha));
            }
            // What cannot be had is told where it is asked for as a region.
            alpha = self.over(*node, alpha);
        }
        Some(all)
    }

    /// The coverage of a stack up to and with a node, from that of what lies below the node.
    fn over(&mut self, node: Node, below: Arc<Mask>) -> Arc<Mask> {
        let Some((own, _, layer)) = of(self.stack, node) else { return below };
        let operator = own.operator;
        let shows = !matches!(operator, Operator::Clip | Operator::Nothing);
        if !own.visible || !shows || layer.is_some_and(|layer| layer.is_page) {
            return below;
        }
        let change = |under: u8, a: u8| match operator {
            Operator::Erase => times(under, 255 - a),
            Operator::Keep => times(under, a),
            _ => 255 - times(255 - under, 255 - a),
        };
        match self.alpha(node) {
            Ok(alpha) => self.layers.combine(&below, &alpha, change).unwrap_or(below),
            Err(_) => below,
        }
    }

    /// The coverage of a node in its stack.
    fn alpha(&mut self, node: Node) -> Result<Arc<Mask>, String> {
        let stack = self.stack;
        match node {
            Node::Layer(at) => {
                let layer = stack.layers.get(at).ok_or_else(String::new)?;
                Ok(self.layers.covered(layer, layer.own.opacity)?.mask)
            }
            Node::Group(at) => {
                let group = stack.groups.get(at).ok_or_else(String::new)?;
                let empty = Arc::new(Mask::empty(stack_side(stack.width), stack_side(stack.height)));
                let alpha = group.nodes.iter().rev().fold(empty, |below, node| self.over(*node, below));
                let opacity = group.own.opacity;
                if opacity >= 1.0 {
                    return Ok(alpha);
                }
                let dimmed = self.layers.combine(&alpha, &alpha, |a, _| super::pixels::scaled(a, opacity));
                dimmed.ok_or_else(|| TOO_MUCH.to_owned())
            }
        }
    }
}

/// A node's own attributes, its name, and the layer if it is one.
fn of(stack: &Stack, node: Node) -> Option<(&Own, &str, Option<&Layer>)> {
    match node {
        Node::Layer(at) => stack.layers.get(at).map(|layer| (&layer.own, layer.name.as_str(), Some(layer))),
        Node::Group(at) => stack.groups.get(at).map(|group| (&group.own, group.name.as_str(), None)),
    }
}

fn both<R: io::Read + Seek>(layers: &mut Layers<'_, R>, one: &Mask, other: &Mask) -> Result<Arc<Mask>, String> {
    layers.combine(one, other, times).ok_or_else(|| TOO_MUCH.to_owned())
}

/// The product of two shares of 255.
fn times(one: u8, other: u8) -> u8 {
    u8::try_from((u32::from(one) * u32::from(other) + 127) / 255).unwrap_or(255)
}

/// A side of the canvas, which has been checked.
fn stack_side(side: u64) -> u32 {
    u32::try_from(side).unwrap_or(0)
}
