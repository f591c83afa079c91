//! What will be written.

use std::collections::BTreeMap;

use crate::directory::Directory;
use crate::error::ProvisionError;
use crate::homes;
use crate::installed::Installed;
use crate::labels::HomeLabels;
use crate::writing::{can_be_put, is_there, made, put};

/// Which directory a path begins in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Etc,
    Boot,
    Esp,
    /// The stateroot's.
    Var,
}

impl Place {
    fn directory(self, installed: &Installed) -> Option<&Directory> {
        match self {
            Self::Etc => Some(&installed.etc),
            Self::Boot => installed.boot.as_ref(),
            Self::Esp => installed.esp.as_ref(),
            Self::Var => installed.var.as_ref(),
        }
    }
}

/// What is to be there.
#[derive(Clone, Debug)]
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

/// What is to be there, and whose.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) content: Content,
    pub(crate) rights: Rights,
    /// User and group id, where they are not to be as `rights` says.
    pub(crate) owner: Option<(u32, u32)>,
    /// SELinux label, where it is not to be that of what is replaced.
    pub(crate) label: Option<String>,
}

/// What will be written, once each.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    files: BTreeMap<(Place, String), Change>,
    /// Lines for `tmpfiles.d`.
    tmpfiles: Vec<String>,
    notes: Vec<String>,
}

impl Changes {
    pub(crate) fn file(&mut self, place: Place, path: &str, bytes: impl Into<Vec<u8>>, rights: Rights) {
        self.add(place, path, Content::File(bytes.into()), rights);
    }

    /// A symbolic link in `/etc`.
    pub(crate) fn link(&mut self, path: &str, target: String) {
        self.add(Place::Etc, path, Content::Link(target), Rights::Kept(0o777));
    }

    /// A directory in `/etc`.
    pub(crate) fn directory(&mut self, path: &str, mode: u32) {
        self.add(Place::Etc, path, Content::Directory(mode), Rights::Kept(mode));
    }

    fn add(&mut self, place: Place, path: &str, content: Content, rights: Rights) {
        self.files.insert((place, path.to_owned()), Change { content, rights, owner: None, label: None });
    }

    /// Has all that is to be in `pattern` of `/etc` written into `home` of `/var` as well.
    pub(crate) fn copy_to_var(&mut self, pattern: &str, home: &str, owner: (u32, u32), labels: &HomeLabels) {
        let of_pattern = self.files.iter().filter_map(|((place, path), change)| {
            let below = path.strip_prefix(pattern).filter(|below| below.is_empty() || below.starts_with('/'));
            Some((below.filter(|_| *place == Place::Etc)?, change))
        });
        let copies = of_pattern.map(|(below, change)| {
            let label = Some(labels.of(below.trim_start_matches('/')).to_owned());
            ((Place::Var, format!("{home}{below}")), Change { owner: Some(owner), label, ..change.clone() })
        });
        let copies: Vec<_> = copies.collect();
        self.files.extend(copies);
    }

    /// Has root's keys written into root's home in `/var`, which may have to be made.
    pub(crate) fn root_keys_in_var(&mut self, home: &str, is_new: bool, keys: &str, labels: &HomeLabels) {
        let mut add = |path: &str, content: Content, mode: u32| {
            let label = Some(labels.of(path.trim_start_matches('/')).to_owned());
            let change = Change { content, rights: Rights::Exactly(mode, None), owner: None, label };
            self.files.insert((Place::Var, format!("{home}{path}")), change);
        };
        if is_new {
            add("", Content::Directory(0o700), 0o700);
        }
        add("/.ssh", Content::Directory(0o700), 0o700);
        add("/.ssh/authorized_keys", Content::File(keys.into()), 0o600);
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

    /// Makes sure that nothing that is there is in the way.
    pub(crate) fn check(&self, installed: &Installed) -> Result<(), ProvisionError> {
        for ((place, path), change) in &self.files {
            if let Some(directory) = place.directory(installed) {
                can_be_put(directory, path, &change.content)?;
            }
        }
        Ok(())
    }

    /// Writes all; gives the notes.
    pub(crate) fn write(self, installed: &Installed) -> Result<Vec<String>, ProvisionError> {
        self.check(installed)?;
        for ((place, path), change) in &self.files {
            if let Some(directory) = place.directory(installed) {
                let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
                put(&made(directory, parent)?, name, change, *place != Place::Esp)?;
            }
        }
        Ok(self.notes)
    }
}
