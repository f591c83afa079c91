//! Answers that are given before anyone asks: which drive, and that it may be erased.
//!
//! Only what this program does itself is read here, from the table `[install]`:
//!
//! ```toml
//! [install]
//! unattended = true          # nobody is asked
//! destructive = true         # the drive may be erased; without it nothing is
//! end = "reboot"             # or "poweroff", "halt"
//! fresh-ids = true           # new GUIDs for the disk and its partitions
//!
//! [install.drive]            # all that is said must fit, and exactly one drive may
//! name = "vda"
//! serial = "S4EVNX0R"
//! model = "Samsung*"         # `*` and `?` stand for what may be there
//! transport = "nvme"
//! larger-than = "100GiB"
//! smaller-than = "2TiB"
//! ```
//!
//! What is said of the system that is installed is for [`crate::provision`].

use builder_block::ByteSize;
use serde::Deserialize;

use crate::drives::Drive;
use crate::failure::Failure;
use crate::pattern;

/// What follows an installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AtEnd {
    Reboot,
    PowerOff,
    Halt,
}

impl AtEnd {
    /// The one of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "reboot" => Some(Self::Reboot),
            "poweroff" => Some(Self::PowerOff),
            "halt" => Some(Self::Halt),
            _ => None,
        }
    }
}

/// What is known before anyone is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(crate) struct Answers {
    /// Whether nobody is asked.
    pub(crate) unattended: bool,
    /// Whether the drive may be erased.
    pub(crate) destructive: bool,
    pub(crate) end: Option<AtEnd>,
    /// Whether the disk and its partitions get new identities.
    pub(crate) fresh_ids: bool,
    pub(crate) drive: Wanted,
}

/// What is said of the drive. Nothing said fits every drive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(crate) struct Wanted {
    name: Option<String>,
    serial: Option<String>,
    model: Option<String>,
    transport: Option<String>,
    larger_than: Option<String>,
    smaller_than: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Text {
    install: Answers,
}

impl Answers {
    /// Reads the text of `answers.toml`: line feeds alone are no answers.
    pub(crate) fn read(text: &str) -> Result<Self, Failure> {
        let Text { install } = toml::from_str(text).map_err(|error| {
            Failure::new(format!("the answers cannot be used: {}", error.to_string().trim_end().replace('\n', " | ")))
                .hint("correct the answers of the medium, or those behind diskwright.answers=")
        })?;
        for size in [&install.drive.larger_than, &install.drive.smaller_than].into_iter().flatten() {
            if size.parse::<ByteSize>().is_err() {
                return Err(Failure::new(format!("the answers have the size {size:?}, which is none"))
                    .hint("write 100GiB or the like"));
            }
        }
        Ok(install)
    }
}

impl Wanted {
    /// Whether all that is said fits a drive.
    pub(crate) fn fits(&self, drive: &Drive) -> bool {
        let same = |wanted: &Option<String>, found: &str| {
            wanted.as_ref().is_none_or(|wanted| pattern::matches(wanted.as_bytes(), found.as_bytes()))
        };
        let size = |wanted: &Option<String>| wanted.as_ref().and_then(|size| size.parse::<ByteSize>().ok());
        same(&self.name.as_ref().map(|name| name.trim_start_matches("/dev/").to_owned()), &drive.name)
            && same(&self.serial, &drive.serial)
            && same(&self.model, &drive.model)
            && same(&self.transport, drive.transport)
            && size(&self.larger_than).is_none_or(|least| drive.size > least.bytes())
            && size(&self.smaller_than).is_none_or(|most| drive.size < most.bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::{Answers, AtEnd, Wanted};
    use crate::drives::Drive;

    #[test]
    fn answers_are_read_and_what_is_not_known_is_refused() {
        assert_eq!(Answers::read("\n\n\n").unwrap(), Answers::default());
        let answers = Answers::read(
            "[install]\nunattended = true\ndestructive = true\nend = \"halt\"\n[install.drive]\nname = \"/dev/vda\"\n",
        )
        .unwrap();
        assert!(answers.unattended && answers.destructive && !answers.fresh_ids);
        assert_eq!(answers.end, Some(AtEnd::Halt));
        for (text, words) in [
            ("[install]\ndestructiv = true", "unknown field `destructiv`"),
            ("[user]\nname = \"a\"", "unknown field `user`"),
            ("[install", "cannot be used"),
            ("[install.drive]\nlarger-than = \"many\"", "the size \"many\", which is none"),
        ] {
            let error = Answers::read(text).unwrap_err();
            assert!(error.reason.contains(words) && error.hint.is_some(), "{error}");
        }
    }

    #[test]
    fn all_that_is_said_of_a_drive_must_fit() {
        let drive = Drive {
            name: "sda".to_owned(),
            model: "Samsung SSD 870".to_owned(),
            serial: "S1".to_owned(),
            transport: "sata",
            size: 500 << 30,
            ..Drive::default()
        };
        let wanted = |text: &str| Answers::read(&format!("[install.drive]\n{text}")).unwrap().drive;
        for (text, fits) in [
            ("", true),
            ("name = \"/dev/sda\"", true),
            ("name = \"sd\"", false),
            ("model = \"Samsung*\"\ntransport = \"sata\"", true),
            ("model = \"Samsung*\"\ntransport = \"nvme\"", false),
            ("larger-than = \"499GiB\"\nsmaller-than = \"501GiB\"", true),
            ("smaller-than = \"500GiB\"", false),
            ("serial = \"S?\"", true),
        ] {
            assert_eq!(wanted(text).fits(&drive), fits, "{text}");
        }
        assert_eq!(wanted(""), Wanted::default());
    }
}
