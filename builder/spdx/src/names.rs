//! Names that distributions have for licences of the SPDX list.
//!
//! Sources: Debian, "Machine-readable debian/copyright file", 7.1; Fedora's licence list before 2022 ("Callaway"); SPDX
//! License List, which also says what its own deprecated names mean now.
//!
//! Only names that mean one licence: Debian's `Artistic` and `BSD`, or Fedora's `MIT` family, do not say which text
//! they stand for; of these `MIT` alone is also a name of the list and taken as that.

/// In lower case, and the name of the list.
const SYNONYMS: [(&str, &str); 27] = [
    ("apache license 2.0", "Apache-2.0"),
    ("apache-2", "Apache-2.0"),
    ("asl 1.1", "Apache-1.1"),
    ("asl 2.0", "Apache-2.0"),
    ("artistic 2.0", "Artistic-2.0"),
    ("artistic-2", "Artistic-2.0"),
    ("boost", "BSL-1.0"),
    ("boost-1.0", "BSL-1.0"),
    ("cc-by-3", "CC-BY-3.0"),
    ("cc-by-4", "CC-BY-4.0"),
    ("cc-by-sa-3", "CC-BY-SA-3.0"),
    ("cc-by-sa-4", "CC-BY-SA-4.0"),
    ("cc0", "CC0-1.0"),
    ("cc0-1", "CC0-1.0"),
    ("epl-1", "EPL-1.0"),
    ("epl-2", "EPL-2.0"),
    ("expat", "MIT"),
    ("gfdl-niv-1.2", "GFDL-1.2-no-invariants-only"),
    ("gfdl-niv-1.2+", "GFDL-1.2-no-invariants-or-later"),
    ("gfdl-niv-1.3", "GFDL-1.3-no-invariants-only"),
    ("gfdl-niv-1.3+", "GFDL-1.3-no-invariants-or-later"),
    ("mplv1.1", "MPL-1.1"),
    ("mplv2.0", "MPL-2.0"),
    ("mpl-2", "MPL-2.0"),
    ("psf-2", "PSF-2.0"),
    ("ubuntu-font-1.0", "Ubuntu-font-1.0"),
    ("w3c-software", "W3C"),
];

/// Licences of GNU, whose names on the list say whether later versions may be chosen.
const GNU: [&str; 4] = ["AGPL", "GFDL", "GPL", "LGPL"];

/// The name on the list of the licence that is recorded as `name`, in any case; with `+` where that means later
/// versions.
pub(crate) fn license(name: &str) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    if let Some((_, listed)) = SYNONYMS.iter().find(|(synonym, _)| *synonym == lower) {
        return Some((*listed).to_owned());
    }
    if let Some(listed) = gnu(&lower) {
        return Some(listed);
    }
    let (base, later) = match name.strip_suffix('+') {
        Some(base) => (base, "+"),
        None => (name, ""),
    };
    let listed = spdx::identifiers::LICENSES.iter().find(|license| license.name.eq_ignore_ascii_case(base))?;
    Some(format!("{}{later}", listed.name))
}

/// The name on the list of an exception, in any case.
pub(crate) fn exception(name: &str) -> Option<&'static str> {
    let listed = spdx::identifiers::EXCEPTIONS.iter().find(|exception| exception.name.eq_ignore_ascii_case(name))?;
    Some(listed.name)
}

/// `gpl-2`, `gpl-2.0`, `gplv2` are version 2 alone; with `+`, or with `-or-later` as on the list, also later ones.
fn gnu(lower: &str) -> Option<String> {
    let (family, rest) = GNU.iter().find_map(|family| {
        let rest = lower.strip_prefix(&family.to_ascii_lowercase())?;
        Some((family, rest.strip_prefix('-').or_else(|| rest.strip_prefix('v'))?))
    })?;
    let (version, later) = if let Some(version) = rest.strip_suffix('+').or_else(|| rest.strip_suffix("-or-later")) {
        (version, "or-later")
    } else {
        (rest.strip_suffix("-only").unwrap_or(rest), "only")
    };
    let version = if version.contains('.') { version.to_owned() } else { format!("{version}.0") };
    let name = format!("{family}-{version}-{later}");
    spdx::license_id(&name).map(|_| name)
}

#[cfg(test)]
mod tests {
    use super::{SYNONYMS, exception, license};

    #[test]
    fn every_synonym_is_on_the_list() {
        for (synonym, listed) in SYNONYMS {
            assert!(spdx::license_id(listed).is_some(), "{listed}");
            assert_eq!(synonym, synonym.to_lowercase());
        }
    }

    #[test]
    fn names_of_distributions_are_translated() {
        for (name, expected) in [
            ("Expat", Some("MIT")),
            ("mit", Some("MIT")),
            ("GPL-2", Some("GPL-2.0-only")),
            ("GPL-2+", Some("GPL-2.0-or-later")),
            ("GPLv3+", Some("GPL-3.0-or-later")),
            ("LGPL-2.1", Some("LGPL-2.1-only")),
            ("gpl-2.0-OR-later", Some("GPL-2.0-or-later")),
            ("GPL-2.0+", Some("GPL-2.0-or-later")),
            ("AGPL-3.0-only", Some("AGPL-3.0-only")),
            ("GFDL-1.3-no-invariants-only", Some("GFDL-1.3-no-invariants-only")),
            ("BSD-3-clause", Some("BSD-3-Clause")),
            ("Apache-2.0+", Some("Apache-2.0+")),
            ("GPL", None),
            ("GPL-9", None),
            ("GPL-", None),
            ("BSD", None),
            ("Artistic", None),
            ("public-domain", None),
            ("+", None),
            ("", None),
        ] {
            assert_eq!(license(name).as_deref(), expected, "{name}");
        }
        assert_eq!(exception("classpath-Exception-2.0"), Some("Classpath-exception-2.0"));
        assert_eq!(exception("font"), None);
    }
}
