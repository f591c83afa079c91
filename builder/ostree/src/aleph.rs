//! `/.bootc-aleph.json`: what the disk was made from (spec 5.10). Nothing reads it to run.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::json;

/// The provenance of a disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aleph {
    /// Where the image was read, without the transport; left out where that says nothing later.
    pub image: Option<String>,
    /// Digest of the manifest.
    pub digest: String,
    /// The image that upgrades follow, without the transport: [`crate::TargetImage::name`].
    pub target_image: String,
    /// The labels of the image's configuration.
    pub labels: BTreeMap<String, String>,
    /// The image's version.
    pub version: Option<String>,
    /// When the image was made, as RFC 3339 has it.
    pub timestamp: Option<String>,
    /// What made the disk; bootc puts the installing kernel's release here.
    pub kernel: String,
    /// `enabled`, `disabled`, `host-disabled` or `force-target-disabled`.
    pub selinux: String,
}

impl Aleph {
    /// One line of canonical JSON, without an end of line, as bootc writes it.
    #[must_use]
    pub fn text(&self) -> String {
        let mut members = Map::new();
        if let Some(image) = &self.image {
            members.insert("image".to_owned(), image.as_str().into());
        }
        if !self.labels.is_empty() {
            let labels = self.labels.iter().map(|(name, value)| (name.clone(), value.as_str().into()));
            members.insert("labels".to_owned(), Value::Object(labels.collect()));
        }
        let optional = |text: &Option<String>| text.as_deref().map_or(Value::Null, Value::from);
        for (name, value) in [
            ("digest", self.digest.as_str().into()),
            ("target-image", self.target_image.as_str().into()),
            ("version", optional(&self.version)),
            ("timestamp", optional(&self.timestamp)),
            ("kernel", self.kernel.as_str().into()),
            ("selinux", self.selinux.as_str().into()),
        ] {
            members.insert(name.to_owned(), value);
        }
        json::write(&Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::Aleph;

    #[test]
    fn the_text_is_canonical() {
        let aleph = Aleph {
            digest: "sha256:ab".into(),
            target_image: "quay.io/x".into(),
            labels: [("b".to_owned(), "1".to_owned()), ("a".to_owned(), "2".to_owned())].into(),
            kernel: "none".into(),
            selinux: "disabled".into(),
            ..Aleph::default()
        };
        assert_eq!(
            aleph.text(),
            r#"{"digest":"sha256:ab","kernel":"none","labels":{"a":"2","b":"1"},"selinux":"disabled","target-image":"quay.io/x","timestamp":null,"version":null}"#
        );
    }
}
