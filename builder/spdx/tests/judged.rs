//! Documents as the schema of SPDX 2.3 and a reader of licence expressions see them.

use std::collections::BTreeSet;
use std::process::Command;

use builder_spdx::{Document, Image, Package, SpdxError, Supplier};
use serde_json::Value;

fn package(name: &str, version: &str, license: &str) -> Package {
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    Package { name: name.to_owned(), version: some(version), license: some(license), ..Package::default() }
}

fn document() -> Document {
    let full = Package {
        supplier: Some(Supplier::Organization("Debian GCC Maintainers <debian-gcc@lists.debian.org>".to_owned())),
        homepage: Some("http://gcc.gnu.org/".to_owned()),
        source_info: Some("built from gcc-12 (12.2.0-14)".to_owned()),
        purl: Some("pkg:deb/debian/libstdc%2B%2B6@12.2.0-14?arch=amd64".to_owned()),
        ..package("libstdc++6", "12.2.0-14", "GPL-3+ with GCC-exception-3.1")
    };
    let hostile = Package {
        supplier: Some(Supplier::Person("Eve\n\"\\ <>".to_owned())),
        homepage: Some("javascript:alert(1)".to_owned()),
        source_info: Some("\0\u{7f}".to_owned()),
        purl: Some("pkg:deb/a b".to_owned()),
        ..package("\u{1b}[31m\"};--\n", "1\n2", "\u{0}(((\n")
    };
    Document {
        name: "example".to_owned(),
        namespace: "https://spdx.example/example-1/6ba7b810-9dad-5d11-80b4-00c04fd430c8".to_owned(),
        created: 1_700_000_000,
        tool: "diskwright-0.1.0".to_owned(),
        image: Image {
            name: "registry.example/os".to_owned(),
            version: Some("1".to_owned()),
            digest: format!("sha256:{}", "0a".repeat(32)),
            purl: Some(format!("pkg:oci/os@sha256:{}?repository_url=registry.example%2Fos", "0a".repeat(32))),
        },
        packages: vec![
            full.clone(),
            full,
            hostile,
            package("a", "", ""),
            package("bash", "5", "GPLv3+ and (ASL 2.0 or MIT)"),
            package("perl", "5", "(GPL-1+ or Artistic) AND Expat AND public-domain"),
            package("old", "1", "GPL (>= 2)"),
        ],
    }
}

/// Runs Debian's own Python, since another one has no package of Debian's; `arguments` are `sys.argv[1:]`.
fn python(package: &str, script: &str, arguments: &[&str]) {
    let output = match Command::new("/usr/bin/python3").args(["-c", script]).args(arguments).output() {
        Ok(output) => output,
        Err(error) => panic!("python3: {error}; install the Debian package `{package}`"),
    };
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!errors.contains("ModuleNotFoundError"), "install the Debian package `{package}`: {errors}");
    assert!(output.status.success(), "{}{errors}", String::from_utf8_lossy(&output.stdout));
}

