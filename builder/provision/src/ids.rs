//! Names and numbers that are taken, and those that are free.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use crate::error::ProvisionError;
use crate::installed::Installed;
use crate::records::Records;

/// Where the image's own files of accounts are: those that people change first, then those of the image alone
/// (nss-altfiles).
pub(crate) const PASSWD: [&str; 2] = ["etc/passwd", "usr/lib/passwd"];
pub(crate) const GROUP: [&str; 2] = ["etc/group", "usr/lib/group"];

/// Where systemd is told of system users that it makes at boot (sysusers.d(5)).
const SYSUSERS: [&str; 3] = ["etc/sysusers.d", "usr/local/lib/sysusers.d", "usr/lib/sysusers.d"];

/// What is taken.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// Users with the file that has them.
    pub(crate) users: BTreeMap<String, String>,
    /// Groups with the file that has them.
    pub(crate) groups: BTreeMap<String, String>,
    pub(crate) uids: BTreeSet<u32>,
    pub(crate) gids: BTreeSet<u32>,
}

/// From which numbers those of people are taken (login.defs(5)).
#[derive(Debug)]
pub(crate) struct Ranges {
    pub(crate) ids: RangeInclusive<u32>,
    /// First number of the first range of subordinate ids, and numbers in each.
    pub(crate) subordinate: (u32, u32),
}

impl Taken {
    pub(crate) fn read(installed: &Installed) -> Result<Self, ProvisionError> {
        let mut taken = Self::default();
        for path in PASSWD {
            for record in Records::read(installed, path)?.iter() {
                taken.users.entry(text(record[0])).or_insert_with(|| format!("/{path}"));
                taken.uids.extend(Records::number(&record, 2));
                taken.gids.extend(Records::number(&record, 3));
            }
        }
        for path in GROUP {
            for record in Records::read(installed, path)?.iter() {
                taken.groups.entry(text(record[0])).or_insert_with(|| format!("/{path}"));
                taken.gids.extend(Records::number(&record, 2));
            }
        }
        for path in SYSUSERS {
            let Some(directory) = installed.deployment.below(path)? else { continue };
            for name in directory.names()?.iter().filter(|name| name.ends_with(".conf")) {
                let path = format!("{path}/{name}");
                // A link to /dev/null switches a file off.
                if installed.deployment.kind(&path)?.is_some_and(|kind| kind.is_file()) {
                    let text = installed.deployment.read(&path)?.unwrap_or_default();
                    taken.sysusers(&String::from_utf8_lossy(&text), &format!("/{path}"));
                }
            }
        }
        Ok(taken)
    }

    /// What the lines of a file of `sysusers.d` take.
    fn sysusers(&mut self, text: &str, path: &str) {
        for line in text.lines() {
            let mut words = line.split_ascii_whitespace();
            let (Some(kind), Some(name)) = (words.next(), words.next()) else { continue };
            let (uid, gid) = words.next().map_or((None, None), |ids| {
                let (uid, gid) = ids.split_once(':').unwrap_or((ids, ids));
                (uid.parse().ok(), gid.parse().ok())
            });
            if matches!(kind, "u" | "u!") {
                self.users.entry(name.to_owned()).or_insert_with(|| path.to_owned());
                self.uids.extend::<Option<u32>>(uid);
            }
            if matches!(kind, "u" | "u!" | "g") {
                self.groups.entry(name.to_owned()).or_insert_with(|| path.to_owned());
                self.gids.extend::<Option<u32>>(gid);
            }
        }
    }
}

impl Ranges {
    pub(crate) fn read(installed: &Installed) -> Result<Self, ProvisionError> {
        let mut text = String::new();
        for path in ["usr/etc/login.defs", "etc/login.defs"] {
            if let Some(bytes) = installed.deployment.read(path)? {
                text = String::from_utf8_lossy(&bytes).into_owned();
            }
        }
        let setting = |name: &str, usual: u32| {
            let mut lines = text.lines().map(str::split_ascii_whitespace);
            let value = lines.find_map(|mut words| (words.next() == Some(name)).then(|| words.next()));
            value.flatten().and_then(|value| value.parse().ok()).unwrap_or(usual)
        };
        Ok(Self {
            ids: setting("UID_MIN", 1000).max(1)..=setting("UID_MAX", 60_000).min(1 << 30),
            subordinate: (setting("SUB_UID_MIN", 100_000).max(1), setting("SUB_UID_COUNT", 65_536).max(1)),
        })
    }
}

/// The number of a group, wherever that is.
pub(crate) fn group_id(installed: &Installed, name: &str) -> Result<Option<u32>, ProvisionError> {
    for path in GROUP {
        let records = Records::read(installed, path)?;
        if let Some(id) = records.get(name).and_then(|record| Records::number(&record, 2)) {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

fn text(field: &[u8]) -> String {
    String::from_utf8_lossy(field).into_owned()
}
