//! Recognizes a full device behind the errors of a checkpoint's networks.

use super::Error;
use crate::{backend, networks};

/// The operator that wanted more memory than the device has, where that is what an error of a network says.
#[must_use]
pub fn out_of_memory(error: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    let network = match error.downcast_ref() {
        Some(Error::Network(network)) => Some(network),
        _ => error.downcast_ref::<networks::Error>(),
    };
    let backend = match network {
        Some(networks::Error::Backend(backend)) => Some(backend),
        _ => error.downcast_ref::<backend::Error>(),
    };
    match backend {
        Some(backend::Error::OutOfMemory { operator }) => Some(operator),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_device_is_recognized_however_deep_the_error_lies() {
        let full = || backend::Error::OutOfMemory { operator: "attention" };
        let network = || networks::Error::from(full());
        assert_eq!(out_of_memory(&full()), Some("attention"));
        assert_eq!(out_of_memory(&network()), Some("attention"));
        assert_eq!(out_of_memory(&Error::from(network())), Some("attention"));
        let other = backend::Error::Device { operator: "attention", message: "lost".to_owned() };
        assert_eq!(out_of_memory(&Error::from(networks::Error::from(other))), None);
    }
}
