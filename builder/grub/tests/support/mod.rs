//! A machine in memory.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::io;

use builder_grub::{Device, DeviceId, GrubStart, Kind, Machine, Menu, follow_grub};

pub(crate) const ESP: DeviceId = DeviceId(1);
pub(crate) const BOOT: DeviceId = DeviceId(2);

/// Devices and their files; directories are there where a file is in them.
#[derive(Clone, Default)]
pub(crate) struct Disk {
    devices: Vec<Device>,
    files: BTreeMap<(DeviceId, String), Vec<u8>>,
}

impl Disk {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn with_devices(devices: Vec<Device>) -> Self {
        Self { devices, files: BTreeMap::new() }
    }

    /// With an ESP `hd0,gpt1` and a file system `hd0,gpt2`.
    pub(crate) fn usual(uuid: &str, label: &str) -> Self {
        Self::new()
            .device(DeviceId(0), "hd0", "", "")
            .device(ESP, "hd0,gpt1", "1234-ABCD", "EFI-SYSTEM")
            .device(BOOT, "hd0,gpt2", uuid, label)
    }

    pub(crate) fn device(mut self, id: DeviceId, name: &str, uuid: &str, label: &str) -> Self {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        self.devices.push(Device { uuid: some(uuid), label: some(label), ..Device::new(id, name) });
        self
    }

    pub(crate) fn file(mut self, device: DeviceId, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.files.insert((device, path.to_owned()), content.as_ref().to_vec());
        self
    }

    pub(crate) fn without(mut self, device: DeviceId, path: &str) -> Self {
        self.files.remove(&(device, path.to_owned())).unwrap();
        self
    }

    fn below<'d>(&'d self, device: DeviceId, directory: &'d str) -> impl Iterator<Item = &'d str> {
        let prefix = if directory == "/" { "/".to_owned() } else { format!("{directory}/") };
        self.files.keys().filter(move |(on, _)| *on == device).filter_map(move |(_, path)| path.strip_prefix(&prefix))
    }
}

impl Machine for Disk {
    fn devices(&self) -> Vec<Device> {
        self.devices.clone()
    }

    fn read(&self, device: DeviceId, path: &str, limit: u64) -> io::Result<Option<Vec<u8>>> {
        match self.files.get(&(device, path.to_owned())) {
            Some(bytes) if bytes.len() as u64 > limit => Err(io::Error::other("too large")),
            found => Ok(found.cloned()),
        }
    }

    fn list(&self, device: DeviceId, directory: &str) -> io::Result<Option<Vec<String>>> {
        let mut names: Vec<String> = Vec::new();
        for rest in self.below(device, directory) {
            let name = rest.split('/').next().unwrap().to_owned();
            if names.last() != Some(&name) {
                names.push(name);
            }
        }
        Ok((!names.is_empty()).then_some(names))
    }

    fn look(&self, device: DeviceId, path: &str) -> io::Result<Option<Kind>> {
        if let Some(bytes) = self.files.get(&(device, path.to_owned())) {
            return Ok(Some(Kind::File(bytes.len() as u64)));
        }
        let is_directory = path == "/" || self.below(device, path).next().is_some();
        Ok(is_directory.then_some(Kind::Directory))
    }

    /// Here a program is its `.osrel` and nothing else.
    fn os_release(&self, device: DeviceId, path: &str) -> io::Result<Option<String>> {
        match self.files.get(&(device, path.to_owned())).map(|bytes| String::from_utf8_lossy(bytes).into_owned()) {
            Some(text) if text == "MZ" => Ok(None),
            Some(text) => Ok(Some(text)),
            None => Err(io::Error::other("it is no program")),
        }
    }
}

/// An environment block with these lines.
pub(crate) fn block(lines: &str) -> Vec<u8> {
    let mut bytes = format!("# GRUB Environment Block\n{lines}").into_bytes();
    bytes.resize(1024, b'#');
    bytes
}

/// What GRUB makes of a configuration on the ESP of a disk.
pub(crate) fn menu_of(disk: &Disk, text: &str) -> Menu {
    let disk = disk.clone().file(ESP, "/EFI/debian/grub.cfg", text);
    follow_grub(&disk, &GrubStart::new(ESP, "/EFI/debian", true)).unwrap()
}

/// Remarks, one a line.
pub(crate) fn lines<T: ToString>(remarks: &[T]) -> String {
    remarks.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// The index, kernel, initramfs files and arguments of the default entry.
pub(crate) fn default_of(menu: &Menu) -> (usize, String, String, String) {
    let entry = menu.default_entry().unwrap_or_else(|| panic!("no default: {menu:#?}"));
    assert!(entry.starts(), "{entry:#?}");
    let kernel = entry.kernel.as_ref().map(ToString::to_string).unwrap_or_default();
    (menu.default.unwrap(), kernel, lines(&entry.initrds), entry.arguments.clone())
}
