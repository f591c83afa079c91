//! One seed, many names: every UUID, volume id and timestamp of a disk.

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Where all identity of a disk comes from: the image's digest and what was asked for.
///
/// Each role has its own value, so no two file systems of a disk share a UUID; the same image and the same request
/// give the same values on every machine and every day.
#[derive(Clone, Debug)]
pub struct Identity {
    seed: [u8; 32],
    created: i64,
}

impl Identity {
    /// The identity of the image `manifest_digest`, built with the request `recipe` (its canonical text) and dated
    /// `created` (seconds since 1970).
    #[must_use]
    pub fn new(manifest_digest: &str, recipe: &str, created: i64) -> Self {
        let mut hasher = Sha256::new();
        for part in ["diskwright identity 1", manifest_digest, recipe] {
            // The length keeps two parts from being read as one.
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Self { seed: hasher.finalize().into(), created }
    }

    /// The time of everything that is made, not copied from the image, in seconds since 1970.
    #[must_use]
    pub fn created(&self) -> i64 {
        self.created
    }

    fn bytes(&self, role: &str) -> [u8; 32] {
        Sha256::new_with_prefix(self.seed).chain_update(role).finalize().into()
    }

    /// A UUID (version 8, RFC 9562) for `role`.
    #[must_use]
    pub fn uuid(&self, role: &str) -> Uuid {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&self.bytes(role)[..16]);
        Uuid::new_v8(bytes)
    }

    /// A FAT volume id for `role`; never zero.
    #[must_use]
    pub fn volume_id(&self, role: &str) -> u32 {
        let bytes = self.bytes(role);
        u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]).max(1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Identity;

    #[test]
    fn every_role_image_and_recipe_has_its_own_uuid() {
        let mut seen = BTreeSet::new();
        for (image, recipe) in [("sha256:a", "r"), ("sha256:b", "r"), ("sha256:a", "s"), ("sha256:ar", "")] {
            for role in ["disk", "root", "esp"] {
                assert!(seen.insert(Identity::new(image, recipe, 0).uuid(role)));
            }
        }
        let again = Identity::new("sha256:a", "r", 7);
        assert!(seen.contains(&again.uuid("root")), "the date is not part of the identity");
    }
}
