//! Which drive is meant.

use std::fmt;

use builder_block::ByteSize;

use super::bus::Bus;
use super::choice::Choice;
use super::document::Section;
use super::pattern::Pattern;

/// What is said of the drive. All rules that are there must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DriveRules {
    /// It is the only one that could be installed to.
    pub only: bool,
    /// Smallest size.
    pub min_size: Option<ByteSize>,
    /// Largest size.
    pub max_size: Option<ByteSize>,
    /// What it says it is.
    pub model: Option<Pattern>,
    /// Its serial number.
    pub serial: Option<Pattern>,
    /// How it is connected.
    pub bus: Option<Bus>,
    /// One of its device nodes, or of the links to one.
    pub path: Option<Pattern>,
    /// Whether it may be one that can be taken out. No rule: it only widens what the rules are for.
    pub removable: bool,
    /// Whether what is written gets identifiers of its own. No rule either.
    pub fresh_ids: bool,
}

/// A drive as a running kernel describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriveFacts {
    /// The kernel's name: `nvme0n1`.
    pub name: String,
    /// Its device node, and all links to it: `/dev/nvme0n1`, `/dev/disk/by-path/…`.
    pub paths: Vec<String>,
    /// What it says it is; `None` where it says nothing.
    pub model: Option<String>,
    /// Its serial number.
    pub serial: Option<String>,
    /// How it is connected; `None` where that is none of the known ways.
    pub bus: Option<Bus>,
    /// Its size.
    pub size: ByteSize,
    /// Whether it can be taken out while the machine runs: the kernel says so (`/sys/block/NAME/removable`), or it is behind
    /// USB, or a card.
    pub removable: bool,
}

/// The first rule that does not hold for a drive, in the order of the fields of [`DriveRules`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// It can be taken out, and that was not allowed.
    #[error("it is removable, and `removable = true` is not there")]
    Removable,
    /// Too small.
    #[error("it has {size}, less than {least}")]
    TooSmall {
        /// The drive's.
        size: ByteSize,
        /// The rule's.
        least: ByteSize,
    },
    /// Too large.
    #[error("it has {size}, more than {most}")]
    TooLarge {
        /// The drive's.
        size: ByteSize,
        /// The rule's.
        most: ByteSize,
    },
    /// Another model.
    #[error("its model is {}, not `{wanted}`", Said(.found))]
    Model {
        /// The drive's.
        found: Option<String>,
        /// The rule's.
        wanted: String,
    },
    /// Another serial number.
    #[error("its serial number is {}, not `{wanted}`", Said(.found))]
    Serial {
        /// The drive's.
        found: Option<String>,
        /// The rule's.
        wanted: String,
    },
    /// Connected in another way.
    #[error("its bus is {}, not `{wanted}`", Said(.found))]
    Bus {
        /// The drive's.
        found: Option<Bus>,
        /// The rule's.
        wanted: Bus,
    },
    /// No path of it is the one.
    #[error("none of its paths is `{wanted}`")]
    Path {
        /// The rule's.
        wanted: String,
    },
}

/// What a drive says of itself, perhaps nothing.
struct Said<'a, T>(&'a Option<T>);

impl<T: fmt::Display> fmt::Display for Said<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(said) => write!(f, "`{}`", said.to_string().escape_debug()),
            None => f.write_str("not known"),
        }
    }
}

impl DriveRules {
    pub(super) fn read(whole: &Section<'_, '_>) -> Self {
        let known = ["only", "min-size", "max-size", "model", "serial", "bus", "path", "removable", "fresh-ids"];
        let Some(drive) = whole.table("drive", &known) else { return Self::default() };
        let size = |key| drive.parsed(key, str::parse::<ByteSize>);
        let pattern = |key| drive.parsed(key, Pattern::new);
        let rules = Self {
            only: drive.boolean("only").unwrap_or_default(),
            min_size: size("min-size"),
            max_size: size("max-size"),
            model: pattern("model"),
            serial: pattern("serial"),
            bus: drive.one_of("bus", Bus::ALL.map(Bus::name)).map(|at| Bus::ALL[at]),
            path: drive.parsed("path", |text| match text.starts_with("/dev/") {
                true => Pattern::new(text).map_err(|error| error.to_string()),
                false => Err("it does not begin with /dev/".to_owned()),
            }),
            removable: drive.boolean("removable").unwrap_or_default(),
            fresh_ids: drive.boolean("fresh-ids").unwrap_or_default(),
        };
        if let (Some(min), Some(max)) = (rules.min_size, rules.max_size)
            && min > max
        {
            drive.wrong("max-size", format!("{max} is less than `min-size`, which is {min}"));
        }
        rules
    }

    /// Whether there is a rule that says which drive.
    #[must_use]
    pub fn has_rules(&self) -> bool {
        let Self { only, min_size, max_size, model, serial, bus, path, removable: _, fresh_ids: _ } = self;
        *only
            || min_size.or(*max_size).is_some()
            || bus.is_some()
            || [model, serial, path].into_iter().any(Option::is_some)
    }

    /// Whether the rules hold for a drive, all but `only`, which is about the others: see [`choose`](Self::choose).
    ///
    /// # Errors
    /// The first rule that does not.
    pub fn matches(&self, drive: &DriveFacts) -> Result<(), Mismatch> {
        let size = drive.size;
        if drive.removable && !self.removable {
            return Err(Mismatch::Removable);
        }
        if let Some(least) = self.min_size.filter(|&least| size < least) {
            return Err(Mismatch::TooSmall { size, least });
        }
        if let Some(most) = self.max_size.filter(|&most| size > most) {
            return Err(Mismatch::TooLarge { size, most });
        }
        let other = |rule: &Option<Pattern>, found: &Option<String>| {
            let other = |rule: &&Pattern| !found.as_ref().is_some_and(|found| rule.matches(found.trim()));
            rule.as_ref().filter(other).map(ToString::to_string)
        };
        if let Some(wanted) = other(&self.model, &drive.model) {
            return Err(Mismatch::Model { found: drive.model.clone(), wanted });
        }
        if let Some(wanted) = other(&self.serial, &drive.serial) {
            return Err(Mismatch::Serial { found: drive.serial.clone(), wanted });
        }
        if let Some(wanted) = self.bus.filter(|&wanted| drive.bus != Some(wanted)) {
            return Err(Mismatch::Bus { found: drive.bus, wanted });
        }
        match &self.path {
            Some(wanted) if !drive.paths.iter().any(|path| wanted.matches(path)) => {
                Err(Mismatch::Path { wanted: wanted.to_string() })
            }
            _ => Ok(()),
        }
    }

    /// The drive that is meant among `drives`: all that could be installed to, so neither the medium itself, nor what is
    /// too small for the disk, nor what cannot be written.
    #[must_use]
    pub fn choose<'d>(&self, drives: &'d [DriveFacts]) -> Choice<'d> {
        Choice::new(self, drives)
    }
}
