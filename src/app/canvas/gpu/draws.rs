//! Quads: what is drawn, in the order in which it is drawn.

use eframe::wgpu;
use egui::{Color32, Pos2, Rect, Vec2};

/// Bytes of a quad as the shaders read it.
pub(super) const SIZE: usize = 160;
/// Distance of one quad from the next in the buffer; what every graphics card allows.
pub(super) const STRIDE: usize = 256;

/// The kinds of quads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The canvas before there is a picture, and its shadow.
    Paper,
    /// A tile of the picture.
    Picture,
    /// A tile of the paint layer.
    Paint,
    /// A region's edge.
    Outline,
    /// The regions drawn apart.
    Layer,
    /// A region as an even colour.
    Tint,
    /// A region as lines.
    Hatch,
    /// Takes away what lies under a region.
    Erase,
    /// A region's share of the latent cells.
    Cells,
    /// The mask of what may change of the picture to start from.
    Change,
}

/// Flags for reading a quad's texture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Flags {
    /// The left and right, the upper and lower edges of the canvas are joined.
    pub wrap: (bool, bool),
    /// Canvas pixels of one texel, where texels are shown as even squares.
    pub cell: Option<u32>,
}

/// One quad.
#[derive(Debug, Clone)]
pub(crate) struct Draw {
    pub kind: Kind,
    /// The transform from canvas to target: a step right (`x`), a step down (`y`) and the origin (`at`), in pixels of the
    /// target.
    pub x: Vec2,
    pub y: Vec2,
    pub at: Pos2,
    /// The third row of that transform, by whose sum with (x, y, 1) its places are divided: (0, 0, 1) but for what is seen in
    /// perspective.
    pub far: [f32; 3],
    /// The part that is drawn, in canvas pixels.
    pub quad: Rect,
    /// The canvas, in canvas pixels.
    pub canvas: Rect,
    /// The part that the texture holds, in canvas pixels.
    pub held: Rect,
    pub colour: Color32,
    pub second: Color32,
    pub opacity: f32,
    /// Width of a line in pixels.
    pub line: f32,
    /// Texels of the texture per canvas pixel.
    pub texels: f32,
    /// Pixels per point.
    pub unit: f32,
    pub pattern: u32,
    pub flags: Flags,
    pub bind: Option<wgpu::BindGroup>,
}

impl Draw {
    /// The place of a canvas position, in pixels of the target, and what it was divided by.
    fn place(&self, p: Pos2) -> (Pos2, f32) {
        let [x, y, ahead] = self.far;
        let far = x * p.x + y * p.y + ahead;
        (((self.at + self.x * p.x + self.y * p.y).to_vec2() / far).to_pos2(), far)
    }

    /// The box around the quad, in pixels of the target.
    #[must_use]
    pub(crate) fn bounds(&self) -> Rect {
        let Rect { min, max } = self.quad;
        let corners = [min, Pos2::new(max.x, min.y), max, Pos2::new(min.x, max.y)];
        Rect::from_points(&corners.map(|p| self.place(p).0))
    }

    /// Moves it by so many pixels of the target.
    pub(crate) fn shift(&mut self, by: Vec2) {
        let [x, y, ahead] = self.far;
        self.x += by * x;
        self.y += by * y;
        self.at += by * ahead;
    }

    /// Puts a map of canvas positions before its transform: the rows of a matrix.
    pub(crate) fn map(&mut self, [across, down, far]: [[f64; 3]; 3]) {
        let column = |i: usize| self.x * across[i] as f32 + self.y * down[i] as f32 + self.at.to_vec2() * far[i] as f32;
        let [x, y, at] = [0, 1, 2].map(column);
        (self.x, self.y, self.at, self.far) = (x, y, at.to_pos2(), far.map(|v| v as f32));
    }

    fn bytes(&self, size: [u32; 2], linear: bool, out: &mut Vec<u8>) {
        let (middle, far) = self.place(self.quad.center());
        let scale = ((self.x - middle.to_vec2() * self.far[0]) / far).length();
        // How many texels lie under a pixel: that level of the texture is as fine as the screen.
        let level = (self.texels / scale.max(1e-6)).log2().max(0.0);
        let level = if self.flags.cell.is_some() { 0.0 } else { level };
        let rect = |r: Rect| [r.min.x, r.min.y, r.max.x, r.max.y];
        let held = [self.held.min.x, self.held.min.y, self.held.width(), self.held.height()];
        let colour = |c: Color32| c.to_normalized_gamma_f32();
        let floats = [[self.x.x, self.x.y, self.y.x, self.y.y], [self.at.x, self.at.y, size[0] as f32, size[1] as f32]];
        let more = [rect(self.quad), rect(self.canvas), held, colour(self.colour), colour(self.second)];
        let last = [self.opacity, self.line, level, scale, self.unit];
        for v in floats.iter().chain(&more).flatten().chain(&last) {
            out.extend(v.to_ne_bytes());
        }
        let flags = u32::from(self.flags.wrap.0)
            | u32::from(self.flags.wrap.1) << 1
            | u32::from(self.flags.cell.is_some()) << 2
            | u32::from(linear) << 3;
        out.extend(self.pattern.to_ne_bytes());
        out.extend(flags.to_ne_bytes());
        out.extend((self.flags.cell.unwrap_or(1) as f32).to_ne_bytes());
        for v in self.far.into_iter().chain([0.0]) {
            out.extend(v.to_ne_bytes());
        }
    }
}

/// The quads of a frame on the graphics card.
pub(super) struct Buffer {
    buffer: wgpu::Buffer,
    pub bind: wgpu::BindGroup,
    room: usize,
}

impl Buffer {
    /// Room for so many, and some more.
    pub(super) fn new(device: &wgpu::Device, layout: &wgpu::BindGroupLayout, count: usize) -> Self {
        let room = count.next_power_of_two().max(64);
        let buffer = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("canvas quads"),
            size: (room * STRIDE) as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let bind = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("canvas quads"),
            layout,
            entries: &[wgpu::BindGroupEntry {
                binding: 0,
                resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                    buffer: &buffer,
                    offset: 0,
                    size: std::num::NonZeroU64::new(SIZE as u64),
                }),
            }],
        });
        Self { buffer, bind, room }
    }

    pub(super) fn room(&self) -> usize {
        self.room
    }

    pub(super) fn write(&self, queue: &wgpu::Queue, draws: &[&Draw], size: [u32; 2], linear: bool) {
        let mut bytes = Vec::with_capacity(draws.len() * STRIDE);
        for (i, draw) in draws.iter().enumerate() {
            bytes.resize(i * STRIDE, 0);
            draw.bytes(size, linear, &mut bytes);
        }
        queue.write_buffer(&self.buffer, 0, &bytes);
    }
}
