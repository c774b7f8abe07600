//! A device by its name, opened for whoever computes on it.

use super::candle::Candle;
use super::choice::Devices;
use super::cpu::Cpu;
use super::wgpu::Wgpu;
use super::{Backend, Device, Dtype, Manners, Result, Stoppable};

/// Work for a backend of any kind.
pub trait User {
    /// What comes of it.
    type Output;

    /// Does it.
    fn work<B: Backend>(self, backend: B) -> Self::Output;
}

/// Opens a device and gives it to `user`. [`Device::Auto`] is the fastest of [`Devices`], with no memory of earlier ones.
///
/// # Errors
/// If there is no such device, or it cannot be opened, or computes wrong.
pub fn open<U: User>(device: Device, manners: &Manners, user: U) -> Result<U::Output> {
    fn stoppable<B: Backend>(backend: B, manners: &Manners) -> Stoppable<B> {
        Stoppable::new(backend, manners.interrupt.clone())
    }
    Ok(match device {
        Device::Auto => {
            let chosen = Devices::default().choose(device, Dtype::Auto).map_or(Device::Cpu, |choice| choice.device);
            return open(chosen, manners, user);
        }
        Device::Cpu => user.work(stoppable(Cpu::new(), manners)),
        Device::CpuIn(half) => user.work(stoppable(Cpu::rounding_to(half)?, manners)),
        Device::Candle => user.work(stoppable(Candle::cpu(), manners)),
        Device::Cuda { number, dtype } => user.work(stoppable(Candle::cuda(number, dtype)?, manners)),
        Device::Metal { dtype } => user.work(stoppable(Candle::metal(dtype)?, manners)),
        // (It asks between its operators itself.)
        Device::Wgpu { adapter, dtype } => user.work(Wgpu::open_with_manners(adapter, dtype, manners)?),
    })
}
