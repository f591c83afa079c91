//! A bound on work that hostile lists could make endless.

/// Steps that one question may take. A question about a whole distribution's kernel takes some hundred thousand.
pub(crate) const STEPS: u64 = 100_000_000;

/// How many steps are left.
#[derive(Debug)]
pub(crate) struct Budget {
    left: u64,
}

/// No step is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spent;

impl Budget {
    pub(crate) fn new(steps: u64) -> Self {
        Self { left: steps }
    }

    /// Takes `steps`.
    pub(crate) fn take(&mut self, steps: u64) -> Result<(), Spent> {
        self.left = self.left.checked_sub(steps).ok_or(Spent)?;
        Ok(())
    }
}
