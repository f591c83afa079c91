//! Where findings are gathered while a check runs.

use std::collections::BTreeMap;

use crate::report::{Finding, Report};
use builder_block::Severity;

/// Findings of one field of one kind of structure that are kept; the rest is counted.
const MOST_ALIKE: u32 = 50;
/// Findings that are kept at all.
const MOST: usize = 2000;

/// Findings and what was left out, in the order they come.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    list: Vec<Finding>,
    alike: BTreeMap<(&'static str, String), u32>,
    more: u64,
    unchecked: Vec<String>,
    /// Set where a journal waits to be replayed: what lies on the disk may be older than what is in there, so damage
    /// cannot be told from what is merely unfinished.
    pub(crate) unfinished: bool,
}

impl Findings {
    pub(crate) fn push(&mut self, mut finding: Finding) {
        if self.unfinished && finding.severity == Severity::Error {
            finding.severity = Severity::Warning;
            finding.hint = Some("the journal may hold a newer copy: mount the file system once and check it again");
        }
        let seen = self.alike.entry((finding.structure.kind(), kind_of_field(&finding.field))).or_default();
        if *seen >= MOST_ALIKE || self.list.len() >= MOST {
            self.more += 1;
        } else if !self.list.contains(&finding) {
            // What a quick check told of an inode, the scan of all meets again.
            *seen += 1;
            self.list.push(finding);
        }
    }

    /// Adds a finding that no journal can mend.
    pub(crate) fn push_hard(&mut self, finding: Finding) {
        let unfinished = std::mem::take(&mut self.unfinished);
        self.push(finding);
        self.unfinished = unfinished;
    }

    pub(crate) fn unchecked(&mut self, sentence: impl Into<String>) {
        if self.unchecked.len() < MOST {
            self.unchecked.push(sentence.into());
        }
    }

    pub(crate) fn list_mut(&mut self) -> &mut [Finding] {
        &mut self.list
    }

    pub(crate) fn into_report(self, inodes: u64) -> Report {
        Report { findings: self.list, more: self.more, unchecked: self.unchecked, inodes }
    }
}

/// The field without the numbers in it, so that `block 17` and `block 18` are alike.
fn kind_of_field(field: &str) -> String {
    field.chars().filter(|character| !character.is_ascii_digit()).take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::{Findings, MOST_ALIKE};
    use builder_block::Severity;

    use crate::report::Finding;
    use crate::structure::Structure;

    #[test]
    fn findings_of_one_kind_do_not_hide_another() {
        let mut findings = Findings::default();
        for number in 0..MOST_ALIKE + 7 {
            findings.push(Finding::error(Structure::inode(number), "links", 1, 2));
        }
        findings.push(Finding::error(Structure::Superblock, "magic", 1, 2));
        let report = findings.into_report(0);
        assert_eq!((report.findings.len(), report.more), (MOST_ALIKE as usize + 1, 7));
    }

    #[test]
    fn an_unfinished_journal_makes_damage_a_warning() {
        let mut findings = Findings { unfinished: true, ..Findings::default() };
        findings.push(Finding::error(Structure::inode(12), "links", 1, 2));
        findings.push_hard(Finding::error(Structure::JournalSuperblock, "magic", 1, 2));
        let severities: Vec<Severity> = findings.into_report(0).findings.iter().map(|found| found.severity).collect();
        assert_eq!(severities, [Severity::Warning, Severity::Error]);
    }
}
