//! The ways in which a program reaches the emulator.

/// How a program reaches the emulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// Each service on its port of `localhost`.
    Ports,
    /// Azure's own host names, through the proxy.
    RealNames,
}

/// Every way, with its name on the command line.
pub const WAYS: &[(&str, Way)] = &[("ports", Way::Ports), ("names", Way::RealNames)];

impl Way {
    /// The name on the command line.
    pub(super) fn name(self) -> &'static str {
        let named = WAYS.iter().find(|(_, way)| *way == self);
        named.map_or("", |(name, _)| name)
    }
}
