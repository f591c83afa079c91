//! Paths as GRUB writes them: `(device)/path`, or `/path` on the device that the variable `root` names.

use crate::limits::{FILE_BYTES, LOOK_WORK};
use crate::machine::single_slashes;
use crate::wildcard::Names;
use crate::{Device, FileRef, Kind, Machine};

/// The devices of a machine and their files.
pub(crate) struct Files<'m> {
    machine: &'m dyn Machine,
    devices: Vec<Device>,
}

impl<'m> Files<'m> {
    pub(crate) fn new(machine: &'m dyn Machine) -> Self {
        Self { machine, devices: machine.devices() }
    }

    pub(crate) fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// The device of a name, in which the kind of partition table may be left out: `hd0,2` for `hd0,gpt2`.
    pub(crate) fn device(&self, name: &str) -> Result<&Device, String> {
        if name.is_empty() {
            return Err("no device is named, as `root` is empty".to_owned());
        }
        let exact = self.devices.iter().find(|device| device.name == name);
        exact.or_else(|| self.devices.iter().find(|device| names_device(name, &device.name))).ok_or_else(|| {
            let known: Vec<&str> = self.devices.iter().map(|device| device.name.as_str()).take(16).collect();
            format!("no device is called `{name}`; there are {}", known.join(" "))
        })
    }

    /// The file that a path names, which need not exist.
    pub(crate) fn resolve(&self, path: &str, root: &str) -> Result<FileRef, String> {
        let (name, rest) = match path.strip_prefix('(') {
            None => (root, path),
            Some(inner) => inner.split_once(')').ok_or("the `(` of a device is not closed")?,
        };
        if !rest.starts_with('/') {
            return Err("that is not a path from `/` on".to_owned());
        }
        let device = self.device(name)?;
        Ok(FileRef { device: device.id, device_name: device.name.clone(), path: single_slashes(rest) })
    }

    pub(crate) fn look(&self, file: &FileRef) -> Result<Option<Kind>, String> {
        self.machine.look(file.device, bare(&file.path)).map_err(|error| format!("{file} cannot be looked up: {error}"))
    }

    /// The file that a path names, if it is a regular file with something in it.
    pub(crate) fn existing(&self, path: &str, root: &str) -> Result<FileRef, String> {
        let file = self.resolve(path, root)?;
        match self.look(&file)? {
            Some(Kind::File(0)) => Err(format!("{file} is empty")),
            Some(Kind::File(_)) => Ok(file),
            Some(Kind::Directory) => Err(format!("{file} is a directory")),
            None => Err(format!("there is no {file}")),
        }
    }

    pub(crate) fn read(&self, file: &FileRef) -> Result<Vec<u8>, String> {
        match self.machine.read(file.device, &file.path, FILE_BYTES) {
            Ok(Some(bytes)) if bytes.len() as u64 <= FILE_BYTES => Ok(bytes),
            Ok(Some(_)) => Err(format!("{file} has more than {FILE_BYTES} bytes")),
            Ok(None) => Err(format!("there is no file {file}")),
            Err(error) => Err(format!("{file} cannot be read: {error}")),
        }
    }

    /// What a unified kernel says of its system; `None` where it says nothing.
    pub(crate) fn os_release(&self, file: &FileRef) -> Result<Option<String>, String> {
        self.machine.os_release(file.device, &file.path).map_err(|error| error.to_string())
    }

    /// Names in a directory; `None` where there is none.
    pub(crate) fn list(&self, directory: &FileRef) -> Result<Option<Vec<String>>, String> {
        self.machine
            .list(directory.device, bare(&directory.path))
            .map_err(|error| format!("{directory} cannot be listed: {error}"))
    }

    /// What `test` finds at a path.
    pub(crate) fn test(&self, path: &str, root: &str) -> Option<Kind> {
        let path = match path.trim_end_matches('/') {
            // A device by itself is its topmost directory.
            "" => "/".to_owned(),
            device if device.ends_with(')') => format!("{device}/"),
            other => other.to_owned(),
        };
        self.look(&self.resolve(&path, root).ok()?).ok().flatten()
    }
}

/// The path without a slash at its end, but for the topmost directory.
fn bare(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" => "/",
        bare => bare,
    }
}

/// Whether the name that was written means the device.
fn names_device(written: &str, device: &str) -> bool {
    let (mut written, mut device) = (written.split(','), device.split(','));
    if written.next() != device.next() {
        return false;
    }
    loop {
        match (written.next(), device.next()) {
            (None, None) => return true,
            (Some(one), Some(two)) => {
                let number = two.trim_start_matches(|first: char| first.is_ascii_alphabetic());
                if one != two && (one != number || number.is_empty()) {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

/// [`Files`] with the device that paths without one are on.
pub(crate) struct Rooted<'f, 'm> {
    pub(crate) files: &'f Files<'m>,
    pub(crate) root: &'f str,
    /// What was looked at, in units of work.
    pub(crate) work: u64,
    /// How much may be looked at.
    pub(crate) most: u64,
}

impl Names for Rooted<'_, '_> {
    fn devices(&self) -> Vec<String> {
        self.files.devices.iter().map(|device| device.name.clone()).collect()
    }

    fn list(&mut self, directory: &str) -> Vec<String> {
        if self.work > self.most {
            return Vec::new();
        }
        let resolved = self.files.resolve(directory, self.root);
        let names = resolved.and_then(|file| self.files.list(&file)).ok().flatten().unwrap_or_default();
        let bytes: usize = names.iter().map(|name| directory.len() + name.len()).sum();
        self.work += LOOK_WORK + bytes as u64;
        names
    }

    fn exists(&mut self, path: &str) -> bool {
        self.work += LOOK_WORK;
        self.files.test(path, self.root).is_some()
    }
}
