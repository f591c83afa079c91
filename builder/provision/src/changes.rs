//! What will be written.

use std::collections::BTreeMap;

use crate::directory::Directory;
use crate::error::ProvisionError;
use crate::homes;
use crate::installed::Installed;
use crate::writing::{can_be_put, is_there, made, put};

/// Which directory a path begins in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Etc,
    Boot,
    Esp,
}

impl Place {
    fn directory(self, installed: &Installed) -> Option<&Directory> {
        match self {
            Self::Etc => Some(&installed.etc),
            Self::Boot => installed.boot.as_ref(),
            Self::Esp => installed.esp.as_ref(),
        }
    }
}

/// What is to be there.
#[derive(Debug)]
pub(crate) enum Content {
    File(Vec<u8>),
    Link(String),
    /// A directory with this mode.
    Directory(u32),
}

/// Who may do what with a file.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rights {
    /// As the file that is replaced has it, or with this mode where there was none.
    Kept(u32),
    /// With this mode, and of this group or the directory's.
    Exactly(u32, Option<u32>),
}

/// What will be written, once each.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    files: BTreeMap<(Place, String), (Content, Rights)>,
    /// Lines for `tmpfiles.d`.
    tmpfiles: Vec<String>,
    notes: Vec<String>,
}

impl Changes {
    pub(crate) fn file(&mut self, place: Place, path: &str, bytes: impl Into<Vec<u8>>, rights: Rights) {
        self.files.insert((place, path.to_owned()), (Content::File(bytes.into()), rights));
    }

    /// A symbolic link in `/etc`.
    pub(crate) fn link(&mut self, path: &str, target: String) {
        self.files.insert((Place::Etc, path.to_owned()), (Content::Link(target), Rights::Kept(0o777)));
    }

    /// A directory in `/etc`.
    pub(crate) fn directory(&mut self, path: &str, mode: u32) {
        self.files.insert((Place::Etc, path.to_owned()), (Content::Directory(mode), Rights::Kept(mode)));
    }

    pub(crate) fn tmpfiles(&mut self, line: String) {
        self.tmpfiles.push(line);
    }

    pub(crate) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    pub(crate) fn touch_etc(&self) -> bool {
        self.files.keys().any(|(place, _)| *place == Place::Etc)
    }

    /// Has systemd label what was not there before, and puts all lines of `tmpfiles.d` into their file.
    pub(crate) fn relabel(&mut self, installed: &Installed) -> Result<(), ProvisionError> {
        if installed.labelled {
            let of_etc = self.files.keys().filter(|(place, _)| *place == Place::Etc);
            // Nothing but systemd-tmpfiles itself reads the patterns of homes.
            for (_, path) in of_etc.filter(|(_, path)| !path.starts_with(homes::PATTERNS)) {
                if !is_there(&installed.etc, path)? && !path.contains([' ', '%', '"', '\'', '\\']) {
                    self.tmpfiles.push(format!("z /etc/{path} - - - -"));
                }
            }
        }
        if !self.tmpfiles.is_empty() {
            let text = format!("# What the installer was asked for.\n{}\n", self.tmpfiles.join("\n"));
            self.file(Place::Etc, homes::TMPFILES, text, Rights::Kept(0o644));
        }
        Ok(())
    }

    /// Writes all; gives the notes.
    pub(crate) fn write(self, installed: &Installed) -> Result<Vec<String>, ProvisionError> {
        for ((place, path), (content, _)) in &self.files {
            if let Some(directory) = place.directory(installed) {
                can_be_put(directory, path, content)?;
            }
        }
        for ((place, path), (content, rights)) in &self.files {
            if let Some(directory) = place.directory(installed) {
                // FAT has neither owners nor labels.
                let rights = (*place != Place::Esp).then_some(*rights);
                let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
                put(&made(directory, parent)?, name, content, rights)?;
            }
        }
        Ok(self.notes)
    }
}
