//! The commit object (spec 2.8).

use crate::gvariant::{Tuple, Variant, dictionary, terminated};
use crate::{Checksum, OstreeError};

/// A tree with its story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Metadata, stored in this order.
    pub metadata: Vec<(String, Variant)>,
    /// The commit this one follows.
    pub parent: Option<Checksum>,
    /// One line about it.
    pub subject: String,
    /// More about it.
    pub body: String,
    /// When it was made, in seconds since 1970.
    pub timestamp: u64,
    /// The root directory: its dirtree and its dirmeta.
    pub root: (Checksum, Checksum),
}

impl Commit {
    /// `(a{sv}aya(say)sstayay)`.
    pub(crate) fn serialise(&self) -> Result<Vec<u8>, OstreeError> {
        let texts = self.metadata.iter().flat_map(|(key, value)| match value {
            Variant::Text(text) => [Some(key), Some(text)],
            Variant::Bytes(_) => [Some(key), None],
        });
        // A zero byte would end the string early for every reader.
        let texts = texts.flatten().chain([&self.subject, &self.body]);
        if let Some(text) = texts.into_iter().find(|text| text.contains('\0')) {
            let given = text.clone();
            return Err(OstreeError::Text { what: "a commit's text", given, problem: "has a zero byte in it" });
        }
        let parent = self.parent.as_ref().map_or(&[][..], |parent| parent.bytes());
        Ok(Tuple::default()
            .variable(8, &dictionary(&self.metadata))
            .variable(1, parent)
            // Related objects: an empty array in every commit that was ever made.
            .variable(1, &[])
            .variable(1, &terminated(self.subject.as_bytes()))
            .variable(1, &terminated(self.body.as_bytes()))
            .fixed(8, &self.timestamp.to_be_bytes())
            .variable(1, self.root.0.bytes())
            .variable(1, self.root.1.bytes())
            .finish())
    }
}

#[cfg(test)]
mod tests {
    use super::Commit;
    use crate::Checksum;

    fn root(dirtree: &str) -> (Checksum, Checksum) {
        let dirmeta = "446a0ef11b7cc167f3b603e585c7eeeeb675faa412d5ec73f62988eb0b6c5488";
        (dirtree.parse().unwrap(), dirmeta.parse().unwrap())
    }

    /// Spec 2.8.
    #[test]
    fn commits_are_those_of_the_specification() {
        let minimal = Commit {
            metadata: Vec::new(),
            parent: None,
            subject: String::new(),
            body: String::new(),
            timestamp: 0,
            root: root("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
        };
        let full = Commit {
            metadata: vec![("k".into(), "v".into())],
            parent: None,
            subject: "subj".into(),
            body: "bod".into(),
            timestamp: 1_700_000_000,
            root: root("b203b8cf6333823b9b7701086070db0785483ab6860d28dd3586df29af6879ef"),
        };
        for (commit, length, expected) in [
            (minimal, 86, "6109d33e99f48e9b90cdf8ad037b8e5d20ef899697cfd3eb492cf78800aed498"),
            (full, 102, "45cbb824d1d11b7a20c7106d3e5b7931079f2154c2e185d73f6e3dcd1378bdab"),
        ] {
            let bytes = commit.serialise().unwrap();
            assert_eq!((bytes.len(), Checksum::of(&bytes).to_string().as_str()), (length, expected));
        }
    }
}
