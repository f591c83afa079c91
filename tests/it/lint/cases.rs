//! For each check a bad image that it finds, and a good neighbour that it does not.

mod boot;
mod files;
mod system;

use std::collections::BTreeSet;

use diskwright_tests::command::diskwright;
use diskwright_tests::fixture::Image;
use serde_json::Value;

use crate::lint::reports::{found, report};

/// A check, where it finds something (nothing for the image as a whole), a bad image, and a good one.
pub(crate) type Case = (&'static str, &'static str, Image, Image);

/// Bad images with their good neighbours, for all checks.
pub(crate) fn cases() -> Vec<Case> {
    [boot::cases(), files::cases(), system::cases()].into_iter().flatten().collect()
}

/// Checks that tell of every image; they have a test of their own.
const SIZES: [&str; 3] = ["size-by-directory", "size-by-layer", "size-by-package"];

#[test]
fn every_check_finds_its_bad_image_and_passes_its_neighbour() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let mut seen: BTreeSet<String> = SIZES.iter().map(|name| (*name).to_owned()).collect();
    for (at, (check, place, bad, good)) in cases().into_iter().enumerate() {
        let images = [("bad", bad), ("good", good)];
        let [bad, good] =
            images.map(|(name, image)| report(path, &image.write(&path.join(format!("{name}-{at}"))), &[]));
        let told = found(&bad, "findings", check);
        assert!(told.iter().any(|(path, _)| *path == place), "{check} does not find {place:?}: {bad:#}");
        let told = found(&good, "findings", check);
        assert!(told.is_empty(), "{check} finds something in the neighbour: {told:?}");
        seen.insert(check.to_owned());
    }
    let list: Value = serde_json::from_str(&diskwright(path, ["lint", "--list", "--json"]).succeeded().stdout).unwrap();
    let all: BTreeSet<String> =
        list.as_array().unwrap().iter().map(|check| check["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(seen, all, "every check needs a bad image here");
}
