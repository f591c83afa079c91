//! Files of accounts: a record a line, its fields between colons.
//!
//! Source: passwd(5), shadow(5), group(5), gshadow(5), subuid(5).

use crate::changes::{Changes, Place, Rights};
use crate::error::ProvisionError;
use crate::installed::Installed;

/// A file of accounts. Lines that are not touched stay byte by byte.
pub(crate) struct Records {
    /// Below the root of the deployment.
    path: String,
    lines: Vec<Vec<u8>>,
    /// Whether the file is there.
    pub(crate) is_there: bool,
    is_changed: bool,
}

impl Records {
    /// The file `path` of the deployment; without a line where it is not there.
    pub(crate) fn read(installed: &Installed, path: &str) -> Result<Self, ProvisionError> {
        if let Some(target) = installed.deployment.link(path)?
            && path.starts_with("etc/")
        {
            // Whoever made it a link wants it to be elsewhere, and the tools of accounts would put a file in its place.
            return Err(ProvisionError::LinkOut { path: format!("/{path}"), target });
        }
        let bytes = installed.deployment.read(path)?;
        let is_there = bytes.is_some();
        let bytes = bytes.unwrap_or_default();
        let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let lines =
            if text.is_empty() { Vec::new() } else { text.split(|&b| b == b'\n').map(<[u8]>::to_vec).collect() };
        Ok(Self { path: path.to_owned(), lines, is_there, is_changed: false })
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The fields of each record; comments and what NIS is to add are none.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Vec<&[u8]>> {
        let records = self.lines.iter().filter(|line| !line.is_empty() && !line.starts_with(b"#"));
        records.filter(|line| !line.starts_with(b"+") && !line.starts_with(b"-")).map(|line| fields(line))
    }

    /// The fields of the record called `name`.
    pub(crate) fn get(&self, name: &str) -> Option<Vec<&[u8]>> {
        self.iter().find(|fields| fields[0] == name.as_bytes())
    }

    /// A number in a record.
    pub(crate) fn number(fields: &[&[u8]], at: usize) -> Option<u32> {
        std::str::from_utf8(fields.get(at)?).ok()?.parse().ok()
    }

    /// Sets a field of the record called `name`; says whether there is one, with such a field.
    pub(crate) fn set(&mut self, name: &str, at: usize, value: &[u8]) -> bool {
        let line = self.lines.iter_mut().find(|line| fields(line)[0] == name.as_bytes());
        let Some(line) = line else { return false };
        let mut fields = fields(line);
        let Some(field) = fields.get_mut(at) else { return false };
        if *field != value {
            *field = value;
            *line = fields.join(&b':');
            self.is_changed = true;
        }
        true
    }

    /// Adds `member` to the list in the last field of the record called `name`; says whether there is one.
    pub(crate) fn add_member(&mut self, name: &str, member: &str) -> bool {
        let Some(record) = self.get(name) else { return false };
        let Some(members) = record.get(3) else { return false };
        let mut members: Vec<&[u8]> = members.split(|&b| b == b',').filter(|name| !name.is_empty()).collect();
        if !members.contains(&member.as_bytes()) {
            members.push(member.as_bytes());
        }
        let members = members.join(&b',');
        self.set(name, 3, &members)
    }

    /// Adds a record.
    pub(crate) fn push(&mut self, record: impl Into<Vec<u8>>) {
        self.lines.push(record.into());
        self.is_changed = true;
    }

    /// Has the file written where it changed, with the mode `mode` if it was not there.
    pub(crate) fn write(self, mode: u32, changes: &mut Changes) {
        if self.is_changed {
            let mut bytes = self.lines.join(&b'\n');
            bytes.push(b'\n');
            changes.file(Place::Etc, self.path.trim_start_matches("etc/"), bytes, Rights::Kept(mode));
        }
    }
}

fn fields(line: &[u8]) -> Vec<&[u8]> {
    line.split(|&b| b == b':').collect()
}
