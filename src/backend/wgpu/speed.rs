//! The trial of an adapter: whether it computes right in f32 and f16, and how fast.

use super::gpu::square_units;
use super::losses::LOSSES;
use super::{Adapter, Wgpu};
use crate::backend::choice::Record;
use crate::backend::speed::Speed;
use crate::backend::{Dtype, Error, Result};
use std::time::Duration;

impl Adapter {
    /// The name that its record is kept by: another card or another driver may compute and time otherwise.
    pub(in crate::backend) fn key(&self) -> String {
        let info = self.handle.get_info();
        format!("{}, {}, {:04x}:{:04x}, {}", self.name, self.driver, info.vendor, info.device, self.api)
    }

    /// The side of its matrix units, where it has such that are used.
    #[must_use]
    pub fn units(&self) -> Option<u32> {
        square_units(&self.handle).map(|(side, _)| side)
    }

    /// The number of times that it was lost in this session.
    pub(in crate::backend) fn losses(&self) -> u32 {
        LOSSES.of(&self.key())
    }

    /// Opens it in each of its types and measures it for so long.
    ///
    /// # Errors
    /// If it cannot be opened, or fails. One that computes wrong is told in the record.
    pub(in crate::backend) fn tried(&self, limit: Duration) -> Result<Record> {
        let mut record = Record::default();
        let mut measure = |dtype| match Wgpu::on(self, dtype, None) {
            Ok(card) => {
                record.faults.extend(card.faults.iter().cloned());
                Speed::measure(&card, limit).map(Some)
            }
            Err(Error::Wrong { what, .. }) => {
                record.faults.push(format!("{what} in {dtype}"));
                Ok(None)
            }
            Err(error) => Err(error),
        };
        let f32 = measure(Dtype::F32)?;
        let f16 = if f32.is_some() && self.half {
            measure(Dtype::F16).unwrap_or_else(|error| {
                log::warn!("{}: {error}; it draws in f32", self.name);
                None
            })
        } else {
            None
        };
        Ok(Record { f32, f16, ..record })
    }
}
