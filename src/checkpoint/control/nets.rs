//! ControlNets on a backend, with all that their calls read beside the latents.

use super::Control;
use crate::backend::Backend;
use crate::diffusion::windows::Window;
use crate::diffusion::{Call, PromptId, roll};
use crate::networks::unet::{Added, ControlNet, Prompt, Residuals, Step};
use crate::networks::{self, Conditioning, Error};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Bytes of prompts that are kept as a ControlNet reads them, and of crops of all pictures. Those of one batch are always kept.
const KEPT: usize = 256 << 20;

/// A place's crop of a control's picture: the control, the window, and how it is rolled.
type Seen = (usize, Window, (usize, usize));

/// The controls of a drawing, and their networks on the device, which are made when they are needed.
pub(in crate::checkpoint) struct Nets<B: Backend> {
    controls: Vec<Control>,
    /// The network of each control; those of one file share it.
    nets: Vec<Net<B>>,
    /// Crops of pictures as their network reads them.
    hints: HashMap<Seen, B::Tensor>,
}

/// A ControlNet on the device.
struct Net<B: Backend> {
    /// The first control that has it.
    control: usize,
    network: ControlNet<B>,
    prompts: HashMap<PromptId, Prompt<B>>,
    /// The last timestep, as its bits and as the network reads it; none with added conditioning.
    step: Option<(u32, Step<B>)>,
}

impl<B: Backend> Default for Nets<B> {
    fn default() -> Self {
        Self { controls: Vec::new(), nets: Vec::new(), hints: HashMap::new() }
    }
}

impl<B: Backend> Nets<B> {
    /// Takes over these controls; networks that are needed still stay on the device.
    pub(in crate::checkpoint) fn set(&mut self, controls: Vec<Control>) {
        let old = std::mem::replace(&mut self.controls, controls);
        self.hints.clear();
        let position = |net: &Net<B>| {
            let file = &old.get(net.control)?.net;
            self.controls.iter().position(|control| Arc::ptr_eq(&control.net, file))
        };
        let kept = std::mem::take(&mut self.nets).into_iter();
        self.nets = kept.filter_map(|net| Some(Net { control: position(&net)?, ..net })).collect();
    }

    /// Takes everything off the device.
    pub(in crate::checkpoint) fn release(&mut self) {
        self.nets.clear();
        self.hints.clear();
    }

    /// Forgets all prompts.
    pub(in crate::checkpoint) fn forget_prompts(&mut self) {
        self.nets.iter_mut().for_each(|net| net.prompts.clear());
    }

    fn position(&self, control: usize) -> Option<usize> {
        let file = &self.controls.get(control)?.net;
        let same = |net: &Net<B>| self.controls.get(net.control).is_some_and(|other| Arc::ptr_eq(&other.net, file));
        self.nets.iter().position(same)
    }

    /// Puts the network of every control on the device.
    pub(in crate::checkpoint) fn load(&mut self, b: &B) -> networks::Result<()> {
        (0..self.controls.len()).try_for_each(|control| self.net(b, control).map(|_| ()))
    }

    /// The network of a control, which is made where it is missing.
    fn net(&mut self, b: &B, control: usize) -> networks::Result<usize> {
        if let Some(known) = self.position(control) {
            return Ok(known);
        }
        let file = &self.controls.get(control).ok_or_else(|| no_control(control))?.net;
        let network = file.load(b)?;
        self.nets.push(Net { control, network, prompts: HashMap::new(), step: None });
        Ok(self.nets.len() - 1)
    }

    /// Planes of the latents that ControlNets see; `None` where none counts for these calls.
    pub(in crate::checkpoint) fn channels(&self, calls: &[Call]) -> Option<usize> {
        let first = self.counting(calls).first().copied()?;
        Some(self.controls.get(first)?.net.config.unet.in_channels)
    }

    /// The controls that count for any of these calls.
    fn counting(&self, calls: &[Call]) -> Vec<usize> {
        (0..self.controls.len()).filter(|&control| calls.iter().any(|call| has(call, control))).collect()
    }

