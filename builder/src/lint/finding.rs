//! What a check found, and the list that it writes to.

use std::borrow::Cow;

use builder_tree::DisplayPath;
use serde::{Serialize, Serializer};

use crate::lint::allow::AllowList;
use crate::lint::check::{Check, Severity};

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The check that found it.
    pub check: &'static str,
    /// How bad it is: that of the check.
    pub severity: Severity,
    /// Where it is, without a leading slash; `None` where it is the image as a whole.
    #[serde(serialize_with = "display")]
    pub path: Option<Vec<u8>>,
    /// What is wrong there.
    pub message: String,
    /// What to do: lines for a Containerfile, words as comments.
    pub fix: Cow<'static, str>,
}

impl Finding {
    /// Where it is, in words; `None` where it is the image as a whole.
    #[must_use]
    pub fn place(&self) -> Option<String> {
        self.path.as_ref().map(|path| DisplayPath(path).to_string())
    }
}

/// A finding that somebody allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Allowed {
    /// What was found.
    #[serde(flatten)]
    pub finding: Finding,
    /// Who allowed it: `--allow`, or a file and its line.
    pub by: String,
    /// Why, where that is said.
    pub why: Option<String>,
}

fn display<S: Serializer>(path: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
    match path {
        Some(path) => serializer.collect_str(&DisplayPath(path)),
        None => serializer.serialize_none(),
    }
}

/// Takes what one check finds: the first ones are kept, the others counted.
#[derive(Debug)]
pub(crate) struct Findings<'a> {
    pub(crate) check: &'static Check,
    allow: &'a AllowList,
    /// How many of each kind are kept.
    most: usize,
    pub(crate) found: Vec<Finding>,
    /// Those that were found besides.
    pub(crate) more: u64,
    pub(crate) allowed: Vec<Allowed>,
    /// Those that were found and allowed besides.
    pub(crate) allowed_more: u64,
}

impl<'a> Findings<'a> {
    pub(crate) fn new(check: &'static Check, allow: &'a AllowList, most: usize) -> Self {
        Self { check, allow, most, found: Vec::new(), more: 0, allowed: Vec::new(), allowed_more: 0 }
    }

    /// Something is wrong with the image as a whole.
    pub(crate) fn image(&mut self, message: impl Into<String>) {
        self.add(None, message.into(), Cow::Borrowed(self.check.fix));
    }

    /// Something is wrong at `path`.
    pub(crate) fn at(&mut self, path: &[u8], message: impl Into<String>) {
        self.add(Some(path), message.into(), Cow::Borrowed(self.check.fix));
    }

    /// The same, with a fix that is more to the point than the check's own.
    pub(crate) fn at_with_fix(&mut self, path: &[u8], message: impl Into<String>, fix: impl Into<Cow<'static, str>>) {
        self.add(Some(path), message.into(), fix.into());
    }

    fn add(&mut self, path: Option<&[u8]>, message: String, fix: Cow<'static, str>) {
        let Check { name, severity, .. } = *self.check;
        let finding = Finding { check: name, severity, path: path.map(<[u8]>::to_vec), message, fix };
        match self.allow.covers(name, path) {
            Some(entry) if self.allowed.len() < self.most => {
                self.allowed.push(Allowed { finding, by: entry.by(), why: entry.why.clone() });
            }
            Some(_) => self.allowed_more = self.allowed_more.saturating_add(1),
            None if self.found.len() < self.most => self.found.push(finding),
            None => self.more = self.more.saturating_add(1),
        }
    }

    /// How many were found that nobody allowed.
    pub(crate) fn count(&self) -> u64 {
        self.more.saturating_add(self.found.len() as u64)
    }

    /// How many were found and allowed.
    pub(crate) fn allowed_count(&self) -> u64 {
        self.allowed_more.saturating_add(self.allowed.len() as u64)
    }
}
