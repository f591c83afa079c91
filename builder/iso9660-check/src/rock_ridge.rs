//! System use entries: SUSP 1.12 and RRIP 1.12.

use crate::bytes::Both;
use crate::device::Device;
use crate::{BLOCK, CheckError, Finding};

/// More areas of entries than any file has.
const MOST_AREAS: usize = 64;
/// Longest name or target that is put together.
const MOST_BYTES: usize = 16_384;

/// RRIP 1.12, section 4.1.4: the name goes on; it is `.`; it is `..`.
const CONTINUE: u8 = 1;
const CURRENT: u8 = 2;
const PARENT: u8 = 4;
/// Section 4.1.3: the component is the root.
const ROOT: u8 = 8;

/// What the entries of a record say.
#[derive(Debug, Default)]
pub(crate) struct Described {
    /// The name; empty where they have none.
    pub(crate) name: Vec<u8>,
    /// The target of a symbolic link.
    pub(crate) target: Option<Vec<u8>>,
    /// Bits of the type, as `stat` has them.
    pub(crate) file_type: Option<u32>,
    /// A directory that lies elsewhere, to keep the depth: its block.
    pub(crate) child: Option<u32>,
    /// A directory that was put elsewhere, and is not seen here.
    pub(crate) is_relocated: bool,
    /// Bytes that were read beside the record.
    pub(crate) bytes: u64,
    /// What is wrong with them.
    pub(crate) findings: Vec<Finding>,
}

/// How many bytes to skip in each record, where the first one of the root says that there are such entries at all.
pub(crate) fn sharing(system_use: &[u8]) -> Option<usize> {
    match *system_use {
        [b'S', b'P', 7, _, 0xBE, 0xEF, skip, ..] => Some(usize::from(skip)),
        _ => None,
    }
}

/// Reads the entries of a record, which people know as `path`.
pub(crate) fn read(device: &Device<'_>, system_use: &[u8], path: &str) -> Result<Described, CheckError> {
    let mut found = Described::default();
    let mut area = system_use.to_vec();
    let mut targets = Targets::default();
    for _ in 0..MOST_AREAS {
        let mut next = None;
        let mut rest = &area[..];
        while let [first, second, length, _, ..] = *rest {
            if first == 0 || (first, second) == (b'S', b'T') {
                break;
            }
            let Some((entry, behind)) =
                rest.split_at_checked(usize::from(length)).filter(|(entry, _)| entry.len() >= 4)
            else {
                let text = format!("{length} bytes of {}", [first, second].escape_ascii());
                found.findings.push(Finding::error(path, "system use entry", text, "at least 4, and in its area"));
                return Ok(found);
            };
            rest = behind;
            match (first, second, entry.len()) {
                (b'N', b'M', 5..) if entry[4] & (CURRENT | PARENT) == 0 => found.name.extend_from_slice(&entry[5..]),
                (b'S', b'L', 5..) => targets.add(&entry[5..]),
                (b'P', b'X', 36..) => {
                    let mode = Both::of_32(entry, 4);
                    found.findings.extend(mode.differs(path, "mode of the entry PX"));
                    found.file_type = Some(mode.little & 0o170_000);
                }
                (b'C', b'L', 12..) => {
                    let child = Both::of_32(entry, 4);
                    found.findings.extend(child.differs(path, "block of the entry CL"));
                    found.child = Some(child.little);
                }
                (b'R', b'E', _) => found.is_relocated = true,
                (b'C', b'E', 28..) => {
                    let numbers = [4, 12, 20].map(|at| Both::of_32(entry, at));
                    for (number, field) in numbers.iter().zip(["block", "offset", "length"]) {
                        found.findings.extend(number.differs(path, &format!("{field} of the entry CE")));
                    }
                    next = Some(numbers.map(|number| number.little));
                }
                _ => {}
            }
            if found.name.len() > MOST_BYTES || targets.bytes.len() > MOST_BYTES {
                let expected = format!("at most {MOST_BYTES} bytes");
                found.findings.push(Finding::error(path, "name or target", "longer", expected));
                return Ok(found);
            }
        }
        found.target.clone_from(&targets.seen.then(|| targets.bytes.clone()));
        let Some([block, offset, length]) = next else { return Ok(found) };
        let (start, length) = (u64::from(block) * BLOCK + u64::from(offset), u64::from(length));
        if length > BLOCK || start + length > device.bytes() {
            let text = format!("{length} bytes at byte {offset} of block {block}");
            let expected = "at most a block, in the image";
            found.findings.push(Finding::error(path, "place of the entry CE", text, expected));
            return Ok(found);
        }
        found.bytes += length;
        // At most a block.
        area = vec![0; usize::try_from(length).unwrap_or_default()];
        device.read("system use entries", start, &mut area)?;
    }
    found.findings.push(Finding::error(path, "entries CE", "without an end", format!("at most {MOST_AREAS}")));
    Ok(found)
}

/// The target of a link, component by component.
#[derive(Default)]
struct Targets {
    bytes: Vec<u8>,
    seen: bool,
    /// Whether the last component goes on.
    open: bool,
}

impl Targets {
    fn add(&mut self, mut components: &[u8]) {
        while let [flags, length, rest @ ..] = components {
            let Some((text, behind)) = rest.split_at_checked(usize::from(*length)) else { return };
            components = behind;
            if self.seen && !self.open && !self.bytes.ends_with(b"/") {
                self.bytes.push(b'/');
            }
            match flags & (CURRENT | PARENT | ROOT) {
                CURRENT => self.bytes.push(b'.'),
                PARENT => self.bytes.extend_from_slice(b".."),
                ROOT => self.bytes.push(b'/'),
                _ => self.bytes.extend_from_slice(text),
            }
            (self.seen, self.open) = (true, flags & CONTINUE != 0);
        }
    }
}
