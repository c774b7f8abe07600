//! Reading.
//!
//! The baseline specification is followed: the uppermost layer first, nested stacks (offsets add up, opacities multiply, a
//! hidden stack hides what is in it), unknown attributes ignored. Elements that are neither layers nor stacks are left out
//! and told. Document types are never expanded.

use super::super::report::Few;
use super::attributes::Attributes;
use super::{Group, Layer, Node, Own, Stack, encoding};
use crate::document::Problem;
use crate::document::error::{one_line, reason};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// Elements in elements deeper than this are refused.
const MAX_DEPTH: usize = 64;

/// More stacks are refused.
const MAX_GROUPS: usize = 4096;

/// An element that has not ended yet.
#[derive(Debug, Clone, Copy)]
enum Open {
    /// A stack, and where what is in it lies.
    Stack(Inside),
    Other,
}

/// The attributes that a stack adds to the layers in it.
#[derive(Debug, Clone, Copy)]
struct Inside {
    /// Its index.
    group: usize,
    x: i64,
    y: i64,
    opacity: f32,
    visible: bool,
}

impl Inside {
    fn with(self, x: i64, y: i64, own: &Own) -> Self {
        Self {
            x: self.x.saturating_add(x),
            y: self.y.saturating_add(y),
            opacity: self.opacity * own.opacity,
            visible: self.visible && own.visible,
            ..self
        }
    }
}

/// The state of reading: the tree so far.
struct Reading {
    stack: Stack,
    max_layers: usize,
    /// All layers, those beyond `max_layers` too.
    count: usize,
    open: Vec<Open>,
}

impl Stack {
    /// Reads `stack.xml`, up to `max_layers` layers.
    pub(in super::super) fn parse(bytes: &[u8], max_layers: usize) -> Result<Self, Problem> {
        let bad = |what: &str| Problem::Stack(what.to_owned());
        let text = encoding::text(bytes)?;
        let mut reader = Reader::from_str(&text);
        let mut reading: Option<Reading> = None;
        loop {
            let event = reader.read_event().map_err(|e| Problem::Stack(reason(&e)))?;
            let (start, empty) = match event {
                Event::Start(start) => (start, false),
                Event::Empty(start) => (start, true),
                Event::End(_) => {
                    if let Some(reading) = &mut reading {
                        reading.open.pop();
                    }
                    continue;
                }
                Event::Eof => break,
                _ => continue,
            };
            let opened = match &mut reading {
                Some(reading) if reading.open.len() >= MAX_DEPTH => {
                    return Err(bad("its stacks are nested too deep"));
                }
                Some(reading) => reading.element(&start)?,
                None if start.local_name().as_ref() == b"image" => {
                    reading = Some(Reading::image(&start, max_layers)?);
                    Open::Other
                }
                None => return Err(bad("its root element is not <image>")),
            };
            if let Some(reading) = reading.as_mut().filter(|_| !empty) {
                reading.open.push(opened);
            }
        }
        let Reading { stack, count, open, .. } = reading.ok_or_else(|| bad("it has no <image> element"))?;
        if !open.is_empty() {
            return Err(bad("it ends early"));
        }
        if count > max_layers {
            let side = |side: u64| u32::try_from(side).unwrap_or(u32::MAX);
            return Err(Problem::TooManyLayers { layers: count, width: side(stack.width), height: side(stack.height) });
        }
        Ok(stack)
    }
}

impl Reading {
    /// The root element.
    fn image(start: &BytesStart<'_>, max_layers: usize) -> Result<Self, Problem> {
        let attributes = Attributes::of(start)?;
        let root = Group { name: String::new(), own: Own::default(), nodes: Vec::new(), isolated: true };
        let stack = Stack {
            width: attributes.size("w")?,
            height: attributes.size("h")?,
            layers: Vec::new(),
            groups: vec![root],
            left_out: Few::default(),
            misread: Few::default(),
        };
        Ok(Self { stack, max_layers, count: 0, open: Vec::new() })
    }

    /// The innermost stack that is open.
    fn inside(&self) -> Inside {
        let root = Inside { group: 0, x: 0, y: 0, opacity: 1.0, visible: true };
        let innermost = self.open.iter().rev().find_map(|open| match open {
            Open::Stack(inside) => Some(*inside),
            Open::Other => None,
        });
        innermost.unwrap_or(root)
    }

    fn add(&mut self, group: usize, node: Node) {
        if let Some(group) = self.stack.groups.get_mut(group) {
            group.nodes.push(node);
        }
    }

    fn element(&mut self, start: &BytesStart<'_>) -> Result<Open, Problem> {
        match start.local_name().as_ref() {
            b"stack" => self.group(start),
            b"layer" => {
                self.layer(start)?;
                Ok(Open::Other)
            }
            kind => {
                // What lies inside such an element belongs to it.
                if matches!(self.open.last(), Some(Open::Stack(_))) {
                    let attributes = Attributes::of(start)?;
                    let name =
                        Some(attributes.name()).filter(|name| !name.is_empty()).or_else(|| attributes.get("type"));
                    let name = one_line(name.unwrap_or_default(), 60);
                    let kind = one_line(&String::from_utf8_lossy(kind), 20);
                    self.stack
                        .left_out
                        .push(format!("the {kind} “{name}” is nothing that is read here; it was left out"));
                }
                Ok(Open::Other)
            }
        }
    }

    fn group(&mut self, start: &BytesStart<'_>) -> Result<Open, Problem> {
        let attributes = Attributes::of(start)?;
        let own = attributes.own("stack", &mut self.stack.misread);
        let x = attributes.offset("x", "stack", &mut self.stack.misread);
        let y = attributes.offset("y", "stack", &mut self.stack.misread);
        let parent = self.inside();
        let group = self.stack.groups.len();
        if group >= MAX_GROUPS {
            return Err(Problem::Stack(format!("it has more than {MAX_GROUPS} stacks")));
        }
        self.add(parent.group, Node::Group(group));
        let inside = Inside { group, ..parent.with(x, y, &own) };
        let isolated = attributes.is_isolated(&own);
        self.stack.groups.push(Group { name: attributes.name().to_owned(), own, nodes: Vec::new(), isolated });
        Ok(Open::Stack(inside))
    }

    fn layer(&mut self, start: &BytesStart<'_>) -> Result<(), Problem> {
        self.count += 1;
        if self.count > self.max_layers {
            return Ok(());
        }
        let attributes = Attributes::of(start)?;
        let own = attributes.own("layer", &mut self.stack.misread);
        let x = attributes.offset("x", "layer", &mut self.stack.misread);
        let y = attributes.offset("y", "layer", &mut self.stack.misread);
        let src = attributes.get("src").ok_or_else(|| Problem::Stack("a <layer> has no src".to_owned()))?;
        let parent = self.inside();
        let Inside { x, y, opacity, visible, group } = parent.with(x, y, &own);
        let (name, is_page) = (attributes.name().to_owned(), attributes.is_page());
        self.add(group, Node::Layer(self.stack.layers.len()));
        self.stack.layers.push(Layer { name, src: src.to_owned(), x, y, opacity, visible, own, is_page });
        Ok(())
    }
}
