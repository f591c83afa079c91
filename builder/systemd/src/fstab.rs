//! `/etc/fstab`.
//!
//! Source: fstab(5); which lines count is libmount's answer (`findmnt --fstab`).

use builder_tree::FileTree;

use crate::place::{LastLink, follow};
use crate::read::Reader;
use crate::shown::Shown;
use crate::{FileProblem, Finding, ReadError, Severity};

/// A line of `fstab`, with `\040` and other octal escapes undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FstabEntry {
    /// What is mounted: a device, or `UUID=` and its like.
    pub source: Vec<u8>,
    /// Where; `none` for swap.
    pub target: Vec<u8>,
    /// The type of the file system.
    pub fstype: Vec<u8>,
    /// Options with commas between; empty where the field is missing.
    pub options: Vec<u8>,
    /// Whether dump(8) saves it; 0 where the field is missing.
    pub freq: i32,
    /// When fsck(8) checks it; 0, which is also where the field is missing, for never.
    pub passno: i32,
    /// Line, counted from 1.
    pub line: usize,
}

impl FstabEntry {
    /// Whether the option stands in the list, alone or with `=` and a value.
    #[must_use]
    pub fn has_option(&self, name: &[u8]) -> bool {
        self.options
            .split(|&byte| byte == b',')
            .any(|option| option.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"=")))
    }
}

/// What is wrong with `fstab`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FstabProblem {
    /// The file is not read.
    #[error("{0}")]
    File(
        /// Why.
        FileProblem,
    ),
    /// Fewer than three fields; the line is passed over.
    #[error("parse error: the line has {0} fields, and needs source, target and type")]
    FewFields(
        /// How many.
        usize,
    ),
    /// The fifth or sixth field is no number; the line is passed over.
    #[error("parse error: {field} is '{}', not a number", Shown(.value))]
    Number {
        /// `freq` or `passno`.
        field: &'static str,
        /// What stands there.
        value: Vec<u8>,
    },
}

impl FstabProblem {
    /// How much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        Severity::Error
    }
}

/// The mounts an image asks for.
#[derive(Clone, Debug, Default)]
pub struct Fstab {
    /// In order.
    pub entries: Vec<FstabEntry>,
    /// What is wrong with the file.
    pub findings: Vec<Finding<FstabProblem>>,
}

impl Fstab {
    /// Reads `etc/fstab`, or `usr/etc/fstab` where there is none. A missing file has no entries.
    ///
    /// # Errors
    /// [`ReadError`] for a file that is too large or cannot be read. Malformed lines are findings.
    pub fn read(tree: &FileTree) -> Result<Self, ReadError> {
        let mut fstab = Self::default();
        let Some(path) = [&b"etc/fstab"[..], b"usr/etc/fstab"].into_iter().find(|path| tree.get(path).is_some()) else {
            return Ok(fstab);
        };
        let problem = match follow(tree, path, LastLink::Follow).map(|place| place.node) {
            Err(_) => FileProblem::Loop,
            Ok(None) => FileProblem::Dangling,
            Ok(Some(node)) => match node.as_leaf().and_then(|inode| inode.content()) {
                None => FileProblem::NotAFile(node.kind_name()),
                Some(content) => {
                    let text = Reader::new().read(path, content)?;
                    fstab.entries = parse_fstab(path, &text, &mut fstab.findings);
                    return Ok(fstab);
                }
            },
        };
        fstab.findings.push(Finding::of(path, FstabProblem::File(problem)));
        Ok(fstab)
    }
}

/// The entries of an `fstab`; what is wrong goes to `findings` under the name `file`.
#[must_use]
pub fn parse_fstab(file: &[u8], text: &[u8], findings: &mut Vec<Finding<FstabProblem>>) -> Vec<FstabEntry> {
    let mut entries = Vec::new();
    for (index, line) in text.split(|&byte| byte == b'\n').enumerate() {
        let number = index + 1;
        match entry(number, line) {
            Ok(found) => entries.extend(found),
            Err(problem) => findings.push(Finding::at(file, number, problem)),
        }
    }
    entries
}

fn entry(line: usize, text: &[u8]) -> Result<Option<FstabEntry>, FstabProblem> {
    let blank = |byte: &u8| *byte == b' ' || *byte == b'\t';
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    let fields: Vec<&[u8]> = text.split(blank).filter(|field| !field.is_empty()).take(6).collect();
    match fields.first() {
        None => return Ok(None),
        Some(first) if first.starts_with(b"#") => return Ok(None),
        Some(_) if fields.len() < 3 => return Err(FstabProblem::FewFields(fields.len())),
        Some(_) => {}
    }
    let field = |index: usize| fields.get(index).map_or_else(Vec::new, |field| unescape(field));
    let number = |index: usize, name| {
        let Some(&value) = fields.get(index) else { return Ok(0) };
        let parsed = std::str::from_utf8(value).ok().and_then(|value| value.parse().ok());
        parsed.ok_or_else(|| FstabProblem::Number { field: name, value: value.to_vec() })
    };
    let (freq, passno) = (number(4, "freq")?, number(5, "passno")?);
    Ok(Some(FstabEntry { source: field(0), target: field(1), fstype: field(2), options: field(3), freq, passno, line }))
}

/// Undoes `\NNN`; any other backslash stays.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&byte, behind)) = rest.split_first() {
        let digits = behind.get(..3).filter(|digits| digits.iter().all(|digit| (b'0'..=b'7').contains(digit)));
        let octal = digits.filter(|_| byte == b'\\').and_then(|digits| {
            let value = digits.iter().fold(0_u16, |value, digit| value * 8 + u16::from(digit - b'0'));
            u8::try_from(value).ok()
        });
        match octal {
            Some(value) => {
                out.push(value);
                rest = &behind[3..];
            }
            None => {
                out.push(byte);
                rest = behind;
            }
        }
    }
    out
}
