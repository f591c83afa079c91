//! The drive that was chosen, or why none was.

use std::fmt;

use super::drive::{DriveFacts, DriveRules, Mismatch};

/// What the rules chose. Unless it is exactly one drive, nothing may be erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice<'d> {
    /// The rules hold for this drive alone.
    One(&'d DriveFacts),
    /// They hold for none: why not, for each.
    None(Vec<(&'d DriveFacts, Mismatch)>),
    /// They hold for several.
    Several(Vec<&'d DriveFacts>),
    /// It was to be the only one, and there are several.
    NotOnly(Vec<&'d DriveFacts>),
}

impl<'d> Choice<'d> {
    pub(super) fn new(rules: &DriveRules, drives: &'d [DriveFacts]) -> Self {
        // A stick that somebody left in the machine is no second drive, unless such are meant too.
        let counted: Vec<_> = drives.iter().filter(|drive| rules.removable || !drive.removable).collect();
        if rules.only && counted.len() > 1 {
            return Self::NotOnly(counted);
        }
        let (mut fit, mut others) = (Vec::new(), Vec::new());
        for drive in drives {
            match rules.matches(drive) {
                Ok(()) => fit.push(drive),
                Err(mismatch) => others.push((drive, mismatch)),
            }
        }
        match fit[..] {
            [] => Self::None(others),
            [drive] => Self::One(drive),
            _ => Self::Several(fit),
        }
    }
}

/// What was chosen or, a line for each drive, why not.
impl fmt::Display for Choice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(drive) => write!(f, "the rules of [drive] hold for {drive}"),
            Self::None(others) if others.is_empty() => f.write_str("there is no drive that could be installed to"),
            Self::None(others) => {
                f.write_str("the rules of [drive] hold for no drive")?;
                others.iter().try_for_each(|(drive, mismatch)| write!(f, "\n  {drive}: {mismatch}"))
            }
            Self::Several(drives) => {
                write!(f, "the rules of [drive] hold for {} drives, and must for exactly one", drives.len())?;
                drives.iter().try_for_each(|drive| write!(f, "\n  {drive}"))
            }
            Self::NotOnly(drives) => {
                write!(f, "{} drives could be installed to, and [drive] says that there is only one", drives.len())?;
                drives.iter().try_for_each(|drive| write!(f, "\n  {drive}"))
            }
        }
    }
}

/// `nvme0n1 (Samsung SSD 980, serial S4EV…, 931.5 GiB)`.
impl fmt::Display for DriveFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (", self.name.escape_debug())?;
        if let Some(model) = &self.model {
            write!(f, "{}, ", model.trim().escape_debug())?;
        }
        if let Some(serial) = &self.serial {
            write!(f, "serial {}, ", serial.trim().escape_debug())?;
        }
        write!(f, "{})", self.size)
    }
}