/// The schema, from the source of a crate that has it.
fn schema() -> String {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    // Offline there is only what this platform needs.
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let mut metadata = Command::new(cargo);
    metadata.args(["metadata", "--format-version", "1", "--offline", "--filter-platform", &platform]);
    let output = metadata.args(["--manifest-path", manifest]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let judge = packages.iter().find(|package| package["name"] == "serde-spdx").unwrap();
    judge["manifest_path"].as_str().unwrap().replace("Cargo.toml", "schemas/spdx_2_3.json")
}

#[test]
fn documents_keep_to_the_schema() {
    let json = document().to_json().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("document.json");
    let script = "import json, sys, jsonschema\n\
                  schema, document = (json.load(open(path)) for path in sys.argv[1:])\n\
                  jsonschema.validate(document, schema)\n\
                  del document['packages'][0]['name']\n\
                  try:\n    jsonschema.validate(document, schema)\n\
                  except jsonschema.ValidationError:\n    sys.exit(0)\n\
                  sys.exit('the schema takes everything')\n";
    for text in [json, Document { packages: Vec::new(), ..document() }.to_json().unwrap()] {
        std::fs::write(&path, text).unwrap();
        python("python3-jsonschema", script, &[&schema(), path.to_str().unwrap()]);
    }
    // The types that were made of the schema know every value of every field too.
    let read: serde_spdx::spdx::v_2_3::Spdx = serde_json::from_str(&document().to_json().unwrap()).unwrap();
    assert_eq!(read.name, "example");
}

#[test]
fn license_expression_understands_every_declared_license() {
    let json: Value = serde_json::from_str(&document().to_json().unwrap()).unwrap();
    let declared = json["packages"].as_array().unwrap().iter().map(|package| package["licenseDeclared"].as_str());
    let declared: Vec<_> = declared.map(Option::unwrap).filter(|license| *license != "NOASSERTION").collect();
    assert_eq!(declared.len(), 6);
    let script = "import sys\n\
                  from license_expression import get_spdx_licensing\n\
                  for expression in sys.argv[1:]:\n\
                  \x20   licensing = get_spdx_licensing()\n\
                  \x20   parsed = licensing.parse(expression)\n\
                  \x20   unknown = [key for key in licensing.unknown_license_keys(parsed) if not key.startswith('LicenseRef-')]\n\
                  \x20   assert not unknown, (expression, unknown)\n\
                  \x20   assert parsed.render() == expression, (expression, parsed.render())\n";
    python("python3-license-expression", script, &declared);
}

/// What the schema does not say and the specification does.
#[test]
fn every_identifier_is_unique_and_every_reference_leads_somewhere() {
    let text = document().to_json().unwrap();
    assert_eq!(text, document().to_json().unwrap());
    let json: Value = serde_json::from_str(&text).unwrap();
    let packages = json["packages"].as_array().unwrap();
    let mut known = BTreeSet::from(["SPDXRef-DOCUMENT"]);
    for package in packages {
        let id = package["SPDXID"].as_str().unwrap();
        let part = id.strip_prefix("SPDXRef-").unwrap();
        assert!(part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte)), "{id}");
        assert!(known.insert(id), "{id} is there twice");
        for field in ["name", "versionInfo", "supplier", "sourceInfo"] {
            let field = package[field].as_str().unwrap_or("x");
            assert!(!field.is_empty() && !field.contains(char::is_control), "{field:?}");
        }
    }
    let relationships = json["relationships"].as_array().unwrap();
    assert_eq!(relationships.len(), packages.len());
    for relationship in relationships {
        assert!(known.contains(relationship["spdxElementId"].as_str().unwrap()), "{relationship}");
        assert!(known.contains(relationship["relatedSpdxElement"].as_str().unwrap()), "{relationship}");
    }
    assert_eq!(relationships[0]["relationshipType"], "DESCRIBES");

    let extracted = json["hasExtractedLicensingInfos"].as_array().unwrap();
    let defined: BTreeSet<_> = extracted.iter().map(|license| license["licenseId"].as_str().unwrap()).collect();
    assert_eq!(defined.len(), extracted.len());
    let used = packages.iter().flat_map(|package| {
        let license = package["licenseDeclared"].as_str().unwrap();
        license.split([' ', '(', ')']).filter(|word| word.starts_with("LicenseRef-"))
    });
    assert_eq!(used.collect::<BTreeSet<_>>(), defined);
}

#[test]
fn suppliers_and_pages_are_written_as_the_fields_want_them() {
    let json: Value = serde_json::from_str(&document().to_json().unwrap()).unwrap();
    let [image, full, _, hostile, bare, ..] = &json["packages"].as_array().unwrap()[..] else { panic!("{json}") };
    assert_eq!(image["checksums"][0]["checksumValue"], "0a".repeat(32));
    assert_eq!(full["supplier"], "Organization: Debian GCC Maintainers (debian-gcc@lists.debian.org)");
    assert_eq!(full["homepage"], "http://gcc.gnu.org/");
    assert_eq!(full["externalRefs"][0]["referenceLocator"], "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14?arch=amd64");
    assert_eq!(hostile["supplier"], "Person: Eve \"\\");
    assert_eq!((&hostile["homepage"], &hostile["externalRefs"]), (&Value::Null, &Value::Null));
    assert_eq!((&bare["supplier"], &bare["licenseDeclared"]), (&"NOASSERTION".into(), &"NOASSERTION".into()));
    assert_eq!(json["creationInfo"]["created"], "2023-11-14T22:13:20Z");
    assert_eq!(json["creationInfo"]["creators"][0], "Tool: diskwright-0.1.0");
}

#[test]
fn what_has_no_form_in_a_document_is_refused() {
    let good = document();
    let image = |digest: &str| Image { digest: digest.to_owned(), ..good.image.clone() };
    for (bad, expected) in [
        (Document { created: -1, ..good.clone() }, "the time of creation is -1 seconds"),
        (Document { namespace: "example".to_owned(), ..good.clone() }, "the namespace `example` is not"),
        (Document { namespace: "https://a/#b".to_owned(), ..good.clone() }, "the namespace `https://a/#b` is not"),
        (Document { namespace: "https://a/ b".to_owned(), ..good.clone() }, "the namespace `https://a/ b` is not"),
        (Document { name: "\n".to_owned(), ..good.clone() }, "the name of the document is empty"),
        (Document { tool: String::new(), ..good.clone() }, "the name of the tool is empty"),
        (Document { packages: vec![Package::default()], ..good.clone() }, "the name of a package is empty"),
        (Document { image: image("sha512:0a"), ..good.clone() }, "the digest `sha512:0a` is not"),
        (Document { image: image("sha256:0A"), ..good.clone() }, "the digest `sha256:0A` is not"),
        (Document { image: image(&"0".repeat(64)), ..good.clone() }, "the digest `0000"),
    ] {
        let error: SpdxError = bad.to_json().unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}
