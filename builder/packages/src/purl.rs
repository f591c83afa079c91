//! Package URLs.
//!
//! Source: package-url/purl-spec, ECMA-427: "Rules for each purl component", "Character encoding", and the definitions
//! of the types `deb`, `rpm` and `apk`.

use std::fmt::Write as _;

use crate::{Manager, Package};

impl Package {
    /// The package as a package URL: `pkg:deb/debian/libgcc-s1@12.2.0-14%2Bdeb12u1?arch=amd64&distro=debian-12`.
    ///
    /// `distro` is `ID` or `ID-VERSION_ID` of the image's os-release, and what is taken for the version begins with a
    /// digit and has no further dash. Without it the URL has no namespace, which the types ask for.
    #[must_use]
    pub fn purl(&self, distro: Option<&str>) -> String {
        let (kind, name) = match self.manager {
            // Names of these two are in lower case; rpm's keep theirs.
            Manager::Dpkg => ("deb", self.name.to_lowercase()),
            Manager::Apk => ("apk", self.name.to_lowercase()),
            Manager::Rpm => ("rpm", self.name.clone()),
        };
        let (epoch, version) = match self.manager {
            // The epoch of an rpm is a qualifier, that of a deb is part of the version.
            Manager::Rpm => match self.version.split_once(':') {
                Some((epoch, version)) => (Some(epoch), version),
                None => (None, self.version.as_str()),
            },
            Manager::Dpkg | Manager::Apk => (None, self.version.as_str()),
        };
        let mut url = format!("pkg:{kind}/");
        if let Some(distro) = distro.filter(|distro| !distro.is_empty()) {
            let (id, _) = split_distro(distro);
            encode(&mut url, &id.to_lowercase());
            url.push('/');
        }
        encode(&mut url, &name);
        url.push('@');
        encode(&mut url, version);
        // In the order of their keys. The key `distro` is for what tells more than the namespace.
        let distro = distro.filter(|&distro| split_distro(distro).1.is_some());
        let qualifiers = [("arch", self.architecture.as_deref()), ("distro", distro), ("epoch", epoch)];
        let present = qualifiers.into_iter().filter_map(|(key, value)| Some((key, value?)));
        for (index, (key, value)) in present.filter(|(_, value)| !value.is_empty()).enumerate() {
            url.push(if index == 0 { '?' } else { '&' });
            url.push_str(key);
            url.push('=');
            encode(&mut url, value);
        }
        url
    }
}

/// `ID` and `VERSION_ID` of `ID-VERSION_ID`.
fn split_distro(distro: &str) -> (&str, Option<&str>) {
    match distro.rsplit_once('-') {
        Some((id, version)) if !id.is_empty() && version.starts_with(|c: char| c.is_ascii_digit()) => {
            (id, Some(version))
        }
        _ => (distro, None),
    }
}

/// Appends `text` with everything percent-encoded but letters, digits, `.-_~` and the colon.
fn encode(url: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_~:".contains(&byte) {
            url.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(url, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Manager, Package};

    #[test]
    fn package_urls_are_canonical() {
        for (manager, name, version, architecture, distro, expected) in [
            // From the tests of purl-spec.
            (
                Manager::Dpkg,
                "attr",
                "1:2.4.47-2+b1",
                "amd64",
                Some("debian"),
                "pkg:deb/debian/attr@1:2.4.47-2%2Bb1?arch=amd64",
            ),
            (
                Manager::Rpm,
                "curl",
                "7.50.3-1.fc25",
                "i386",
                Some("fedora-25"),
                "pkg:rpm/fedora/curl@7.50.3-1.fc25?arch=i386&distro=fedora-25",
            ),
            (Manager::Apk, "curl", "7.83.0-r0", "x86", Some("alpine"), "pkg:apk/alpine/curl@7.83.0-r0?arch=x86"),
            // Every rule of its own.
            (Manager::Rpm, "perl-URI", "1:5.12~rc1^git-1", "", None, "pkg:rpm/perl-URI@5.12~rc1%5Egit-1?epoch=1"),
            (
                Manager::Dpkg,
                "libstdc++6",
                "12",
                "amd64",
                Some("debian-12"),
                "pkg:deb/debian/libstdc%2B%2B6@12?arch=amd64&distro=debian-12",
            ),
            (
                Manager::Rpm,
                "a",
                "1",
                "noarch",
                Some("opensuse-leap-15.5"),
                "pkg:rpm/opensuse-leap/a@1?arch=noarch&distro=opensuse-leap-15.5",
            ),
            (
                Manager::Rpm,
                "a",
                "1",
                "noarch",
                Some("opensuse-tumbleweed"),
                "pkg:rpm/opensuse-tumbleweed/a@1?arch=noarch",
            ),
            (Manager::Dpkg, "a/../?b#ü%", "1@2 3", "", Some(""), "pkg:deb/a%2F..%2F%3Fb%23%C3%BC%25@1%402%203"),
        ] {
            let mut package = Package::new(manager, name.to_owned(), version.to_owned());
            package.architecture = Some(architecture.to_owned()).filter(|text| !text.is_empty());
            assert_eq!(package.purl(distro), expected);
        }
    }
}
