//! The ways in which a program reaches the emulator.

/// By which way a program reaches the emulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// Each service by its port on `localhost`.
    Ports,
    /// Azure's own names, through the proxy.
    RealNames,
}

/// Every way in, with the name the command line gives it.
pub const WAYS: &[(&str, Way)] = &[("ports", Way::Ports), ("names", Way::RealNames)];
