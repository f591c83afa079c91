//! An OVA: a tar archive of an OVF descriptor, the stream-optimised VMDK that it describes, and a manifest of their
//! checksums. DMTF DSP0243, "Open Virtualization Format", 1.1, section 5.
//!
//! The descriptor comes first and tells the disk's size, which is known last: so it has a place of fixed length, filled
//! up with white space. The manifest comes last, as the section allows.

use std::fmt::Write as _;
use std::io;

use builder_block::{Inner, Piece, Sink};
use tar::EntryType;

use super::archive::{BLOCK, END, Entry, padded};
use super::checksum::sha256;
use super::line::{Encoded, Writer, mismatch};

/// Place of the descriptor in bytes.
const DESCRIPTOR: u64 = 16 * BLOCK;

/// Where the disk begins: behind two headers and the descriptor.
const DISK: u64 = BLOCK + DESCRIPTOR + BLOCK;

/// Most characters of the system's name: each may take six bytes, and more is no name.
const MOST_CHARACTERS: usize = 256;

/// What the machine is to be.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    /// Name of the machine, of the descriptor and of the disk.
    pub(crate) name: String,
    /// The system in it, for people.
    pub(crate) system: String,
    /// Virtual size of the disk in bytes.
    pub(crate) size: u64,
    /// Unix seconds.
    pub(crate) created: i64,
}

pub(crate) struct OvaWriter {
    machine: Machine,
    disk: builder_vmdk::Writer,
}

impl OvaWriter {
    pub(crate) fn new(machine: Machine, disk: builder_vmdk::Writer) -> Self {
        Self { machine, disk }
    }
}

impl Machine {
    /// Name of the disk in the archive.
    pub(crate) fn disk_name(&self) -> String {
        format!("{}-disk1.vmdk", self.name)
    }

    fn entry<'a>(&self, path: &'a str, size: u64) -> Entry<'a> {
        let modified = u64::try_from(self.created).unwrap_or(0);
        Entry { path, kind: EntryType::Regular, size, owner: 0, modified }
    }

    fn descriptor(&self, file_size: u64) -> String {
        let mut text = include_str!("../../../templates/machine.ovf").to_owned();
        for (key, value) in [
            ("@NAME@", xml(&self.name)),
            ("@SYSTEM@", xml(&shortened(&self.system))),
            ("@DISK@", xml(&self.disk_name())),
            ("@FILE_SIZE@", file_size.to_string()),
            ("@CAPACITY@", self.size.to_string()),
        ] {
            text = text.replace(key, &value);
        }
        text
    }
}

impl Writer for OvaWriter {
    fn append(&mut self, sink: &mut dyn Sink, _: &Piece, encoded: &Encoded) -> io::Result<()> {
        let Encoded::Vmdk(encoded) = encoded else { return Err(mismatch()) };
        self.disk.append(&mut Inner::new(sink, DISK), encoded)
    }

    fn finish(self: Box<Self>, sink: &mut dyn Sink) -> io::Result<u64> {
        let Self { machine, disk } = *self;
        let length = disk.finish(&mut Inner::new(sink, DISK))?;

        let mut descriptor = machine.descriptor(length).into_bytes();
        let place = usize::try_from(DESCRIPTOR).unwrap_or_default();
        if descriptor.len() > place {
            return Err(io::Error::other("the OVF descriptor is larger than its place"));
        }
        // White space behind the document's end belongs to it (XML 1.0, production 27).
        descriptor.resize(place, b'\n');
        let descriptor_name = format!("{}.ovf", machine.name);
        sink.write_at(0, &machine.entry(&descriptor_name, DESCRIPTOR).header()?)?;
        sink.write_at(BLOCK, &descriptor)?;
        let disk_name = machine.disk_name();
        sink.write_at(BLOCK + DESCRIPTOR, &machine.entry(&disk_name, length).header()?)?;

        let mut manifest = String::new();
        for (name, digest) in
            [(&descriptor_name, sha256(sink, BLOCK, DESCRIPTOR)?), (&disk_name, sha256(sink, DISK, length)?)]
        {
            // Writing to a string does not fail.
            let _ = writeln!(manifest, "SHA256({name})= {digest}");
        }
        let at = DISK + padded(length);
        sink.write_at(at, &machine.entry(&format!("{}.mf", machine.name), manifest.len() as u64).header()?)?;
        sink.write_at(at + BLOCK, manifest.as_bytes())?;
        let end = at + BLOCK + padded(manifest.len() as u64) + END;
        sink.end_at(end)?;
        Ok(end)
    }
}

/// `text` as far as people read a name.
fn shortened(text: &str) -> String {
    let mut characters = text.chars();
    let mut short: String = characters.by_ref().take(MOST_CHARACTERS).collect();
    if characters.next().is_some() {
        short.push('…');
    }
    short
}

fn xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // Production 2 of XML 1.0 has no others of these.
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}
