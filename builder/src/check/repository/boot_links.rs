//! From the boot versions to the deployments that they boot.

use std::collections::{BTreeMap, BTreeSet};

use builder_block::Severity;
use builder_tree::join;

use super::{Check, DEPLOYMENTS_LIMIT, HINT_DEPLOY, Place, slash};

impl Check<'_> {
    /// Follows the links of the boot versions; gives the deployments that the active one leads to, `None` where it
    /// cannot be told.
    pub(super) fn boot_links(&mut self, places: &[Place]) -> Option<BTreeSet<Vec<u8>>> {
        let loader = self.root.target(b"boot/loader").unwrap_or_else(|error| {
            self.unreadable(b"boot/loader", &error);
            None
        });
        let active = match loader.as_deref() {
            Some(b"loader.0") => Some(0),
            Some(b"loader.1") => Some(1),
            Some(other) => {
                let found = other.escape_ascii().to_string();
                let what = "the link to the boot entries names no boot version";
                let hint = Some("libostree reads the text: it has to be exactly one of the two");
                self.add(Severity::Error, what, b"boot/loader", found, "loader.0 or loader.1", hint);
                None
            }
            None => {
                // Where /boot is a partition of its own, the link is there.
                let here = [&b"boot/loader.0"[..], b"boot/loader.1"].into_iter().find(|path| self.is_directory(path));
                if let Some(path) = here {
                    let what = "the link to the boot entries is gone, without which libostree knows of no deployment";
                    let (found, expected) = ("no such link".to_owned(), format!("a link beside {}", slash(path)));
                    self.add(Severity::Error, what, b"boot/loader", found, expected, Some(HINT_DEPLOY));
                }
                None
            }
        };
        let mut known: BTreeMap<u8, BTreeSet<Vec<u8>>> = BTreeMap::new();
        for version in [0, 1] {
            let path = format!("ostree/boot.{version}").into_bytes();
            let target = match self.root.target(&path) {
                Ok(Some(target)) => target,
                Ok(None) => continue,
                Err(error) => {
                    self.unreadable(&path, &error);
                    continue;
                }
            };
            let severity =
                if active.is_none_or(|active| active == version) { Severity::Error } else { Severity::Warning };
            let expected = [format!("boot.{version}.0").into_bytes(), format!("boot.{version}.1").into_bytes()];
            if !expected.contains(&target) {
                let (found, expected) =
                    (target.escape_ascii().to_string(), format!("boot.{version}.0 or boot.{version}.1"));
                let what = "the link of a boot version leads elsewhere";
                self.add(severity, what, &path, found, expected, Some(HINT_DEPLOY));
                continue;
            }
            let found = self.links(severity, &join(b"ostree", &target), places);
            known.insert(version, found);
        }
        let active = active.or_else(|| (known.len() == 1).then(|| known.keys().next().copied()).flatten());
        let Some(active) = active else {
            if known.is_empty() && !places.is_empty() {
                let what = "there is no link from a boot version to a deployment, so nothing is booted";
                let (found, expected) = ("neither boot.0 nor boot.1", "one of them");
                self.add(Severity::Error, what, b"ostree", found, expected, Some(HINT_DEPLOY));
                return None;
            }
            self.report
                .notes
                .push("which boot version is active is not said in /boot/loader of this file system".to_owned());
            return (!known.is_empty()).then(|| known.into_values().flatten().collect());
        };
        Some(known.remove(&active).unwrap_or_else(|| {
            let path = format!("ostree/boot.{active}");
            let what = "the active boot version has no links to deployments";
            self.add(Severity::Error, what, path.as_bytes(), "no such link", "a link", Some(HINT_DEPLOY));
            BTreeSet::new()
        }))
    }

    /// The deployments that the links `STATEROOT/BOOTCSUM/SERIAL` below `directory` lead to.
    fn links(&mut self, severity: Severity, directory: &[u8], places: &[Place]) -> BTreeSet<Vec<u8>> {
        let mut found = BTreeSet::new();
        if !self.is_directory(directory) {
            let what = "the directory that a boot version stands for is missing";
            self.add(severity, what, directory, "no such directory", "a directory", Some(HINT_DEPLOY));
            return found;
        }
        let mut seen = 0;
        for stateroot in self.names(directory) {
            let path = join(directory, &stateroot);
            for kernel in self.names(&path) {
                let path = join(&path, &kernel);
                for serial in self.names(&path) {
                    seen += 1;
                    if seen > DEPLOYMENTS_LIMIT {
                        return found;
                    }
                    let path = join(&path, &serial);
                    if let Some(deployment) = self.link(severity, &path, &stateroot, places) {
                        found.insert(deployment);
                    }
                }
            }
        }
        found
    }

    fn link(&mut self, severity: Severity, path: &[u8], stateroot: &[u8], places: &[Place]) -> Option<Vec<u8>> {
        let target = match self.root.target(path).and_then(|target| Ok((target, self.root.find(path)?))) {
            Ok(target) => target,
            Err(error) => {
                self.unreadable(path, &error);
                return None;
            }
        };
        let (Some(target), found) = target else {
            let what = "what should lead to a deployment is no symbolic link";
            self.add(severity, what, path, "another type of file", "a symbolic link", Some(HINT_DEPLOY));
            return None;
        };
        let place = found.as_ref().and_then(|found| places.iter().find(|place| place.path == *found));
        let expected = format!("../../../deploy/{}/deploy/CHECKSUM.SERIAL", stateroot.escape_ascii());
        let Some(place) = place.filter(|place| place.stateroot == stateroot) else {
            let what = match found {
                Some(_) => "a boot link leads to something else than a deployment of its stateroot",
                None => "a boot link leads nowhere",
            };
            self.add(severity, what, path, target.escape_ascii().to_string(), expected, Some(HINT_DEPLOY));
            return None;
        };
        if !target.starts_with(b"../../../deploy/") {
            let what = "a boot link is not of the form that libostree reads";
            self.add(severity, what, path, target.escape_ascii().to_string(), expected, Some(HINT_DEPLOY));
        }
        Some(place.path.clone())
    }
}
