//! `sbom.spdx.json`: the packages that are installed in the image.

use builder_packages::Manager;
use builder_spdx::{Document, Image, Package, SpdxError, Supplier};

use super::{BundleInputs, TOOL, urn};

/// The bytes of the document. Of a disk with a rollback it describes the image that boots by default.
///
/// # Errors
/// A package or a time that has no form in a document.
pub(super) fn json(inputs: &BundleInputs<'_>) -> Result<Vec<u8>, SpdxError> {
    let image = &inputs.plan.image;
    // An image may call itself by a name that is all blanks.
    let name = if image.name.trim().is_empty() { &image.digest } else { &image.name };
    let packages = inputs.packages.map_or(&[][..], |set| &set.packages);
    let mut document = Document {
        name: name.clone(),
        namespace: "urn:uuid:00000000-0000-0000-0000-000000000000".to_owned(),
        created: inputs.created,
        tool: format!("{TOOL}-{}", inputs.tool.version),
        image: Image { name: name.clone(), version: None, digest: image.digest.clone(), purl: None },
        packages: packages.iter().map(|package| describe(package, inputs.distro)).collect(),
    };
    // The namespace is the document's identity: what it says decides it, and nothing else.
    document.namespace = urn("sbom", document.to_json()?.as_bytes());
    Ok(document.to_json()?.into_bytes())
}

fn describe(package: &builder_packages::Package, distro: Option<&str>) -> Package {
    Package {
        name: package.name.clone(),
        version: Some(package.version.clone()),
        supplier: package.supplier.clone().map(|who| supplier(package.manager, who)),
        license: package.license.clone(),
        homepage: package.homepage.clone(),
        source_info: package.source.as_ref().map(|source| format!("built from {source}")),
        purl: Some(package.purl(distro)),
    }
}

/// Vendors of rpm packages are organizations. Maintainers of the others are people, unless they write from a mailing
/// list or their name says that they are several.
fn supplier(manager: Manager, who: String) -> Supplier {
    const SEVERAL: [&str; 7] = ["team", "maintainers", "developers", "group", "project", "packagers", "@lists."];
    let lower = who.to_lowercase();
    if manager == Manager::Rpm || SEVERAL.iter().any(|word| lower.contains(word)) {
        Supplier::Organization(who)
    } else {
        Supplier::Person(who)
    }
}

#[cfg(test)]
mod tests {
    use builder_packages::Manager;
    use builder_spdx::Supplier;

    use super::supplier;

    #[test]
    fn suppliers_are_people_or_several() {
        for (manager, who, person) in [
            (Manager::Dpkg, "Jo Doe <jo@debian.org>", true),
            (Manager::Dpkg, "Debian GCC Maintainers <debian-gcc@lists.debian.org>", false),
            (Manager::Dpkg, "Debian Systemd Team <a@b.org>", false),
            (Manager::Apk, "Natanael Copa <ncopa@alpinelinux.org>", true),
            (Manager::Rpm, "Fedora Project", false),
            (Manager::Rpm, "Jo", false),
        ] {
            assert_eq!(matches!(supplier(manager, who.to_owned()), Supplier::Person(_)), person, "{who}");
        }
    }
}
