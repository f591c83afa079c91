//! What is set in the system.

use super::document::{Section, shown};
use super::names;

/// Arguments that say where the system is. The medium has written it there, and another value would lead elsewhere.
const FIXED: [&str; 5] = ["ostree", "root", "rootflags", "rootfstype", "boot"];

/// What is set in the system. What is not said stays as the image has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SystemAnswers {
    /// The machine's name.
    pub hostname: Option<String>,
    /// Language and formats, `LANG`.
    pub locale: Option<String>,
    /// A path below `/usr/share/zoneinfo`.
    pub timezone: Option<String>,
    /// The console's keyboard map.
    pub keymap: Option<String>,
    /// Kernel arguments that are added, in this order.
    pub kargs: Vec<String>,
}

impl SystemAnswers {
    pub(super) fn read(whole: &Section<'_, '_>) -> Self {
        let known = ["hostname", "locale", "timezone", "keymap", "kargs"];
        let Some(system) = whole.table("system", &known) else { return Self::default() };
        Self {
            hostname: system.parsed("hostname", names::host),
            locale: system.parsed("locale", names::locale),
            timezone: system.parsed("timezone", names::timezone),
            keymap: system.parsed("keymap", names::keymap),
            kargs: system.list("kargs", kernel_argument),
        }
    }
}

/// An argument goes through a line of the boot entry and, in most GRUBs, through GRUB's own shell: what a build of a disk
/// does not take either.
fn kernel_argument(argument: &str) -> Result<String, String> {
    let wrong = |problem: &str| Err(format!("the argument `{}` {problem}", shown(argument)));
    let key = argument.split('=').next().unwrap_or_default();
    if argument.is_empty() {
        wrong("is empty")
    } else if argument.len() > 1024 {
        wrong("has more than 1024 bytes")
    } else if argument.contains(|c: char| c.is_whitespace() || c.is_control()) {
        wrong("has a blank in it, which would make it two: write each as a text of its own")
    } else if argument.contains(|c| ";{}&|<>$#\\\"'`".contains(c)) {
        wrong("has a character in it that boot loaders do not pass on")
    } else if FIXED.contains(&key) {
        wrong("says where the system is, which the medium knows")
    } else {
        Ok(argument.to_owned())
    }
}