    /// Makes everything ready that the calls read beside their inputs; `states` gives a prompt's.
    pub(in crate::checkpoint) fn prepare<'a>(
        &mut self,
        b: &B,
        timestep: f32,
        calls: &[Call],
        states: impl Fn(PromptId) -> networks::Result<&'a Conditioning>,
    ) -> networks::Result<()> {
        for control in self.counting(calls) {
            let at = self.net(b, control)?;
            let own: Vec<&Call> = calls.iter().filter(|call| has(call, control)).collect();
            let Some(net) = self.nets.get_mut(at) else { continue };
            let known = net.step.as_ref().is_some_and(|(bits, _)| *bits == timestep.to_bits());
            if !known && net.network.config().unet.added.is_none() {
                net.step = Some((timestep.to_bits(), net.network.step(b, timestep, &[])?));
            }
            let tokens = own.first().map(|call| states(call.prompt)).transpose()?.map_or(0, Conditioning::count);
            if (net.prompts.len() + own.len()) * net.network.prompt_bytes(b, tokens) > KEPT {
                net.prompts.retain(|id, _| own.iter().any(|call| call.prompt == *id));
            }
            for call in &own {
                if let Entry::Vacant(free) = net.prompts.entry(call.prompt) {
                    let states = states(call.prompt)?;
                    let tokens = b.upload(&[1, states.count(), states.width], &states.tokens)?;
                    free.insert(net.network.prompt(b, &tokens)?);
                }
            }
        }
        let mut wanted = HashSet::new();
        for control in self.counting(calls) {
            for call in calls.iter().filter(|call| has(call, control)) {
                wanted.insert(seen(call, control)?);
            }
        }
        let bytes = |(control, window, _): &Seen| {
            let net = self.position(*control).and_then(|at| self.nets.get(at));
            let levels = net.map(|net| &net.network.config().unet.down);
            let channels = levels.and_then(|levels| levels.first()).map_or(0, |level| level.channels);
            window.area() * channels * b.value_bytes()
        };
        let all: HashSet<&Seen> = self.hints.keys().chain(&wanted).collect();
        if all.into_iter().map(bytes).sum::<usize>() > KEPT {
            self.hints.retain(|seen, _| wanted.contains(seen));
        }
        wanted.into_iter().try_for_each(|seen| self.see(b, seen))
    }

    /// Makes a crop of a control's picture ready.
    fn see(&mut self, b: &B, seen: Seen) -> networks::Result<()> {
        let (control, window, rolled) = seen;
        if self.hints.contains_key(&seen) {
            return Ok(());
        }
        let net = self.position(control).and_then(|at| self.nets.get(at));
        let (Some(net), Some(control)) = (net, self.controls.get(control)) else { return Err(no_control(control)) };
        let scale = net.network.config().scale();
        let scaled = Window {
            x: window.x * scale,
            y: window.y * scale,
            width: window.width * scale,
            height: window.height * scale,
        };
        let picture = &control.picture;
        let mut crop = vec![0.0; picture.channels * scaled.area()];
        scaled.crop(picture, &mut crop);
        if rolled != (0, 0) {
            roll(&mut crop, scaled.height, scaled.width, (rolled.0 * scale, rolled.1 * scale));
        }
        let crop = b.upload(&[1, picture.channels, scaled.height, scaled.width], &crop)?;
        let hint = net.network.hint(b, &crop)?;
        self.hints.insert(seen, hint);
        Ok(())
    }

    /// What ControlNets add for the calls of one batch on `inputs` `[n, latent_channels, h, w]`, all at `timestep`; `added` has one for
    /// each call, or none. `None` where no control counts for any of them. For `shallow` calls of the UNet, only so many residuals are
    /// computed.
    pub(in crate::checkpoint) fn residuals(
        &self,
        b: &B,
        inputs: &B::Tensor,
        timestep: f32,
        calls: &[Call],
        added: &[Added],
        shallow: Option<usize>,
    ) -> networks::Result<Option<Residuals<B>>> {
        let mut sum: Option<Residuals<B>> = None;
        for control in self.counting(calls) {
            let net = self.position(control).and_then(|at| self.nets.get(at)).ok_or_else(|| no_control(control))?;
            let weight = self.controls.get(control).map_or(1.0, |control| control.weight);
            // Inputs with their crop once each, whatever number of prompts they are seen with.
            let mut once: Vec<(usize, Seen)> = Vec::new();
            let (mut rows, mut prompts, mut own_added) = (Vec::new(), Vec::new(), Vec::new());
            let mut places = vec![None; calls.len()];
            for (at, call) in calls.iter().enumerate().filter(|(_, call)| has(call, control)) {
                let input = (call.input, seen(call, control)?);
                let row = once.iter().position(|known| *known == input).unwrap_or_else(|| {
                    once.push(input);
                    once.len() - 1
                });
                if let Some(place) = places.get_mut(at) {
                    *place = Some(rows.len());
                }
                rows.push(row);
                prompts.push(net.prompts.get(&call.prompt).ok_or_else(|| unprepared("prompt"))?);
                own_added.extend(added.get(at).cloned());
            }
            let x = b.select(inputs, &once.iter().map(|(input, _)| *input).collect::<Vec<_>>())?;
            let hints = once.iter().map(|(_, seen)| self.hints.get(seen).ok_or_else(|| unprepared("picture")));
            let hints = hints.collect::<networks::Result<Vec<_>>>()?;
            let hints = b.concat(&hints, 0)?;
            let of_batch;
            let step = if let Some((_, step)) = &net.step {
                step
            } else {
                of_batch = net.network.step(b, timestep, &own_added)?;
                &of_batch
            };
            let own = net.network.forward(b, &x, &hints, step, &rows, &prompts, weight, shallow)?;
            let own = own.placed(b, &places)?;
            sum = Some(match sum {
                None => own,
                Some(sum) => sum.plus(b, &own)?,
            });
        }
        Ok(sum)
    }
}

fn has(call: &Call, control: usize) -> bool {
    call.place.is_some_and(|place| place.controls.has(control))
}

fn seen(call: &Call, control: usize) -> networks::Result<Seen> {
    let place = call.place.ok_or_else(|| unprepared("place"))?;
    Ok((control, place.window, place.rolled))
}

fn no_control(control: usize) -> Error {
    Error::Input(format!("there is no control {control}"))
}

fn unprepared(what: &str) -> Error {
    Error::Input(format!("a {what} that was not made ready for a ControlNet"))
}
